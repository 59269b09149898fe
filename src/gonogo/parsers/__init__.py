"""Formats that tools write: pure functions from stored bytes to observations and findings."""
