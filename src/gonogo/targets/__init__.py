"""Where releases are put: one file per kind of target."""
