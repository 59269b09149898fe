"""Text a person wrote -> `Checklist`, or every mistake in it at once (`docs/reference/checklist.md`).

`export` and `schema` are modules of their own: a run needs neither.
"""

from gonogo.checklist.clauses import ClauseReading
from gonogo.checklist.loading import Loaded, explain, find, load

__all__ = ["ClauseReading", "Loaded", "explain", "find", "load"]
