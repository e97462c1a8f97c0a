"""Data 2.6 of xAPI 1.0.3: signed statements, with keys and certificates made for the test."""

import base64
import hashlib
import json
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from joserfc import jws
from joserfc.jwk import OctKey, RSAKey

from headway.intake.xapi.attachments import Part, match_attachments
from headway.intake.xapi.statement import Refused, validate
from tests.support.xapi import ADL, DROP, FULL, ONE, SMALL, TWO, changed

UNSIGNED = changed(FULL, {"attachments": DROP, "stored": DROP, "authority": DROP, "version": DROP})


@lru_cache
def private(number: int) -> rsa.RSAPrivateKey:
    assert number
    return rsa.generate_private_key(65537, 2048)


def certificate(key: Any) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "LMS")])
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    made = made.not_valid_before(datetime(2026, 1, 1, tzinfo=UTC)).not_valid_after(datetime(2036, 1, 1, tzinfo=UTC))
    return base64.b64encode(made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)).decode()


def sign(payload: Any, number: int = 1, **header: Any) -> bytes:
    raw = payload if isinstance(payload, bytes) else json.dumps(payload, indent=1).encode()
    key = RSAKey.import_key(private(number))
    return jws.serialize_compact({"alg": "RS256", **header}, raw, key, algorithms=["RS256", "RS384", "RS512"]).encode()


def signed(statement: dict[str, Any], signature: bytes) -> tuple[dict[str, Any], list[Part]]:
    told = hashlib.sha256(signature).hexdigest()
    header = {
        "usageType": f"{ADL}/attachments/signature",
        "display": {"en": "Signature"},
        "contentType": "application/octet-stream",
        "length": len(signature),
        "sha2": told,
    }
    part = Part({"x-experience-api-hash": told, "content-transfer-encoding": "binary"}, signature)
    made = {**statement, "attachments": [*statement.get("attachments", ()), header]}
    validate(made, ONE)
    return made, [part]


def send(statement: dict[str, Any], signature: bytes, version: str = ONE) -> None:
    made, parts = signed(statement, signature)
    assert [each.content for each in match_attachments([made], parts, version)] == [signature]


def tampered() -> bytes:
    head, body, signature = sign(UNSIGNED, x5c=[certificate(private(1))]).split(b".")
    return b".".join((head, body, signature[:-8] + (b"AAAAAAAA" if signature[-8:] != b"AAAAAAAA" else b"BBBBBBBB")))


@pytest.mark.parametrize("version", [ONE, TWO])
@pytest.mark.parametrize("algorithm", ["RS256", "RS384", "RS512"])
@pytest.mark.parametrize("chain", [False, True], ids=["Data-2.6.s4.b4 accepted", "Data-2.6.s5.b3.b3 accepted"])
def test_sound_signatures(algorithm: str, chain: bool, version: str) -> None:
    header: dict[str, Any] = {"x5c": [certificate(private(1))]} if chain else {}
    send(UNSIGNED, sign(UNSIGNED, alg=algorithm, **header), version)


@pytest.mark.parametrize(
    "changes",
    [{"id": DROP}, {"timestamp": "2026-03-05T09:00:00.125Z"}, {"verb.display": DROP}, {"version": "1.0.0"}],
    ids=lambda changes: f"Data-2.6.s5.b3.b2 accepted: {min(changes)}",
)
def test_the_payload_need_only_be_the_same_statement(changes: dict[str, Any]) -> None:
    send(UNSIGNED, sign(changed(UNSIGNED, changes)))


def test_other_attachments_may_stand_beside_a_signature() -> None:
    send({**UNSIGNED, "attachments": FULL["attachments"]}, sign({**UNSIGNED, "attachments": FULL["attachments"]}))


ELLIPTIC = ec.generate_private_key(ec.SECP256R1())
FAULTS: list[tuple[str, str, Any]] = [
    ("Data 2.6.s5.b1", "no JWS", lambda: b"signed: Ann"),
    ("Data 2.6.s5.b1", "no octets", lambda: b""),
    ("Data 2.6.s5.b1", "two parts", lambda: b".".join(sign(UNSIGNED).split(b".")[:2])),
    ("Data 2.6.s5.b1", "bad base64", lambda: b"%%." + b".".join(sign(UNSIGNED).split(b".")[1:])),
    ("Data 2.6.s5.b1", "header that is no object", lambda: b"W10." + b".".join(sign(UNSIGNED).split(b".")[1:])),
    ("Data 2.6.s5.b1", "octets beyond ASCII", lambda: b"\xff\xfe.\x00.\x80"),
    ("Data 2.6.s4.b4", "a shared key", lambda: hmac()),
    ("Data 2.6.s4.b4", "no algorithm", lambda: b"eyJhbGciOiJub25lIn0." + sign(UNSIGNED).split(b".")[1] + b"."),
    ("Data 2.6.s4.b3", "payload that is no JSON", lambda: sign(b"statement")),
    ("Data 2.6.s4.b3", "payload that is no statement", lambda: sign({"actor": {}})),
    ("Data 2.6.s4.b3", "payload of several statements", lambda: sign([UNSIGNED])),
    ("Data 2.6.s5.b3.b2", "another statement", lambda: sign(SMALL)),
    ("Data 2.6.s5.b3.b2", "another score", lambda: sign(changed(UNSIGNED, {"result.score.raw": 9}))),
    ("Data 2.6.s5.b3.b3", "another key's certificate", lambda: sign(UNSIGNED, x5c=[certificate(private(2))])),
    ("Data 2.6.s5.b3.b3", "a signature changed on the way", tampered),
]


def hmac() -> bytes:
    raw = json.dumps(UNSIGNED).encode()
    return jws.serialize_compact({"alg": "HS256"}, raw, OctKey.import_key("k" * 64), algorithms=["HS256"]).encode()


def raw_header(chain: Any) -> bytes:
    """A JWS whose x5c is whatever it is: the header is written by hand, since the library would not."""
    header = base64.urlsafe_b64encode(json.dumps({"alg": "RS256", "x5c": chain}).encode()).rstrip(b"=")
    return header + b"." + b".".join(sign(UNSIGNED).split(b".")[1:])


@pytest.mark.parametrize(
    ("requirement", "make"),
    [pytest.param(req, make, id=f"{req.replace(' ', '-')} refused: {note}") for req, note, make in FAULTS],
)
def test_other_signatures_are_refused(requirement: str, make: Any) -> None:
    made, parts = signed(UNSIGNED, make())
    with pytest.raises(Refused) as refused:
        match_attachments([made], parts, ONE)
    assert refused.value.requirement == requirement
    assert refused.value.path == "$.attachments[0]"


@pytest.mark.parametrize(
    "chain", [[], "x", [7], ["%%"], ["AAAA"], {}, None, [certificate(ELLIPTIC)]], ids=lambda chain: repr(chain)[:6]
)
def test_certificates_that_are_none_are_refused(chain: Any) -> None:
    made, parts = signed(UNSIGNED, raw_header(chain))
    with pytest.raises(Refused) as refused:
        match_attachments([made], parts, ONE)
    assert refused.value.requirement in ("Data 2.6.s5.b3.b3", "Data 2.6.s5.b1")


def test_a_signature_elsewhere_is_refused() -> None:
    made, _ = signed(UNSIGNED, sign(UNSIGNED))
    made["attachments"][0]["fileUrl"] = "https://lms.example/signature"
    parts: list[Part] | None
    for parts in (None, []):
        with pytest.raises(Refused) as refused:
            match_attachments([made], parts, ONE)
        assert refused.value.requirement == "Data 2.6.s5.b3.b1"
