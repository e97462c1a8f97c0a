"""Built features: results that are kept, and how long they stay true.

What was computed for a run at an as-of time stays true until a record comes that was known by then, or one goes. Each
result is kept with the stamp of the lake that it was computed from; `changes` tells what is stale. What it promises:

- **Never wrong.** A result is there once its file is whole and the index of its run, replaced in one step, names it.
  Several may build at the same time: who is last to say what is kept of a run says it whole.
- **Forgettable.** `Built.forget` destroys everything of the runs that hold a row of the learner. What a build that has
  read the learner's records has not kept by then, it does not keep any more.

It may be deleted at any time while nobody builds: the lake has all that it is made of.
"""

import fcntl
import hashlib
import json
import shutil
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from headway.domain.errors import LakeError
from headway.domain.time import AsOf
from headway.lake.changes import Changes, Stamp, erased_since
from headway.lake.tables import Tables
from headway.lake.versions import Snapshot

FORMAT: Final = 1
"""Raised whenever older files could be misread."""

ROW_GROUP: Final = 65_536

MOST_PARTS: Final = 32
"""Where a run has as many files, the next result is written together with all of them."""

_INDEX: Final = "index.json"
_ABOUT: Final = "about.json"


@dataclass(frozen=True, slots=True)
class Recipe:
    """How results come about; those of another recipe are never mixed in.

    Attributes:
        view: what users call the feature view. Of each there is one recipe at a time; older ones are cleared away.
        hash: the hash of its definitions.
        engine: the name of what computes.
        version: the version of all else that decides the values.
        elsewhere: record kinds of which those of any run may change a result.
    """

    view: str
    hash: str
    engine: str
    version: str
    elsewhere: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The name of its folder."""
        text = "\x1f".join([str(FORMAT), self.view, self.hash, self.engine, self.version, *self.elsewhere])
        return hashlib.sha256(text.encode()).hexdigest()[:24]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the rows of one as-of time are: in no file where there are none."""

    part: str | None
    first: int
    rows: int


@dataclass(frozen=True, slots=True)
class _Index:
    """What is kept of one run, and the lake that it rests on."""

    run: str
    stamp: Stamp
    places: Mapping[datetime, _Place]

    def text(self) -> str:
        """The index as JSON."""
        places = {at.isoformat(): [place.part, place.first, place.rows] for at, place in sorted(self.places.items())}
        return json.dumps({"run": self.run, "stamp": self.stamp, "as_of": places}, sort_keys=True)

    @classmethod
    def read(cls, folder: Path) -> "_Index | None":
        """The index in a folder; None where there is none that can be read."""
        try:
            told = json.loads((folder / _INDEX).read_text(encoding="utf-8"))
            places = {datetime.fromisoformat(at): _Place(*place) for at, place in told["as_of"].items()}
            stamp = {kind: (str(name), int(version)) for kind, (name, version) in told["stamp"].items()}
            return cls(told["run"], stamp, places)
        except (OSError, ValueError, KeyError, TypeError):
            return None


class Built:
    """The built features of one lake, in a folder of its own."""

    def __init__(self, folder: Path, tables: Tables) -> None:
        self._folder = folder
        self._tables = tables

    @contextmanager
    def shelf(self, recipe: Recipe, snapshot: Snapshot, runs: Collection[str]) -> "Iterator[Shelf]":
        """What is kept of some runs by one recipe, for a build that reads `snapshot`.

        Raises:
            LakeError: the folder cannot be written, or the lake's log cannot be read.
        """
        place = self._folder / recipe.key
        with _disk_errors():
            self._folder.mkdir(parents=True, exist_ok=True)
            using = (self._folder / ".using").open("a")
        with using:
            try:
                fcntl.flock(using, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                pass  # whoever builds alone clears away
            else:
                self._clear(recipe, [place / _name(run) for run in runs])
            fcntl.flock(using, fcntl.LOCK_SH)
            with _disk_errors():
                place.mkdir(exist_ok=True)
                (place / _ABOUT).write_text(json.dumps(asdict(recipe), sort_keys=True), encoding="utf-8")
            erasures = self._erasures()
            keeps = not erased_since(self._tables, snapshot)
            found = {run: _Index.read(place / _name(run)) for run in runs}
            kept = {run: index for run, index in found.items() if index is not None and index.run == run}
            changes = Changes(self._tables, snapshot, [index.stamp for index in kept.values()])
            valid = {run: self._valid(recipe, changes, index) for run, index in kept.items()}

            def unchanged() -> bool:
                return keeps and self._erasures() == erasures

            shelf = Shelf(place, changes.now, valid, unchanged, self._turn)
            try:
                yield shelf
            finally:
                shelf.close()

    def forget(self, learner: str) -> int:
        """How many files were destroyed: all of the runs that hold a row of the learner, and what cannot be read."""
        if not self._folder.is_dir():
            return 0
        destroyed = 0
        with self._turn():
            (self._folder / ".erasures").write_text(uuid.uuid4().hex, encoding="utf-8")
            for place in sorted(self._folder.glob("*/*/")):
                parts = sorted(place.glob("*.parquet"))
                if any(_holds(part, learner) for part in parts):
                    for file in (place / _INDEX, *parts):
                        with _disk_errors():
                            file.unlink(missing_ok=True)
                    destroyed += len(parts)
        return destroyed

    def _valid(self, recipe: Recipe, changes: Changes, index: _Index) -> dict[datetime, _Place]:
        stale = changes.stale(index.run, index.stamp, recipe.elsewhere)
        return {at: place for at, place in index.places.items() if not stale.holds(at)}

    def _erasures(self) -> str:
        try:
            return (self._folder / ".erasures").read_text(encoding="utf-8")
        except FileNotFoundError:
            return ""

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Holds the only right to say what is kept."""
        with _disk_errors():
            handle = (self._folder / ".turn").open("a")
        with handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    def _clear(self, recipe: Recipe, places: Sequence[Path]) -> None:
        """Removes results of the view's older recipes, and what killed builds left of these runs."""
        for about in self._folder.glob(f"*/{_ABOUT}"):
            told = _told(about)
            if about.parent.name != recipe.key and (told.get("view"), told.get("engine")) == (
                recipe.view,
                recipe.engine,
            ):
                with _disk_errors():
                    shutil.rmtree(about.parent)
        for place in places:
            index = _Index.read(place)
            needed = {_INDEX} if index is None else {_INDEX, *(one.part for one in index.places.values())}
            for file in place.iterdir() if place.is_dir() else ():
                if file.name not in needed:
                    file.unlink(missing_ok=True)


class Shelf:
    """What is kept of some runs, and a place for more. Made by `Built.shelf`."""

    def __init__(
        self,
        place: Path,
        stamp: Stamp,
        valid: Mapping[str, Mapping[datetime, _Place]],
        unchanged: Callable[[], bool],
        turn: Callable[[], AbstractContextManager[None]],
    ) -> None:
        """The shelf in the folder `place`, for a build that reads the lake as of `stamp`.

        Args:
            place: the recipe's folder.
            stamp: what new results rest on.
            valid: the places of what is still true, by run and as-of time.
            unchanged: whether nobody was erased since the build began.
            turn: the right to say what is kept.
        """
        self._place = place
        self._stamp = stamp
        self._valid = valid
        self._unchanged = unchanged
        self._turn = turn
        self._open: tuple[Path, pq.ParquetFile] | None = None
        self._group: tuple[Path, int, pa.Table] | None = None

    def kept(self, run: str) -> list[AsOf]:
        """The as-of times of a run of which a result is kept that is still true, in order."""
        return [AsOf(at) for at in sorted(self._valid.get(run, {}))]

    def take(self, run: str, as_of: AsOf, schema: pa.Schema) -> pa.Table:
        """The rows that are kept of a run at an as-of time.

        Raises:
            LakeError: they were erased meanwhile, or cannot be read.
        """
        place = self._valid[run][as_of.instant]
        return self._rows(self._place / _name(run), place, schema)

    def put(self, run: str, tables: Sequence[tuple[AsOf, pa.Table]]) -> None:
        """Keeps what was computed of a run, beside what is still true of it.

        Args:
            run: the run.
            tables: each as-of time with its rows, all of the same columns; an as-of time may have none.
        """
        if not self._unchanged():
            return
        places = dict(self._valid.get(run, {}))
        folder = self._place / _name(run)
        part = f"{uuid.uuid4().hex}.parquet"
        if tables:
            if len({place.part for place in places.values()}) >= MOST_PARTS:
                schema = tables[0][1].schema
                known = {at for at, _ in tables}
                earlier = [(AsOf(at), self._rows(folder, place, schema)) for at, place in places.items()]
                tables = [*(one for one in earlier if one[0] not in known), *tables]
            places |= _write(folder / part, sorted(tables, key=lambda one: one[0]))
        if not self._publish(run, folder, places):
            (folder / part).unlink(missing_ok=True)

    def close(self) -> None:
        """Closes the file that was read last."""
        if self._open is not None:
            self._open[1].close()
            self._open = None

    def _publish(self, run: str, folder: Path, places: dict[datetime, _Place]) -> bool:
        """Whether what is kept of the run is now this."""
        with self._turn():
            there = _Index.read(folder)
            if there is not None and there.run == run and there.stamp == self._stamp:
                places = {**there.places, **places}
            parts = {place.part for place in places.values()}
            whole = all(part is None or (folder / part).exists() for part in parts)
            if not (whole and places and self._unchanged()):
                return False
            index = _Index(run, self._stamp, places)
            if index != there:
                with _disk_errors():
                    folder.mkdir(parents=True, exist_ok=True)
                    new = folder / f"{_INDEX}.{uuid.uuid4().hex}"
                    new.write_text(index.text(), encoding="utf-8")
                    new.replace(folder / _INDEX)
            return True

    def _rows(self, folder: Path, place: _Place, schema: pa.Schema) -> pa.Table:
        if place.part is None:
            return schema.empty_table()
        path = folder / place.part
        try:
            return self._read(path, place).cast(schema)
        except (OSError, pa.ArrowException) as wrong:
            raise LakeError(
                f"A built feature file, {path}, cannot be read ({type(wrong).__name__}). "
                "If a learner was erased meanwhile, try again; otherwise build with --fresh."
            ) from wrong

    def _read(self, path: Path, place: _Place) -> pa.Table:
        if self._open is None or self._open[0] != path:
            self.close()
            self._open = (path, pq.ParquetFile(path))
        file = self._open[1]
        pieces = []
        begin, end = place.first, place.first + place.rows
        before = 0
        for number in range(file.num_row_groups):
            rows = file.metadata.row_group(number).num_rows
            if before < end and before + rows > begin:
                low, high = max(begin - before, 0), min(end - before, rows)
                pieces.append(self._row_group(path, number).slice(low, high - low))
            before += rows
        found = pa.concat_tables(pieces)
        if found.num_rows != place.rows:
            raise pa.ArrowInvalid("fewer rows than were kept")
        return found

    def _row_group(self, path: Path, number: int) -> pa.Table:
        if self._group is None or self._group[:2] != (path, number):
            assert self._open is not None
            self._group = (path, number, self._open[1].read_row_group(number))
        return self._group[2]


def _write(path: Path, tables: Sequence[tuple[AsOf, pa.Table]]) -> dict[datetime, _Place]:
    """Where the rows of each as-of time are, after all were written to one new file that no index names yet."""
    whole = pa.concat_tables([table for _, table in tables])
    if whole.num_rows:
        numbers = [f.name for f in whole.schema if pa.types.is_floating(f.type)]
        with _disk_errors():
            path.parent.mkdir(parents=True, exist_ok=True)
            # Numbers do not repeat enough for a dictionary to pay; split by byte they are written quickly and small.
            pq.write_table(
                whole,
                path,
                row_group_size=ROW_GROUP,
                compression="lz4",
                use_dictionary=[f.name for f in whole.schema if f.name not in numbers],
                use_byte_stream_split=numbers,
                write_statistics=False,
            )
    places = {}
    first = 0
    for at, table in tables:
        places[at.instant] = _Place(path.name if table.num_rows else None, first, table.num_rows)
        first += table.num_rows
    return places


def _holds(part: Path, learner: str) -> bool:
    """Whether a file has a row of the learner; one that cannot be read, since it is still being written, may have."""
    try:
        learners = pq.read_table(part, columns=["learner"])["learner"]
    except (OSError, pa.ArrowException):
        return True
    return bool(pc.any(pc.equal(learners, learner)).as_py())


def _told(about: Path) -> dict[str, Any]:
    try:
        found = json.loads(about.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _name(run: str) -> str:
    """The name of a run's folder: ids of runs may hold any sign."""
    return hashlib.sha256(run.encode()).hexdigest()[:32]


@contextmanager
def _disk_errors() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as wrong:
        raise LakeError(
            f"Built features cannot be kept: {wrong.strerror or wrong} ({wrong.filename}). "
            "Free the disk or see who may write there, or build with --no-keep."
        ) from wrong
