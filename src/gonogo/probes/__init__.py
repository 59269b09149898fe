"""Read-only looks at the world: one file per kind."""
