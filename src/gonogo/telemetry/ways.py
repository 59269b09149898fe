"""Who is told of a run: what settings ask for, and what the checklist lists under `notify:`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gonogo.config import Settings
from gonogo.frozen import dataclass
from gonogo.model import codec
from gonogo.model.notice import DECISION, WAITING, NoticeSpec
from gonogo.model.plan import Plan
from gonogo.notices._post import prepare
from gonogo.plugins import NotSent, Registry
from gonogo.telemetry.courier import Way
from gonogo.telemetry.messages import message
from gonogo.telemetry.moments import Moment, What

_AT_THE_END = frozenset({What.ENDED})
_OF_NOTICES = {DECISION: What.ENDED, WAITING: What.WAITING}


def ways(plan: Plan, settings: Settings, registry: Registry, variables: Mapping[str, str]) -> Iterator[Way]:
    """Each place to be told, in a way of its own: one that hangs holds up no other."""
    if settings.traces:
        from gonogo.telemetry import traces  # each only where it is asked for

        yield Way("traces", _AT_THE_END, traces.send, traces.prepare)
    if settings.events:
        from gonogo.telemetry.events import Events

        yield Way("events", frozenset(What) - {What.WAITING}, Events(settings.events).send, prepare)
    if settings.metrics_file is not None:
        from gonogo.telemetry.metrics import ToFile

        yield Way("metrics file", _AT_THE_END, ToFile(settings.metrics_file).send)
    if settings.metrics_push:
        from gonogo.telemetry.metrics import ToGateway

        yield Way("metrics push", _AT_THE_END, ToGateway(settings.metrics_push).send, prepare)
    for number, spec in enumerate(plan.notify, start=1):
        takes = frozenset(_OF_NOTICES[one] for one in spec.about)
        if DECISION not in spec.about:  # a run that does not stay says at its end that it waits
            takes |= _AT_THE_END
        yield Way(f"notice {number} ({spec.kind})", takes, _Telling(spec, registry, variables).send, prepare)


@dataclass(frozen=True, slots=True)
class _Telling:
    """One entry of `notify:`."""

    spec: NoticeSpec
    registry: Registry
    variables: Mapping[str, str]

    def send(self, moment: Moment, seconds: float) -> None:
        told = message(moment, self.spec.about)
        if told is None:
            return
        kind = self.registry.notices.get(self.spec.kind)
        if kind is None:
            raise NotSent(f"there is no kind of notice `{self.spec.kind}` here")
        kind.function(codec.load(kind.params, self.spec.params), told, self.variables, seconds)
