"""The tables of an export, wherever they lie: found in folders and zips, and staged whichever columns they have.

Promises that a zip can neither write outside the scratch folder nor fill the disk unasked, that a file without a header
line keeps its own line numbers, and that columns which name a person are hashed before anything else sees them. Knows
no table by name: sources say which files and columns they want.
"""

import gzip
import re
import shutil
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from headway.domain.errors import SourceError
from headway.governance.pseudonyms import hmac_sql
from headway.sources.delimited import CHUNK_BYTES, LONGEST_HEADER_BYTES, Dialect, TextFile
from headway.sources.staging import Check, Staging, name_sql, text_sql

MOST_UNPACKED_BYTES: Final = 64 << 30
MOST_TIMES_SMALLER: Final = 1000
_SMALL_BYTES: Final = 64 << 20  # below this a file may be packed as tightly as it likes

NOT_KEPT: Final = "(not kept: it may name a person; look at this line of the file)"

_NO_TABLE: Final = "(file_no INTEGER, file VARCHAR, line BIGINT, {fields})"

File = tuple[Path, str]
"""A file, and the name to show for it."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns of a table are wanted.

    Attributes:
        wanted: name in the staged table to the name in the header, a regular expression heedless of case.
        required: those without which the file is not this table; another one is null where it is missing.
        hashed: those of which only the pseudonym is kept.
        empty: words that stand for nothing, so that they are nobody's id.
        private: whether a line that cannot be split may name a person, so that its text is not kept.
        header: the header of files that come without one; a file whose first line is not one gets it.
    """

    wanted: Mapping[str, str]
    required: Collection[str]
    hashed: Collection[str] = ()
    empty: Collection[str] = ()
    private: bool = False
    header: Sequence[str] = ()


def plain(*names: str, optional: Collection[str] = (), hashed: Collection[str] = (), private: bool = False) -> Columns:
    """Columns that are called in the staged table as in the header."""
    required = [name for name in names if name not in optional]
    return Columns({name: re.escape(name) for name in names}, required, hashed=hashed, private=private)


def filled(*columns: str) -> list[Check]:
    """Checks that none of the columns is empty; they use the macro `clean` of the source."""
    return [Check(f"clean(t.{column}) IS NULL", "missing_value", text_sql(f"{column} is empty.")) for column in columns]


def among(column: str, words: Collection[str]) -> Check:
    """The check that a column, where it is filled, has one of the words; it uses the macro `clean` of the source."""
    listed = ", ".join(text_sql(word) for word in words)
    told = text_sql(f", not one of {', '.join(words)}.")
    return Check(
        f"clean(t.{column}) NOT IN ({listed})", "unknown_value", f"concat('{column} is ', left(t.{column}, 60), {told})"
    )


def files_among(paths: Sequence[Path], folder: Path, wanted: Callable[[str], bool], what: str) -> list[File]:
    """The wanted files among `paths`: files, folders with all below them, and zips, also zips in folders.

    Args:
        paths: as the user named them.
        folder: where zips are unpacked to.
        wanted: whether a file is, by its name without folder and without `.gz`.
        what: what is looked for, for messages: "OneRoster, such as classes.csv".

    Raises:
        SourceError: a path does not exist, a file named is not wanted, a zip cannot be used, or there is no file.
    """
    found: list[File] = []
    for path in paths:
        if path.is_dir():
            for file in sorted(p for p in path.rglob("*") if p.is_file() and not _litter(p.relative_to(path).parts)):
                if file.suffix == ".zip":
                    found += zip_members(file, folder, lambda name: wanted(_bare(name)))
                elif wanted(_bare(file.name)):
                    # Folders named together often hold files of the same names.
                    found.append((file, str(file.relative_to(path.parent if len(paths) > 1 else path))))
        elif not path.is_file():
            raise SourceError(f"{path} does not exist. Name a file, folder or zip of {what}.")
        elif path.suffix == ".zip":
            found += zip_members(path, folder, lambda name: wanted(_bare(name)))
        elif wanted(_bare(path.name)):
            found.append((path, path.name))
        else:
            raise SourceError(f"{path.name} is no file of {what}. Name files as they were exported.")
    if not found:
        where = ", ".join(str(path) for path in paths) or "what was named"
        raise SourceError(f"No file of {what}, is in {where}. Name the folder or zip that has them.")
    return found


def stem_of(name: str) -> str:
    """The name of a file without folder, `.gz` and `.csv`."""
    return _bare(PurePosixPath(name.replace("\\", "/")).name).removesuffix(".csv")


def name_runs(staging: Staging, files: Sequence[File], nameless: str) -> None:
    """Makes the table `names` (`file_no`, `name`): what the run of each file is called where a file is a run.

    Args:
        staging: where.
        files: the files, in the order of their numbers.
        nameless: what the run of a file without a name is called.
    """
    staging.run("CREATE TABLE names (file_no INTEGER, name VARCHAR)")
    for number, (_, name) in enumerate(files):
        kept = "".join(letter if letter.isalnum() or letter in "_.-" else "-" for letter in stem_of(name))
        staging.run("INSERT INTO names VALUES ($number, $name)", number=number, name=kept[:100] or nameless)


def stage_table(
    staging: Staging,
    table: str,
    kind: str,
    files: Sequence[File],
    columns: Columns,
    *,
    key: bytes = b"",
    dialect: Dialect | None = None,
) -> None:
    """Stage the wanted columns of the files, as text, in the new table `table`, beside `file_no`, `file` and `line`.

    Args:
        staging: where to.
        table: the new table; without files it is empty.
        kind: the record kind under which a refused line is counted.
        files: what to read.
        columns: which columns.
        key: the workspace's key for pseudonyms, where a column is hashed.
        dialect: how the files are delimited; a comma and double quotes if not given.

    Raises:
        SourceError: a file is damaged as a whole or lacks a required column.
        ConfigError: something is to be hashed and the key is empty.
    """
    dialect = dialect or Dialect()
    texts = [_text(staging, path, name, columns, dialect) for path, name in files]
    there = [columns_of(text, columns) for text, _ in texts]
    if texts and not columns.hashed and not any(shift for _, shift in texts) and all(t == there[0] for t in there):
        _load_at_once(staging, table, kind, [text for text, _ in texts], there[0], columns, dialect)
        return
    fields = ", ".join(f"{name_sql(name)} VARCHAR" for name in columns.wanted)
    staging.run(f"CREATE TABLE {table} {_NO_TABLE.format(fields=fields)}")
    for number, (text, shift) in enumerate(texts):
        _load(staging, table, kind, number, text, shift, columns, dialect, key)


def _load_at_once(
    staging: Staging,
    table: str,
    kind: str,
    texts: Sequence[TextFile],
    there: Mapping[str, str],
    columns: Columns,
    dialect: Dialect,
) -> None:
    """Stage files of one form without a second copy, which for a log of a hundred million lines is worth it."""
    refused = staging.run("SELECT count(*) FROM refused")[0][0]
    staging.load(table, kind, texts, there, dialect)
    for name in columns.wanted:
        if name not in there:
            staging.run(f"ALTER TABLE {table} ADD {name_sql(name)} VARCHAR")
    if columns.private:
        staging.run(f"UPDATE refused SET raw = {text_sql(NOT_KEPT)} WHERE rowid >= $refused", refused=refused)


def _load(
    staging: Staging,
    table: str,
    kind: str,
    number: int,
    text: TextFile,
    shift: int,
    columns: Columns,
    dialect: Dialect,
    key: bytes,
) -> None:
    there = columns_of(text, columns)
    refused = staging.run("SELECT count(*) FROM refused")[0][0]
    staging.load("arrived", kind, [text], there, dialect)
    values = ", ".join(_value(name, there, columns, key) for name in columns.wanted)
    staging.run(f"INSERT INTO {table} SELECT {number}, file, line - {shift}, {values} FROM arrived")
    staging.run("DROP TABLE arrived")
    if shift:
        staging.run("UPDATE refused SET line = line - $shift WHERE rowid >= $refused", shift=shift, refused=refused)
    if columns.private or columns.hashed:
        staging.run(f"UPDATE refused SET raw = {text_sql(NOT_KEPT)} WHERE rowid >= $refused", refused=refused)


def _value(name: str, there: Mapping[str, str], columns: Columns, key: bytes) -> str:
    if name not in there:
        return "NULL"
    field = name_sql(name)
    if name not in columns.hashed:
        return field
    nobody = ", ".join(text_sql(word) for word in ("", *columns.empty))
    return f"CASE WHEN trim({field}) NOT IN ({nobody}) THEN {hmac_sql(f'trim({field})', key)} END"


def columns_of(text: TextFile, columns: Columns) -> dict[str, str]:
    """Name in the staged table to name in the header of the file.

    Raises:
        SourceError: a required column is missing, or a wanted one is there twice.
    """
    there: dict[str, str] = {}
    for name, pattern in columns.wanted.items():
        matches = [column for column in text.columns if re.fullmatch(pattern, column, re.IGNORECASE)]
        if len(matches) > 1:
            raise SourceError(f"{text.name} has two columns for {name}: {', '.join(matches)}. Rename one of them.")
        if matches:
            there[name] = matches[0]
    missing = [name for name in columns.wanted if name in columns.required and name not in there]
    if missing:
        raise SourceError(
            f"The header of {text.name} lacks {', '.join(missing)}. It has {', '.join(text.columns[:30])}. "
            "Export the file again, with its header line."
        )
    return there


def _text(staging: Staging, path: Path, name: str, columns: Columns, dialect: Dialect) -> tuple[TextFile, int]:
    """The text, ready to be staged, and how many lines were put before it."""
    if columns.header and not _has_header(path, columns, dialect):
        copy = staging.folder / f"headed-{len(list(staging.folder.glob('headed-*')))}"
        _with_header(path, name, copy, dialect.delimiter.join(columns.header))
        return staging.text(copy, name, dialect), 1
    return staging.text(path, name, dialect), 0


def _has_header(path: Path, columns: Columns, dialect: Dialect) -> bool:
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as stream:
            first = stream.readline(LONGEST_HEADER_BYTES)
    except (OSError, EOFError, zlib.error):
        return True  # the reading of the whole file says what is wrong with it
    fields = [field.strip().strip(dialect.quote) for field in first.decode("utf-8", "replace").split(dialect.delimiter)]
    wanted = [pattern for name, pattern in columns.wanted.items() if name in columns.required]
    named = any(re.fullmatch(pattern, field, re.IGNORECASE) for pattern in wanted for field in fields)
    # Data never repeats a column's name; and what has too few fields is neither, which the reading says.
    return named or len(fields) < len(columns.header)


def _with_header(path: Path, name: str, copy: Path, header: str) -> None:
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as stream, copy.open("wb") as out:
            out.write(header.encode() + b"\n")
            shutil.copyfileobj(stream, out, CHUNK_BYTES)
    except (EOFError, zlib.error, gzip.BadGzipFile) as wrong:
        raise SourceError(f"{name} is damaged or cut short ({wrong}). Download it again; nothing was read.") from wrong


def _bare(name: str) -> str:
    return name.removesuffix(".gz")


def _litter(parts: Sequence[str]) -> bool:
    """Whether a path within a folder or zip is what macOS and others leave behind."""
    return any(part == "__MACOSX" or part.startswith(".") for part in parts)


def zip_members(path: Path, folder: Path, wanted: Callable[[str], bool]) -> list[File]:
    """The wanted files of a zip, unpacked to `folder` under names of our own.

    Args:
        path: the zip.
        folder: where they are unpacked to.
        wanted: whether a file is, by its name without folder.

    Raises:
        SourceError: it is damaged or encrypted, has a file outside of itself, or would fill the disk.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = [m for m in _safe(archive, path.name) if wanted(PurePosixPath(m.filename).name)]
            _room_for(members, path.name, folder)
            return [_unpack(archive, member, path.name, folder) for member in members]
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, OSError) as wrong:
        raise SourceError(
            f"{path.name} is damaged or no usable zip ({wrong}). Download it again; nothing was read."
        ) from wrong


def _safe(archive: zipfile.ZipFile, name: str) -> Iterator[zipfile.ZipInfo]:
    for member in archive.infolist():
        parts = PurePosixPath(member.filename.replace("\\", "/")).parts
        if ".." in parts or member.filename.startswith("/") or ":" in parts[:1]:
            raise SourceError(
                f"{name} has a file outside of itself ({member.filename!r}). Do not trust it; export it again."
            )
        if member.is_dir() or _litter(parts):
            continue
        if member.flag_bits & 0x1:
            raise SourceError(f"{name} is encrypted. Unpack it with its password, and name the folder.")
        yield member


def _room_for(members: Sequence[zipfile.ZipInfo], name: str, folder: Path) -> None:
    total = sum(member.file_size for member in members)
    if total > MOST_UNPACKED_BYTES or any(
        m.file_size > _SMALL_BYTES and m.file_size > MOST_TIMES_SMALLER * max(m.compress_size, 1) for m in members
    ):
        raise SourceError(
            f"{name} would unpack to {total} bytes, which no export does. Unpack it yourself if it is sound, and name "
            "the folder."
        )
    if total > shutil.disk_usage(folder).free:
        raise SourceError(f"{name} needs {total} bytes of temporary disk. Set TMPDIR to a folder with more room.")


def _unpack(archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str, folder: Path) -> File:
    shown = f"{name}/{member.filename}"
    ending = ".gz" if member.filename.endswith(".gz") else ""
    target = folder / f"member-{len(list(folder.glob('member-*')))}{ending}"
    left = member.file_size
    with archive.open(member) as packed, target.open("wb") as out:
        while chunk := packed.read(CHUNK_BYTES):
            left -= len(chunk)
            if left < 0:
                raise SourceError(f"{shown} is longer than the zip says. Do not trust it; export it again.")
            out.write(chunk)
    return target, shown
