"""Is a release slower than earlier ones, or does chance explain it: the rule of `docs/adr` on baselines, as code."""

from __future__ import annotations

import math
from collections.abc import Sequence

from gonogo.frozen import dataclass
from gonogo.model.baseline import Figures
from gonogo.statistics.quantiles import median
from gonogo.statistics.ranks import greater

FEWEST_FOR_RANKS = 6
"""Earlier runs from which on the rank test decides instead of the standard error."""
MOST_FOR_RANKS = 10
"""Of more, the latest: what the machine was like long ago says little."""
SIGNIFICANT = 0.01
"""The most p may be: Kayenta's confidence is 0.98, two-sided."""
LARGE = 0.71
"""The least effect: what Vargha and Delaney (2000) call large."""
_FAR = 2
_FEW = 5
_ONE_PERCENT, _ONE_PERCENT_OF_FEW = 2.326, 2.821
"""Standard errors that chance exceeds in one of a hundred cases, one-sided: normal; with fewer than five earlier runs
Student's t with nine degrees of freedom, for then the spread itself is hardly known."""
_MEDIAN_OF_NORMAL = math.pi / 2
"""How much more the median of a normal sample varies than its mean."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One part's 95th percentile against that of earlier runs."""

    runs: int
    now: float
    before: float
    """Median of those runs, in ms."""
    beyond_slack: bool
    """Whether it is an increase of more than the absolute slack."""
    beyond_chance: bool
    p: float | None = None
    effect: float | None = None
    noise: float | None = None
    """The difference in ms that chance alone may make; None: not known, or told by ranks instead."""

    @property
    def counts(self) -> bool:
        """Whether the difference is an increase beyond the absolute slack and beyond chance."""
        return self.beyond_slack and self.beyond_chance

    def doubtful(self, within: float) -> bool:
        """Whether the run was too unsteady to tell: far slower than allowed, which chance may or may not explain.

        Far is twice as much as `within` per cent. A run that slows down at its very end looks so: nine tenths are as
        ever, and the 95th percentile is the tenth's.
        """
        return self.beyond_slack and not self.beyond_chance and self.measured_pct > _FAR * within

    @property
    def measured_pct(self) -> float:
        """The change as measured, in per cent."""
        return 100 * (self.now / self.before - 1)

    @property
    def change_pct(self) -> float:
        """The change that counts: an increase that slack or chance explains is none."""
        return self.measured_pct if self.counts or self.now <= self.before else 0.0


def compare(now: Figures, earlier: Sequence[Figures], *, runs: int, slack_ms: float) -> Compared | None:
    """Compare with earlier runs, the oldest first; None where there is none, or their median is 0.

    Args:
        now: The figures in question.
        earlier: Those of comparable runs.
        runs: How many of the latest make the median.
        slack_ms: An increase of at most so many ms counts for nothing.
    """
    chosen = earlier[-runs:]
    before = median([one.p95 for one in chosen]) if chosen else 0.0
    if before <= 0:
        return None
    rise = now.p95 - before
    ranked = [one.tenths for one in earlier[-max(runs, MOST_FOR_RANKS) :] if one.tenths]
    if now.tenths and len(ranked) >= FEWEST_FOR_RANKS:
        test = greater(now.tenths, [tenth for tenths in ranked for tenth in tenths])
        by_rank = test.p < SIGNIFICANT and test.effect >= LARGE
        return Compared(len(chosen), now.p95, before, rise > slack_ms, by_rank, p=test.p, effect=test.effect)
    noise = _noise(now, chosen)
    return Compared(len(chosen), now.p95, before, rise > slack_ms, rise > (noise or 0.0), noise=noise)


def _noise(now: Figures, chosen: Sequence[Figures]) -> float | None:
    """What chance may add: the standard error of both sides, told by how far the tenths of a run lie apart."""
    errors = [error for one in chosen if (error := _standard_error(one)) is not None]
    mine = _standard_error(now)
    if mine is None or len(errors) < len(chosen):
        return None
    theirs = math.sqrt(sum(error**2 for error in errors) / len(errors)) / math.sqrt(len(errors))
    widened = _MEDIAN_OF_NORMAL if len(errors) > 2 else 1.0  # noqa: PLR2004 - of two, the median is the mean
    errors_that_chance_makes = _ONE_PERCENT if len(chosen) >= _FEW else _ONE_PERCENT_OF_FEW
    return errors_that_chance_makes * math.sqrt(mine**2 + widened * theirs**2)


def _standard_error(one: Figures) -> float | None:
    n = len(one.tenths)
    if n < 2:  # noqa: PLR2004 - one value has no spread
        return None
    mean = sum(one.tenths) / n
    return math.sqrt(sum((tenth - mean) ** 2 for tenth in one.tenths) / (n - 1) / n)
