"""Who learners are, which group they are in: kept in the vault and the store, never in the lake.

A file of people is read whole before anything of it is kept. Its ids are the source's own; they become pseudonyms here
and are kept nowhere. Rows that cannot be used are counted with their line and a reason, and hold up none of the others.
"""

import csv
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from headway.domain.errors import InputError, SourceError, UnknownName
from headway.domain.time import zone_of
from headway.flow.app import App
from headway.flow.records import hashed, one_run
from headway.governance import audit, vault
from headway.governance.pseudonyms import pseudonym
from headway.governance.vault import Person
from headway.settings import pseudonym_key
from headway.store.tables import GROUP_MEMBERS, insert_many

COLUMNS: Final = ("id", "name", "number", "email", "phone", "zone", "group")
LONGEST: Final = 200
_MOST_AT_ONCE: Final = 500
_GROUP_CHARACTERS: Final = 80

REASONS: Final = {
    "no_id": "the row has no id",
    "no_name": "the row has no name",
    "too_long": f"a value has more than {LONGEST} characters, or the group more than {_GROUP_CHARACTERS}",
    "bad_email": "the address has no @, or a space",
    "unknown_zone": "there is no such time zone",
    "twice": "the id stands in an earlier row",
    "not_in_run": "nobody of this id is enrolled in the run",
    "bad_row": "the row has more or fewer fields than the header",
}


@dataclass(frozen=True, slots=True)
class PeopleReport:
    """What became of a file of people.

    Attributes:
        read: rows in the file.
        people: learners whose name is kept now.
        grouped: those of them who are in a group now.
        unnamed: learners of the run of whom no name is known now.
        bad: line and reason of each row that could not be used, the first hundred.
        reasons: how many rows each reason was given for.
    """

    read: int
    people: int
    grouped: int
    unnamed: int
    bad: tuple[tuple[int, str], ...]
    reasons: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class _Read:
    people: dict[str, Person]
    groups: dict[str, str]
    bad: list[tuple[int, str]]
    rows: int


def keep_people(app: App, people: Mapping[str, Person]) -> int:
    """How many people were kept, by pseudonym, over what was known of them before."""
    with app.store.begin() as connection:
        _keep(connection, app, people)
    return len(people)


def set_groups(app: App, run: str, groups: Mapping[str, str]) -> int:
    """How many learners of a run are in a group now; those not named keep theirs, an empty name takes one away."""
    with app.store.begin() as connection:
        return _group(connection, app, run, groups)


def import_people(app: App, path: Path, run: str, source: str, *, dry_run: bool = False) -> PeopleReport:
    """What became of a CSV file that says who the learners of a run are, and in which group.

    Names are kept of those alone who are enrolled: of nobody else is there a reason to hold one.

    Args:
        app: where to.
        path: the file, with the columns `id` and `name` and any of the others in `COLUMNS`.
        run: the course run.
        source: the source whose ids the file has, as its import named it.
        dry_run: read and check everything, keep nothing.

    Raises:
        SourceError: the file cannot be read as a whole, or has columns that we do not know; nothing is kept.
        UnknownName: there is no such run, or no learner of it comes from this source.
    """
    run = one_run(app, run)
    enrolled = _enrolled(app, run)
    if not any(learner.startswith(f"{source}/") for learner in enrolled):
        raise UnknownName.of(f"source of learners in {run}", source, {name.split("/")[0] for name in enrolled})
    read = _read(path, source, pseudonym_key(app.settings), enrolled)
    with app.store.read() as connection:
        known = set(vault.known(connection))
    unnamed = len(enrolled - known - read.people.keys())
    if not dry_run:
        with app.store.begin() as connection:
            _keep(connection, app, read.people)
            _group(connection, app, run, read.groups)
    reasons = Counter(reason for _, reason in read.bad)
    grouped = sum(bool(group) for group in read.groups.values())
    return PeopleReport(read.rows, len(read.people), grouped, unnamed, tuple(read.bad[:100]), dict(reasons))


def count_people(app: App) -> list[dict[str, object]]:
    """Of each run: how many learners are enrolled, how many of them have a name and a group here. No names."""
    with app.store.read() as connection:
        known = set(vault.known(connection))
        grouped: dict[str, dict[str, str]] = {}
        for row in connection.execute(sa.select(GROUP_MEMBERS)):
            grouped.setdefault(row.run, {})[row.learner] = row.group_name
    found: list[dict[str, object]] = []
    for run in app.lake.runs():
        learners, groups = _enrolled(app, run), grouped.get(run, {})
        found.append(
            {
                "run": run,
                "learners": len(learners),
                "named": len(learners & known),
                "grouped": len(learners & groups.keys()),
                "groups": len(set(groups.values())),
            }
        )
    return found


def forget_people(app: App, learners: Iterable[str]) -> int:
    """How many people were known and are forgotten; their records stay, under pseudonyms, and so do their groups."""
    wanted = list(learners)
    with app.store.begin() as connection:
        gone = vault.forget(connection, wanted)
        for learner in wanted:
            audit.record(connection, app.clock.now(), app.actor, "forget name", hashed(learner), {})
    return gone


def _keep(connection: sa.Connection, app: App, people: Mapping[str, Person]) -> None:
    vault.keep(connection, people, pseudonym_key(app.settings), app.clock.now())
    audit.record(connection, app.clock.now(), app.actor, "keep people", "vault", {"people": len(people)})


def _group(connection: sa.Connection, app: App, run: str, groups: Mapping[str, str]) -> int:
    learners = list(groups)
    for first in range(0, len(learners), _MOST_AT_ONCE):
        some = GROUP_MEMBERS.c.learner.in_(learners[first : first + _MOST_AT_ONCE])
        connection.execute(sa.delete(GROUP_MEMBERS).where(GROUP_MEMBERS.c.run == run, some))
    rows = ({"run": run, "learner": name, "group_name": group} for name, group in groups.items() if group)
    count = insert_many(connection, GROUP_MEMBERS, rows)
    audit.record(connection, app.clock.now(), app.actor, "set groups", run, {"learners": count})
    return count


def _enrolled(app: App, run: str) -> set[str]:
    with app.lake.open(None, [run], kinds=["enrolments"]) as records:
        return set(records.collect(records.table("enrolments").select("learner").distinct())["learner"].to_pylist())


def _read(path: Path, source: str, key: bytes, enrolled: set[str]) -> _Read:
    """Everything that the file says, checked; line numbers are those that an editor shows."""
    made = _Read({}, {}, [], 0)
    rows = 0
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = csv.reader(file, strict=True)
            header = _header(next(lines, []), path)
            for fields in lines:
                if not any(field.strip() for field in fields):
                    continue
                rows += 1
                told = dict(zip(header, (field.strip() for field in fields), strict=False))
                learner, person, why = _person(told if len(fields) == len(header) else {}, source, key, enrolled)
                if not why and learner in made.people:
                    why = "twice"
                if why or person is None:
                    made.bad.append((lines.line_num, why))
                    continue
                made.people[learner] = person
                if "group" in told:
                    made.groups[learner] = told["group"]
    except (OSError, UnicodeDecodeError, csv.Error) as wrong:
        raise SourceError(f"{path} cannot be read as CSV in UTF-8: {wrong}. Nothing was kept.") from wrong
    return _Read(made.people, made.groups, made.bad, rows)


def _header(fields: list[str], path: Path) -> list[str]:
    header = [field.strip().casefold() for field in fields]
    wrong = [name for name in header if name not in COLUMNS]
    missing = [name for name in COLUMNS[:2] if name not in header]
    if wrong or missing or len(set(header)) < len(header):
        raise SourceError(
            f"The first line of {path} must name the columns id and name, and may name {', '.join(COLUMNS[2:])}, each "
            f"once. It names: {', '.join(header) or 'nothing'}. Nothing was kept."
        )
    return header


def _person(told: Mapping[str, str], source: str, key: bytes, enrolled: set[str]) -> tuple[str, Person | None, str]:
    """Pseudonym and person of a row, or why there is none."""
    if not told:
        return "", None, "bad_row"
    native, name = told["id"], told["name"]
    fields = {column: told.get(column, "") for column in ("number", "email", "phone", "zone")}
    if not native or not name:
        return "", None, "no_id" if not native else "no_name"
    if max(map(len, told.values())) > LONGEST or len(told.get("group", "")) > _GROUP_CHARACTERS:
        return "", None, "too_long"
    if fields["email"] and ("@" not in fields["email"] or any(letter.isspace() for letter in fields["email"])):
        return "", None, "bad_email"
    if fields["zone"] and not _is_zone(fields["zone"]):
        return "", None, "unknown_zone"
    # Some sources' ids are pseudonyms already: the public data sets, and made-up courses.
    both = (f"{source}/{pseudonym(native, key)}", native if "/" in native else f"{source}/{native}")
    learner = next((each for each in both if each in enrolled), None)
    return (learner, Person(name, **fields), "") if learner else ("", None, "not_in_run")


def _is_zone(name: str) -> bool:
    try:
        zone_of(name)
    except InputError:
        return False
    return True
