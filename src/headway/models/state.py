"""How learned numbers become bytes and come back the same, bit for bit.

Promises one canonical JSON text: sorted keys, shortest float text that reads back exactly, no NaN, no code. Others must
not pickle, and must not invent a second encoding.
"""

import io
import json
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

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


def packed(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """The arrays as one npz without objects; equal arrays give equal bytes."""
    held = io.BytesIO()
    np.savez_compressed(held, allow_pickle=False, **{name: arrays[name] for name in sorted(arrays)})
    return held.getvalue()


def unpacked(state: Mapping[str, bytes], part: str) -> dict[str, NDArray[Any]]:
    """The arrays kept under `part`.

    Raises:
        InputError: the part is not there or is no npz of plain arrays.
    """
    if part not in state:
        raise InputError(f"The stored state has no {part!r}. Train it again.")
    try:
        with np.load(io.BytesIO(state[part]), allow_pickle=False) as held:
            return {name: held[name] for name in held}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as wrong:
        raise InputError(f"The stored {part!r} is damaged: {wrong}. Train it again.") from wrong
