"""DSSE envelopes: a payload, its type, and ed25519 signatures over both (DSSE protocol and envelope, v1.0.2).

One spelling per envelope: parsing refuses what this module would not have written, so that nothing can be hidden in
an envelope and its digest names it. The `keyid` is a hint for people; nothing is decided by it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from gonogo.errors import IntegrityError
from gonogo.frozen import dataclass
from gonogo.model.codec import canonical

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

IN_TOTO = "application/vnd.in-toto+json"
"""Payload type of an in-toto Statement (in-toto attestation framework, spec/v1/envelope.md)."""
STATEMENT = "https://in-toto.io/Statement/v1"

_DIGEST = re.compile(r"(?P<algorithm>sha256|sha512):(?P<hex>[0-9a-f]{64,128})")
_MOST_BYTES = 16 * 1024 * 1024
"""No envelope of ours comes near; a larger one is not read."""
_MOST_SIGNATURES = 64


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature over the pre-authentication encoding."""

    keyid: str
    """sha256 of the public key (SubjectPublicKeyInfo, DER), in hex; an unauthenticated hint."""
    sig: bytes
    extension: str = ""
    """What verifies it beside a key, in canonical JSON: `kind` and `ext` (DSSE v1.1.0, "Signature extensions").

    Empty: nothing."""

    def data(self) -> dict[str, Any]:
        """Its JSON form."""
        more = {"extension": json.loads(self.extension)} if self.extension else {}
        return {"keyid": self.keyid, "sig": base64.b64encode(self.sig).decode(), **more}


@dataclass(frozen=True, slots=True)
class Envelope:
    """A payload with the signatures over it; none at all says that nobody vouches for it."""

    payload_type: str
    payload: bytes
    signatures: tuple[Signature, ...] = ()

    def data(self) -> dict[str, Any]:
        """The JSON form of DSSE v1.0.2."""
        return {
            "payload": base64.b64encode(self.payload).decode(),
            "payloadType": self.payload_type,
            "signatures": [signature.data() for signature in self.signatures],
        }

    def line(self) -> bytes:
        """One line of JSON, without its line end: how it is kept in an in-toto bundle (JSON Lines)."""
        return canonical(self.data())

    @property
    def digest(self) -> str:
        """sha256 of its line, in hex."""
        return hashlib.sha256(self.line()).hexdigest()


def pae(payload_type: str, payload: bytes) -> bytes:
    """The pre-authentication encoding: what is signed (DSSE protocol, "Signature Definition")."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def sign(payload: bytes, key: Ed25519PrivateKey, payload_type: str = IN_TOTO) -> Envelope:
    """An envelope with one signature."""
    return Envelope(payload_type, payload, (_signature(payload, key, payload_type),))


def add_signature(envelope: Envelope, key: Ed25519PrivateKey) -> Envelope:
    """The envelope with one more signature over the same payload."""
    one = _signature(envelope.payload, key, envelope.payload_type)
    return Envelope(envelope.payload_type, envelope.payload, (*envelope.signatures, one))


def _signature(payload: bytes, key: Ed25519PrivateKey, payload_type: str) -> Signature:
    return Signature(keyid(key.public_key()), key.sign(pae(payload_type, payload)))


def verify(envelope: Envelope, public_keys: Iterable[Ed25519PublicKey]) -> list[str]:
    """The key ids of those of `public_keys` that signed the envelope; each signature is tried with each key."""
    from cryptography.exceptions import InvalidSignature

    signed = pae(envelope.payload_type, envelope.payload)
    found = []
    for key in public_keys:
        for signature in envelope.signatures:
            try:
                key.verify(signature.sig, signed)
            except InvalidSignature:
                continue
            found.append(keyid(key))
            break
    return list(dict.fromkeys(found))


def keyid(key: Ed25519PublicKey) -> str:
    """sha256 of the key's SubjectPublicKeyInfo in DER, in hex."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def public_key(pem: str) -> Ed25519PublicKey:
    """The ed25519 public key in PEM; raises `ValueError` for anything else, with what it is instead."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError("this is no public key in PEM") from None
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("this is no ed25519 key")  # noqa: TRY004 - its value is wrong, not its Python type
    return key


# --- reading -------------------------------------------------------------------------------------------------


def parse(line: bytes) -> Envelope:
    """The envelope in one line of JSON.

    Raises:
        IntegrityError: It is no DSSE envelope, or not spelled as `Envelope.line` spells it.
    """
    if len(line) > _MOST_BYTES:
        raise IntegrityError(f"an envelope of {len(line):,} bytes is not read")
    envelope = from_data(_json(line, "this is no envelope"))
    if envelope.line() != line:
        raise IntegrityError("the envelope is not spelled as it was signed and kept")
    return envelope


def _json(text: bytes, what: str) -> Any:
    """Parsed JSON in UTF-8 that can be written again: no name twice, no lone surrogate, no NaN."""
    try:
        data = json.loads(text, object_pairs_hook=_no_duplicates)
        canonical(data)
    except (ValueError, RecursionError) as error:
        raise IntegrityError(f"{what}: {_first_line(error)}") from error
    return data


def from_data(data: Any) -> Envelope:
    """The envelope in parsed JSON; raises `IntegrityError` where it is none."""
    if not isinstance(data, Mapping) or set(data) != {"payload", "payloadType", "signatures"}:
        raise IntegrityError("this is no envelope: it needs `payload`, `payloadType`, `signatures`, and nothing else")
    signatures = data["signatures"]
    if not isinstance(signatures, list) or len(signatures) > _MOST_SIGNATURES or not _text(data["payloadType"]):
        raise IntegrityError("this is no envelope: its type or its signatures are not of their form")
    return Envelope(
        data["payloadType"], _bytes(data["payload"], "payload"), tuple(_parsed_signature(one) for one in signatures)
    )


def _parsed_signature(data: Any) -> Signature:
    known = isinstance(data, Mapping) and set(data) - {"extension"} == {"keyid", "sig"}
    if not known or not isinstance(data["keyid"], str):
        raise IntegrityError("a signature needs `keyid` and `sig`, may have `extension`, and nothing else")
    return Signature(data["keyid"], _bytes(data["sig"], "signature"), _extension(data.get("extension")))


def _extension(data: Any) -> str:
    if data is None:
        return ""
    if not isinstance(data, Mapping) or set(data) != {"kind", "ext"} or not _text(data["kind"]):
        raise IntegrityError("the extension of a signature needs `kind` and `ext`, and nothing else")
    return canonical(data).decode()


def _bytes(text: Any, what: str) -> bytes:
    try:
        decoded = base64.b64decode(text, validate=True) if isinstance(text, str) else None
    except (binascii.Error, ValueError):
        decoded = None
    if decoded is None or base64.b64encode(decoded).decode() != text:
        raise IntegrityError(f"the {what} of an envelope is not plain base64")
    return decoded


def _text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def predicate_type(envelope: Envelope) -> str:
    """The predicate type of the statement in an envelope, unchecked; empty where there is none."""
    try:
        data = json.loads(envelope.payload)
    except (ValueError, RecursionError):
        return ""
    kind = data.get("predicateType") if isinstance(data, dict) else None
    return kind if isinstance(kind, str) else ""


def statement(envelope: Envelope, predicate_type: str) -> dict[str, Any]:
    """The in-toto Statement v1 in an envelope.

    Raises:
        IntegrityError: The payload is no such statement, or not in canonical JSON.
    """
    if envelope.payload_type != IN_TOTO:
        raise IntegrityError(f"the envelope holds `{envelope.payload_type}`, not `{IN_TOTO}`")
    data = _json(envelope.payload, "the payload is no JSON")
    if not isinstance(data, dict) or set(data) != {"_type", "subject", "predicateType", "predicate"}:
        raise IntegrityError("the payload is no in-toto statement")
    if data["_type"] != STATEMENT or data["predicateType"] != predicate_type:
        raise IntegrityError(f"the statement is a `{data['predicateType']}`, not a `{predicate_type}`")
    if canonical(data) != envelope.payload:
        raise IntegrityError("the statement is not in canonical JSON")
    return data


def image_subjects(images: Mapping[str, str]) -> list[dict[str, Any]]:
    """Images as subjects of a statement: service -> `sha256:…`; what is no such digest names nothing checkable.

    Source: in-toto attestation framework, spec/v1/resource_descriptor.md; the digest is that of the image's manifest.
    """
    parts = {service: _DIGEST.fullmatch(digest) for service, digest in sorted(images.items())}
    return [
        {"name": f"image:{service}", "digest": {match["algorithm"]: match["hex"]}}
        for service, match in parts.items()
        if match is not None
    ]


def _first_line(error: BaseException) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
