"""The JSON interface tells what the flow tells: predictions in pages, one learner, scores, jobs."""

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from headway import flow
from headway.domain.errors import NotEnoughData
from headway.domain.time import AsOf
from headway.features.as_of import run_facts
from headway.flow import App, open_app
from headway.flow.serving import run_score_job
from headway.governance import keys
from headway.server.app import create_app
from tests.support import made


@pytest.fixture(scope="module")
def app(made_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """A copy of the made-up course, scored as of its today."""
    home = shutil.copytree(made_home, tmp_path_factory.mktemp("v1") / "home")
    with open_app(home, clock=made.CLOCK) as opened:
        yield opened


@pytest.fixture(scope="module")
def client(app: App) -> Iterator[TestClient]:
    """A client that may do everything."""
    with app.store.begin() as connection:
        _, secret = keys.create(connection, app.clock.now(), "test", ["admin"])
    with TestClient(create_app(app), headers={"Authorization": f"Bearer {secret}"}) as opened:
        yield opened


def everything(client: TestClient, place: str, **more: Any) -> list[dict[str, Any]]:
    """The items of all pages."""
    items: list[dict[str, Any]] = []
    cursor = None
    while True:
        page = client.get(place, params={**more, **({"cursor": cursor} if cursor else {})}).json()
        items += page["items"]
        cursor = page["next"]
        if cursor is None:
            return items


def test_runs_and_predictions_come_in_pages_and_have_an_etag(app: App, client: TestClient) -> None:
    runs = everything(client, "/v1/runs", limit=1)
    assert [run["run"] for run in runs] == [made.FIRST, made.SECOND, made.RUNNING]
    _, wanted = flow.score(app, made.RUNNING, made.TODAY)
    place = f"/v1/runs/{made.RUNNING}/predictions"
    found = everything(client, place, limit=50, as_of=made.TODAY)
    assert [(one["learner"], one["risk"]) for one in found] == [(one.learner, one.risk) for one in wanted]
    answer = client.get(place.replace(made.RUNNING, made.RUNNING.replace("/", "%2F")))
    again = client.get(place, headers={"If-None-Match": answer.headers["etag"]})
    assert (answer.status_code, again.status_code, again.content) == (200, 304, b"")
    assert client.get(f"/v1/runs/{made.FIRST}/predictions").status_code == 404


def test_one_learner_has_features_a_prediction_with_reasons_and_a_score(app: App, client: TestClient) -> None:
    _, wanted = flow.score(app, made.RUNNING, made.TODAY)
    said = next(one for one in wanted if one.risk is not None)
    learner = client.get(f"/v1/learners/{said.learner}").json()
    assert made.RUNNING in {each["run"] for each in learner["enrolments"]}
    why = client.get(f"/v1/learners/{said.learner}/explanation").json()
    assert why["prediction"]["risk"] == said.risk
    assert [reason["text"] for reason in why["prediction"]["reasons"]] == [reason.text for reason in said.reasons]
    assert "illness" in why["cannot_know"]
    asked = {"run": made.RUNNING, "as_of": made.TODAY}
    features = client.get(f"/v1/learners/{said.learner}/features", params=asked).json()
    assert len(features["features"]) > 90
    scored = client.post("/v1/score", json={**asked, "learner": said.learner}).json()
    assert scored["risk"] == pytest.approx(said.risk)
    same = ("status", "low", "high", "comparable", "features_hash")
    assert [scored[name] for name in same] == [why["prediction"][name] for name in same]
    assert [each["text"] for each in scored["reasons"]] == [each["text"] for each in why["prediction"]["reasons"]]
    assert scored["reasons"]
    assert scored["cannot_know"] == why["cannot_know"]
    assert scored["model"] in {one["model"] for one in client.get("/v1/models").json()["items"]}
    assert client.post("/v1/score", json={**asked, "learner": "simulated/nobody"}).status_code == 404


def test_of_a_run_that_is_over_nothing_is_foreseen(app: App, client: TestClient) -> None:
    """As `headway score` says; on its last day it still was running."""
    with app.lake.open(None, [made.FIRST], kinds=["course_runs", "enrolments"]) as records:
        ends_on = run_facts(records, made.FIRST).ends_on
        learner = records.collect(records.table("enrolments").limit(1))["learner"].to_pylist()[0]
    for asked in ({}, {"learner": learner}, {"learner": learner, "as_of": (ends_on + timedelta(days=1)).isoformat()}):
        answer = client.post("/v1/score", json={"run": made.FIRST, **asked})
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "not_enough_data")
        assert f"{made.FIRST} ended on {ends_on}." in answer.json()["error"]["message"]
    with pytest.raises(NotEnoughData, match=f"{made.FIRST} ended on {ends_on}"):
        flow.score(app, made.FIRST, str(AsOf.now(app.clock)))
    assert client.post("/v1/score", json={"run": made.FIRST, "as_of": ends_on.isoformat()}).status_code == 202


def test_scoring_a_run_is_a_job_that_is_asked_for_once(app: App, client: TestClient) -> None:
    asked = {"run": made.RUNNING, "as_of": made.TODAY}
    headers = {"Idempotency-Key": "monday"}
    first = client.post("/v1/score", json=asked, headers=headers)
    again = client.post("/v1/score", json=asked, headers=headers)
    assert (first.status_code, again.json()["job"]) == (202, first.json()["job"])
    other = client.post("/v1/score", json={**asked, "as_of": "2026-03-01"}, headers=headers)
    assert (other.status_code, other.json()["error"]["code"]) == (409, "conflict")
    assert client.get(first.headers["location"]).json()["kind"] == "score_run"
    score_run, _ = flow.score(app, made.RUNNING, made.TODAY)
    assert run_score_job(app, asked)["score_run"] == score_run.id
    assert client.get("/v1/tasks").json()["items"] == []
    assert flow.check_audit(app) == "unbroken"
