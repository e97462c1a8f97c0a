"""Signed statements (Data 2.6): a JSON web signature whose payload is the statement as it was before it was signed.

This tells malformed signatures from well-formed ones, as the standard asks. Whom a signature proves the statement to
come from is for others to decide: a certificate in its header is used, not trusted.
"""

import base64
import binascii
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from headway.intake.xapi.comparison import equal
from headway.intake.xapi.refusal import Refused
from headway.intake.xapi.statement import decode, validate

if TYPE_CHECKING:
    from joserfc.jwk import RSAKey
    from joserfc.jws import JWSRegistry

ALGORITHMS: Final = ("RS256", "RS384", "RS512")


def check_signature(statement: Mapping[str, Any], signature: bytes, version: str, path: str) -> None:
    """Refuse a signature that is malformed, of another statement, or not of the certificate in its header.

    Args:
        statement: sound, with the attachment that the signature is.
        signature: its data: a JWS in compact serialization.
        version: of the request.
        path: of the attachment, for messages.

    Raises:
        Refused: what is wrong with it.
    """
    headers, payload = _opened(signature, path)
    if headers.get("alg") not in ALGORITHMS:
        raise Refused("Data 2.6.s4.b4", path, f"is signed with none of {', '.join(ALGORITHMS)}. Use one of these.")
    try:
        signed = decode(payload)
        validate(signed, version)
    except Refused as unsound:
        raise Refused(
            "Data 2.6.s4.b3", path, f"signs no sound statement: {unsound.path} {unsound.problem} Sign the statement."
        ) from unsound
    if not equal(signed, statement):
        raise Refused("Data 2.6.s5.b3.b2", path, "signs another statement. Sign this one as it is sent.")
    if "x5c" in headers:
        _verify(signature, headers["x5c"], path)


def _opened(signature: bytes, path: str) -> tuple[Mapping[str, Any], bytes]:
    from joserfc import errors, jws

    try:
        opened = jws.extract_compact(signature, registry=_registry())
        return opened.headers(), opened.payload
    except (errors.JoseError, ValueError) as wrong:
        raise Refused(
            "Data 2.6.s5.b1", path, "is no JSON web signature in compact serialization (RFC 7515). Sign it so."
        ) from wrong


def _verify(signature: bytes, chain: Any, path: str) -> None:
    from joserfc import errors, jws

    try:
        jws.deserialize_compact(signature, _key(chain, path), registry=_registry())
    except (errors.JoseError, ValueError) as wrong:
        raise Refused(
            "Data 2.6.s5.b3.b3", path, "does not fit the certificate in its header. Sign with that certificate's key."
        ) from wrong


def _registry() -> "JWSRegistry":
    """What is read of signatures: headers long enough for a chain of certificates, payloads as long as statements."""
    from joserfc.jws import JWSRegistry

    registry = JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
    registry.max_header_length = 2**18
    registry.max_payload_length = 2**23
    registry.max_signature_length = 2**12
    return registry


def _key(chain: Any, path: str) -> "RSAKey":
    """The public key of the first certificate of the chain, which is the signer's (RFC 7515, 4.1.6)."""
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from joserfc.jwk import RSAKey

    fault = Refused(
        "Data 2.6.s5.b3.b3", path, "has an x5c header that is no chain of RSA certificates. Send DER as base64."
    )
    if not isinstance(chain, list) or not chain:
        raise fault
    try:
        public = x509.load_der_x509_certificate(base64.b64decode(str(chain[0]), validate=True)).public_key()
    except (ValueError, binascii.Error, UnsupportedAlgorithm) as wrong:
        raise fault from wrong
    if not isinstance(public, RSAPublicKey):
        raise fault
    return RSAKey.import_key(public)
