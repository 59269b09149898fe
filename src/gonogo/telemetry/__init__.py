"""Watching gonogo itself: traces, events, metrics and notices of runs. Nothing here can break a run."""
