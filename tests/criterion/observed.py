"""Declarations and readings that the tests of criteria and judging share."""

from __future__ import annotations

from collections.abc import Mapping

from gonogo import families, plugins
from gonogo.model.observation import Combine, Finding, Observation, ObservationType, Reading, Trouble, Type, Value

_FAMILIES = (
    families.TESTS,
    families.COVERAGE,
    families.LINT,
    families.FORMAT,
    families.TYPES,
    families.VULNERABILITIES,
)

TYPES: Mapping[str, ObservationType] = {
    type_.name: type_
    for type_ in (
        *(type_ for family in _FAMILIES for type_ in family.types),
        *plugins.COMMAND_OBSERVATIONS,
        ObservationType("hooks.active", Type.BOOL, "the hooks refuse a bad message", combine=Combine.ALL),
        ObservationType("p95", Type.DOUBLE, "95th percentile of the latency", unit="ms", combine=Combine.MAX),
        ObservationType("http.status", Type.INT, "status code of the answer", combine=Combine.MAX),
        ObservationType("release.name", Type.STRING, "what is deployed"),
        ObservationType("coverage.lines", Type.INT, "a name that is the beginning of another"),
        ObservationType("parity.names", Type.LIST, "missing keys", combine=Combine.JOIN),
    )
}


def reading(
    values: Mapping[str, Value] | None = None,
    *,
    findings: tuple[Finding, ...] = (),
    troubles: tuple[Trouble, ...] = (),
    notes: tuple[str, ...] = (),
) -> Reading:
    """A reading of these values, by name."""
    observations = tuple(Observation(name, value) for name, value in (values or {}).items())
    return Reading(observations, findings, notes, troubles)
