"""A run sealed into one file, and that file proven by whoever holds it: offline, without plugins or processes."""
