"""What was used, handed in, watched and asked: small examples worked out by hand."""

from datetime import timedelta
from typing import Any

import pytest

from headway.description.activity import activity
from headway.description.assessments import assessments, handed
from headway.description.forums import forums
from headway.description.groups import Part
from headway.description.heatmap import heatmap
from headway.description.names import from_id, names_of, shortened
from headway.description.videos import videos
from tests.support.tiny import History, at, on
from tests.unit.description.made_course import course, everyone, steady, watch


def test_use_by_type_and_thing() -> None:
    history = History()
    everyone(history, 10, lambda number: [1, 2])
    for number in range(5):
        history.act(f"a{number:03}", 1, 5, object="f/1", object_type="forum")
    history.act("a000", 3, 50, object="rare", object_type="wiki")
    with course(history) as (place, names):
        found = activity(place, names)
    assert found is not None
    assert found.interactions == 10 * 4 + 5 * 5 + 50
    assert found.came == Part(10, 10, 1.0)
    assert [(use.type, use.interactions, use.learners.count) for use in found.types] == [
        ("page", 40, 10), ("forum", 25, 5), ("wiki", None, None),
    ]  # fmt: skip
    assert [(use.name, use.interactions, use.each) for use in found.resources] == [
        ("page 1", 40, 4.0), ("forum 1", 25, 5.0), ("wiki rare", None, None),
    ]  # fmt: skip
    assert not found.time.known, "day totals have no time"


def test_time_on_task_of_stamped_acts() -> None:
    history = History()
    for number in range(20):
        learner = f"a{number:03}"
        history.enrol(learner)
        for minute in (0, 10, 12):
            moment = at(1, 12) + timedelta(minutes=minute)
            told: dict[str, Any] = {
                "verb": "viewed",
                "occurred_on": on(1),
                "hour": 12,
                "interactions": 1,
                "object_type": "page",
            }
            history.add("statements", moment, learner=learner, object=f"p{minute}", **told)
    with course(history) as (place, names):
        found = activity(place, names)
    assert found is not None
    assert found.time.known
    assert found.time.hours.middle == pytest.approx((10 + 2 + 1) / 60, abs=1e-3)
    assert found.time.sittings.middle == 1
    assert found.time.minutes_a_sitting == 13.0
    assert found.types[0].hours == pytest.approx(20 * 13 / 60, abs=0.1)


def test_the_table_of_weeks_holds_shares_of_active_learners() -> None:
    history = History().plan("essay", 10)
    everyone(history, 20, lambda number: [-5, 1, 8])
    for number in range(8):
        history.act(f"a{number:03}", 8, object="quiz/1", object_type="quiz")
    for number in range(7):
        history.hand_in(f"a{number:03}", "essay", 9)
    with course(history) as (place, names):
        found = heatmap(place, names)
    assert found is not None
    assert found.weeks == (0, 1, 2)
    assert found.active == (20, 20, 20)
    assert found.left_out == 0
    shares = {row.name: [cell.share for cell in row.cells] for row in found.rows}
    assert shares == {"page 1": [1, 1, 1], "quiz 1": [0, 0, 0.4], "assignment 1": [0, 0, 0.35]}
    assert {row.name: row.due for row in found.rows} == {"page 1": (), "quiz 1": (), "assignment 1": (2,)}


def test_many_things_are_shown_by_type_and_the_most_used() -> None:
    history = History()
    everyone(history, 6, steady)
    for thing in range(40):
        for number in range(6):
            history.act(f"a{number:03}", thing, object=f"t/{thing:02}", object_type="file")
    with course(history) as (place, names):
        found = heatmap(place, names)
    assert found is not None
    assert [row.name for row in found.rows if row.kind == "type"] == ["files", "pages"]
    assert len([row for row in found.rows if row.kind == "resource"]) == 15
    assert found.left_out == 41 - 15


def test_hand_ins_are_of_who_was_enrolled_when_they_were_due() -> None:
    history = History().plan("w1", 10).plan("w2", 20).plan("w3", 60)
    everyone(history, 30, steady)
    for number in range(6):
        history.leave(f"a{number:03}", 15)
    for number in range(24):
        day = 12 if number < 7 else 9
        history.hand_in(f"a{number:03}", "w1", day).mark(f"a{number:03}", "w1", day, (50 + number) / 100, 14)
    history.mark("a029", "w1", 9, 1.0, 14, transferred=True)
    for number in range(6, 16):
        history.hand_in(f"a{number:03}", "w2", 20)
    with course(history) as (place, names):
        found = assessments(place, handed(place, names))
    assert found is not None
    first, second = found.due
    assert first.handed_in == Part(24, 30, 0.8)
    assert first.late == Part(7, 24, round(7 / 24, 4))
    assert first.scores.middle == pytest.approx(0.615)
    assert first.bins == (0, 0, 0, 0, 0, None, 10, None, 0, 0), "4 in the seventies, and 10 that would give them away"
    assert second.handed_in == Part(10, 24, round(10 / 24, 4))
    assert second.recorded
    assert found.ahead == ("assignment 3",)


def test_work_nobody_is_known_to_have_handed_in_is_told_so() -> None:
    history = History().plan("exam", 30, kind="exam")
    everyone(history, 10, steady)
    with course(history) as (place, names):
        found = assessments(place, handed(place, names))
    assert found is not None
    assert not found.due[0].recorded


def test_watched_pieces_are_joined_and_jumps_are_not_watched() -> None:
    history = History()
    everyone(history, 10, lambda number: [])
    history.add("activities", at(-40), activity="v", type="video", title="Loops", duration_s=200.0)
    for number in range(10):
        learner = f"a{number:03}"
        # 0-60 watched, jump to 120, 120-150 watched, back to 40, 40-80 watched: union 0-80 and 120-150.
        watch(
            history, learner, "v", 2,
            ("played", 0, 0, None), ("seeked", 60, 120, 60.0), ("paused", 90, 150, None),
            ("played", 100, 40, None), ("paused", 140, 80, None),
        )  # fmt: skip
        # A piece longer than the clock allows was jumped over.
        watch(history, learner, "v", 3, ("played", 0, 150, None), ("paused", 2, 200, None))
    with course(history) as (place, names):
        [found] = videos(place, names)
    assert (found.name, found.basis, found.length_s, found.length_estimated) == ("Loops", "places", 200.0, False)
    assert found.viewers == Part(10, 10, 1.0)
    assert found.half == Part(10, 10, 1.0)
    assert [index for index, share in enumerate(found.seen) if share == 1] == [*range(8), *range(12, 15)]
    assert found.stop is not None
    assert (found.stop.from_s, found.stop.to_s, found.stop.viewers.count) == (140.0, 150.0, 10)


def test_the_share_watched_is_that_of_the_union() -> None:
    history = History()
    everyone(history, 20, lambda number: [])
    for number in range(20):
        watch(history, f"a{number:03}", "v", 2, ("played", 0, 0, None), ("paused", 100, 100, None))
        watch(history, f"a{number:03}", "v", 3, ("played", 0, 0, None), ("paused", 50, 50, None))
    watch(history, "a000", "v", 4, ("played", 0, 300, None), ("paused", 100, 400, None))
    with course(history) as (place, names):
        [found] = videos(place, names)
    assert found.length_estimated
    assert found.length_s == pytest.approx(100.0)
    assert found.watched.middle == 1.0


def test_progress_stands_in_where_places_are_not_known() -> None:
    history = History()
    everyone(history, 20, lambda number: [])
    for number in range(20):
        told: dict[str, Any] = {
            "verb": "played",
            "object": "v",
            "object_type": "video",
            "progress": 0.25 if number < 12 else 0.75,
        }
        history.act(f"a{number:03}", 2, **told)
    with course(history) as (place, names):
        [found] = videos(place, names)
    assert (found.basis, found.half) == ("progress", Part(8, 20, 0.4))
    assert found.seen == ()


def post(
    history: History, learner: str, day: float, verb: str, thing: str, parent: str, role: str | None = None
) -> None:
    moment = at(0, 0) + timedelta(days=day)
    told: dict[str, Any] = {
        "verb": verb,
        "object": thing,
        "object_type": "thread",
        "parent": parent,
        "role": role,
        "interactions": 1,
    }
    history.add("statements", moment, learner=learner, occurred_on=on(int(day)), hour=12, **told)


def test_unanswered_questions_and_waiting() -> None:
    history = History()
    everyone(history, 20, lambda number: [1, 54])
    for number in range(12):
        history.act(f"a{number:03}", 3, object="f", object_type="forum")
    for number in range(8):
        post(history, f"a{number:03}", 10, "posted", f"t{number}", "f")
    post(history, "a008", 50, "posted", "t8", "f")  # too young to be unanswered
    post(history, "teacher", 10.5, "replied", "r0", "t0", "instructor")
    post(history, "teacher", 11, "replied", "r1", "t1", "instructor")
    post(history, "a010", 12, "replied", "r2", "t2")
    post(history, "a011", 13, "replied", "r3", "t3")
    post(history, "a011", 20, "replied", "r4", "t4")  # after more than a week
    post(history, "a005", 11, "replied", "r5", "t5")  # the one who asked
    post(history, "bot", 11, "replied", "r6", "t6", "automated")
    with course(history) as (place, _):
        found = forums(place)
    assert found is not None
    assert found.read == Part(12, 20, 0.6)
    assert found.wrote == Part(11, 20, 0.55)
    assert (found.threads, found.waited_for, found.unanswered) == (9, 8, 4)
    assert found.hours_to_reply == 48.0
    assert found.answered_by_staff == 0.4


def test_replies_to_replies_answer_the_thread() -> None:
    history = History()
    everyone(history, 10, lambda number: [1, 54])
    for number in range(6):
        post(history, f"a{number:03}", 5, "posted", f"t{number}", "f")
        post(history, f"a{number:03}", 5.5, "replied", f"own{number}", f"t{number}")
        post(history, "a009", 6, "replied", f"r{number}", f"own{number}")
    with course(history) as (place, _):
        found = forums(place)
    assert found is not None
    assert (found.threads, found.unanswered, found.hours_to_reply) == (6, 0, 24.0)


def test_without_posts_nothing_is_made_up() -> None:
    history = History()
    everyone(history, 10, lambda number: [1])
    for number in range(10):
        history.act(f"a{number:03}", 3, object="f", object_type="forum")
    with course(history) as (place, _):
        found = forums(place)
    assert found is not None
    assert (found.wrote, found.threads, found.unanswered) == (None, None, None)


def test_names() -> None:
    assert from_id("site/877011", "forum") == "forum 877011"
    assert from_id("block-v1:x+type@video+block@abc", "video") == "video abc"
    assert from_id("forum-3", "forum") == "forum-3"
    assert len(shortened("x" * 100)) == 60
    history = History().plan("b", 20).plan("a", 10).plan("e", 30, kind="exam")
    history.enrol("a")
    with course(history.act("a", 1)) as (place, _):
        assert names_of(place.activities) == {"a": "assignment 1", "b": "assignment 2", "e": "exam 1"}
