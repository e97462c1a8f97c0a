"""Settings have the effect they name, the door opens to nobody else, and the demo's link is good once."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from headway.flow.caseload import task_for
from headway.flow.made_up import open_demo
from headway.flow.notices import list_notices, write_digests
from headway.governance import accounts, challenges
from headway.governance.scopes import Grant, Scope
from headway.server.app import create_app
from headway.web.address import slug
from headway.web.cookie import COOKIE
from tests.support.pages import NOW, PASSWORD, RUN, Browser, Pages, opened_pages


def settings_of(pages: Pages, name: str) -> dict[str, object]:
    with pages.app.store.read() as connection:
        return dict(accounts.named(connection, name).settings)


def test_capacity_and_zone_are_kept_and_used(written_pages: Pages) -> None:
    client = written_pages.client("adviser")
    kept = client.post("/settings", theme="dark", language="en-GB", zone="Asia/Kolkata", capacity="7")
    assert kept.status_code == 303
    assert settings_of(written_pages, "adviser") == {"zone": "Asia/Kolkata", "capacity": 7, "language": "en-GB"}
    text = client.get("/settings").text
    assert 'data-theme="dark"' in text
    assert "+05:30" in text, "times are told in the zone that was chosen"
    (entry,) = written_pages.audited("change settings")
    assert entry["detail"] == {"changed": ["capacity", "language", "zone"]}
    client.post("/settings", theme="auto", language="", zone="", capacity="")
    assert settings_of(written_pages, "adviser") == {}
    assert 'data-theme="auto"' in client.get("/settings").text


@pytest.mark.parametrize("capacity", ["0", "501", "-3", "4.5", "many", "²"])
def test_what_is_wrong_is_told_beside_its_field_and_nothing_is_kept(written_pages: Pages, capacity: str) -> None:
    client = written_pages.client("adviser")
    answer = client.post("/settings", theme="dark", zone="Europe/Lodnon", capacity=capacity)
    assert answer.status_code == 400
    assert 'id="f-zone-wrong"' in answer.text
    assert 'id="f-capacity-wrong"' in answer.text
    assert "Europe/Lodnon" in answer.text
    assert settings_of(written_pages, "adviser") == {}


def test_low_rows_are_of_the_browser_and_can_be_taken_back(pages: Pages) -> None:
    client = pages.new_client("adviser")
    assert "data-density" not in client.get("/settings").text
    client.post("/settings", density="compact")
    assert 'data-density="compact"' in client.get("/caseload", run=slug(RUN)).text
    client.post("/settings", density="")
    assert "data-density" not in client.get("/settings").text


def test_theme_and_language_work_signed_out(pages: Pages) -> None:
    client = pages.client("")
    text = client.get("/settings").text
    assert 'name="capacity"' not in text
    assert client.post("/settings", theme="light", language="en-XA").status_code == 303
    text = client.get("/help").text
    assert 'data-theme="light"' in text
    assert 'lang="en-XA"' in text
    assert client.post("/settings", theme="light", language="tlh").status_code == 400


def test_only_who_has_a_caseload_chooses_a_capacity(written_pages: Pages) -> None:
    client = written_pages.client("learner")
    assert 'name="capacity"' not in client.get("/settings").text
    client.post("/settings", theme="auto", capacity="7")
    assert settings_of(written_pages, "learner") == {}


def test_the_day_of_the_digest_is_offered_to_whom_digests_go_and_is_kept_to(pages_home: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(pages_home, home)
    mail = {"smtp_host": "mail.test", "advisers": {"Ann@example.org": ["simulated/*"]}}
    with opened_pages(home, notifications=mail) as pages:
        with pages.app.store.begin() as connection:
            accounts.create(connection, NOW, "test", "ann@example.org", [Grant("adviser", RUN)])
        assert 'name="digest_day"' not in pages.client("adviser").get("/settings").text
        client = pages.client("ann@example.org")
        assert 'name="digest_day"' in client.get("/settings").text
        task_for(pages.app, RUN, pages.learners[0], reason="To look after")
        for day, written in (("tuesday", 0), ("monday", 1)):  # it is Monday
            client.post("/settings", theme="auto", digest_day=day)
            assert write_digests(pages.app) == written


def test_who_challenged_is_told_of_the_answer_in_their_list_and_digest(pages_home: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(pages_home, home)
    mail = {"smtp_host": "mail.test", "advisers": {"ann@example.org": ["simulated/*"]}}
    with opened_pages(home, notifications=mail) as pages:
        learner, outside = pages.learners[0], pages.learners[1]
        with pages.app.store.begin() as connection:
            ann = accounts.create(connection, NOW, "test", "ann@example.org", [Grant("tutor", RUN, "G1")])
            for each in (learner, outside):  # the second was hers once, and is no longer
                challenges.raise_(
                    connection,
                    NOW,
                    run=RUN,
                    learner=each,
                    score_run_id=f"of {each}",
                    kind="wrong_data",
                    text="",
                    by=f"account {ann.id}",
                )
        client = pages.client("ann@example.org")
        assert "was answered" not in client.get("/caseload").text
        assert write_digests(pages.app) == 0, "nothing is answered yet"
        with pages.app.store.begin() as connection:
            officer = Scope.of("governance", [Grant("governance")])
            for waiting in challenges.waiting(connection, officer):
                challenges.answer(connection, NOW, officer, waiting.id, "kept", "It was looked at.", "account o")
        text = client.get("/caseload").text
        assert text.count("was answered") == 1
        assert f"Your challenge about {pages.name_of(learner)} was answered" in text
        assert "It was looked at." in text
        assert "was answered" not in pages.client("adviser").get("/caseload").text
        assert write_digests(pages.app) == 1
        (written,) = list_notices(pages.app, "pending")
        assert str(written.payload).count("was answered: the estimate stays") == 2, "as text and as HTML"
        assert outside not in str(written.payload)
        assert "It was looked at." not in str(written.payload)


def test_the_door_says_the_same_to_a_wrong_name_and_a_wrong_password(written_pages: Pages) -> None:
    told = []
    for name, password in (("adviser", "wrong wrong wrong"), ("nobody", PASSWORD)):
        answer = written_pages.client("").post("/sign-in", name=name, password=password)
        assert answer.status_code == 401
        told.append(re.sub(r'value="[^"]*"', "", answer.text))
    assert told[0] == told[1]
    for _ in range(4):
        written_pages.client("").post("/sign-in", name="adviser", password="wrong wrong wrong")
    busy = written_pages.client("").post("/sign-in", name="adviser", password=PASSWORD)
    assert busy.status_code == 429
    assert "Try again in" in busy.text


def test_signing_in_gives_a_new_token_and_goes_on_inside(written_pages: Pages) -> None:
    browser = written_pages.client("")
    answer = browser.post("/sign-in", name="Adviser ", password=PASSWORD, next="/settings")
    assert (answer.status_code, answer.headers["location"]) == (303, "/settings")
    cookie = answer.headers["set-cookie"]
    assert all(word in cookie for word in ("HttpOnly", "Secure", "SameSite=lax"))
    for elsewhere in ("//evil.test", "https://evil.test", "/\\evil.test"):
        other = written_pages.client("").post("/sign-in", name="adviser", password=PASSWORD, next=elsewhere)
        assert other.headers["location"] == "/"
    assert browser.http.cookies[COOKIE] not in browser.get("/settings").text


def test_the_demo_link_is_good_once_and_only_in_the_demo(written_pages: Pages) -> None:
    link = open_demo(written_pages.app, RUN, 9)
    first = written_pages.learners[0]
    assert written_pages.client("").get(link).status_code == 404, "this home is no demo"
    demo: Any = create_app(written_pages.app, demo=True)
    try:
        there = Pages(Path(), written_pages.app, demo, [], [])
        browser = there.client("")
        answer = browser.get(link)
        assert (answer.status_code, answer.headers["location"]) == (
            303,
            f"/caseload?run={slug(RUN)}&learner={slug(first)}",
        )
        used = link.split("/")[2].partition("?")[0]
        assert browser.http.cookies[COOKIE] != used
        assert "M. Adviser · adviser" in browser.get("/settings").text
        assert there.client("").get(link).status_code == 404, "it was used"
        stolen = Browser(there._http())
        stolen.http.cookies.set(COOKIE, used, domain="headway.test")
        assert "M. Adviser" not in stolen.get("/settings").text, "nor is its token a session any more"
        for role in ("tutor", "instructor", "data_scientist", "governance", "learner"):
            assert browser.post("/role", role=role).status_code == 303
            browser._csrf = ""
    finally:
        demo.site.close()
    assert settings_of(written_pages, "demo")["capacity"] == 9
