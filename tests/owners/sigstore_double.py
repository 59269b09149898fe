"""A double of Sigstore's services on this machine's loopback: an authority, a log of certificates, a log of entries.

The real ones need the internet and a person who signs in. What this double hands out is made as RFC 6962, RFC 5280 and
Rekor's API say, and checked by the real client, `sigstore`, with a configuration that trusts this double alone.
"""

from __future__ import annotations

import base64
import hashlib
import json
import struct
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

ISSUER = "https://id.double.example.org"
_ISSUER_OID = ObjectIdentifier("1.3.6.1.4.1.57264.1.1")
_SCTS_OID = ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")
_SINCE = "2020-01-01T00:00:00Z"
_LONG = timedelta(days=3650)


def _key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _der(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _sign(key: ec.EllipticCurvePrivateKey, data: bytes) -> bytes:
    return key.sign(data, ec.ECDSA(hashes.SHA256()))


def token(identity: str, issuer: str = ISSUER) -> str:
    """What an OpenID provider would hand out; nobody checks its signature but the authority, which is a double too."""
    now = int(time.time())
    claims = {"aud": "sigstore", "iss": issuer, "sub": identity, "iat": now, "nbf": now, "exp": now + 600}
    parts = ({"alg": "RS256", "typ": "JWT"}, claims)
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts]
    return ".".join([*encoded, base64.urlsafe_b64encode(b"no signature").rstrip(b"=").decode()])


@dataclass
class SigstoreDouble:
    """Keys of the services, and what they answer."""

    authority_key: ec.EllipticCurvePrivateKey = field(default_factory=_key)
    certificates_key: ec.EllipticCurvePrivateKey = field(default_factory=_key)
    log_key: ec.EllipticCurvePrivateKey = field(default_factory=_key)
    entries: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority of the double")])
        now = datetime.now(UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self.authority_key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _LONG)
            .not_valid_after(now + _LONG)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(_usage(certificates=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self.authority_key.public_key()), critical=False)
        )
        self.root = made.sign(self.authority_key, hashes.SHA256())

    # --- the authority ---------------------------------------------------------------------------------------

    def certificate(self, public: Any, identity: str, issuer: str) -> x509.Certificate:
        """A certificate of ten minutes for an identity, with the promise of the log of certificates in it."""
        without = self._certificate(public, identity, issuer, None)
        promise = self._promise(without.tbs_certificate_bytes)
        return self._certificate(public, identity, issuer, promise, like=without)

    def _certificate(
        self, public: Any, identity: str, issuer: str, promise: bytes | None, like: x509.Certificate | None = None
    ) -> x509.Certificate:
        now = datetime.now(UTC).replace(microsecond=0)
        named = x509.UniformResourceIdentifier(identity) if "://" in identity else x509.RFC822Name(identity)
        made = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([]))
            .issuer_name(self.root.subject)
            .public_key(public)
            .serial_number(like.serial_number if like else x509.random_serial_number())
            .not_valid_before(like.not_valid_before_utc if like else now - timedelta(seconds=5))
            .not_valid_after(like.not_valid_after_utc if like else now + timedelta(minutes=10))
            .add_extension(_usage(certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), critical=False)
            .add_extension(x509.SubjectAlternativeName([named]), critical=True)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.authority_key.public_key()), critical=False
            )
            .add_extension(x509.UnrecognizedExtension(_ISSUER_OID, issuer.encode()), critical=False)
        )
        if promise is not None:
            made = made.add_extension(x509.UnrecognizedExtension(_SCTS_OID, promise), critical=False)
        return made.sign(self.authority_key, hashes.SHA256())

    def _promise(self, tbs: bytes) -> bytes:
        """The list of signed certificate timestamps (RFC 6962, 3.2 and 3.3), as the value of the extension."""
        at = int(time.time() * 1000)
        entry = hashlib.sha256(_der(self.authority_key)).digest() + len(tbs).to_bytes(3, "big") + tbs
        signed = struct.pack("!BBQH", 0, 0, at, 1) + entry + struct.pack("!H", 0)
        signature = _sign(self.certificates_key, signed)
        one = b"\0" + hashlib.sha256(_der(self.certificates_key)).digest() + struct.pack("!QH", at, 0)
        one += b"\4\3" + len(signature).to_bytes(2, "big") + signature
        several = (len(one) + 2).to_bytes(2, "big") + len(one).to_bytes(2, "big") + one
        return b"\4" + (bytes([len(several)]) if len(several) < 128 else b"\x81" + bytes([len(several)])) + several

    # --- the log ---------------------------------------------------------------------------------------------

    def entry(self, body: bytes) -> dict[str, Any]:
        """The log's answer: its promise, and the proof that this one entry is its whole tree."""
        self.entries.append(body)
        at, identity = int(time.time()), hashlib.sha256(_der(self.log_key)).digest()
        told = {"body": _b64(body), "integratedTime": at, "logID": identity.hex(), "logIndex": 0}
        promise = _sign(self.log_key, json.dumps(told, sort_keys=True, separators=(",", ":")).encode())
        root = hashlib.sha256(b"\0" + body).digest()
        note = f"log.double.example.org - 1\n1\n{_b64(root)}\n"
        mark = _b64(identity[:4] + _sign(self.log_key, note.encode()))
        proof = {"checkpoint": f"{note}\n\u2014 log.double.example.org {mark}\n", "hashes": [], "logIndex": 0,
                 "rootHash": root.hex(), "treeSize": 1}  # fmt: skip
        return {"a" * 80: {**told, "verification": {"inclusionProof": proof, "signedEntryTimestamp": _b64(promise)}}}

    # --- over loopback ---------------------------------------------------------------------------------------

    def serve(self, server: HTTPServer) -> None:
        """Answer at the paths of Fulcio's and Rekor's API."""
        server.expect_request("/api/v2/signingCert", method="POST").respond_with_handler(self._signing)
        server.expect_request("/api/v1/log/entries", method="POST").respond_with_handler(self._logging)

    def _signing(self, request: Request) -> Response:
        bearer = request.headers["Authorization"].removeprefix("Bearer ")
        claims = json.loads(base64.urlsafe_b64decode(bearer.split(".")[1] + "=="))
        asked = x509.load_pem_x509_csr(base64.b64decode(json.loads(request.data)["certificateSigningRequest"]))
        made = self.certificate(asked.public_key(), claims["sub"], claims["iss"])
        chain = [one.public_bytes(Encoding.PEM).decode() for one in (made, self.root)]
        return _json({"signedCertificateEmbeddedSct": {"chain": {"certificates": chain}}})

    def _logging(self, request: Request) -> Response:
        content = json.loads(request.data)["spec"]["proposedContent"]
        envelope = json.loads(content["envelope"])
        hashed = {"algorithm": "sha256", "value": hashlib.sha256(content["envelope"].encode()).hexdigest()}
        payload = hashlib.sha256(base64.b64decode(envelope["payload"])).hexdigest()
        signatures = [
            {"signature": one["sig"], "verifier": verifier}
            for one, verifier in zip(envelope["signatures"], content["verifiers"], strict=True)
        ]
        spec = {"envelopeHash": hashed, "payloadHash": {"algorithm": "sha256", "value": payload},
                "signatures": signatures}  # fmt: skip
        body = {"apiVersion": "0.0.1", "kind": "dsse", "spec": spec}
        return _json(self.entry(json.dumps(body, sort_keys=True, separators=(",", ":")).encode()), 201)

    # --- whom to trust ---------------------------------------------------------------------------------------

    def trusted_root(self) -> dict[str, Any]:
        """Sigstore's `TrustedRoot` with the keys of this double and no others."""
        valid = {"start": _SINCE}
        return {
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [_log(self.log_key)],
            "ctlogs": [_log(self.certificates_key)],
            "certificateAuthorities": [
                {
                    "subject": {"organization": "double", "commonName": "authority of the double"},
                    "uri": "https://authority.double.example.org",
                    "certChain": {"certificates": [{"rawBytes": _b64(self.root.public_bytes(Encoding.DER))}]},
                    "validFor": valid,
                }
            ],
            "timestampAuthorities": [],
        }

    def configuration(self, url: str) -> dict[str, Any]:
        """Sigstore's `ClientTrustConfig`: the roots, and where the services are."""
        service = {"url": url.rstrip("/"), "majorApiVersion": 1, "validFor": {"start": _SINCE}, "operator": "double"}
        return {
            "mediaType": "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json",
            "trustedRoot": self.trusted_root(),
            "signingConfig": {
                "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
                "caUrls": [service],
                "oidcUrls": [service],
                "rekorTlogUrls": [service],
                "rekorTlogConfig": {"selector": "ANY"},
                "tsaUrls": [],
                "tsaConfig": {"selector": "ANY"},
            },
        }


def _usage(*, certificates: bool) -> x509.KeyUsage:
    no = dict.fromkeys(
        ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "encipher_only",
         "decipher_only"), False,
    )  # fmt: skip
    return x509.KeyUsage(digital_signature=not certificates, key_cert_sign=certificates, crl_sign=certificates, **no)


def _log(key: ec.EllipticCurvePrivateKey) -> dict[str, Any]:
    return {
        "baseUrl": "https://log.double.example.org",
        "hashAlgorithm": "SHA2_256",
        "publicKey": {
            "rawBytes": _b64(_der(key)),
            "keyDetails": "PKIX_ECDSA_P256_SHA_256",
            "validFor": {"start": _SINCE},
        },
        "logId": {"keyId": _b64(hashlib.sha256(_der(key)).digest())},
    }


def _json(data: Any, status: int = 200) -> Response:
    return Response(json.dumps(data), status=status, content_type="application/json")
