"""Putting releases on targets: what rollouts and rollbacks share."""
