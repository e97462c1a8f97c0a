"""The outbox against a real mail server and a real web server: sent once, retried, dead and seen, signed."""

import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import Message
from email.policy import default
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from standardwebhooks import Webhook

from headway import flow
from headway.advising import task_queries, tasks
from headway.domain.errors import Conflict, UnknownName
from headway.flow import App, open_app
from headway.flow.notices import send_notices, tell_of, tidy_notices, write_digests
from headway.notifications import outbox
from headway.notifications.outbox import wait_of
from tests.unit.advising.test_tasks import RUN, task


@dataclass
class Ticking:
    """A clock that is set."""

    at: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))

    def now(self) -> datetime:
        """What it was set to."""
        return self.at


@dataclass
class Receiver:
    """A web server that keeps what is posted and answers as it is told."""

    answers: list[int] = field(default_factory=list)
    got: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    kept = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            kept.got.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
            code = kept.answers.pop(0) if kept.answers else 204
            self.send_response(code)
            if code == 302:
                self.send_header("location", "http://127.0.0.1:1/elsewhere")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    kept.url = f"http://127.0.0.1:{server.server_port}/hook"
    yield kept
    server.shutdown()
    thread.join()
    server.server_close()


@dataclass
class Mails:
    """A mail server's letters; it refuses receivers at `no.org` for good and at `later.org` for now."""

    got: list[Message] = field(default_factory=list)
    port: int = 0

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802 - aiosmtpd's name
        if address.endswith("no.org"):
            return "550 no such person"
        if address.endswith("later.org"):
            return "450 try later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        self.got.append(message_from_bytes(envelope.content, policy=default))
        return "250 OK"


@pytest.fixture
def mails() -> Iterator[Mails]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        kept = Mails(port=free.getsockname()[1])
    controller = Controller(kept, hostname="127.0.0.1", port=kept.port)
    controller.start()
    yield kept
    controller.stop()


@pytest.fixture
def clock() -> Ticking:
    return Ticking()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def opened(app: App, *made: tasks.Task) -> None:
    """Opens tasks as rules do, and tells of them."""
    now = app.clock.now()
    with app.store.begin() as connection:
        added = task_queries.add(connection, [replace(one, opened_at=now, changed_at=now) for one in made])
        tell_of(app, connection, added, now)


def states(app: App) -> list[tuple[str, str, int]]:
    return sorted((one.channel, one.state, one.attempts) for one in flow.list_notices(app))


def test_a_webhook_is_sent_once_and_can_be_verified(home: Path, clock: Ticking, receiver: Receiver) -> None:
    with open_app(
        home, clock=clock, notifications={"webhooks": {"lms": receiver.url}, "link": "https://h.org/"}
    ) as app:
        secret = flow.make_webhook_secret(app).read_text()
        opened(app, task("s/a"), task("s/b"))
        assert send_notices(app).as_json() == {"sent": 1, "waiting": 0, "dead": 0}
        assert send_notices(app).sent == 0
        assert states(app) == [("webhook", "sent", 1)]
        (notice,) = flow.list_notices(app)
        with pytest.raises(Conflict, match="There is a secret"):
            flow.make_webhook_secret(app)
    ((_, headers, body),) = receiver.got
    told = Webhook(secret.strip()).verify(body, headers)
    assert headers["webhook-id"] == notice.id
    assert [one["learner"] for one in told["data"]["tasks"]] == ["s/a", "s/b"]
    assert told["data"]["tasks"][0]["link"] == f"https://h.org/tasks/{task('s/a').id}"


def test_waits_grow_until_a_notice_is_dead_and_a_person_sends_it_again(
    home: Path, clock: Ticking, receiver: Receiver
) -> None:
    settings = {"webhooks": {"lms": receiver.url}, "attempts": 3}
    receiver.answers = [500, 429, 302, 204]
    with open_app(home, clock=clock, notifications=settings) as app:
        flow.make_webhook_secret(app)
        opened(app, task("s/a"))
        (notice,) = flow.list_notices(app)
        for attempt in (1, 2, 3):
            assert send_notices(app).sent == 0
            assert send_notices(app).sent == 0, "it waits"
            clock.at += wait_of(notice.id, attempt)
        (dead,) = flow.list_notices(app, "dead")
        assert (dead.attempts, dead.last_error) == (3, "The webhook lms answered 302.")
        clock.at += timedelta(days=9)
        assert send_notices(app).as_json() == {"sent": 0, "waiting": 0, "dead": 1}
        with pytest.raises(UnknownName, match="Unknown notice"):
            flow.retry_notice(app, "00000000")
        flow.retry_notice(app, notice.id[:8])
        assert send_notices(app).sent == 1
        with pytest.raises(Conflict, match="sent already"):
            flow.retry_notice(app, notice.id)
    assert len({headers["webhook-id"] for _, headers, _ in receiver.got}) == 1
    assert len(receiver.got) == 4


def test_a_receiver_that_is_gone_for_good_gets_no_more(home: Path, clock: Ticking, receiver: Receiver) -> None:
    receiver.answers = [410]
    with open_app(home, clock=clock, notifications={"webhooks": {"lms": receiver.url}}) as app:
        flow.make_webhook_secret(app)
        opened(app, task("s/a"))
        assert send_notices(app).dead == 1
        (dead,) = flow.list_notices(app, "dead")
        assert "Remove it from the settings" in str(dead.last_error)


def test_waits_are_drawn_between_half_and_all_of_a_doubling_time() -> None:
    for tried, longest in ((1, 30), (2, 60), (5, 480), (30, 21_600)):
        waits = {wait_of(f"notice-{number}", tried).total_seconds() for number in range(200)}
        assert longest / 2 <= min(waits) < 0.6 * longest
        assert 0.9 * longest < max(waits) <= longest
    assert wait_of("notice-1", 3) == wait_of("notice-1", 3)


def test_slack_and_teams_get_their_messages(home: Path, clock: Ticking, receiver: Receiver) -> None:
    settings = {"slack_url_file": "secrets/slack", "teams_url_file": "secrets/teams"}
    with open_app(home, clock=clock, notifications=settings) as app:
        (home / "secrets").mkdir()
        for name in ("slack", "teams"):
            path = home / "secrets" / name
            path.touch(mode=0o600)
            path.write_text(f"{receiver.url}/{name}\n")
        opened(app, task("s/a"))
        assert send_notices(app).sent == 2
        (home / "secrets" / "slack").chmod(0o644)
        opened(app, task("s/b"))
        assert send_notices(app).sent == 1
        (waiting,) = flow.list_notices(app, "pending")
        assert "Others can read the secret" in str(waiting.last_error)
    by_path = {path: json.loads(body) for path, _, body in receiver.got}
    assert "s/a" in json.dumps(by_path["/hook/slack"]["blocks"])
    assert by_path["/hook/teams"]["attachments"][0]["contentType"] == "application/vnd.microsoft.card.adaptive"


def mail_settings(port: int, **advisers: tuple[str, ...]) -> dict[str, Any]:
    people = {name.replace("_at_", "@").replace("_", "."): runs for name, runs in advisers.items()}
    return {"smtp_host": "127.0.0.1", "smtp_port": port, "smtp_security": "none", "advisers": people}


def test_a_digest_a_week_and_only_of_what_is_new(home: Path, clock: Ticking, mails: Mails) -> None:
    settings = mail_settings(mails.port, ann_at_x_org=("s/*",), bob_at_x_org=("other/*",))
    with open_app(home, clock=clock, notifications=settings) as app:
        assert write_digests(app) == 0, "nothing happened"
        opened(app, task("s/a"), task("s/b", list="check_in"), task("s/c", assignee="somebody@else.org"))
        assert write_digests(app) == 1, "bob has no run with a task"
        assert send_notices(app).sent == 1
        opened(app, task("s/d"))
        clock.at += timedelta(days=6)
        assert write_digests(app) == 0, "one a week"
        clock.at += timedelta(days=1)
        assert write_digests(app) == 1
        assert send_notices(app).sent == 1
        clock.at += timedelta(days=7)
        assert write_digests(app) == 0, "nothing new"
    first, second = mails.got
    assert first["To"] == "ann@x.org"
    assert first["Subject"] == "headway: 2 learners may need contact"
    plain, rich = (part.get_content() for part in first.iter_parts())  # type: ignore[attr-defined]  # an EmailMessage
    assert plain.index("Reach out") < plain.index("Check in")
    assert "s/c in" not in plain
    assert "s/a in s/c/1: 2 assessments not handed in" in rich
    assert "s/d" in second.as_string()
    assert "s/a" not in second.as_string()


def test_follow_ups_are_told_before_their_day(home: Path, clock: Ticking, mails: Mails) -> None:
    with open_app(home, clock=clock, notifications=mail_settings(mails.port, ann_at_x_org=("*",))) as app:
        opened(app, task("s/a"))
        soon = (clock.at + timedelta(days=5)).date()
        flow.record_contact(app, task("s/a").id, "phone", "reached", follow_up_on=soon)
        assert write_digests(app) == 1
        send_notices(app)
        text = flow.follow_up_calendar(app).decode()
    assert f"look again on {soon.isoformat()}" in mails.got[0].as_string()
    assert f"DTSTART;VALUE=DATE:{soon:%Y%m%d}" in text


@pytest.mark.parametrize(("address", "dead", "words"), [("ann_at_no_org", 1, "550"), ("ann_at_later_org", 0, "450")])
def test_a_mail_that_is_refused(home: Path, clock: Ticking, mails: Mails, address: str, dead: int, words: str) -> None:
    with open_app(home, clock=clock, notifications=mail_settings(mails.port, **{address: ("*",)})) as app:
        opened(app, task("s/a"))
        write_digests(app)
        report = send_notices(app)
        assert (report.sent, report.dead, report.waiting) == (0, dead, 1 - dead)
        assert words in str(flow.list_notices(app)[0].last_error)


def test_a_mail_server_that_is_away_delays_and_loses_nothing(home: Path, clock: Ticking) -> None:
    with open_app(home, clock=clock, notifications=mail_settings(1, ann_at_x_org=("*",))) as app:
        opened(app, task("s/a"))
        write_digests(app)
        assert send_notices(app).as_json() == {"sent": 0, "waiting": 1, "dead": 0}


def test_old_notices_go_and_waiting_ones_stay(home: Path, clock: Ticking, receiver: Receiver) -> None:
    with open_app(home, clock=clock, notifications={"webhooks": {"lms": receiver.url}}) as app:
        flow.make_webhook_secret(app)
        opened(app, task("s/a"))
        send_notices(app)
        opened(app, task("s/b"))
        clock.at += timedelta(days=2)
        assert tidy_notices(app, timedelta(days=1)) == 1
        assert [one.state for one in flow.list_notices(app)] == ["pending"]


def test_a_notice_is_written_with_its_tasks_or_not_at_all(home: Path, clock: Ticking) -> None:
    with open_app(home, clock=clock, notifications={"webhooks": {"lms": "http://127.0.0.1:1/"}}) as app:

        def break_down() -> None:
            with app.store.begin() as connection:
                added = task_queries.add(connection, [task("s/a")])
                tell_of(app, connection, added, clock.at)
                raise RuntimeError

        with pytest.raises(RuntimeError):
            break_down()
        assert flow.list_notices(app) == []
        assert flow.list_tasks(app).tasks == ()


def test_erasing_a_learner_takes_what_was_to_be_said_of_them(home: Path, clock: Ticking) -> None:
    with open_app(home, clock=clock, notifications={"webhooks": {"lms": "http://127.0.0.1:1/"}}) as app:
        opened(app, task("s/a"))
        opened(app, task("s/b"))
        with app.store.begin() as connection:
            assert task_queries.erase(connection, "s/a") == 2
            (left,) = outbox.find(connection)
        assert "s/b" in json.dumps(left.payload)
        assert RUN in json.dumps(left.payload)
