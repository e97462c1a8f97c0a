"""What the pages about segments show: who fits a rule, which groups behave alike, how the lists moved. Scope included.

Every number is over learners in the visitor's scope; a role that is shown no names is told no number below ten.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import repeat
from typing import TYPE_CHECKING, Final

import numpy as np

from headway.advising.saved_segments import Columns, Rule, members
from headway.advising.wording import LISTS
from headway.domain.errors import NotEnoughData, UnknownName
from headway.domain.time import AsOf
from headway.flow.app import App
from headway.flow.course_facts import CourseFacts, facts_of
from headway.flow.saved_segments import saved_segment
from headway.flow.segments import How, group_names, segments_of
from headway.models.reason_types import REASON_TYPES
from headway.scoring import kept
from headway.scoring.kept import ScoreRun
from headway.web.board import Board
from headway.web.site import Site
from headway.web.visit import Visit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from headway.advising.segments import Segment, Segments

FEWEST: Final = 10
"""A number below this is not told to a role that is shown no names."""

WAIT_S: Final = 3.0
GROUPS_WAIT_S: Final = 0.1
HOW: Final[dict[str, How]] = {"reason": "reason", "behaviour": "kmeans"}
"""How groups are made, as the address says it and as the flow does."""

TOO_EARLY_COLUMN: Final = "Too early to say"
NOT_THERE: Final = "Not enrolled"


@dataclass(frozen=True, slots=True)
class Place:
    """Where the segments of a visit are counted.

    Attributes:
        board: the newest score run.
        mine: which of its learners are in the scope.
        facts: what the record held as of the score run.
        columns: what rules ask about.
    """

    board: Board
    mine: "NDArray[np.bool_]"
    facts: CourseFacts
    columns: Columns

    def of(self, rule: Rule) -> list[str]:
        """Who fits a rule, in the order of the board."""
        return [str(each) for each in self.board.learners[members(rule, self.columns) & self.mine]]

    def among(self, places: "NDArray[np.int64]") -> list[str]:
        """Those at these places of the board who are in the scope, in its order."""
        return [str(each) for each in self.board.learners[places[self.mine[places]]]]


@dataclass(frozen=True, slots=True)
class Grouped:
    """Groups that behave alike, and at which places of the board their learners are, in its order."""

    segments: "Segments"
    places: "tuple[NDArray[np.int64], ...]"


@dataclass(frozen=True, slots=True)
class Members:
    """A segment by its name, and who is in it, in the order of the board."""

    name: str
    learners: list[str]


@dataclass(frozen=True, slots=True)
class Group:
    """Learners who behave alike, as a page tells of them.

    Attributes:
        segment: what was found for the whole course.
        name: as people call it.
        size: how many of them are in the scope.
        weeks: of those in the scope, the share who came in each week; None where too few are told of.
        typical: what the whole group stands out in; nothing where it is small and holds people out of the scope.
    """

    segment: "Segment"
    name: str
    size: int
    weeks: tuple[float, ...] | None
    typical: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Moves:
    """How many went from which list to which between two score runs.

    Attributes:
        before: the earlier score run.
        after: the later one.
        columns: names of the lists afterwards.
        rows: each list before, with how many went to each of the columns.
    """

    before: ScoreRun
    after: ScoreRun
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[int, ...]], ...]


def place_of(visit: Visit, board: Board) -> Place:
    """Where the visitor's segments are counted: everything as of the board's score run.

    Raises:
        Pending: the record is being read; ask again in a moment.
    """
    facts = facts_at(visit.site, board, visit.patience(WAIT_S))
    mine = board.of_groups(visit.scope.groups(board.score_run.run))
    columns = Columns(
        absent_days=board.absent_days,
        visited=facts.visited,
        opened=facts.opened,
        assessments=[each.activity for each in facts.assessments],
        handed_in=facts.handed_in,
        score=facts.score,
        list=board.lists(mine, visit.capacity()),
        group=board.group,
        type=lambda: _types(visit, board),
    )
    return Place(board, mine, facts, columns)


def facts_at(site: Site, board: Board, wait_s: float) -> CourseFacts:
    """What the record held of everyone on a board as of its score run, in its order.

    Raises:
        Pending: it takes longer than is waited.
    """
    key, score_run = ("course facts at", board.score_run.id, len(board)), board.score_run
    return site.worked_out(key, wait_s, _facts_in_order, score_run.run, score_run.as_of, board.everyone)


def told(visit: Visit, number: int) -> int | None:
    """A number as the visitor may know it; None where it is too small to be told."""
    return number if visit.scope.named or number == 0 or number >= FEWEST else None


def groups(visit: Visit, board: Board, place: Place, by: str) -> "tuple[Segments, list[Group]]":
    """The groups that behave alike, those in the scope counted.

    Raises:
        Pending: they are being computed; ask again in a moment.
        NotEnoughData: there are too few learners for groups.
    """
    found = _segments(visit, board, by, GROUPS_WAIT_S)
    names = group_names(visit.site.app)
    made = []
    for each, places in zip(found.segments.segments, found.places, strict=True):
        own = places[place.mine[places]]
        share = tuple(place.columns.visited[own].mean(axis=0).tolist()) if len(own) else ()
        weeks = share if told(visit, len(own)) else None
        open_to = len(places) >= FEWEST or (visit.scope.named and len(own) == len(each.learners))
        typical = tuple(telling.text for telling in each.telling) if open_to else ()
        made.append(Group(each, names.get(each.proposed, each.proposed), len(own), weeks, typical))
    return found.segments, [each for each in made if each.size]


def members_named(visit: Visit, text: str) -> Members:
    """The segment that a form names: `saved:ID`, or `group:reason:NAME` by its proposed name.

    Raises:
        UnknownName: there is none.
        Pending: it is being computed.
    """
    board = visit.board
    if board is None:
        raise UnknownName("The course was not scored yet, so it has no segments.")
    place = place_of(visit, board)
    kind, _, rest = text.partition(":")
    if kind == "saved":
        found = saved_segment(visit.app, visit.run.id, rest)
        if visit.role in ("adviser", "tutor") and found.by != visit.app.actor:
            raise UnknownName("There is no such segment of yours.")
        return Members(found.name, place.of(found.rule))
    by, _, proposed = rest.partition(":")
    if kind != "group" or by not in HOW:
        raise UnknownName("There is no such segment.")
    grouped = _segments(visit, board, by, WAIT_S)
    for each, places in zip(grouped.segments.segments, grouped.places, strict=True):
        if each.proposed == proposed:
            return Members(group_names(visit.site.app).get(proposed, proposed), place.among(places))
    raise UnknownName("There is no such group any more.")


def moves(visit: Visit, board: Board) -> Moves | None:
    """How the lists moved since the score run before; None where there is none."""
    with visit.app.store.read() as connection:
        every = kept.for_run(connection, board.score_run.run)
    label = board.score_run.facts.get("label")
    earlier = [each for each in every if each.as_of < board.score_run.as_of and each.facts.get("label") == label]
    if not earlier:
        return None
    before = visit.site.board(max(earlier, key=lambda each: (each.as_of, each.scored_at)))
    capacity, scope = visit.capacity(), visit.scope.groups(board.score_run.run)

    key = ("moves", scope, capacity)
    found: Moves = board.once.get(key, before, lambda: _moved(before, board, scope, capacity))
    return found


def _moved(before: Board, board: Board, scope: frozenset[str] | None, capacity: int) -> Moves:
    mine, was_mine = board.of_groups(scope), before.of_groups(scope)
    now, then = board.lists_of(scope, capacity), before.lists_of(scope, capacity)
    names = (*LISTS, TOO_EARLY_COLUMN, NOT_THERE)
    counts = np.zeros((len(names), len(names)), dtype=np.int64)
    at: NDArray[np.int64] = board.once.get(("places before",), before, lambda: _places_on(before, board))
    not_there = len(LISTS) + 1
    was = np.append(np.where(was_mine, _told_list(then), not_there), not_there)[at[mine]]
    np.add.at(counts, (was, _told_list(now[mine])), 1)
    stayed = np.zeros(len(before), dtype=bool)
    stayed[at[mine & (at >= 0)]] = True
    gone = _told_list(then[was_mine & ~stayed])
    np.add.at(counts, (gone, np.full_like(gone, not_there)), 1)
    used = [at for at in range(len(names)) if counts[at].any() or counts[:, at].any()]
    rows = tuple((names[at], tuple(int(counts[at, other]) for other in used)) for at in used)
    return Moves(before.score_run, board.score_run, tuple(names[at] for at in used), rows)


def type_names() -> list[str]:
    """The reason types as rules name them."""
    return [kind[:1].upper() + kind[1:] for kind in REASON_TYPES]


def _places_on(other: Board, board: Board) -> "NDArray[np.int64]":
    """At which place of another board each learner of a board stands; -1 where they are not on it."""
    return np.fromiter(map(other.place.get, board.everyone, repeat(-1)), dtype=np.int64, count=len(board))


def _told_list(lists: "NDArray[np.int8]") -> "NDArray[np.int64]":
    return np.where(lists >= 0, lists, len(LISTS)).astype(np.int64)


def _segments(visit: Visit, board: Board, by: str, wait_s: float) -> Grouped:
    score_run, how = board.score_run, HOW[by]
    if score_run.as_of > AsOf(visit.now):
        raise UnknownName("The newest score run lies ahead of now.")
    key = ("segments", score_run.id, len(board), how)
    found = visit.worked_out(key, wait_s, _segmented, score_run.run, str(score_run.as_of), how)
    if isinstance(found, NotEnoughData):
        raise found

    def placed() -> Grouped:
        places = ([board.place[name] for name in each.learners if name in board.place] for each in found.segments)
        return Grouped(found, tuple(np.array(sorted(each), dtype=np.int64) for each in places))

    result: Grouped = board.once.get(("groups", how), found, placed)
    return result


def _segmented(app: App, run: str, as_of: str, how: How) -> "Segments | NotEnoughData":
    """The segments of a score run, or why there are none, which is kept too."""
    try:
        return segments_of(app, run, as_of, method=how)
    except NotEnoughData as few:
        return few


def _types(visit: Visit, board: Board) -> "NDArray[np.object_]":
    """The reason type of each learner of the board; empty for those that no type names."""
    found = np.full(len(board), "", dtype=object)
    grouped = _segments(visit, board, "reason", WAIT_S)
    for each, places in zip(grouped.segments.segments, grouped.places, strict=True):
        found[places] = each.proposed
    return found


def _facts_in_order(app: App, run: str, as_of: AsOf, learners: Sequence[str]) -> CourseFacts:
    """The facts of some learners, with their rows in the order of these."""
    facts = facts_of(app, run, as_of, learners)
    place = {learner: at for at, learner in enumerate(facts.learners)}
    row = np.array([place[each] for each in learners], dtype=np.int64)
    return replace(
        facts,
        learners=tuple(learners),
        last_visit_on=tuple(facts.last_visit_on[at] for at in row.tolist()),
        visited=facts.visited[row],
        opened=facts.opened[row],
        handed_in=facts.handed_in[row],
        score=facts.score[row],
    )
