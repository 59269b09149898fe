"""Ask each tool for its own report while a command runs: wrappers that stand in front of it, and what they do."""

from gonogo.shim.wrappers import MARK, REPORTS, Record, Written, collect, prepare, troubles

__all__ = ["MARK", "REPORTS", "Record", "Written", "collect", "prepare", "troubles"]
