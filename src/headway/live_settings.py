"""The settings of what runs by itself: intake, server, rules, the engagement score, the worker, its notifications.

They are sections of the one tree in `settings.py`, which alone reads files and the environment. A span of time is
written as a number and a unit: `60s`, `5m`, `12h`, `7d`.
"""

import re
from datetime import timedelta
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

_SPAN: Final = re.compile(r"(\d{1,6})(s|m|h|d)")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_LONGEST: Final = timedelta(days=3_660)


def span_of(text: str) -> timedelta:
    """The span of time that `text` (a whole number and s, m, h or d) names; more than nothing, at most ten years.

    Raises:
        ValueError: it names none.

    >>> span_of("36h")
    datetime.timedelta(days=1, seconds=43200)
    """
    found = _SPAN.fullmatch(text.strip())
    span = timedelta(**{_UNITS[found[2]]: int(found[1])}) if found else timedelta(0)
    if not timedelta(0) < span <= _LONGEST:
        raise ValueError(f"{text!r} is no span of time; write a whole number and a unit: 60s, 5m, 12h or 7d")
    return span


def _span(text: str) -> str:
    span_of(text)
    return text.strip()


def _address(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(f"{url!r} is no web address; write https://HOST/PATH")
    if parts.password or parts.username:
        raise ValueError("a web address must hold no password; use the file of secrets")
    return url


def _public(url: str) -> str:
    if url and urlsplit(_address(url)).path.strip("/"):
        raise ValueError(f"{url!r} has a path; the pages are at the top of a host: https://HOST")
    return url.rstrip("/")


Span = Annotated[str, AfterValidator(_span)]
WebAddress = Annotated[str, AfterValidator(_address)]
ListSlug = Literal["reach_out", "check_in", "keep_an_eye"]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RuleSettings(_Section):
    """A rule of the workspace's own, or changes to one that is there. See docs/how-to/rules.md."""

    when: tuple[str, ...] = Field(default=(), max_length=12, description="Conditions that must all hold.")
    list: ListSlug | None = Field(default=None, description="Where its tasks go.")
    text: str | None = Field(default=None, min_length=1, max_length=200, description="The sentence on the task.")
    cool_down: Span | None = Field(default=None, description="Rest after a task or a contact.")
    due_in: Span | None = Field(default=None, description="When an open task expires.")
    per_day: int | None = Field(default=None, ge=1, description="Tasks opened in a day and run, at most.")
    per_week: int | None = Field(default=None, ge=1, description="Tasks opened in seven days and a run, at most.")
    runs: tuple[str, ...] = Field(default=(), description="Runs, ids or globs; all where there are none.")
    rests_on_silence: bool | None = Field(default=None, description="Whether it is frozen while the feed is silent.")
    enabled: bool = Field(default=True, description="Whether it is evaluated.")


class EngagementSettings(_Section):
    """The daily engagement score."""

    below: float = Field(default=40.0, ge=0, le=100, description="A score that drops under this is flagged.")
    falls: float = Field(
        default=25.0, gt=0, le=100, description="A score this many points under that of a week before is flagged."
    )


class WorkerSettings(_Section):
    """What `headway worker` does, and how often."""

    every: Span = Field(
        default="30s", description="How often it looks for records that arrived: `30s`, or `1s` where it must be fast."
    )
    rules_for: str = Field(
        default="", description="Runs it looks after, ids or globs separated by commas; empty for all that are running."
    )
    score: bool = Field(default=True, description="Whether it scores runs that changed.")
    label: str = Field(default="does_not_finish", description="What it scores for.")
    model: str = Field(default="average", description="With which model: a registered NAME/VERSION or a method.")
    lease: Span = Field(default="2m", description="After this time without a sign of life a job is taken over.")
    attempts: int = Field(default=6, ge=1, le=50, description="Failures in a row after which a job is left for dead.")


class NotificationSettings(_Section):
    """Who is told of new tasks, and how. Secrets lie in files that only their owner can read."""

    link: str = Field(
        default="", description="Address of the tasks' pages, to which `/tasks/ID` is added; empty for no links."
    )
    smtp_host: str = Field(default="", description="The mail server; empty for no mail.")
    smtp_port: int = Field(default=587, ge=1, le=65_535, description="Its port.")
    smtp_security: Literal["starttls", "tls", "none"] = Field(default="starttls", description="How mail is protected.")
    smtp_user: str = Field(default="", description="Who signs in there; empty for nobody.")
    smtp_password_file: str = Field(default="secrets/smtp.password", description="File with the password.")
    email_from: str = Field(default="headway@localhost", description="The sender.")
    advisers: dict[str, tuple[str, ...]] = Field(
        default={}, description='Who gets a digest by mail, and of which runs: `"ann@x.org" = ["oulad/AAA/*"]`.'
    )
    digest_every: Span = Field(default="7d", description="An adviser gets at most one digest in this time.")
    webhooks: dict[str, WebAddress] = Field(default={}, description="Receivers of signed webhooks, NAME = address.")
    webhook_secret_file: str = Field(
        default="secrets/webhook.key", description="File with the secret (`whsec_…`) that signs them."
    )
    slack_url_file: str = Field(default="", description="File with the address of a Slack channel's webhook.")
    teams_url_file: str = Field(default="", description="File with the address of a Teams channel's workflow.")
    attempts: int = Field(default=8, ge=1, le=30, description="Attempts at sending before a notice is left for dead.")

    @field_validator("advisers")
    @classmethod
    def _are_addresses(cls, advisers: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        for name in advisers:
            if not re.fullmatch(r"[^@\s,;<>\"]+@[^@\s,;<>\"]+", name):
                raise ValueError(f"{name!r} is no mail address")
        return advisers


class GovernanceSettings(_Section):
    """What needs a second person."""

    approval_required: bool = Field(
        default=False,
        description="Whether a model version predicts only after somebody other than who asked has approved it.",
    )


class IntakeSettings(_Section):
    """The inbox of live records."""

    keep_days: int = Field(
        default=30,
        ge=1,
        description="Days that statements can be read back as they came; the lake keeps what they said.",
    )
    queue_rows: int = Field(default=50_000, ge=100, description="Records that may wait for the disk; more are refused.")
    move_rows: int = Field(default=100_000, ge=100, description="Records moved into the lake at once, at most.")
    xapi: dict[str, str] = Field(default={}, description="Options of the source xapi for statements that arrive.")
    caliper: dict[str, str] = Field(default={}, description="Options of the source caliper for events that arrive.")
    canvas: dict[str, str] = Field(default={}, description="Options of the source canvas for events that arrive.")
    records: dict[str, str] = Field(default={}, description="Options of the source records for records that arrive.")


class PageRole(_Section):
    """What somebody whom the provider gives a role may open of the pages. See docs/how-to/open-the-pages.md."""

    role: Literal["adviser", "tutor", "instructor", "data_scientist", "governance", "learner"] = Field(
        description="As what."
    )
    runs: str = Field(default="*", min_length=1, description="Only these course runs: an id or a glob of ids.")
    group: str = Field(default="", description="Only learners of this group.")
    group_claim: str = Field(default="", description="The claim that names the groups, where it differs by person.")
    source: str = Field(default="", description="Of the role learner: the source whose own id the claim holds.")
    id_claim: str = Field(default="", description="Of the role learner: the claim with that id.")

    @model_validator(mode="after")
    def _is_whole(self) -> "PageRole":
        if (self.role == "learner") != bool(self.source and self.id_claim):
            raise ValueError("the role learner, and no other, needs source and id_claim")
        if self.role == "tutor" and not (self.group or self.group_claim):
            raise ValueError("the role tutor needs group or group_claim")
        return self


class OidcSettings(_Section):
    """The identity provider whose tokens people may come with, beside API keys. See docs/how-to/serve.md."""

    issuer: WebAddress = Field(description="The provider, as its tokens name it in `iss`.")
    audience: str = Field(min_length=1, description="What tokens for this server name in `aud`.")
    client_id: str = Field(default="", description="Only tokens made for this client (`azp`); empty for all clients.")
    roles_claim: str = Field(
        default="roles", min_length=1, description="The claim with the roles: `realm_access.roles`."
    )
    roles: dict[str, tuple[str, ...]] = Field(default={}, description="ROLE = the scopes that it allows.")
    client_secret_file: str = Field(
        default="", description="File with the secret of this client, for signing in to the pages; empty for none."
    )
    page_roles: dict[str, PageRole] = Field(
        default={}, description="ROLE = a table of what it opens of the pages; empty for no signing in this way."
    )

    @field_validator("issuer")
    @classmethod
    def _is_safe(cls, issuer: str) -> str:
        return safe_address(issuer)


def safe_address(url: str) -> str:
    """The web address, where nobody on the way can change what it answers: https, or this machine.

    Raises:
        ValueError: it is another.
    """
    parts = urlsplit(_address(url))
    if parts.scheme != "https" and parts.hostname not in {"127.0.0.1", "::1", "localhost"}:
        raise ValueError(f"{url!r} is not protected on the way; write https://HOST/PATH")
    return url


class ServerSettings(_Section):
    """`headway serve`."""

    public_url: Annotated[str, AfterValidator(_public)] = Field(
        default="",
        description="Where people reach the pages, where something stands before the server: `https://HOST`. Cookies "
        "are then kept from the clear, and an identity provider sends people back there.",
    )

    max_body_mib: int = Field(default=16, ge=1, le=1024, description="The longest request body, in MiB.")
    body_timeout_s: int = Field(default=30, ge=1, description="Seconds in which a request body must have arrived.")
    requests_per_s: int = Field(default=5_000, ge=1, description="Requests a second that one key may make.")
    open_requests: int = Field(default=512, ge=1, description="Requests worked on at once; more are told to come back.")
    helpers: int = Field(
        default=2,
        ge=0,
        le=64,
        description="Processes that work out what pages take seconds for, some 400 MB each; 0: the server does it.",
    )
    telemetry: bool = Field(
        default=False,
        description="OpenTelemetry spans and figures, to where OTEL_EXPORTER_OTLP_ENDPOINT says (extra `telemetry`).",
    )
    oidc: OidcSettings | None = Field(
        default=None,
        examples=[{}],
        description="People's tokens of an identity provider, a table `[server.oidc]`: see docs/how-to/serve.md.",
    )

    @field_validator("oidc", mode="before")
    @classmethod
    def _empty_is_none(cls, told: object) -> object:
        return told or None
