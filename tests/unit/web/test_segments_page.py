import json
import re
from typing import Any

import numpy as np
import pytest

from headway.advising.saved_segments import KINDS, rule_of
from headway.domain.time import AsOf
from headway.flow.course_facts import facts_of
from headway.flow.erasing import erase_learner
from headway.flow.saved_segments import save_segment, saved_segments
from headway.scoring import pages as scored
from headway.web.address import slug
from headway.web.board import board_of
from headway.web.pages import segments
from tests.support.pages import NOW, RUN, Pages, score_by_hand

SENTENCES: dict[str, Any] = {
    "not_visited": {"not_visited-week": 5},
    "stopped_after": {"stopped_after-week": 3},
    "last_visit": {"last_visit-days": 6},
    "never": {},
    "every_week": {},
    "not_opened": {"not_opened-week": 4},
    "list": {"list-list": "Reach out"},
    "group": {"group-group": "G2"},
}


def told(pages: Pages, name: str, **query: Any) -> int:
    """How many learners the page says fit the builder's rule."""
    answer = pages.client(name).get("/segments", htmx=True, run=slug(RUN), **query)
    assert answer.status_code == 200
    found = re.search(r'class="count">\s*([\d,]+) learners?', answer.text)
    assert found, answer.text
    return int(found[1].replace(",", ""))


def counted(pages: Pages, groups: frozenset[str] | None) -> dict[str, int]:
    """The same, straight from the record and the board."""
    with pages.app.store.read() as connection:
        score_run = scored.newest(connection, RUN)
        assert score_run is not None
        board = board_of(connection, score_run)
    facts = facts_of(pages.app, RUN, score_run.as_of, [str(each) for each in board.learners])
    row = [facts.learners.index(str(each)) for each in board.learners]
    visited, opened, mine = facts.visited[row], facts.opened[row], board.of_groups(groups)
    asked = {
        "not_visited": ~visited[:, 4],
        "stopped_after": visited[:, 2] & (visited[:, 3:].sum(axis=1) == 0),
        "last_visit": np.isnan(board.absent_days) | (board.absent_days > 6),
        "never": np.isnan(board.absent_days),
        "every_week": visited.sum(axis=1) == visited.shape[1],
        "not_opened": ~opened[:, 3],
        "list": board.lists(mine, 25) == 0,
        "group": board.group == "G2",
    }
    return {kind: int((mask & mine).sum()) for kind, mask in asked.items()}


@pytest.mark.parametrize(("name", "groups"), [("adviser", None), ("tutor", frozenset({"G1"}))])
def test_live_counts_are_what_the_record_says(pages: Pages, name: str, groups: frozenset[str] | None) -> None:
    expected = counted(pages, groups)
    found = {kind: told(pages, name, use=kind, **values) for kind, values in SENTENCES.items()}
    assert found == expected
    assert any(found.values())


def test_all_narrows_and_any_widens(pages: Pages) -> None:
    both = {"use": ["last_visit", "group"], "last_visit-days": "3", "group-group": "G1"}
    alone = told(pages, "adviser", **both | {"use": "last_visit"}), told(pages, "adviser", **both | {"use": "group"})
    narrow, wide = told(pages, "adviser", **both, match="all"), told(pages, "adviser", **both, match="any")
    assert narrow <= min(alone)
    assert wide >= max(alone)
    assert narrow + wide == sum(alone)


def test_the_address_holds_the_rule(pages: Pages) -> None:
    asked = {"use": ["last_visit", "group"], "last_visit-days": "3", "group-group": "G1", "not_visited-week": "5"}
    answer = pages.client("adviser").get("/segments", htmx=True, run=slug(RUN), match="any", **asked)
    to = answer.headers["hx-replace-url"]
    assert "not_visited" not in to
    page = pages.client("adviser").get(to)
    count = re.search(r'class="count">\s*([^<]+?)\s*<', answer.text)
    assert count
    assert count[1] in page.text


def test_who_somebody_is_cannot_be_a_rule(written_pages: Pages) -> None:
    browser = written_pages.client("scientist")
    for kind in ("gender", "age_band", "disability"):
        answer = browser.get("/segments", run=slug(RUN), use=kind)
        assert answer.status_code == 403, kind
        assert "without approval" in answer.text
    hidden = json.dumps(
        {"match": "all", "conditions": [{"kind": "attribute", "attribute": "imd_band", "value": "0-10"}]}
    )
    assert browser.post("/segments/save", run=slug(RUN), name="Sly", rule=hidden).status_code == 403
    assert saved_segments(written_pages.app, RUN) == []
    assert written_pages.audited("refuse")


def test_a_segment_is_saved_renamed_deleted_and_brought_back(written_pages: Pages) -> None:
    browser = written_pages.client("adviser")
    rule = {"match": "all", "conditions": [{"kind": "last_visit", "days": 6}]}
    fields: dict[str, Any] = {"run": slug(RUN), "name": "Silent", "rule": json.dumps(rule)}
    to = browser.post("/segments/save", **fields).headers["location"]
    page = browser.get(to).text
    assert "Silent" in page
    assert "last visit more than 6 days ago" in page
    again = browser.post("/segments/save", **fields)
    assert again.status_code == 409
    assert "Choose another name" in again.text
    assert re.search(r'value="last_visit" id="u-last_visit" checked', again.text)
    assert re.search(r'name="last_visit-days" value="6"', again.text)
    (made,) = saved_segments(written_pages.app, RUN)
    browser.post("/segments/rename", run=slug(RUN), segment=made.id, name="Quiet")
    gone = browser.post("/segments/delete", run=slug(RUN), segment=made.id).headers["location"]
    assert saved_segments(written_pages.app, RUN) == []
    page = browser.get(gone).text
    undo = re.search(r'name="rule" value="([^"]+)"><span>', page)
    assert undo
    import html

    browser.post("/segments/save", run=slug(RUN), name="Quiet", rule=html.unescape(undo[1]))
    (back,) = saved_segments(written_pages.app, RUN)
    assert (back.name, back.rule) == ("Quiet", made.rule)


def test_a_segment_is_its_makers(written_pages: Pages) -> None:
    made = save_segment(written_pages.app, RUN, "Mine", rule_of({"conditions": [{"kind": "never"}]}))
    for name in ("adviser", "tutor"):
        browser = written_pages.client(name)
        assert "Mine" not in browser.get("/segments", run=slug(RUN)).text
        told_: dict[str, Any] = {"run": slug(RUN), "segment": made.id}
        assert browser.post("/segments/rename", **told_, name="Yours").status_code == 403
        assert browser.post("/segments/delete", **told_).status_code == 403
        plan: dict[str, Any] = {"run": slug(RUN), "segment": f"saved:{made.id}"}
        assert browser.post("/contact/preview", **plan).status_code == 404
    assert "Mine" in written_pages.client("governance").get("/segments", run=slug(RUN)).text
    assert written_pages.client("governance").post("/segments/save", run=slug(RUN), name="x").status_code == 403
    assert written_pages.client("learner").get("/segments", run=slug(RUN)).status_code == 403


def test_small_numbers_are_not_told_where_no_names_are_shown(pages: Pages) -> None:
    few = {"use": "never"}
    assert 0 < told(pages, "adviser", **few) < 10
    text = pages.client("scientist").get("/segments", htmx=True, run=slug(RUN), **few).text
    assert "fewer than 10 learners" in text
    page = pages.client("scientist").get("/segments", run=slug(RUN)).text
    moved = page[page.index('id="moves"') :]
    assert not re.search(r'<td class="num(?: same)?">[1-9]</td>', moved)
    assert not any(pages.name_of(learner) in page for learner in pages.learners)


def test_an_empty_page_says_where_to_start(pages: Pages) -> None:
    text = pages.client("adviser").get("/segments", run=slug(RUN)).text
    for starter in ("Not started", "Stopped after week", "Busy but low results", "Regular"):
        assert starter in text
    unscored = pages.client("instructor").get("/segments", run="simulated~DS101~2025S1")
    assert unscored.status_code == 200
    assert "was not scored yet" in unscored.text


def test_moves_between_lists_add_up(pages: Pages) -> None:
    text = pages.client("adviser").get("/segments", run=slug(RUN)).text
    cells = re.findall(
        r'<td class="num(?: same)?">(?:<[^>]+>·</span><span class="away">)?(\d+)', text[text.index('id="moves"') :]
    )
    assert sum(int(each) for each in cells) == len(pages.learners)


def test_who_was_erased_is_in_no_move_between_lists(written_pages: Pages) -> None:
    def moved() -> int:
        text = written_pages.client("adviser").get("/segments", run=slug(RUN)).text
        cells = r'<td class="num(?: same)?">(?:<[^>]+>·</span><span class="away">)?(\d+)'
        return sum(int(each) for each in re.findall(cells, text[text.index('id="moves"') :]))

    before = moved()
    erase_learner(written_pages.app, written_pages.learners[7])
    assert moved() == before - 1


def test_a_week_that_is_going_on_says_so(written_pages: Pages) -> None:
    def weeks() -> list[str]:
        for _ in range(600):  # the groups are computed beside the page, which does not wait for them
            page = written_pages.client("adviser").get("/segments", run=slug(RUN)).text
            heads = re.search(r'<th scope="col">Group</th>(.*?)</tr>', page)
            if heads:
                return re.findall(r'class="num">([^<]*)<', heads[1])
        raise AssertionError("the groups were never computed")

    assert weeks() == ["1", "2", "3", "4", "5"]
    score_by_hand(written_pages.app, RUN, AsOf(NOW), written_pages.learners)  # on the first day of the sixth week
    written_pages.asgi.site.changed()
    assert weeks() == ["1", "2", "3", "4", "5", "6 so far"]


def test_a_plan_takes_no_more_than_a_week_allows(written_pages: Pages) -> None:
    browser = written_pages.client("adviser")
    rule = rule_of({"conditions": [{"kind": "every_week"}, {"kind": "last_visit", "days": 0}], "match": "any"})
    app = written_pages.app
    browser.post("/segments/save", run=slug(RUN), name="Many", rule=json.dumps(rule.as_json()))
    (made,) = saved_segments(app, RUN)
    page = browser.post("/contact/preview", run=slug(RUN), segment=f"saved:{made.id}").text
    assert len(re.findall(r'name="learner"', page)) == 25
    assert "These are the first 25" in page
    opened = browser.post("/segments/tasks", run=slug(RUN), segment=f"saved:{made.id}")
    assert opened.status_code == 303
    assert len(written_pages.audited("raise many")) == 25


def test_every_sentence_is_read_and_written_the_same() -> None:
    values = {"week": 4, "days": 6, "percent": 40, "assessment": "a1", "list": "Check in", "group": "G1", "type": "x"}
    conditions = [{"kind": kind} | {name: values[name] for name in needed} for kind, needed in KINDS.items()]
    told_ = {"match": "any", "conditions": conditions}
    assert rule_of(json.loads(json.dumps(rule_of(told_).as_json()))).as_json() == told_


def test_of_many_groups_one_is_typed(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    adviser = pages.client("adviser")
    assert '<select name="group-group"' in adviser.get("/segments", run=slug(RUN)).text
    monkeypatch.setattr(segments, "MOST_OPTIONS", 1)
    page = adviser.get(f"/segments?run={slug(RUN)}&use=group&group-group=G2").text
    assert '<input name="group-group" value="G2"' in page
    assert '<select name="group-group"' not in page
    assert told(pages, "adviser", use="group", **{"group-group": "G2"}) > 0
