"""A double of an SMTP server (RFC 5321): one session at a time, and it keeps the letters it takes."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import BinaryIO


@dataclass
class SmtpDouble:
    """What came, and what it answers."""

    url: str = ""
    lines: list[str] = field(default_factory=list)
    """Everything said to it, without the letters."""
    letters: list[bytes] = field(default_factory=list)
    offers: tuple[str, ...] = ("8BITMIME", "SMTPUTF8", "AUTH PLAIN LOGIN")
    to_senders: list[str] = field(default_factory=lambda: ["250 ok"])
    """Replies to MAIL FROM, in turn; the last one for ever."""
    over: threading.Event = field(default_factory=threading.Event)

    def session(self, stream: BinaryIO, out: BinaryIO) -> None:
        out.write(b"220 double ESMTP\r\n")
        while line := stream.readline().decode().rstrip("\r\n"):
            self.lines.append(line)
            word = line.split()[0].upper()
            if word == "QUIT":
                out.write(b"221 bye\r\n")
                return
            if word == "DATA":
                out.write(b"354 go on\r\n")
                letter = b""
                while (part := stream.readline()) != b".\r\n":
                    letter += part
                self.letters.append(letter)
            out.write((self.reply(word) + "\r\n").encode())

    def reply(self, word: str) -> str:
        if word == "EHLO":
            return "\r\n".join(["250-double", *(f"250-{offer}" for offer in self.offers), "250 HELP"])
        if word == "MAIL":
            return self.to_senders.pop(0) if len(self.to_senders) > 1 else self.to_senders[0]
        return "235 in" if word == "AUTH" else "250 ok"


@contextmanager
def smtp_double(*, offers: tuple[str, ...] | None = None, to_senders: list[str] | None = None) -> Iterator[SmtpDouble]:
    double = SmtpDouble()
    double.offers = double.offers if offers is None else offers
    double.to_senders = to_senders or double.to_senders

    def serve() -> None:
        while not double.over.is_set():
            try:
                connection, _ = listening.accept()
            except TimeoutError:
                continue
            with connection, connection.makefile("rb") as stream, connection.makefile("wb", buffering=0) as out:
                try:
                    double.session(stream, out)  # type: ignore[arg-type]  # an unbuffered file is a raw one
                except (ConnectionError, IndexError):
                    continue

    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.05)
        double.url = f"smtp://127.0.0.1:{listening.getsockname()[1]}"
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield double
        finally:
            double.over.set()
            thread.join(5)
