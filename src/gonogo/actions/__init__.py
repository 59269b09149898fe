"""What changes the world, at most once per attempt: one file per kind."""
