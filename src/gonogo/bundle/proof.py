"""A proof as a list of numbered claims: each says what must hold, how it was checked, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from enum import StrEnum
from typing import Any, TypeVar

from gonogo.errors import GonogoError, OperationError
from gonogo.frozen import dataclass
from gonogo.model.outcome import ExitCode

T = TypeVar("T")


class Finding(StrEnum):
    """What came of a claim."""

    HOLDS = "holds"
    BROKEN = "broken"
    OPEN = "open"
    """It could not be checked here; that proves nothing, and is not taken for proof."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim."""

    number: int
    text: str
    how: str
    """How it was checked."""
    found: Finding
    told: str = ""
    """What was seen; for a broken claim, why."""


class Unchecked(GonogoError):
    """A claim could not be checked: what it needs is not here."""

    exit_code = 4


class Stopped(Exception):
    """A claim is broken: those after it rest on it."""


@dataclass(slots=True)
class Proof:
    """The claims made so far."""

    claims: list[Claim] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    """What the bundle is of: run, decision, commit, target, signers. Told as data only where every claim holds."""

    def claim(self, text: str, how: str, check: Callable[[], tuple[T, str]]) -> T:
        """Check a claim; gives what the check found, which later claims rest on.

        Whatever goes wrong in the check is the bundle's fault: this is where foreign bytes are believed or not.

        Raises:
            Stopped: It does not hold, or could not be checked.
        """
        number = len(self.claims) + 1
        found, why = Finding.BROKEN, ""
        try:
            value, why = check()
        except Unchecked as error:
            found, why = Finding.OPEN, error.message
        except OperationError:
            raise  # the machine's fault, not the bundle's
        except GonogoError as error:
            why = error.message
        except OSError as error:
            raise OperationError(f"the bundle cannot be read: {error.strerror}", help="copy it anew") from error
        except (RecursionError, ArithmeticError, LookupError, TypeError, ValueError, AttributeError) as error:
            why = f"it is not of its form ({type(error).__name__})"
        else:
            self.claims.append(Claim(number, text, how, Finding.HOLDS, why))
            return value
        self.claims.append(Claim(number, text, how, found, why))
        raise Stopped(why)

    @property
    def broken(self) -> Claim | None:
        """The claim that does not hold, or could not be checked; None: all hold."""
        return next((claim for claim in self.claims if claim.found is not Finding.HOLDS), None)

    @property
    def exit_code(self) -> ExitCode:
        """0 where every claim holds, 5 where one is broken, 4 where one could not be checked."""
        broken = self.broken
        if broken is None:
            return ExitCode.GO
        return ExitCode.INTEGRITY if broken.found is Finding.BROKEN else ExitCode.COULD_NOT_FINISH

    def data(self) -> dict[str, Any]:
        """As plain JSON data."""
        proven = self.broken is None
        return {
            "format": "gonogo.proof/1",
            "proven": proven,
            **(self.facts if proven else {}),
            "claims": [
                {"number": c.number, "claim": c.text, "how": c.how, "result": c.found.value, "told": c.told}
                for c in self.claims
            ],
        }
