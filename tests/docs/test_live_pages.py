"""The pages about rules and notifications: their settings are taken, their code works, their names are there."""

import re
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from headway.advising.rules.configured import rules_of
from headway.advising.rules.rule import RULES, Evidence, Read, Rule
from headway.domain.time import AsOf
from headway.features.definition import FEATURES
from headway.flow.jobs import STANDING
from headway.live_settings import NotificationSettings, RuleSettings
from headway.notifications.post import signed

HOW_TO = Path(__file__).resolve().parents[2] / "docs/how-to"


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (HOW_TO / page).read_text(encoding="utf-8"), re.DOTALL)


def test_the_rules_of_the_page_are_rules() -> None:
    (text,) = blocks("rules.md", "toml")
    sections = {name: RuleSettings(**section) for name, section in tomllib.loads(text)["rules"].items()}
    rules = {rule.name: rule for rule in rules_of(sections, [*FEATURES.names(), "course_day"])}
    assert set(sections) <= set(rules)
    assert not rules["engagement_below"].enabled


def test_the_rule_in_code_works() -> None:
    (code,) = blocks("rules.md", "python")
    names: dict[str, Any] = {}
    exec(code, names)
    made: Rule = names["low_scores_rising"]
    columns = {Read("low_scores"): np.array([3.0, 3.0]), Read("low_scores", 14): np.array([1.0, 2.0])}
    seen = Evidence("s/c/1", AsOf(datetime(2026, 1, 1, tzinfo=UTC)), ["a", "b"], columns)
    (hit,) = made.decide(seen)
    assert made.sentence(hit) == "3 low scores, 1 two weeks ago"
    RULES._found.pop("low_scores_rising")


def test_every_built_in_rule_and_key_and_job_is_on_its_page() -> None:
    page = (HOW_TO / "rules.md").read_text(encoding="utf-8")
    for rule in RULES:
        assert f"`{rule.name}`" in page
    for key in RuleSettings.model_fields:
        assert f"`{key}`" in page
    told = (HOW_TO / "worker.md").read_text(encoding="utf-8")
    for job in STANDING:
        assert f"| `{job}` |" in told


def test_the_settings_and_the_receiver_of_the_page_work() -> None:
    (text,) = blocks("notifications.md", "toml")
    NotificationSettings(**tomllib.loads(text)["notifications"])
    (code,) = blocks("notifications.md", "python")
    names: dict[str, Any] = {}
    exec(code, names)
    secret, body = "whsec_" + "c2VjcmV0" * 4, '{"data":{"tasks":[{"task":"t1"}]}}'
    headers = signed(secret, "n1", datetime.now(UTC), body)
    assert names["receive"](secret, headers, body.encode()) == ["t1"]
