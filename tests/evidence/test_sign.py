"""DSSE envelopes, against the specification, another implementation, and openssl."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from securesystemslib.dsse import Envelope as TheirEnvelope
from securesystemslib.signer._key import SSlibKey

from gonogo.errors import IntegrityError
from gonogo.evidence import sign
from gonogo.evidence.sign import IN_TOTO, Envelope, Signature

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
PAYLOAD = b'{"_type":"https://in-toto.io/Statement/v1","predicate":{},"predicateType":"urn:x:1","subject":[]}'


def pem(key: Ed25519PrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def test_the_encoding_is_that_of_the_specification() -> None:
    """The example of protocol.md, "Test Vectors"."""
    encoded = sign.pae("http://example.com/HelloWorld", b"hello world")
    assert encoded == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    assert sign.pae("ä", b"") == "DSSEv1 2 ä 0 ".encode()


@given(st.binary(max_size=200), st.text(st.characters(codec="utf-8"), min_size=1, max_size=20))
def test_what_is_signed_verifies_and_another_implementation_agrees(payload: bytes, kind: str) -> None:
    envelope = sign.sign(payload, KEY, kind)
    assert sign.verify(envelope, [OTHER.public_key(), KEY.public_key()]) == [sign.keyid(KEY.public_key())]
    assert sign.verify(envelope, [OTHER.public_key()]) == []
    theirs = TheirEnvelope.from_dict(json.loads(envelope.line()))
    assert theirs.pae() == sign.pae(kind, payload)
    public = SSlibKey.from_crypto(KEY.public_key(), envelope.signatures[0].keyid)
    assert theirs.verify([public], 1)
    assert sign.parse(envelope.line()) == envelope


def test_the_key_id_is_a_hint_and_nothing_more() -> None:
    envelope = sign.sign(PAYLOAD, KEY)
    lied = Envelope(IN_TOTO, PAYLOAD, (Signature(sign.keyid(OTHER.public_key()), envelope.signatures[0].sig),))
    assert sign.verify(lied, [OTHER.public_key()]) == []
    assert sign.verify(lied, [KEY.public_key()]) == [sign.keyid(KEY.public_key())]


def test_the_key_id_is_the_digest_of_the_public_key_in_der() -> None:
    """`openssl pkey -pubin -outform DER | sha256sum` gives the same."""
    der = KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    import hashlib

    assert sign.keyid(sign.public_key(pem(KEY))) == hashlib.sha256(der).hexdigest()


def test_several_people_may_sign_one_envelope() -> None:
    both = sign.add_signature(sign.sign(PAYLOAD, KEY), OTHER)
    assert len(sign.verify(both, [KEY.public_key(), OTHER.public_key()])) == 2
    assert sign.verify(Envelope(IN_TOTO, PAYLOAD), [KEY.public_key()]) == []


def test_one_signature_twice_is_one_signature() -> None:
    once = sign.sign(PAYLOAD, KEY)
    twice = Envelope(IN_TOTO, PAYLOAD, once.signatures * 2)
    assert len(sign.verify(twice, [KEY.public_key(), KEY.public_key()])) == 1


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl here")
def test_openssl_agrees(tmp_path: Path) -> None:
    envelope = sign.sign(PAYLOAD, KEY)
    (tmp_path / "key.pem").write_text(pem(KEY))
    (tmp_path / "sig").write_bytes(envelope.signatures[0].sig)

    def verified(signed: bytes) -> bool:
        (tmp_path / "signed").write_bytes(signed)
        command = "openssl pkeyutl -verify -pubin -inkey key.pem -rawin -in signed -sigfile sig"
        return subprocess.run(command.split(), cwd=tmp_path, capture_output=True, check=False).returncode == 0

    assert verified(sign.pae(IN_TOTO, PAYLOAD))
    assert not verified(sign.pae(IN_TOTO, PAYLOAD + b" "))


LINE = sign.sign(PAYLOAD, KEY).line()


@given(st.integers(0, len(LINE) - 1), st.integers(1, 255))
def test_no_byte_of_an_envelope_can_be_changed(at: int, change: int) -> None:
    changed = LINE[:at] + bytes([LINE[at] ^ change]) + LINE[at + 1 :]
    try:
        envelope = sign.parse(changed)
    except IntegrityError:
        return
    hint = envelope.signatures and envelope.signatures[0].keyid != sign.sign(PAYLOAD, KEY).signatures[0].keyid
    assert hint or not sign.verify(envelope, [KEY.public_key()])


@given(st.data())
def test_nothing_can_be_hidden_in_the_spelling(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(LINE)))
    more = data.draw(st.sampled_from([b" ", b"\n", b"\t", b"\\u0041", b'"x":1,', b"=", b"\x00"]))
    try:
        envelope = sign.parse(LINE[:at] + more + LINE[at:])
    except IntegrityError:
        return
    named = envelope.signatures[0].keyid != sign.keyid(KEY.public_key()) or envelope.payload_type != IN_TOTO
    assert named, "only what the envelope says may differ, never how it is spelled"


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"{}",
        b"null",
        b"{",
        b"\xff",
        b"[" * 100_000,
        b'{"payload":"","payloadType":"x","signatures":[],"more":1}',
        b'{"payload":"","payload":"","payloadType":"x","signatures":[]}',
        b'{"payload":"","payloadType":"","signatures":[]}',
        b'{"payload":"","payloadType":"\\ud800","signatures":[]}',
        b'{"payload":NaN,"payloadType":"x","signatures":[]}',
        b'{"payload":"!!","payloadType":"x","signatures":[]}',
        b'{"payload":"QQ","payloadType":"x","signatures":[]}',
        b'{"payload":"QR==","payloadType":"x","signatures":[]}',
        b'{"payload":"-_==","payloadType":"x","signatures":[]}',
        b'{"payload":"","payloadType":"x","signatures":{}}',
        b'{"payload":"","payloadType":"x","signatures":[{"keyid":"","sig":"","cert":""}]}',
        b'{"payload":"","payloadType":"x","signatures":[' + b",".join([b'{"keyid":"","sig":""}'] * 65) + b"]}",
        b'{"payload":"' + b"A" * 17_000_000 + b'","payloadType":"x","signatures":[]}',
    ],
)
def test_what_is_no_envelope_is_refused_as_such(text: bytes) -> None:
    with pytest.raises(IntegrityError):
        sign.parse(text)


@pytest.mark.parametrize(
    "payload",
    [b"", b"[]", b"{}", PAYLOAD + b"\n", PAYLOAD.replace(b"v1", b"v2"), PAYLOAD.replace(b"urn:x:1", b"urn:x:2")]
    + [PAYLOAD.replace(b'"subject":[]', b'"subject":[],"z":1'), PAYLOAD.replace(b"{}", b'{"a":1,"a":2}')],
)
def test_what_is_no_statement_is_refused_as_such(payload: bytes) -> None:
    with pytest.raises(IntegrityError):
        sign.statement(sign.sign(payload, KEY), "urn:x:1")
    assert sign.statement(sign.sign(PAYLOAD, KEY), "urn:x:1")["subject"] == []


def test_another_payload_type_is_no_statement() -> None:
    with pytest.raises(IntegrityError, match="text/plain"):
        sign.statement(sign.sign(PAYLOAD, KEY, "text/plain"), "urn:x:1")


def test_only_ed25519_is_a_key() -> None:
    from cryptography.hazmat.primitives.asymmetric import ec

    curve = ec.generate_private_key(ec.SECP256R1()).public_key()
    text = curve.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    for wrong in (text, "", "x", base64.b64encode(b"x").decode()):
        with pytest.raises(ValueError, match="this is no"):
            sign.public_key(wrong)
