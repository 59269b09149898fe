"""Bytes on their way to disk or screen: redacted first, then hashed, then stored."""
