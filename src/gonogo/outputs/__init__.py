"""A run rendered for somebody: pure functions of the ledger's view."""
