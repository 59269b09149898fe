"""The nouns of gonogo: frozen dataclasses and enums, without I/O."""
