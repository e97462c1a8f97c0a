"""What every registered source promises, whoever wrote it. A new source adds its sample to `source_cases.CASES`."""

import functools
import gzip
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow.compute as pc
import pytest

from headway.domain.errors import HeadwayError, InputError, SourceError
from headway.domain.records import KINDS
from headway.domain.runs import RunId
from headway.domain.vocabulary import ACTIVITY_TYPES, ROLES, VERBS
from headway.sources.source import SOURCES, Request, Source
from tests.contract.source_cases import CASES, KEY, MADE, Read, drain, drained


@pytest.fixture(params=SOURCES.names())
def source(request: pytest.FixtureRequest) -> Source:
    return SOURCES.get(str(request.param))


@pytest.fixture
def sample(source: Source, tmp_path: Path) -> Request:
    assert source.name in CASES, f"Add a sample of {source.name} to tests/contract/source_cases.py."
    folder = tmp_path / "sample"
    folder.mkdir()
    return CASES[source.name](folder)


@pytest.fixture(scope="module")
def read_once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Read]:
    """What is in the sample of a source, read once for all tests."""

    @functools.cache
    def read(name: str) -> Read:
        folder = tmp_path_factory.mktemp(name) / "sample"
        folder.mkdir()
        return drain(SOURCES.get(name), CASES[name](folder))

    return read


@dataclass(frozen=True)
class Late:
    """Another reading of a sample, of which no delivery was opened before the last had been handed over."""

    kinds: list[str]
    read: Read


@pytest.fixture(scope="module")
def read_late(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Late]:
    """The second reading of a source's sample, once for all tests."""

    @functools.cache
    def read(name: str) -> Late:
        folder = tmp_path_factory.mktemp(f"{name}-late") / "sample"
        folder.mkdir()
        kept = list(SOURCES.get(name).read(CASES[name](folder)))
        return Late([delivery.kind for delivery in kept], drained(kept))

    return read


@pytest.fixture
def late(source: Source, read_late: Callable[[str], Late]) -> Late:
    """The second reading of the source's sample."""
    return read_late(source.name)


@pytest.fixture
def sound(source: Source, read_once: Callable[[str], Read]) -> Read:
    """What is in the sample of the source."""
    return read_once(source.name)


JSON = (".json", ".jsonl", ".log", ".json.gz", ".jsonl.gz", ".log.gz")
"""Files of events: their first line is an event as good as any other."""

of_files = pytest.mark.parametrize(
    "source", [pytest.param(source, id=source.name) for source in SOURCES if source.name not in MADE]
)


def files_of(sample: Request) -> list[Path]:
    """The data files of a sample."""
    return sorted(file for path in sample.paths for file in path.iterdir())


def test_it_says_what_it_is(source: Source) -> None:
    assert SOURCES.get(source.name) is source
    assert source.summary
    assert all(source.options.values())


def test_records_have_exactly_the_columns_of_their_kind_and_no_required_one_is_empty(sound: Read) -> None:
    assert sum(sound.counts().values()) > 0
    for kind, table in sound.records.items():  # the schemas were compared by `drain`
        for column in KINDS[kind].required:
            assert table[column].null_count == 0, (kind, column)


def test_ids_have_16_bytes_and_no_two_records_of_a_kind_share_one_unless_they_are_equal(sound: Read) -> None:
    for table in sound.records.values():
        assert set(pc.binary_length(table["id"]).to_pylist()) <= {16}
        known: dict[bytes, object] = {}
        for row in table.to_pylist():
            assert known.setdefault(row["id"], row) == row


def test_reading_again_gives_the_same_records_and_rejects(sound: Read, late: Late) -> None:
    first, second = sound, late.read
    assert first.records.keys() == second.records.keys()
    for kind, table in first.records.items():
        assert table.sort_by("id").equals(second.records[kind].sort_by("id")), kind
    assert first.rejects.equals(second.rejects)


def test_a_record_is_known_no_sooner_than_it_happened(sound: Read) -> None:
    for kind, table in sound.records.items():
        delays = pc.subtract(table["recorded_at"], table["occurred_at"]).cast("int64")
        assert all(delay >= 0 for delay in delays.to_pylist()), kind


def test_every_run_is_named_source_course_run_and_begins_alike(sound: Read) -> None:
    runs = {run for table in sound.records.values() for run in table["run"].to_pylist()}
    assert runs
    assert len({RunId.parse(run).source for run in runs}) == 1


def test_statements_speak_the_words_of_the_house(sound: Read) -> None:
    read = sound.records
    if (statements := read.get("statements")) is not None:
        assert set(statements["verb"].to_pylist()) <= set(VERBS)
        assert set(statements["object_type"].to_pylist()) <= {None, *ACTIVITY_TYPES}
        assert set(statements["role"].to_pylist()) <= {None, *ROLES}
    if (activities := read.get("activities")) is not None:
        assert set(activities["type"].to_pylist()) <= set(ACTIVITY_TYPES)


def test_course_runs_come_first(late: Late) -> None:
    assert late.kinds[0] == "course_runs"


def test_deliveries_may_be_read_after_the_last_one_was_handed_over(late: Late, sound: Read) -> None:
    assert late.read.counts() == sound.counts()


def test_refused_rows_have_a_place_a_reason_and_an_id_of_their_own(sound: Read) -> None:
    rows = sound.rejects.to_pylist()
    assert len({row["id"] for row in rows}) == len(rows)
    for row in rows:
        assert row["kind"] in KINDS
        assert row["file"]
        assert row["line"] >= (1 if row["file"].endswith(JSON) else 2)
        assert row["reason"].replace("_", "").isalpha()
        assert row["detail"].endswith(".")
        assert row["raw"]


def test_an_unknown_option_is_refused_with_the_known_ones(source: Source, sample: Request) -> None:
    wrong = Request(sample.paths, {**sample.options, "nonsense_option": "1"}, sample.pseudonym_key)
    with pytest.raises(InputError, match="nonsense_option"):
        drain(source, wrong)


BAD_LINES = {
    "too few columns": b"x\n",
    "too many columns": b"a,b;c" + b",;" * 30 + b"\n",
    "not UTF-8": b"\xff\xfe\xe9\n",
    "NUL bytes": b"a\0b,c\n",
    "a very long line": b"y" * (3 << 20) + b"\n",
    "a quote that never closes": b'"open\n',
}


@of_files
@pytest.mark.parametrize("line", BAD_LINES.values(), ids=BAD_LINES)
def test_a_bad_line_is_one_reject_and_changes_nothing_else(
    source: Source, sample: Request, sound: Read, line: bytes
) -> None:
    """In every file at once: each names its own line, and no record of any is another."""
    files = files_of(sample)
    for file in files:
        header, _, rest = file.read_bytes().partition(b"\n")
        file.write_bytes(header + b"\n" + line + rest)
    read = drain(source, sample)
    assert {row[:2] for row in read.reasons()} >= {(file.name, 2) for file in files}
    assert read.rejects.num_rows - sound.rejects.num_rows >= len(files)
    assert read.records.keys() == sound.records.keys()
    for kind, table in sound.records.items():
        assert read.records[kind].sort_by("id").equals(table.sort_by("id")), kind


def lost(file: Path) -> None:
    file.write_bytes(b"")


def header_only(file: Path) -> None:
    file.write_bytes(file.read_bytes().partition(b"\n")[0] + b"\n")


def cut_gzip(file: Path) -> None:
    packed = gzip.compress(random.Random(3).randbytes(5000) + file.read_bytes())
    file.with_name(f"{file.name}.gz").write_bytes(packed[: len(packed) // 2])
    file.unlink()


def noise(file: Path) -> None:
    file.write_bytes(random.Random(4).randbytes(20_000))


def no_line_at_all(file: Path) -> None:
    file.write_bytes(b"x" * (3 << 20))


def utf_16(file: Path) -> None:
    file.write_bytes(file.read_text(encoding="utf-8").encode("utf-16"))


def renamed_columns(file: Path) -> None:
    header, _, rest = file.read_bytes().partition(b"\n")
    file.write_bytes(b"q" + header + b"\n" + rest)


def nul_everywhere(file: Path) -> None:
    file.write_bytes(b"\0" * 5000)


DAMAGES = [lost, cut_gzip, noise, no_line_at_all, utf_16, renamed_columns, nul_everywhere]


@of_files
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_file_that_is_no_table_stops_the_reading_before_anything_is_delivered(
    source: Source, sample: Request, damage: Callable[[Path], None]
) -> None:
    file = files_of(sample)[0]
    if damage is renamed_columns and file.name.endswith(JSON):
        pytest.skip("Events have no header.")
    damage(file)
    with pytest.raises(SourceError, match=rf"{file.stem}|No file"):
        source.read(sample)


@of_files
def test_a_table_without_rows_gives_no_record_of_its_own(source: Source, sample: Request, sound: Read) -> None:
    for file in files_of(sample):
        good = file.read_bytes()
        header_only(file)
        read = outcome(source, sample)
        file.write_bytes(good)
        if read is not None:
            assert sum(read.counts().values()) < sum(sound.counts().values())


@of_files
@pytest.mark.parametrize("seed", range(3))
def test_damaged_bytes_are_refused_or_quarantined_and_nothing_else_goes_wrong(
    source: Source, sample: Request, seed: int
) -> None:
    """In three files at once; where that is refused, the others may not have been met, so each alone as well."""
    chance = random.Random(seed)
    good = {file: file.read_bytes() for file in some(files_of(sample), seed)}
    bad = {file: spoilt(content, chance) for file, content in good.items()}
    write(bad)
    if outcome(source, sample) is None:
        for file, content in bad.items():
            write(good | {file: content})
            outcome(source, sample)


def some(files: list[Path], turn: int) -> list[Path]:
    """At most three of the files, others at each turn, so that over three turns each of nine is met."""
    return [files[(3 * turn + place) % len(files)] for place in range(min(3, len(files)))]


def write(contents: Mapping[Path, bytes]) -> None:
    for file, content in contents.items():
        file.write_bytes(content)


@of_files
def test_swapped_columns_are_refused_or_quarantined_and_nothing_else_goes_wrong(
    source: Source, sample: Request
) -> None:
    for file in files_of(sample):
        good = file.read_bytes()
        header, *rows = good.splitlines()
        file.write_bytes(b"\n".join([header, *(b",".join(reversed(row.split(b","))) for row in rows)]))
        outcome(source, sample)
        file.write_bytes(good)


def spoilt(good: bytes, chance: random.Random) -> bytes:
    """The bytes after some slips, most of them past the header."""
    slips = (
        b'"',
        b",",
        b"\n",
        b"\r",
        b"\0",
        b"\xff",
        b"-",
        b"99999999999",
        b"'",
        b";",
        b"1e400",
        b"nan",
        b"infinity",
        b"",
    )
    bad = bytearray(good)
    for _ in range(chance.randint(1, 8)):
        place = chance.randrange(max(0, good.index(b"\n") - 3), len(bad))
        bad[place : place + chance.randint(0, 3)] = chance.choice(slips)
    return bytes(bad)


def outcome(source: Source, request: Request) -> Read | None:
    """What was read, or nothing where the source said clearly why not; any other exception is a failure."""
    try:
        return drain(source, request)
    except HeadwayError:
        return None


def test_no_direct_identifier_is_delivered(tmp_path: Path) -> None:
    request = CASES["csv"](tmp_path)
    assert request.pseudonym_key == KEY
    clicks = tmp_path / "clicks.csv"
    clicks.write_text(clicks.read_text(encoding="utf-8") + "s1009,no date,p,BIO101\ns1010,only two\n", encoding="utf-8")
    read = drain(SOURCES.get("csv"), request)
    everything = str([table.to_pylist() for table in read.records.values()]) + str(read.rejects.to_pylist())
    assert read.rejects.num_rows == 3
    assert "s10" not in everything
