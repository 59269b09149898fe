"""The command line: one file per command. `main` imports nothing heavy; each command imports its own."""
