"""An artefact: the files that a model is restored from, with a manifest of their hashes.

Files are data (JSON, text, npz without objects), never code: nothing here or in `models` unpickles. The same files give
the same bytes on disk, manifest included; no time is written. Reading checks every file before anything is handed out.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from headway.domain.errors import Conflict, InputError

MANIFEST: Final = "manifest.json"
_FORMAT: Final = 1
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*")
_CODE: Final = (".pkl", ".pickle", ".joblib", ".cloudpickle", ".py", ".pyc")


def write(folder: Path, files: Mapping[str, bytes]) -> str:
    """The artefact's hash (SHA-256 of its manifest), after writing `files` and the manifest to `folder`.

    Args:
        folder: made where it is not there; must be empty.
        files: contents by name; a name may have folders (`trees/0.txt`).

    Raises:
        InputError: no files, a name that is not a plain relative path, or one that promises code.
        Conflict: the folder holds something already.
    """
    _check_names(files)
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise Conflict(f"The artefact folder {folder} is not empty. Write to a new one; artefacts never change.")
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    manifest = _manifest(files)
    (folder / MANIFEST).write_bytes(manifest)
    return _digest(manifest)


def read(folder: Path, expected: str | None = None) -> dict[str, bytes]:
    """The artefact's files by name, each checked against the manifest, and the manifest against `expected`.

    Args:
        folder: where `write` put them.
        expected: what `write` returned, kept elsewhere; without it a changed manifest goes unnoticed.

    Raises:
        Conflict: a file is missing, unlisted or not what was written; the message names it.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise Conflict(f"The artefact {folder} has no {MANIFEST}. Train the model again, or restore the folder.")
    manifest = path.read_bytes()
    if expected is not None and _digest(manifest) != expected:
        raise _differs(path)
    listed = _listed(manifest, path)
    found = {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()} - {MANIFEST}
    for name in sorted(found ^ set(listed)):
        raise _differs(folder / name, "is missing" if name in listed else "was added")
    files: dict[str, bytes] = {}
    for name, digest in sorted(listed.items()):
        content = (folder / name).read_bytes()
        if _digest(content) != digest:
            raise _differs(folder / name)
        files[name] = content
    return files


def _manifest(files: Mapping[str, bytes]) -> bytes:
    listed = {name: {"bytes": len(content), "sha256": _digest(content)} for name, content in files.items()}
    return (json.dumps({"files": listed, "format": _FORMAT}, sort_keys=True, indent=1) + "\n").encode("ascii")


def _listed(manifest: bytes, path: Path) -> dict[str, str]:
    try:
        content = json.loads(manifest)
        listed = {str(name): str(entry["sha256"]) for name, entry in content["files"].items()}
        known = content["format"] == _FORMAT
    except (ValueError, KeyError, TypeError, AttributeError) as wrong:
        raise _differs(path) from wrong
    if not known:
        raise Conflict(f"The artefact of {path} has format {content['format']!r}. Install the headway that wrote it.")
    if any(not _NAME.fullmatch(name) for name in listed):
        raise _differs(path)
    return listed


def _check_names(files: Mapping[str, bytes]) -> None:
    if not files:
        raise InputError("An artefact needs at least one file.")
    for name in files:
        if not _NAME.fullmatch(name) or name == MANIFEST:
            raise InputError(
                f"{name!r} cannot be a file of an artefact. Use letters, digits, . _ - and / between folders."
            )
        if name.endswith(_CODE):
            raise InputError(f"{name!r} looks like code. A model's state is data: JSON, text or npz without objects.")


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _differs(path: Path, how: str = "is not what was registered") -> Conflict:
    return Conflict(f"The model file {path} {how}. Do not use this model: restore the file, or train again.")
