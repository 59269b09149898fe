"""Secrets by their shape, said once: for taking them out of what is kept, and for looking for them in tracked files.

A literal anchor finds the place; a regular expression looks at that place alone, forward only, and over at most `reach`
bytes. `search` is how git finds the files that may hold one, in the words that POSIX extended and Python's expressions
share: wider than the expression, never narrower.
"""

from __future__ import annotations

import re
from functools import cache

from gonogo.frozen import dataclass


@dataclass(frozen=True, slots=True)
class Shape:
    """One kind of secret."""

    rule: str
    """What a finding calls it."""
    anchors: tuple[bytes, ...]
    """Texts with which every match begins."""
    expression: bytes
    """Its group, or the whole match where there is none, is the secret."""
    reach: int
    """Bytes from the anchor on that matter."""
    search: str
    example: bytes
    """Text with such a secret in it, in two halves so that no file holds one; the halves are joined."""

    @property
    def compiled(self) -> re.Pattern[bytes]:
        """The expression; compiled where it is first asked for, since a run may meet none."""
        return _compiled(self.expression)


@cache
def _compiled(expression: bytes) -> re.Pattern[bytes]:
    return re.compile(expression)


SHAPES = (
    Shape(
        "private-key",
        (b"-----BEGIN ",),
        rb"-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----"
        rb"(?:[A-Za-z0-9+/=\s\\:,|_]|-(?!----)){0,20000}+"
        rb"(?:-----END (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----)?",
        20480,
        r"-----BEGIN ([A-Z0-9]+ )*PRIVATE KEY( BLOCK)?-----",
        b"-----BEGIN RSA " + b"PRIVATE KEY-----",
    ),
    Shape(
        "url-password",
        (b"://",),
        rb"://[^\s/?#\"'<>:@\\]{0,256}:(?!\[redacted\]@|\*+@|\$\{?\w+\}?@)([^\s/\"'<>\\]{1,1024})@(?=[\w\[.$\x80-\xff-])",
        2048,
        r"://[^ /?#\"'<>:@]*:[^ /\"'<>]+@",
        b"postgres://portal:" + b"f8Kq2mV9@db.portal.io/portal",
    ),
    Shape(
        "aws-secret-key",
        (b"ecret_access_key", b"ECRET_ACCESS_KEY", b"ecretAccessKey"),
        rb"(?i:ecret_?access_?key)\\?[\"']?\s{0,2}[:=]\s{0,2}\\?[\"']?([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+])",
        128,
        r"[sS](ecret_access_key|ECRET_ACCESS_KEY|ecretAccessKey)",
        b"aws_secret_access_key = " + b"q7Gh2+Lm9/Xw4Zt6Rb1Nc8Vd3Kp5Js0Fy7Ua2Ei4",
    ),
    Shape(
        "jwt",
        (b"eyJ",),
        rb"eyJ[A-Za-z0-9_-]{8,4096}\.(?:eyJ[A-Za-z0-9_-]{4,8192}|[A-Za-z0-9_-]{8,8192}(?=\.[A-Za-z0-9_-]{8}))"
        rb"(?:\.[A-Za-z0-9_-]{0,4096}){0,3}",
        16384,
        r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{7,}",
        b"eyJhbGciOiJIUzI1NiJ9" + b".eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N",
    ),
    Shape(
        "aws-access-key",
        (b"AKIA", b"ASIA"),
        rb"A[KS]IA[0-9A-Z]{16}",
        32,
        r"A[KS]IA[0-9A-Z]{16}",
        b"AKIA" + b"QWERTYUIOPASDFGH",
    ),
    Shape(
        "google-api-key",
        (b"AIza",),
        rb"AIza[0-9A-Za-z_-]{35}",
        64,
        r"AIza[0-9A-Za-z_-]{35}",
        b"AIza" + b"SyA1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q",
    ),
    Shape(
        "github-token",
        (b"ghp_", b"gho_", b"ghu_", b"ghs_", b"ghr_"),
        rb"gh[pousr]_[A-Za-z0-9]{20,255}",
        512,
        r"gh[pousr]_[A-Za-z0-9]{20}",
        b"ghp_" + b"a1B2" * 9,
    ),
    Shape(
        "github-fine-grained-token",
        (b"github_pat_",),
        rb"github_pat_[A-Za-z0-9_]{20,255}",
        512,
        r"github_pat_[A-Za-z0-9_]{20}",
        b"github_pat_" + b"a1B2c3D4_e5F6" * 4,
    ),
    Shape(
        "gitlab-token",
        (b"glpat-",),
        rb"glpat-[A-Za-z0-9_-]{20,255}",
        512,
        r"glpat-[A-Za-z0-9_-]{20}",
        b"glpat-" + b"a1B2c3D4e5F6g7H8i9J0",
    ),
    Shape(
        "npm-token",
        (b"npm_",),
        rb"npm_[A-Za-z0-9]{36,255}",
        512,
        r"npm_[A-Za-z0-9]{36}",
        b"npm_" + b"a1B2" * 9,
    ),
    Shape(
        "docker-token",
        (b"dckr_pat_",),
        rb"dckr_pat_[A-Za-z0-9_-]{20,255}",
        512,
        r"dckr_pat_[A-Za-z0-9_-]{20}",
        b"dckr_pat_" + b"a1B2c3D4e5F6g7H8i9J0k1L2m3N",
    ),
    Shape(
        "stripe-live-key",
        (b"sk_live_", b"rk_live_"),
        rb"[sr]k_live_[A-Za-z0-9]{16,255}",
        512,
        r"[sr]k_live_[A-Za-z0-9]{16}",
        b"sk_live_" + b"a1B2c3D4e5F6g7H8i9J0k1L2",
    ),
    Shape(
        "slack-token",
        tuple(b"xox%c-" % letter for letter in b"abeoprs"),
        rb"xox[abeoprs]-[A-Za-z0-9-]{10,255}",
        512,
        r"xox[abeoprs]-[A-Za-z0-9-]{10}",
        b"xoxb-" + b"123456789012-abcdefghij",
    ),
)
