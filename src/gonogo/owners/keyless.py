"""Words without a key of one's own: signed with Sigstore for an identity that an OpenID provider vouches for.

The signing certificate, the log's promise and its proof travel in the envelope, as the DSSE extension for Sigstore
says (DSSE 1.1.0, extensions.md), so that a word is verified offline: against the roots of trust that come with the
extra `keyless`, or those in the file that `GONOGO_SIGSTORE` names (Sigstore's `TrustedRoot` or `ClientTrustConfig`).
"""

from __future__ import annotations

import json
import os
from base64 import b64decode
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gonogo.errors import GonogoError, InputError, IntegrityError, OperationError, Refused
from gonogo.evidence.sign import Envelope, Signature, public_key
from gonogo.frozen import dataclass
from gonogo.model import codec

if TYPE_CHECKING:
    from sigstore.models import Bundle, ClientTrustConfig, TrustedRoot
    from sigstore.oidc import IdentityToken

KIND = "application/vnd.dev.sigstore.verificationmaterial;version=0.3"
CONFIG_VARIABLE = "GONOGO_SIGSTORE"
INSTALL = "pip install 'gonogo[keyless]'"

_BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
_TRUSTED_ROOT = "application/vnd.dev.sigstore.trustedroot"


class NotInstalled(Refused):
    """The extra is not there, so that nothing can be said of such a word."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who signs without a key: the person, and what their certificate must say."""

    person: str
    identity: str
    """An address, or the URI of a workflow: the certificate's subject alternative name."""
    issuer: str
    """URL of the OpenID provider that vouches for it."""

    def sign(self, payload: bytes) -> Envelope:
        """Sign a statement for this identity: asks the provider, Sigstore's authority and its log.

        Raises:
            NotInstalled: The extra is not installed.
            Refused: Somebody else is signed in than this identity.
            OperationError: A service did not answer, or said no.
        """
        _installed()
        from sigstore import dsse
        from sigstore.sign import SigningContext

        config = _config()
        try:
            with SigningContext.from_trust_config(config).signer(_token(config, self)) as signer:
                bundle = signer.sign_dsse(dsse.Statement(payload))
        except GonogoError:
            raise
        except Exception as error:  # its client, its services and the network raise what they like, token and all
            raise OperationError(
                f"Sigstore did not sign ({type(error).__name__})",
                help="try again, or sign with a key: `gonogo keys new`",
            ) from None
        return _envelope(bundle, f"{self.identity}::{self.issuer}")


def verify(envelope: Envelope, identity: str, issuer: str) -> None:
    """Verify that exactly this identity, vouched for by this issuer, signed the envelope; offline.

    Raises:
        NotInstalled: The extra is not installed.
        IntegrityError: It does not bear such a signature.
        InputError: The roots of trust cannot be read.
    """
    _installed()
    from sigstore.errors import VerificationError
    from sigstore.models import InvalidBundle
    from sigstore.verify import Verifier
    from sigstore.verify.policy import Identity as Policy

    try:
        bundle = _bundle(envelope)
        verifier = Verifier(trusted_root=_trusted_root())
        kind, payload = verifier.verify_dsse(bundle, Policy(identity=identity, issuer=issuer))
    except (VerificationError, InvalidBundle, ValueError, KeyError, TypeError, LookupError) as error:
        told = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise IntegrityError(f"`{identity}` of {issuer} did not sign it: {told}") from error
    if (kind, payload) != (envelope.payload_type, envelope.payload):
        raise IntegrityError("the signature is over something else than the envelope holds")


def mistakes(person: str, fields: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """What is wrong with a person's key, or with the identity that stands for one."""
    pem, named = fields.get("public_key"), [bool(fields.get(name)) for name in ("identity", "issuer")]
    if pem is None and any(named):
        if not all(named):
            yield (
                "no-identity",
                f"`{person}` has `identity` or `issuer` alone",
                "give both: who, and who vouches for it",
            )
        return
    if any(named):
        yield "key-and-identity", f"`{person}` has a key and an identity", "make two people of them, or drop one"
    try:
        public_key(pem if isinstance(pem, str) else "")
    except ValueError as error:
        mend = "put the text of `gonogo keys list --pem` there"
        yield "no-public-key", f"`public_key` of `{person}`: {error}", mend


def _installed() -> None:
    try:
        import sigstore  # noqa: F401 - only whether it is there
    except ImportError:
        raise NotInstalled("a word without a key needs the extra `keyless`", help=f"run: {INSTALL}") from None


# --- envelopes -----------------------------------------------------------------------------------------------


def _envelope(bundle: Bundle, keyid: str) -> Envelope:
    """Our envelope from Sigstore's bundle: the same payload and signature, the rest as an extension."""
    data = json.loads(bundle.to_json())
    inner = data["dsseEnvelope"]
    material = codec.canonical({"kind": KIND, "ext": data["verificationMaterial"]}).decode()
    signature = Signature(keyid, b64decode(inner["signatures"][0]["sig"]), material)
    return Envelope(inner["payloadType"], b64decode(inner["payload"]), (signature,))


def _bundle(envelope: Envelope) -> Bundle:
    """Sigstore's bundle from our envelope; raises what `sigstore` raises for what is none."""
    from sigstore.models import Bundle

    [signature] = envelope.signatures
    extension = json.loads(signature.extension or "{}")
    if extension.get("kind") != KIND:
        raise ValueError("it has no certificate and no proof of the log")
    data = envelope.data()
    bare = {"keyid": "", "sig": data["signatures"][0]["sig"]}
    made: dict[str, Any] = {
        "mediaType": _BUNDLE,
        "verificationMaterial": extension["ext"],
        "dsseEnvelope": {**data, "signatures": [bare]},
    }
    return Bundle.from_json(json.dumps(made))


# --- whom to trust, whom to ask ------------------------------------------------------------------------------


def _given() -> tuple[Path, str] | None:
    """The file that the variable names, with its text; None: Sigstore's public instance is meant."""
    name = os.environ.get(CONFIG_VARIABLE)
    if not name:
        return None
    try:
        return Path(name), Path(name).read_text(encoding="utf-8")
    except (OSError, ValueError):
        raise InputError.of(
            "sigstore-unreadable", f"`{name}` cannot be read", help=f"let {CONFIG_VARIABLE} name a trust configuration"
        ) from None


def _trusted_root() -> TrustedRoot:
    from sigstore.models import ClientTrustConfig, TrustedRoot

    given = _given()
    if given is None:
        return ClientTrustConfig.production(offline=True).trusted_root
    path, text = given
    try:
        if str(json.loads(text).get("mediaType", "")).startswith(_TRUSTED_ROOT):
            return TrustedRoot.from_file(str(path))
        return ClientTrustConfig.from_json(text).trusted_root
    except (ValueError, AttributeError):
        raise _no_configuration(path) from None


def _config() -> ClientTrustConfig:
    from sigstore.models import ClientTrustConfig

    given = _given()
    if given is None:
        return ClientTrustConfig.production()
    try:
        return ClientTrustConfig.from_json(given[1])
    except ValueError:
        raise _no_configuration(given[0]) from None


def _no_configuration(path: Path) -> InputError:
    return InputError.of(
        "sigstore-unreadable",
        f"`{path}` is no trust configuration of Sigstore",
        help=f"let {CONFIG_VARIABLE} name one, or unset it: the public instance is meant then",
    )


def _token(config: ClientTrustConfig, wanted: Identity) -> IdentityToken:
    """The identity of the CI job this runs in, else of whoever signs in with a browser; it must be the wanted one."""
    from sigstore.oidc import IdentityToken, Issuer, detect_credential

    ambient = detect_credential()
    token = IdentityToken(ambient) if ambient else Issuer(config.signing_config.get_oidc_url()).identity_token()
    if token.identity != wanted.identity:
        raise Refused(
            f"`{token.identity}` is signed in, and `{wanted.person}` is `{wanted.identity}`",
            help="sign in as that, or say who you are: --as",
        )
    return token
