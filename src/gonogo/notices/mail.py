"""The kind `mail`: a plain text message by SMTP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, unquote, urlsplit

from gonogo.frozen import dataclass
from gonogo.notices._post import check_variable, value_of
from gonogo.plugins import Message, NotSent, notice

if TYPE_CHECKING:
    from email.message import EmailMessage
    from smtplib import SMTP

_SUBMISSION, _SUBMISSIONS = 587, 465
"""Ports of RFC 6409 and RFC 8314."""
_TRANSIENT = range(400, 500)
"""Replies that say "not now" (RFC 5321, 4.2.1)."""


@dataclass(frozen=True, slots=True)
class MailParams:
    """Who writes to whom, by which server."""

    to: tuple[str, ...]
    """Addresses."""
    sender: str
    """The address it comes from."""
    server_from: str
    """Name of the variable that holds the server's URL: `smtp://user:password@host:587`, or `smtps://`."""

    def __post_init__(self) -> None:
        check_variable("server_from", self.server_from)
        for address in (*self.to, self.sender):
            if "@" not in address or any(c.isspace() or not c.isprintable() for c in address):
                raise ValueError("an address must be written as `ada@example.org`")
        if not self.to:
            raise ValueError("`to` must name an address")


@notice("mail")
def mail(params: MailParams, message: Message, variables: Mapping[str, str], seconds: float) -> None:
    """Sends a plain text message by SMTP.

    With `smtp://` the connection is encrypted where the server offers STARTTLS; a password is never sent unencrypted.
    Replies of the 4xx sort, silence and a broken connection are tried again.
    """
    import smtplib  # only where something is sent

    at = _address(value_of(variables, params.server_from), params.server_from)
    try:
        with _connected(at, seconds) as server:
            _log_in(server, at)
            server.send_message(_letter(params, message), params.sender, list(params.to))
    except smtplib.SMTPResponseException as error:
        code = int(error.smtp_code)
        raise NotSent(f"the server answered {code}", again=code in _TRANSIENT) from None
    except smtplib.SMTPRecipientsRefused as error:
        codes = sorted({int(code) for code, _ in error.recipients.values()})
        again = all(code in _TRANSIENT for code in codes)
        raise NotSent(f"the server refused every recipient: {', '.join(map(str, codes))}", again=again) from None
    except smtplib.SMTPServerDisconnected:  # which is how smtplib tells silence, too
        raise NotSent(f"the server hung up, or said nothing for {seconds:g} s", again=True) from None
    except TimeoutError:
        raise NotSent(f"no answer within {seconds:g} s", again=True) from None
    except (smtplib.SMTPException, OSError) as error:
        raise NotSent(f"the exchange broke off ({type(error).__name__})", again=True) from None


def _address(url: str, name: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"smtp", "smtps"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise NotSent(f"the variable `{name}` holds no `smtp://` or `smtps://` URL")
    return parts


def _connected(at: SplitResult, seconds: float) -> SMTP:
    import smtplib
    import ssl

    host = at.hostname or ""
    if at.scheme == "smtps":
        return smtplib.SMTP_SSL(host, at.port or _SUBMISSIONS, timeout=seconds, context=ssl.create_default_context())
    return smtplib.SMTP(host, at.port or _SUBMISSION, timeout=seconds)


def _log_in(server: SMTP, at: SplitResult) -> None:
    import ssl

    server.ehlo()
    encrypted = at.scheme == "smtps"
    if not encrypted and server.has_extn("starttls"):
        server.starttls(context=ssl.create_default_context())
        server.ehlo()
        encrypted = True
    if at.username is None:
        return
    if not encrypted:
        raise NotSent("the server offers no encryption, and a password is never sent without")
    server.login(unquote(at.username), unquote(at.password or ""))


def _letter(params: MailParams, message: Message) -> EmailMessage:
    """The message; its id is the same for every try, so that a mailbox shows it once (RFC 5322, 3.6.4)."""
    from email.message import EmailMessage
    from email.utils import formatdate

    letter = EmailMessage()
    letter["Subject"] = message.title
    letter["From"] = params.sender
    letter["To"] = ", ".join(params.to)
    letter["Date"] = formatdate()
    letter["Message-ID"] = f"<{message.id}@gonogo.invalid>"
    letter["Auto-Submitted"] = "auto-generated"  # RFC 3834: no answering machine answers
    letter.set_content("\n".join([message.title, "", *message.lines, ""]))
    return letter
