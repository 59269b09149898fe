"""Text that people wrote as data, with the place of every piece: what all reviewed YAML files are read with."""
