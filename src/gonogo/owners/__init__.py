"""Named people: who speaks for which owner, their keys, and what they have signed."""
