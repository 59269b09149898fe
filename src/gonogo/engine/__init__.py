"""Drives a plan so that `kill -9` at any line loses nothing."""

from __future__ import annotations

from gonogo.engine.listener import Listener, Silent
from gonogo.engine.run import resume, run
from gonogo.engine.words import deliver, resolve

__all__ = ["Listener", "Silent", "deliver", "resolve", "resume", "run"]
