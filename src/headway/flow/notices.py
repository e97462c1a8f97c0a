"""Who is told what: new tasks at once to webhooks and channels, a digest to each adviser, follow-ups as a calendar.

Notices are written to the outbox in the transaction of what they tell of; `send_notices` alone sends them.
"""

import base64
import secrets
import stat
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from headway.advising import rule_queries, task_queries, tasks
from headway.advising.task_queries import Wanted
from headway.advising.tasks import LIST_NAMES, Contact, Task
from headway.advising.wording import DOES_NOT_KNOW, SMOKE_ALARM
from headway.domain.errors import ConfigError, Conflict, HeadwayError, ServiceRefused, UnknownName
from headway.domain.time import zone_of
from headway.flow.app import App
from headway.governance import accounts, audit, challenges, vault
from headway.governance.challenges import Outcome
from headway.governance.scopes import Scope
from headway.live_settings import span_of
from headway.notifications import mail, outbox, post
from headway.notifications.calendar import calendar
from headway.notifications.news import DIGEST, OPENED, Item, News
from headway.notifications.outbox import Channel, Notice, notice_of
from headway.settings import pseudonym_key

if TYPE_CHECKING:
    import sqlalchemy as sa

WORDS: Final = (SMOKE_ALARM, DOES_NOT_KNOW)
SOON: Final = timedelta(days=7)
LATE: Final = timedelta(days=1)
OUTCOMES: Final[dict[Outcome, str]] = {
    "agreed": "the estimate does not fit",
    "kept": "the estimate stays",
    "data_mended": "the data were mended",
}
"""How the outcome of a challenge is told; the words of the answer are read on the page."""

TOLD: Final = "tasks"
CONTACT: Final = "contact"
"""The kind of messages that staff write to a learner; their address is the pseudonym: the vault alone knows more."""

DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
"""On which somebody may want the digest."""

AT_ONCE: Final = 20
"""Notices sent in one go; a worker shows a sign of life between them."""


@dataclass(frozen=True, slots=True)
class SendReport:
    """What became of the notices that were due."""

    sent: int
    waiting: int
    dead: int

    def as_json(self) -> dict[str, int]:
        """The report as JSON data."""
        return {"sent": self.sent, "waiting": self.waiting, "dead": self.dead}


def tell_of(app: App, connection: "sa.Connection", tasks: Sequence[Task], now: datetime) -> int:
    """How many notices of new tasks were written, one for each webhook and channel of the settings."""
    section = app.settings.notifications
    receivers: list[tuple[Channel, str]] = [("webhook", name) for name in sorted(section.webhooks)]
    receivers += [("slack", "slack")] if section.slack_url_file else []
    receivers += [("teams", "teams")] if section.teams_url_file else []
    if not receivers:
        return 0
    news = News(OPENED, now, [_item(app, task) for task in tasks], words=WORDS)
    write: dict[Channel, Callable[[], dict[str, Any]]] = {
        "webhook": news.as_json,
        "slack": lambda: post.slack(news),
        "teams": lambda: post.teams(news),
    }
    notices = [notice_of(channel, name, OPENED, write[channel](), now) for channel, name in receivers]
    return outbox.add(connection, notices)


def write_digests(app: App) -> int:
    """How many digests were written: to each adviser at most one in the time that is set, and only of what is new.

    New are tasks opened since the last one, follow-ups that are due within a week, and answers to what they challenged;
    that the data stopped is told along with them and is no reason for a mail.
    """
    section, now, count = app.settings.notifications, app.clock.now(), 0
    if not section.smtp_host:
        return 0
    rest = span_of(section.digest_every)
    with app.store.begin() as connection:
        for address, patterns in sorted(section.advisers.items()):
            last = outbox.newest(connection, "email", address, DIGEST)
            if last is not None and last.made_at + rest > now:
                continue
            if not _is_their_day(connection, address, now):
                continue
            news = _digest(app, connection, address, patterns, last, now)
            if not news.items and not news.follow_ups and not news.answers:
                continue
            written = mail.written(news) | {TOLD: [item.task for item in news.items]}
            count += outbox.add(connection, [notice_of("email", address, DIGEST, written, now)])
        if count:
            audit.record(connection, now, app.actor, "write_digests", "digests", {"written": count})
    return count


def _is_their_day(connection: "sa.Connection", address: str, now: datetime) -> bool:
    """Whether a digest may go out today to somebody who chose a day of the week on the pages; others take any."""
    try:
        chosen = accounts.named(connection, address).settings
    except UnknownName:
        return True
    local = now.astimezone(zone_of(str(chosen.get("zone") or "UTC")))
    return chosen.get("digest_day") in (None, "", DAYS[local.weekday()])


def send_notices(app: App, alive: Callable[[], None] = lambda: None) -> SendReport:
    """What became of the notices that were due.

    Each is noted as sent or failed by itself, so that a crash in between sends at most one of them twice.

    Args:
        app: where.
        alive: called between notices.
    """
    sent = 0
    with app.store.read() as connection:
        waiting = outbox.due(connection, app.clock.now(), AT_ONCE)
    for notice in waiting:
        alive()
        sent += _send(app, notice)
    with app.store.read() as connection:
        left = len(outbox.find(connection, "pending"))
        dead = len(outbox.find(connection, "dead"))
    return SendReport(sent, left, dead)


def list_notices(app: App, state: outbox.State | None = None) -> list[Notice]:
    """The notices, the newest first; only those in a state where one is named."""
    with app.store.read() as connection:
        return outbox.find(connection, state)


def retry_notice(app: App, notice_id: str) -> Notice:
    """The notice, due at once with all its attempts again.

    Raises:
        UnknownName: there is none.
        Conflict: it was sent already.
    """
    now = app.clock.now()
    with app.store.begin() as connection:
        notice = outbox.retry(connection, notice_id, now)
        audit.record(connection, now, app.actor, "retry_notice", notice.id, {"channel": notice.channel})
    return notice


def follow_up_calendar(app: App, wanted: Wanted | None = None) -> bytes:
    """The follow-ups of the tasks asked for, all live ones by default, as a calendar."""
    with app.store.read() as connection:
        found = task_queries.follow_ups(connection, wanted or Wanted())
    return calendar((_item(app, task, contact) for task, contact in found), app.clock.now())


def make_webhook_secret(app: App) -> Path:
    """The path of the file with the new secret that signs webhooks; receivers are given what is in it.

    Raises:
        Conflict: there is one; who wants another removes it first.
    """
    path = app.settings.home / app.settings.notifications.webhook_secret_file
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        path.touch(mode=0o600, exist_ok=False)
    except FileExistsError:
        raise Conflict(f"There is a secret in {path}. Remove it first, and tell the receivers the new one.") from None
    path.write_text("whsec_" + base64.b64encode(secrets.token_bytes(32)).decode() + "\n", encoding="ascii")
    with app.store.begin() as connection:
        audit.record(connection, app.clock.now(), app.actor, "make_webhook_secret", "webhooks", {})
    return path


def _digest(
    app: App, connection: "sa.Connection", address: str, patterns: Sequence[str], last: Notice | None, now: datetime
) -> News:
    """What is new to an adviser: others' tasks are left out, what is asleep, and what the last digest told."""
    wanted = Wanted(assignee=address, awake_at=now, statuses=["open"])
    # A task may be written a moment after a digest though it was opened a moment before: so ids count, not instants.
    since = now - span_of(app.settings.notifications.digest_every) if last is None else last.made_at - LATE
    told = set() if last is None else set(last.payload.get(TOLD, []))
    mine = [
        task
        for task in task_queries.find(connection, wanted)
        if any(fnmatch(task.run, pattern) for pattern in patterns) and task.opened_at > since and task.id not in told
    ]
    due = [
        (task, contact)
        for task, contact in task_queries.follow_ups(connection, replace(wanted, statuses=["contacted"]))
        if any(fnmatch(task.run, pattern) for pattern in patterns)
        and contact.follow_up_on is not None
        and contact.follow_up_on <= (now + SOON).date()
    ]
    notes = [
        f"{state.run}: {state.note}"
        for state in rule_queries.states(connection)
        if state.state == "frozen" and any(fnmatch(state.run, pattern) for pattern in patterns)
    ]
    order = list(LIST_NAMES)
    mine.sort(key=lambda task: (order.index(task.list), task.opened_at, task.id))
    return News(
        DIGEST,
        now,
        [_item(app, task) for task in mine],
        [_item(app, task, contact) for task, contact in due],
        sorted(set(notes)),
        WORDS,
        _answers(connection, address, since if last is None else last.made_at),
    )


def _answers(connection: "sa.Connection", address: str, since: datetime) -> list[str]:
    """A sentence for each challenge of theirs that was answered since; those alone have any who have an account."""
    try:
        account = accounts.named(connection, address)
    except UnknownName:
        return []
    if account.disabled_at is not None:
        return []
    actor, scopes = f"account {account.id}", [Scope.of(role, account.grants) for role in account.roles]
    found = {each.id: each for scope in scopes for each in challenges.answered_to(connection, scope, actor, since)}
    return [
        f"Your challenge of {each.at:%Y-%m-%d} about {each.learner} in {each.run} was answered: "
        f"{OUTCOMES[each.outcome]}."
        for each in found.values()
        if each.outcome is not None
    ]


def _item(app: App, task: Task, contact: Contact | None = None) -> Item:
    base = app.settings.notifications.link.rstrip("/")
    return Item(
        task=task.id,
        run=task.run,
        learner=task.learner,
        list=LIST_NAMES[task.list],
        reason=task.reason,
        opened_at=task.opened_at,
        link=f"{base}/tasks/{task.id}" if base else "",
        follow_up_on=None if contact is None else contact.follow_up_on,
    )


def _send(app: App, notice: Notice) -> bool:
    """Whether a notice was sent; what became of it is noted either way."""
    why, for_good = "", False
    try:
        _hand_over(app, notice)
    except HeadwayError as wrong:
        why, for_good = str(wrong), isinstance(wrong, ServiceRefused)
    now = app.clock.now()
    with app.store.begin() as connection:
        if not why:
            outbox.sent(connection, notice, now)
        else:
            attempts = 0 if for_good else app.settings.notifications.attempts
            if outbox.failed(connection, notice, now, why, attempts) == "dead" and notice.kind == CONTACT:
                outbox.rewrite(connection, notice.id, never_contacted(connection, notice, now))
    return not why


def never_contacted(connection: "sa.Connection", notice: Notice, now: datetime) -> dict[str, Any]:
    """The payload of a message that reached nobody, without its contact, which is taken back.

    A task that was closed meanwhile stays as it is.
    """
    payload = dict(notice.payload)
    contact_id, task_id = payload.pop("contact", None), payload.pop("task", None)
    if contact_id is None:
        return payload
    task = task_queries.get(connection, task_id)
    if task.status == "contacted":
        left = len(task_queries.contacts_of(connection, [task.id])) - 1
        task_queries.remove_contact(connection, contact_id)
        task_queries.save(connection, tasks.contact_undone(task, now, left))
    return payload


def _hand_over(app: App, notice: Notice) -> None:
    section, now = app.settings.notifications, app.clock.now()
    if notice.channel == "email":
        if not section.smtp_host:
            raise ConfigError("notifications.smtp_host names no mail server.")
        password = _secret(app, section.smtp_password_file) if section.smtp_user else None
        receiver = _learners_address(app, notice.address) if notice.kind == CONTACT else notice.address
        sent = mail.message(notice.payload, section.email_from, receiver, notice.id, now)
        mail.send(sent, section, password)
        return
    body = post.body_of(notice.payload)
    if notice.channel == "webhook":
        url = section.webhooks.get(notice.address)
        if url is None:
            raise ServiceRefused(f"The settings have no webhook {notice.address!r} any more.", "gone")
        headers = post.signed(_secret(app, section.webhook_secret_file), notice.id, now, body)
        post.post(url, body, headers, f"The webhook {notice.address}")
        return
    place = section.slack_url_file if notice.channel == "slack" else section.teams_url_file
    post.post(_address(_secret(app, place), notice.channel), body, {}, notice.channel.capitalize())


def _learners_address(app: App, learner: str) -> str:
    """Where a learner reads mail.

    Raises:
        ServiceRefused: it is not known any more, or they asked meanwhile not to be contacted.
    """
    with app.store.read() as connection:
        if learner in task_queries.not_to_contact(connection):
            raise ServiceRefused("The learner asked not to be contacted.", "no_contact")
        person = vault.who(connection, [learner], pseudonym_key(app.settings)).get(learner)
    if person is None or not person.email:
        raise ServiceRefused("No mail address of this learner is known.", "no_address")
    return person.email


def _address(url: str, name: str) -> str:
    if not url.startswith(("https://", "http://127.0.0.1", "http://localhost")):
        raise ConfigError(f"The file with the address of {name} holds no https:// address.")
    return url


def _secret(app: App, file: str) -> str:
    """What a file of secrets holds.

    Raises:
        ConfigError: it is not there, or anyone on the machine can read it.
    """
    path = app.settings.home / file
    with suppress(FileNotFoundError):
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & stat.S_IRWXO:
            raise ConfigError(f"Others can read the secret {path} (mode {mode:o}). Run: chmod 600 {path}")
        return path.read_text(encoding="utf-8").strip()
    raise ConfigError(f"There is no file {path}. Put the secret there, for its owner alone to read (chmod 600).")


def tidy_notices(app: App, keep: timedelta) -> int:
    """How many notices were removed that were sent longer ago than `keep`."""
    with app.store.begin() as connection:
        return outbox.tidy(connection, app.clock.now() - keep)


def notice_rows(notices: Sequence[Notice]) -> list[dict[str, Any]]:
    """The notices without their payload, which speaks of people."""
    return [{name: value for name, value in notice.as_row().items() if name != "payload"} for notice in notices]
