"""A clock that is set back neither hides nor loses what arrives meanwhile."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from headway.flow import App, open_app
from headway.flow.intake import move_inbox
from headway.governance import keys
from headway.server.app import create_app
from tests.support.served import VERSION, statement
from tests.support.tiny_home import Ticking


@pytest.fixture
def clock() -> Ticking:
    return Ticking(datetime(2026, 11, 22, 9, tzinfo=UTC))


@pytest.fixture
def app(tmp_path: Path, clock: Ticking) -> Iterator[App]:
    with open_app(tmp_path / "home", clock=clock) as opened:
        yield opened


def test_what_arrives_after_the_clock_was_set_back_is_found_and_kept(app: App, clock: Ticking) -> None:
    with app.store.begin() as connection:
        _, secret = keys.create(connection, clock.now(), "test", ["admin"])
    with TestClient(create_app(app), headers={**VERSION, "Authorization": f"Bearer {secret}"}) as client:
        sent = [statement(number) for number in range(4)]
        through: list[str] = []
        for one, step_s in zip(sent, (1, -3_600, 60, 7_200), strict=True):
            client.post("/xapi/statements", json=one)
            clock.at += timedelta(seconds=step_s)
            answer = client.get("/xapi/statements", params={"since": through[-1]} if through else {})
            assert [each["id"] for each in answer.json()["statements"]][:1] == [one["id"]]
            through.append(answer.headers["X-Experience-API-Consistent-Through"])
        every = client.get("/xapi/statements", params={"ascending": "true"}).json()["statements"]
    assert through == sorted(through)
    assert [each["id"] for each in every] == [each["id"] for each in sent]
    assert [each["stored"] for each in every] == sorted(each["stored"] for each in every)
    assert move_inbox(app).moved == len(sent)
