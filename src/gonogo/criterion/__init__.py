"""One boolean line of CEL over observations: compile it, check its types, evaluate it with its distance.

cel-python parses and evaluates; the types are checked here, over its parse tree, so that comparing unlike things is
a mistake of the checklist and never an answer (`docs/adr/0002-cel.md`, `docs/reference/criteria.md`).
"""

from gonogo.criterion.compiled import Compiled, compile  # noqa: A004 - the word the reader expects
from gonogo.criterion.condition import CONDITION_TYPES, check_context, context
from gonogo.criterion.evaluation import Evaluation

__all__ = ["CONDITION_TYPES", "Compiled", "Evaluation", "check_context", "compile", "context"]
