"""How learned numbers become bytes and come back the same, bit for bit.

Promises one canonical JSON text: sorted keys, shortest float text that reads back exactly, no NaN, no code. Others must
not pickle, and must not invent a second encoding.
"""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from headway.domain.errors import InputError
from headway.models.model import Floats, Json


def encode(value: Mapping[str, Json]) -> bytes:
    """The canonical JSON of `value`, UTF-8; equal values give equal bytes.

    Raises:
        InputError: a number in it is NaN or infinite.
    """
    try:
        text = json.dumps(value, sort_keys=True, allow_nan=False, separators=(",", ":"))
    except ValueError as wrong:
        raise InputError(
            f"The state holds a number that JSON cannot keep: {wrong}. Look for NaN in the data."
        ) from wrong
    return text.encode()


def decode(state: Mapping[str, bytes], part: str) -> dict[str, Any]:
    """The JSON object kept under `part`.

    Raises:
        InputError: the part is not there or is not a JSON object.
    """
    if part not in state:
        raise InputError(
            f"The stored state has no {part!r}, only {', '.join(sorted(state)) or 'nothing'}. Train it again."
        )
    try:
        value = json.loads(state[part])
    except ValueError as wrong:
        raise InputError(f"The stored {part!r} is damaged: {wrong}. Train it again.") from wrong
    if not isinstance(value, dict):
        raise InputError(f"The stored {part!r} is not a JSON object. Train it again.")
    return value


def numbers(values: Floats) -> list[Json]:
    """The values as plain floats, which JSON text keeps exactly."""
    return [float(value) for value in values]


def array(values: object) -> Floats:
    """The values of a JSON list as float64."""
    return np.asarray(values, dtype=np.float64)
