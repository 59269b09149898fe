"""Services without a healthcheck: whether what their target declares for them answers."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Mapping
from dataclasses import replace
from urllib.parse import urlsplit

from gonogo.model.observation import Trouble
from gonogo.model.release import Instance
from gonogo.probes._fetch import fetch

PATIENCE = 30.0
"""Seconds after its start in which a service that does not answer yet is no failure."""
_TIMEOUT = 3.0
_REDIRECTS = 300


def asked(seen: Iterable[Instance], answers: Mapping[str, str]) -> tuple[Instance, ...]:
    """The instances, where a running one without a healthcheck has the health that its answer shows."""
    told: dict[str, bool] = {}
    found = []
    for one in seen:
        url = answers.get(one.service)
        if url is None or one.health or one.status != "running":
            found.append(one)
            continue
        if one.service not in told:
            told[one.service] = answering(url)
        health = "healthy" if told[one.service] else "unhealthy"
        found.append(replace(one, health=health, start_period=PATIENCE))
    return tuple(found)


def answering(url: str) -> bool:
    """Whether `tcp://host:port` takes a connection, or a GET of `http://…` gets a status of 2xx."""
    parts = urlsplit(url)
    if parts.scheme == "tcp":
        try:
            with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=_TIMEOUT):
                return True
        except OSError:
            return False
    answer = fetch(url, method="GET", headers={"User-Agent": "gonogo"}, timeout=_TIMEOUT, follow=0)
    return not isinstance(answer, Trouble) and answer.status < _REDIRECTS
