import io
import json
import stat
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from headway.domain.errors import Conflict, InputError, NotPermitted, TooLarge, UnknownName
from headway.domain.time import AsOf, FixedClock
from headway.flow import data_page as flow
from headway.flow import uploads
from headway.flow.app import App, open_app
from headway.flow.erasing import erase_learner
from headway.flow.jobs import ONCE
from headway.governance import accounts
from headway.governance.scopes import Grant
from headway.store import jobs
from tests.support.pages import BEFORE, NOW, RUN, Browser, Pages

COURSE = "records/BIO/1"


def ready(browser: Browser, path: str, **query: Any) -> str:
    """The text of a page once it is computed."""
    for _ in range(600):
        answer = browser.get(path, **query)
        if 'id="pending"' not in answer.text:
            assert answer.status_code == 200, answer.text
            return answer.text
    raise AssertionError("The page is still being computed.")


def events(course: str = COURSE, learners: int = 12) -> bytes:
    """A file of acts: two lines of it cannot be read."""
    lines = [
        json.dumps(
            {"run": course, "learner": f"ann{n}@example.org", "verb": "viewed", "at": f"2025-09-0{n % 7 + 1}T10:00Z"}
        )
        for n in range(learners)
    ]
    lines[3:3] = ['{"run": "records/BIO/1", "learner": "eve@example.org", "verb": "viewed", "at": "2025-13-45"}', "{no"]
    return "\n".join(lines).encode()


@pytest.fixture
def app(tmp_path: Path) -> Any:
    """An empty home, somebody's."""
    with open_app(tmp_path / "home", clock=FixedClock(NOW), actor="account 1") as opened:
        yield opened


def keep(app: App, content: bytes | None = None, name: str = "acts.jsonl") -> uploads.Upload:
    """A file, kept."""
    return uploads.keep_upload(app, "records", name, io.BytesIO(events() if content is None else content))


def state(app: App) -> tuple[Any, ...]:
    """All that a dry run must not change."""
    with app.store.read() as connection:
        waiting = jobs.all_jobs(connection)
    return app.lake.snapshot(), app.lake.runs(), waiting, sorted(app.settings.home.rglob("*"))


def run_job(app: App, job: jobs.Job) -> dict[str, Any]:
    """What came of a job, done as the worker and the server do it."""
    with app.store.begin() as connection:
        held = jobs.claim(connection, "here", app.clock.now(), timedelta(minutes=5), list(ONCE))
    assert held is not None
    assert held.id == job.id
    done = ONCE[held.kind](app, held, lambda: None).progress
    with app.store.begin() as connection:
        jobs.finish(connection, held, app.clock.now(), done)
    return done


def test_a_dry_run_tells_everything_and_writes_nothing(app: App) -> None:
    upload = keep(app)
    before = state(app)
    found = uploads.preview(app, upload)
    assert state(app) == before
    assert found.kinds["statements"] == (12, 2)
    assert [(each.line, each.reason) for each in found.errors] == [(4, "bad_date"), (5, "bad_json")]
    assert found.runs == {COURSE}
    columns, rows = found.rows["statements"]
    assert len(rows) == 5
    assert {row[columns.index("verb")] for row in rows} == {"viewed"}
    assert "example.org" not in str(found)


def test_a_file_is_loaded_once_and_then_removed(app: App) -> None:
    upload = keep(app)
    found = uploads.preview(app, upload)
    job = uploads.ask_for_load(app, upload, found)
    assert uploads.ask_for_load(app, upload, found) == job
    told = run_job(app, job)
    assert (told["accepted"], told["quarantined"], told["unchanged"]) == (found.accepted, 2, 0)
    assert app.lake.runs() == [COURSE]
    assert not list((app.settings.home / uploads.FOLDER).iterdir())
    with pytest.raises(UnknownName):
        uploads.find_upload(app, upload.id)
    again = keep(app)
    second = run_job(app, uploads.ask_for_load(app, again, uploads.preview(app, again)))
    assert (second["accepted"], second["unchanged"]) == (0, found.accepted)


def test_what_was_sent_is_for_the_owner_alone(app: App) -> None:
    upload = keep(app)
    folder = app.settings.home / uploads.FOLDER
    for place in (folder, folder / upload.id):
        assert stat.S_IMODE(place.stat().st_mode) == 0o700
    for file in (folder / upload.id).iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_name_is_never_a_path(app: App) -> None:
    for name in (
        "../x.jsonl",
        "a/b.jsonl",
        "..\\x",
        "/etc/passwd",
        ".hidden",
        "x\x00y",
        "about.json",
        "",
        "a" * 101,
        "a..b",
    ):
        with pytest.raises(InputError):
            keep(app, name=name)
    assert [file for file in app.settings.home.rglob("*") if "passwd" in file.name or "jsonl" in file.name] == []
    for upload in ("..", "../secrets", "x", "%2e%2e", "00000000-0000-0000-0000-00000000000"):
        with pytest.raises(UnknownName):
            uploads.find_upload(app, upload)


def test_what_is_too_large_is_refused_and_not_kept(tmp_path: Path) -> None:
    with open_app(tmp_path / "home", clock=FixedClock(NOW), server={"max_body_mib": 1}) as app:
        with pytest.raises(TooLarge):
            keep(app, b"x" * ((1 << 20) + 1))
        with pytest.raises(InputError):
            keep(app, b"")
        assert not list((app.settings.home / uploads.FOLDER).iterdir())


def test_only_sources_of_files_and_harmless_options(app: App) -> None:
    with pytest.raises(UnknownName):
        uploads.keep_upload(app, "warehouse", "x.toml", io.BytesIO(b"x"))
    for option in ("calendar", "url_env", "map", "texts"):
        with pytest.raises(InputError):
            uploads.keep_upload(app, "records", "x.jsonl", io.BytesIO(b"x"), options={option: "/etc/passwd"})
    with pytest.raises(InputError):
        uploads.keep_upload(app, "csv", "x.csv", io.BytesIO(b"a,b"))


def test_a_file_that_cannot_be_read_says_why_and_is_not_loaded(app: App) -> None:
    upload = uploads.keep_upload(app, "oneroster", "x.csv", io.BytesIO(b"a,b\n1,2\n"))
    found = uploads.preview(app, upload)
    assert found.wrong
    assert str(app.settings.home) not in found.wrong
    with pytest.raises(Conflict):
        uploads.ask_for_load(app, upload, found)


def test_a_file_that_was_changed_meanwhile_is_not_loaded(app: App) -> None:
    upload = keep(app)
    job = uploads.ask_for_load(app, upload, uploads.preview(app, upload))
    with (app.settings.home / uploads.FOLDER / upload.id / upload.name).open("ab") as file:
        file.write(b"\n{}")
    with pytest.raises(Conflict, match="not the file"):
        run_job(app, job)
    assert app.lake.runs() == []


def test_waiting_files_that_may_name_an_erased_learner_are_removed(app: App) -> None:
    def of(*people: str) -> bytes:
        rows = ({"run": COURSE, "learner": each, "verb": "viewed", "at": "2025-09-01T10:00Z"} for each in people)
        return "\n".join(map(json.dumps, rows)).encode()

    def left() -> set[str]:
        return {each.name for each in (app.settings.home / uploads.FOLDER).iterdir()}

    run_job(app, uploads.ask_for_load(app, *looked_at(app, keep(app, of("ann@example.org")))))
    with app.lake.open(None, [COURSE], kinds=["statements"]) as records:
        (learner,) = records.collect(records.table("statements").select("learner").distinct())["learner"].to_pylist()
    names_them, names_another = keep(app, of("bob@example.org", "ann@example.org")), keep(app, of("bob@example.org"))
    unreadable = keep(app, b"{no")
    job = uploads.ask_for_load(app, *looked_at(app, names_them))
    with pytest.raises(Conflict, match="being loaded"):
        erase_learner(app, learner)
    assert left() == {names_them.id, names_another.id, unreadable.id}
    with app.lake.open(None, [COURSE], kinds=["statements"]) as records:
        assert learner in records.collect(records.table("statements").select("learner"))["learner"].to_pylist()
    with app.store.begin() as connection:
        held = jobs.claim(connection, "here", app.clock.now(), timedelta(minutes=5), [uploads.LOAD_JOB])
        assert held is not None
        assert held.id == job.id
        jobs.finish(connection, held, app.clock.now(), {})
    erase_learner(app, learner)
    assert left() == {names_another.id}


def test_who_sent_a_file_that_an_erasure_removed_is_told(written_pages: Pages) -> None:
    """Of a file with a row that cannot be read nobody can tell whether it names the learner."""
    browser, app, learner = written_pages.client("scientist"), written_pages.app, written_pages.learners[0]
    paths = []
    for content in (events(), b"\n".join(events().splitlines()[:3])):
        sent = browser.post("/data/uploads", source="records", files={"file": ("of-eve.jsonl", content)})
        paths.append(sent.headers["location"])
    removed, stays = paths
    erase_learner(app, learner)
    page = ready(browser, removed)
    assert "names them, or has rows that cannot be read" in page
    assert f'action="{removed}/again"' not in page, "there is nothing to be tried again"
    listed = ready(browser, "/data", tab="load")
    assert f'href="{removed}"' in listed
    assert f'href="{stays}"' not in listed
    assert "of-eve" in ready(browser, stays), "all of its rows can be read, and none names the learner"
    assert "of-eve" not in page + listed, "a file may be called after somebody"
    assert browser.post(f"{removed}/again").status_code == 404
    assert written_pages.client("elsewhere").get(removed).status_code == 403
    with app.store.read() as connection:
        (told,) = jobs.all_jobs(connection, "dead")
    assert told.last_error == uploads.ERASED
    assert not {learner, "of-eve.jsonl"} & set(map(str, told.request.values()))


def looked_at(app: App, upload: uploads.Upload) -> tuple[uploads.Upload, uploads.Preview]:
    """A file, and what loading it would do."""
    return upload, uploads.preview(app, upload)


def test_what_nobody_loads_is_removed_after_a_day(tmp_path: Path) -> None:
    with open_app(tmp_path / "home", clock=FixedClock(NOW), actor="account 1") as app:
        old = keep(app)
    with open_app(tmp_path / "home", clock=FixedClock(NOW + timedelta(hours=25)), actor="account 1") as app:
        new = keep(app)
        assert [each.name for each in (app.settings.home / uploads.FOLDER).iterdir()] == [new.id]
        with pytest.raises(UnknownName):
            uploads.find_upload(app, old.id)


def test_somebody_elses_file_is_not_shown(tmp_path: Path) -> None:
    with open_app(tmp_path / "home", clock=FixedClock(NOW), actor="account 1") as app:
        upload = keep(app)
        uploads.ask_for_load(app, upload, uploads.preview(app, upload))
    with open_app(tmp_path / "home", clock=FixedClock(NOW), actor="account 2") as app:
        for ask in (uploads.find_upload, uploads.load_job, uploads.again):
            with pytest.raises(NotPermitted):
                ask(app, upload.id)


def test_refused_rows_show_their_shape_only(app: App) -> None:
    uploads.run_load_job(app, _held(app), lambda: None)
    facts = flow.data_facts(app, [COURSE], ["records"], AsOf(NOW))
    assert sum(each.rows for each in facts.refused) == 2
    assert {each.reason for each in facts.refused} == {"bad_date", "bad_json"}
    assert {line for each in facts.refused for _, line, _, _ in each.sample} == {4, 5}
    assert "eve" not in str([each.sample for each in facts.refused])
    (source,) = facts.sources
    assert (source.source, source.runs) == ("records", 1)
    assert sum(count for _, count in source.strip) == 12
    nothing = flow.data_facts(app, [COURSE], [], AsOf(NOW))
    assert nothing.refused == ()


def _held(app: App) -> jobs.Job:
    upload = keep(app)
    uploads.ask_for_load(app, upload, uploads.preview(app, upload))
    with app.store.begin() as connection:
        held = jobs.claim(connection, "here", app.clock.now(), timedelta(minutes=5), [uploads.LOAD_JOB])
    assert held is not None
    return held


def test_masks() -> None:
    assert flow.shape_of('{"learner": "Ann9", "at": "2025-13-45"}') == '{"learner": "xxx0", "at": "0000-00-00"}'
    assert uploads.masked("email is ann@x.org, id 1234567") == "email is …, id …"


def test_the_page_tells_what_the_profile_says(pages: Pages) -> None:
    facts = flow.data_facts(pages.app, [BEFORE, RUN], ["simulated"], AsOf(NOW))
    html = ready(pages.client("scientist"), "/data")
    assert "simulated" in html
    for finding in facts.profile.findings[:3]:
        assert finding.sentence.split(",")[0][:40] in html
    (source,) = facts.sources
    assert source.last_at is not None
    assert source.last_at <= NOW
    assert all(day <= NOW.date() for day, _ in source.strip)
    (left_out,) = flow.not_predicted(pages.app, [RUN], AsOf(NOW))
    assert left_out.too_early == 2
    assert "2 learners cannot be predicted yet" in " ".join(html.split())


def test_nobody_is_named_on_the_data_pages(pages: Pages) -> None:
    for path in ("/data", "/data?tab=rejects", "/data?tab=work"):
        html = ready(pages.client("governance"), path)
        assert not any(pages.name_of(each) in html for each in pages.learners)


def test_who_may_look_and_who_may_load(pages: Pages) -> None:
    for name in ("adviser", "tutor", "instructor", "learner", "elsewhere"):
        assert pages.client(name).get("/data").status_code == 403
    assert pages.client("governance").get("/data", tab="load").status_code == 404
    sent = pages.client("governance").post("/data/uploads", source="records", files={"file": ("x.jsonl", b"{}")})
    assert sent.status_code == 403
    assert pages.client("scientist").get("/data/uploads/x").status_code == 404


def test_a_file_is_sent_looked_at_and_loaded_with_its_name_typed(written_pages: Pages) -> None:
    browser, app = written_pages.client("scientist"), written_pages.app
    sent = browser.post("/data/uploads", source="records", files={"file": ("acts.jsonl", events())})
    assert sent.status_code == 303, sent.text
    path = sent.headers["location"]
    page = ready(browser, path)
    assert "bad_date" in page
    assert "Nothing is written yet" in page
    assert "example.org" not in page
    wrong = browser.post(f"{path}/load", confirm="acts.jsonl")
    assert wrong.status_code == 422
    assert COURSE not in app.lake.runs()
    rows = 12 + 12 + 1
    asked = browser.post(f"{path}/load", confirm=f"acts.jsonl {rows}")
    assert asked.status_code == 303, asked.text
    assert browser.post(f"{path}/load", confirm="anything").status_code == 303
    assert "Waits to be loaded" in browser.get(path).text
    assert "<html" not in browser.get(path, htmx=True).text
    with app.store.read() as connection:
        (job,) = (each for each in jobs.all_jobs(connection) if each.kind == uploads.LOAD_JOB)
    told = run_job(app, job)
    assert told["accepted"] == rows
    assert ">25<" in browser.get(path).text
    assert len(written_pages.audited("import")) == 2


def test_a_load_that_failed_is_tried_again(written_pages: Pages) -> None:
    browser, app = written_pages.client("scientist"), written_pages.app
    path = browser.post("/data/uploads", source="records", files={"file": ("a.jsonl", events())}).headers["location"]
    ready(browser, path)
    assert browser.post(f"{path}/load", confirm="a.jsonl 25").status_code == 303
    with app.store.begin() as connection:
        held = jobs.claim(connection, "here", NOW, timedelta(minutes=5), [uploads.LOAD_JOB])
        assert held is not None
        jobs.fail(connection, held, NOW, "The disk is full.", 1)
    for htmx in (True, False):
        assert "The disk is full." in browser.get(path, htmx=htmx).text
    assert browser.post(f"{path}/again").status_code == 303
    with app.store.read() as connection:
        assert jobs.get(connection, held.id).state == "waiting"


def test_nobody_loads_into_runs_of_others(written_pages: Pages) -> None:
    app = written_pages.app
    with app.store.begin() as connection:
        accounts.create(connection, NOW, "cli", "narrow", [Grant("data_scientist", "simulated/*")])
    browser = written_pages.new_client("narrow")
    path = browser.post("/data/uploads", source="records", files={"file": ("a.jsonl", events())}).headers["location"]
    assert "that you do not work with" in ready(browser, path)
    assert browser.post(f"{path}/load", confirm="a.jsonl 25").status_code == 403
    assert browser.post(f"{path}/give-up").status_code == 303
    assert browser.get(path).status_code == 404
