"""The kind `slack`: a message for a Slack-compatible incoming webhook (Slack, Mattermost, Rocket.Chat)."""

from __future__ import annotations

from collections.abc import Mapping

from gonogo.frozen import dataclass
from gonogo.notices._post import as_json, check_variable, send, value_of
from gonogo.plugins import Message, notice

_ESCAPED = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
"""https://docs.slack.dev/messaging/formatting-message-text: so that no text of a run mentions or links anybody."""
_LONGEST = 3000
"""Characters; Slack cuts longer texts apart."""


@dataclass(frozen=True, slots=True)
class SlackParams:
    """Where the message goes."""

    url_from: str
    """Name of the variable that holds the URL of the incoming webhook."""

    def __post_init__(self) -> None:
        check_variable("url_from", self.url_from)


@notice("slack")
def slack(params: SlackParams, message: Message, variables: Mapping[str, str], seconds: float) -> None:
    """Sends a message to an incoming webhook of Slack, or of what takes the same: Mattermost, Rocket.Chat.

    The text names nobody: what a run says is escaped, so that it can neither mention nor link.
    """
    text = "\n".join([f"*{_escaped(message.title)}*", *(f"• {_escaped(line)}" for line in message.lines)])
    if len(text) > _LONGEST:
        text = f"{text[:_LONGEST].rpartition(chr(10))[0]}\n…"
    headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "gonogo"}
    send(value_of(variables, params.url_from), as_json({"text": text}), headers, seconds)


def _escaped(text: str) -> str:
    return text.translate(_ESCAPED).replace("*", "\N{ASTERISK OPERATOR}")
