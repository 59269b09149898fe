"""Pure: criteria on readings, waivers, verdicts, the decision. No process, socket, database or clock."""

from gonogo.judge.decision import decide
from gonogo.judge.gate import judge
from gonogo.judge.standing import Standing, standings

__all__ = ["Standing", "decide", "judge", "standings"]
