import hashlib
import json
import re
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.domain.errors import Conflict, InputError
from headway.registry.artefact import MANIFEST, read, write

FILES = {"model.json": b'{"a": 1}', "trees/0.txt": b"tree\n", "empty.npz": b""}

names = st.from_regex(r"[A-Za-z0-9_]{1,8}(\.json|\.txt)", fullmatch=True)
contents = st.dictionaries(names, st.binary(max_size=64), min_size=1, max_size=5)


def on_disk(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@given(contents)
def test_what_was_written_is_read(files: dict[str, bytes]) -> None:
    distinct = {name.lower(): content for name, content in files.items()}
    with TemporaryDirectory() as scratch:
        digest = write(Path(scratch) / "a", distinct)
        assert read(Path(scratch) / "a", digest) == distinct


def test_the_same_files_make_the_same_bytes(tmp_path: Path) -> None:
    first = write(tmp_path / "a", FILES)
    second = write(tmp_path / "b", dict(reversed(FILES.items())))
    assert first == second
    assert on_disk(tmp_path / "a") == on_disk(tmp_path / "b")


def test_the_manifest_lists_every_hash(tmp_path: Path) -> None:
    digest = write(tmp_path, FILES)
    manifest = (tmp_path / MANIFEST).read_bytes()
    assert hashlib.sha256(manifest).hexdigest() == digest
    listed = json.loads(manifest)["files"]
    assert {name: entry["sha256"] for name, entry in listed.items()} == {
        name: hashlib.sha256(content).hexdigest() for name, content in FILES.items()
    }


@pytest.mark.parametrize("name", FILES)
def test_a_changed_file_is_named(tmp_path: Path, name: str) -> None:
    write(tmp_path, FILES)
    (tmp_path / name).write_bytes(FILES[name] + b" ")
    with pytest.raises(Conflict, match=re.escape(f"{tmp_path / name} is not what was registered")):
        read(tmp_path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    write(tmp_path, FILES)
    (tmp_path / "trees" / "0.txt").unlink()
    with pytest.raises(Conflict, match=re.escape("0.txt is missing")):
        read(tmp_path)


def test_an_added_file_is_named(tmp_path: Path) -> None:
    write(tmp_path, FILES)
    (tmp_path / "extra.json").write_bytes(b"{}")
    with pytest.raises(Conflict, match=re.escape("extra.json was added")):
        read(tmp_path)


def test_a_file_and_manifest_changed_together_are_noticed_by_the_hash_kept_elsewhere(tmp_path: Path) -> None:
    digest = write(tmp_path / "a", FILES)
    write(tmp_path / "b", FILES | {"model.json": b"other"})
    for name in ("model.json", MANIFEST):
        (tmp_path / "a" / name).write_bytes((tmp_path / "b" / name).read_bytes())
    read(tmp_path / "a")
    with pytest.raises(Conflict, match=MANIFEST):
        read(tmp_path / "a", digest)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"files": {"a": 1}, "format": 1}', '{"files": {"../a": {"sha256": ""}}}']
)
def test_a_broken_manifest_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / MANIFEST).write_text(text, encoding="utf-8")
    with pytest.raises(Conflict, match=MANIFEST):
        read(tmp_path)


def test_a_later_format_asks_for_its_headway(tmp_path: Path) -> None:
    (tmp_path / MANIFEST).write_text('{"files": {}, "format": 2}', encoding="utf-8")
    with pytest.raises(Conflict, match="Install the headway that wrote it"):
        read(tmp_path)


def test_a_folder_without_manifest_is_no_artefact(tmp_path: Path) -> None:
    with pytest.raises(Conflict, match="has no manifest"):
        read(tmp_path)


@pytest.mark.parametrize(
    "name", ["", "/etc/passwd", "../up", "a/../b", ".hidden", "a//b", "a\\b", "a b", MANIFEST, "a/"]
)
def test_names_that_leave_the_folder_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="cannot be a file of an artefact"):
        write(tmp_path, {name: b""})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["model.pkl", "model.joblib", "model.pickle", "model.py"])
def test_code_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="looks like code"):
        write(tmp_path, {name: b""})


def test_an_artefact_is_never_overwritten(tmp_path: Path) -> None:
    write(tmp_path, FILES)
    with pytest.raises(Conflict, match="never change"):
        write(tmp_path, FILES)
    with pytest.raises(InputError, match="at least one file"):
        write(tmp_path / "new", {})
