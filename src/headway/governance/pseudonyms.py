"""Pseudonyms: what stands for a learner in every record, made with the workspace's secret key.

A pseudonym is the start of HMAC-SHA-256 (RFC 2104, FIPS 180-4) of the source's own id: without the key nobody can
find it by trying ids. `pseudonym` and `hmac_sql` give the same text; nothing else may turn an id into a learner.
"""

import hashlib
import hmac
from typing import Final

from headway.domain.errors import ConfigError

HEX_DIGITS: Final = 20  # 80 bits: among ten million learners two share a pseudonym with a chance of 4e-11

_BLOCK_BYTES: Final = 64


def pseudonym(native: str, key: bytes) -> str:
    """The pseudonym of the id `native`: 20 hexadecimal digits.

    Raises:
        ConfigError: the key is empty.

    >>> pseudonym("s123", b"not a secret")
    'b1343c36f54033ad29ab'
    """
    return hmac.new(_usable(key), native.encode(), hashlib.sha256).hexdigest()[:HEX_DIGITS]


def hmac_sql(expr: str, key: bytes) -> str:
    """A DuckDB expression for `pseudonym` of the SQL text expression `expr`, for whole columns.

    The text holds what the key can be computed from, so it must not be shown or logged.

    Raises:
        ConfigError: the key is empty.
    """
    block = _usable(key) if len(key) <= _BLOCK_BYTES else hashlib.sha256(key).digest()
    block = block.ljust(_BLOCK_BYTES, b"\0")
    inner = bytes(byte ^ 0x36 for byte in block).hex()
    outer = bytes(byte ^ 0x5C for byte in block).hex()
    digest = f"sha256(from_hex('{outer}') || from_hex(sha256(from_hex('{inner}') || encode({expr}))))"
    return f"left({digest}, {HEX_DIGITS})"


def _usable(key: bytes) -> bytes:
    if not key:
        raise ConfigError("The workspace has no key for pseudonyms. Make one with `headway init`.")
    return key
