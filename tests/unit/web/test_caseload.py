"""The caseload: who is on it for whom, in which order, where it is cut, and what its address says."""

import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import sqlalchemy as sa

from headway import flow
from headway.flow import caseload
from headway.governance import challenges
from headway.governance.vault import Person
from headway.store.tables import PREDICTIONS, SCORE_RUNS
from headway.web.address import slug
from headway.web.caseload_ask import Ask
from headway.web.caseload_rows import Listing
from tests.support.pages import GROUPS, RUN, Pages

HERE = slug(RUN)


def rows(text: str) -> list[str]:
    """The learners shown, in order, as in addresses."""
    return re.findall(r'<a id="l-([^"]+)"', text)


def ranked(pages: Pages) -> list[str]:
    """The learners by what the store says of their chances, those without one last, the longest absent first."""
    with pages.app.store.read() as connection:
        newest = sa.select(SCORE_RUNS.c.id).order_by(SCORE_RUNS.c.as_of.desc()).limit(1).scalar_subquery()
        found = connection.execute(sa.select(PREDICTIONS).where(PREDICTIONS.c.score_run_id == newest)).all()
    return [row.learner for row in sorted(found, key=lambda row: (row.risk is None, -(row.risk or 0), row.learner))]


def name_of(pages: Pages, learner: str) -> str:
    people: dict[str, Person] = pages.asgi.site.people()
    return people[learner].name


def slugs(learners: list[str]) -> list[str]:
    return [slug(each) for each in learners]


def test_an_adviser_sees_the_whole_run_in_order(pages: Pages) -> None:
    text = pages.client("adviser").get("/caseload", run=HERE, size=100).text
    assert rows(text) == slugs(ranked(pages))
    assert "60 learners</p>" in text
    assert name_of(pages, pages.learners[0]) in text


def test_a_tutor_sees_the_own_group_and_counts_nobody_else(pages: Pages) -> None:
    own = pages.of_group("G1")
    text = pages.client("tutor").get("/caseload", run=HERE, size=100).text
    assert set(rows(text)) == set(slugs(own))
    assert len(rows(text)) == len(own)
    assert f"{len(own)} learners</p>" in text
    other = pages.of_group("G2")[0]
    assert pages.client("tutor").get("/caseload", run=HERE, q=name_of(pages, other)).text.count("No learner matches")
    assert pages.client("tutor").get("/caseload", run=HERE, learner=slug(other)).status_code == 403


def test_who_works_elsewhere_sees_nobody(pages: Pages) -> None:
    answer = pages.client("elsewhere").get("/caseload")
    assert answer.status_code == 200
    assert rows(answer.text) == []
    assert pages.client("elsewhere").get("/caseload", run=HERE).status_code == 403


@pytest.mark.parametrize("name", ["instructor", "governance", "learner"])
def test_other_roles_have_no_caseload(pages: Pages, name: str) -> None:
    assert pages.client(name).get("/caseload", run=HERE).status_code == 403


def test_a_data_scientist_sees_pseudonyms_and_can_do_nothing(pages: Pages) -> None:
    client = pages.client("scientist")
    text = client.get("/caseload", run=HERE, size=100).text
    assert rows(text) == slugs(ranked(pages))
    assert not [each for each in pages.learners if name_of(pages, each) in text]
    assert "/caseload/act" not in text
    shown = rows(text)[0]
    assert client.post("/caseload/act", run=HERE, act="snooze", learner=[shown]).status_code == 403
    assert client.get("/caseload/export", run=HERE).status_code == 403


def test_the_list_is_cut_where_the_capacity_ends(written_pages: Pages) -> None:
    client = written_pages.client("adviser")
    capacity = written_pages.app.settings.advising.capacity
    text = client.get("/caseload", run=HERE, size=100).text
    before, after = text.split('<tr class="cut">')
    assert len(rows(before)) == capacity
    assert f"0 of {capacity}" in text
    contacted = written_pages.learners[3]
    visitor = _as("adviser", written_pages)
    task = caseload.task_for(visitor, RUN, contacted, reason="No visit for 9 days")
    flow.record_contact(visitor, task.id, "phone", "reached")
    text = client.get("/caseload", run=HERE, size=100).text
    before, after = text.split('<tr class="cut">')
    assert f"1 of {capacity}" in text
    assert slug(contacted) not in rows(text)
    # The contact came from the list itself, so it still ends at the same learner.
    assert rows(after)[0] == slug(ranked(written_pages)[capacity])
    assert len(rows(before)) == capacity - 1
    assert rows(client.get("/caseload", run=HERE, tab="waiting").text) == [slug(contacted)]


def test_sorted_otherwise_it_is_flat_and_has_no_cut(pages: Pages) -> None:
    client = pages.client("adviser")
    text = client.get("/caseload", run=HERE, sort="name", size=100).text
    names = [name_of(pages, each) for each in pages.learners]
    assert 'class="cut"' not in text
    assert [re.sub("<.*?>", "", each) for each in re.findall(r"data-opens-drawer>([^<]+)</a>", text)] == sorted(
        names, key=lambda name: name.replace("Ö", "O").casefold()
    )
    assert text.count("aria-sort=") == 1
    up = rows(client.get("/caseload", run=HERE, sort="chance", size=100).text)
    # Those without an estimate stand last, whichever way it is sorted.
    assert up[:-2] == slugs(ranked(pages))[:-2][::-1]
    assert set(up[-2:]) == set(slugs(ranked(pages))[-2:])


def test_filters_leave_out_and_say_how_many_are_left(pages: Pages) -> None:
    client = pages.client("adviser")
    wanted = pages.learners[7]
    by_number = client.get("/caseload", run=HERE, q=pages.asgi.site.people()[wanted].number).text
    assert rows(by_number) == [slug(wanted)]
    assert "1 learner</p>" in by_number
    assert rows(client.get("/caseload", run=HERE, q="ozdemir", size=100).text) == [
        slug(each) for each in ranked(pages) if "Özdemir" in name_of(pages, each)
    ]
    assert set(rows(client.get("/caseload", run=HERE, group="G3", size=100).text)) == set(slugs(pages.of_group("G3")))
    assert len(rows(client.get("/caseload", run=HERE, list="reach-out", size=100).text)) == 25
    reason = client.get("/caseload", run=HERE, reason="NO VISIT for", size=100).text
    assert len(rows(reason)) == len(pages.learners) - 2
    nobody = client.get("/caseload", run=HERE, reason="there is no such reason").text
    assert "No learner matches" in nobody
    assert "Clear the filters" in nobody


def test_who_asks_for_the_same_is_not_searched_and_sorted_for_again_until_somebody_changed(
    written_pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    chosen = Listing._chosen

    def counted(listing: Listing) -> Any:
        made.append(listing.ask.q)
        return chosen(listing)

    monkeypatch.setattr(Listing, "_chosen", counted)
    adviser, tutor = written_pages.client("adviser"), written_pages.client("tutor")
    wanted = name_of(written_pages, written_pages.learners[0])
    asked: dict[str, Any] = {"run": HERE, "q": wanted, "sort": "name"}
    first = rows(adviser.get("/caseload", **asked).text)
    assert first == rows(adviser.get("/caseload", **asked).text)
    assert (len(made), len(first) > 0) == (1, True)
    own = rows(tutor.get("/caseload", run=HERE, sort="name").text)
    assert own
    assert set(own) < set(rows(adviser.get("/caseload", run=HERE, sort="name", size=100).text))
    flow.erase_learner(written_pages.app, written_pages.learners[0])
    assert slug(written_pages.learners[0]) not in rows(adviser.get("/caseload", **asked).text)


def test_pages_beyond_the_end_are_the_last_and_another_size_keeps_the_first_row(pages: Pages) -> None:
    client = pages.client("adviser")
    last = client.get("/caseload", run=HERE, size=25, page=900).text
    assert rows(last) == slugs(ranked(pages))[50:]
    assert "Showing 51–60 of 60" in last
    second = client.get("/caseload", run=HERE, size=25, page=2).text
    to = re.search(r'id="size-50" href="([^"]+)"', second)
    assert to
    assert slugs(ranked(pages))[25] in rows(client.get(to[1].replace("&amp;", "&")).text)


@pytest.mark.parametrize(
    ("asked", "canonical"),
    [
        ("run=x&q=&page=1&size=50&tab=week&list=check-in&list=reach-out&list=none", "list=reach-out&list=check-in"),
        ("sort=-order&page=abc&size=7&new=2&learner=", ""),
        ("sort=seen&page=3&tab=nowhere", "sort=seen&page=3"),
    ],
)
def test_one_screen_has_one_address(asked: str, canonical: str) -> None:
    found = Ask.of("r", parse_qsl(asked, keep_blank_values=True)).address()
    assert found == "/caseload?run=r" + (f"&{canonical}" if canonical else "")
    assert Ask.of("r", parse_qsl(urlsplit(found).query)).address() == found


def test_typing_replaces_the_address_and_steps_are_pushed(pages: Pages) -> None:
    client = pages.client("adviser")

    def asked(path: str, at: str) -> tuple[str | None, str | None]:
        headers = {"hx-request": "true", "hx-target": "section#rows", "hx-current-url": f"https://headway.test{at}"}
        answer = client.http.get(path, headers=headers)
        assert "<html" not in answer.text
        assert 'id="count" hx-swap-oob="innerHTML"' in answer.text
        return answer.headers.get("hx-replace-url"), answer.headers.get("hx-push-url")

    here = f"/caseload?run={HERE}"
    assert asked(f"{here}&q=am&reason=&group=&status=", here) == (f"{here}&q=am", None)
    assert asked(f"{here}&sort=name", here) == (None, f"{here}&sort=name")
    assert asked(f"{here}&sort=name", f"{here}&sort=name") == (f"{here}&sort=name", None)
    # A drawer that is open stays in the address.
    one = slug(pages.learners[0])
    assert asked(f"{here}&page=2", f"{here}&learner={one}") == (None, f"{here}&page=2&learner={one}")


def test_back_asks_for_the_whole_page(pages: Pages) -> None:
    headers = {"hx-request": "true", "hx-history-restore-request": "true"}
    answer = pages.client("adviser").http.get(f"/caseload?run={HERE}", headers=headers)
    assert "<html" in answer.text


def test_the_drawer_is_in_the_address_and_looking_is_audited(written_pages: Pages) -> None:
    one = written_pages.learners[4]
    text = written_pages.client("adviser").get("/caseload", run=HERE, learner=slug(one)).text
    drawer = text[text.index('id="drawer"') :]
    assert name_of(written_pages, one) in drawer
    assert written_pages.audited("view")[-1]["detail"]["what"] == "drawer"
    assert written_pages.audited("list")[-1]["subject"] == RUN


def test_who_asked_not_to_be_contacted_or_was_taken_off_is_not_on_the_list(written_pages: Pages) -> None:
    silent, challenged = written_pages.learners[0], written_pages.learners[1]
    flow.set_no_contact(written_pages.app, silent)
    found = written_pages.app.store
    with found.begin() as connection:
        challenges.raise_(
            connection,
            written_pages.app.clock.now(),
            run=RUN,
            learner=challenged,
            score_run_id="s",
            kind="wrong_data",
            text="",
            by="account x",
            off_list=True,
        )
    text = written_pages.client("adviser").get("/caseload", run=HERE, size=100).text
    assert rows(text) == [slug(each) for each in ranked(written_pages) if each not in (silent, challenged)]
    assert "2 learners are left out" in text
    # Nobody's place is lost to them: the list is as long as before.
    assert len(rows(text.split('<tr class="cut">')[0])) == written_pages.app.settings.advising.capacity


def test_no_chance_is_told_with_decimals(pages: Pages) -> None:
    text = pages.client("adviser").get("/caseload", run=HERE, size=100).text
    assert re.search(r"<bdi>\d–\d+ in 10</bdi>", text)
    told = re.sub(r"<[^>]+>", " ", text[text.index("<main") : text.index("</main>")])
    assert not re.search(r"\b0\.\d", told)
    assert "Too early to say" in text


def test_groups_are_all_there_is_to_choose(pages: Pages) -> None:
    text = pages.client("adviser").get("/caseload", run=HERE).text
    assert re.findall(r"<option>(G\d)</option>", text) == list(GROUPS)
    assert 'id="f-group"' not in pages.client("tutor").get("/caseload", run=HERE).text


def _as(name: str, pages: Pages) -> flow.App:
    from dataclasses import replace

    from headway.governance import accounts

    with pages.app.store.read() as connection:
        return replace(pages.app, actor=f"account {accounts.named(connection, name).id}")


def test_the_instant_of_the_tests_is_in_a_running_course(pages: Pages) -> None:
    assert pages.app.clock.now() == datetime(2025, 9, 8, 6, tzinfo=UTC)
