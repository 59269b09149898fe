"""The kind `webhook`: a JSON document by HTTP POST."""

from __future__ import annotations

from collections.abc import Mapping

from gonogo.frozen import dataclass
from gonogo.notices._post import as_json, check_variable, send, value_of
from gonogo.plugins import Message, notice


@dataclass(frozen=True, slots=True)
class WebhookParams:
    """Where the document goes."""

    url_from: str
    """Name of the variable that holds the URL."""
    token_from: str = ""
    """Name of the variable that holds a bearer token (RFC 6750). Empty: none is sent."""

    def __post_init__(self) -> None:
        check_variable("url_from", self.url_from)
        if self.token_from:
            check_variable("token_from", self.token_from)


@notice("webhook")
def webhook(params: WebhookParams, message: Message, variables: Mapping[str, str], seconds: float) -> None:
    """Sends a JSON document by HTTP POST to any address.

    Its fields: `id` (the same for every try), `occasion`, `title`, `lines`, `run`, `checklist`, `target`, `commit`,
    `decision` (or null), `state`, `gates` (outcome -> how many), `reasons` and `waiting_for`. Any 2xx is an
    acknowledgement; 408, 425, 429, 500, 502, 503, 504, silence and a broken connection are tried again.
    """
    headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "gonogo"}
    if params.token_from:
        headers["Authorization"] = f"Bearer {value_of(variables, params.token_from)}"
    send(value_of(variables, params.url_from), as_json(message.facts), headers, seconds)
