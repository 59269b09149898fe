"""Somebody who uses the example over HTTP, as the page does."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

from tests.containers.bed import Example


class Member:
    """Logs in on the first call; nothing of it outlives the test."""

    def __init__(self, example: Example, name: str = "Ada") -> None:
        self.example = example
        self.name = name
        self._token = ""

    def health(self) -> dict[str, Any]:
        """What `/health` says."""
        found: dict[str, Any] = self._call("GET", "/health")
        return found

    def ask(self, title: str) -> str:
        """Ask for a film; the id of the request."""
        self._log_in()
        wish = {"title": title, "kind": "film", "year": 1922}
        return str(self._call("POST", "/api/requests", wish)["id"])

    def wishes(self) -> list[dict[str, Any]]:
        """The member's requests, newest first."""
        self._log_in()
        found: list[dict[str, Any]] = self._call("GET", "/api/requests")["requests"]
        return found

    def _log_in(self) -> None:
        if not self._token:
            body = {"name": self.name, "accessCode": self.example.values["ACCESS_CODE"]}
            self._token = self._call("POST", "/api/session", body)["token"]

    def _call(self, method: str, path: str, body: object = None) -> Any:
        headers = {"content-type": "application/json"}
        if self._token:
            headers["authorization"] = f"Bearer {self._token}"
        data = None if body is None else json.dumps(body).encode()
        call = urllib.request.Request(self.example.url + path, data, headers, method=method)
        with urllib.request.urlopen(call, timeout=10) as answer:
            return json.load(answer)
