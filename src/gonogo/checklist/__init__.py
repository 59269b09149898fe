"""Text a person wrote -> `Checklist`, or every mistake in it at once (`docs/reference/checklist.md`)."""

from gonogo.checklist.clauses import ClauseReading
from gonogo.checklist.export import to_markdown, to_yaml
from gonogo.checklist.loading import Loaded, explain, find, load
from gonogo.checklist.schema import schema

__all__ = ["ClauseReading", "Loaded", "explain", "find", "load", "schema", "to_markdown", "to_yaml"]
