"""The rules of a workspace: those that are built in or installed, changed by the settings, and its own."""

import re
import string
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np

from headway.advising.rules.conditions import Condition, condition
from headway.advising.rules.rule import COOL_DOWN, RULES, Decide, Evidence, Hit, Rule
from headway.advising.tasks import DUE_IN
from headway.domain.errors import ConfigError, HeadwayError, UnknownName
from headway.live_settings import RuleSettings, span_of

_DAYS_AGO: Final = re.compile(r"_[0-9]{1,2}d_ago$")
_SPANS: Final = ("cool_down", "due_in")
_SAME: Final = ("list", "text", "per_day", "per_week", "rests_on_silence")


def rules_of(settings: Mapping[str, RuleSettings], features: Collection[str]) -> list[Rule]:
    """All rules of a workspace, by name, those that are switched off among them.

    Args:
        settings: the tables `[rules.NAME]`.
        features: the names of all features.

    Raises:
        ConfigError: a rule of the settings cannot be used; the message names it.
    """
    rules = {rule.name: rule for rule in RULES}
    for name, section in settings.items():
        try:
            rules[name] = _changed(rules[name], section) if name in rules else _made(name, section, features)
        except HeadwayError as wrong:
            raise ConfigError(f"The rule {name} in the settings: {wrong}") from wrong
    return [rules[name] for name in sorted(rules)]


def _made(name: str, section: RuleSettings, features: Collection[str]) -> Rule:
    if not section.when:
        known = UnknownName.of("rule", name, RULES.names())
        raise ConfigError(f"it has no `when`, and none of that name is built in. {known}")
    conditions = tuple(condition(text, features) for text in section.when)
    reads = tuple(dict.fromkeys(read for each in conditions for read in each.reads))
    seen = {each.feature for each in conditions}
    text = section.text or " and ".join(str(each) for each in conditions)
    made = Rule(
        name=name,
        summary=" and ".join(map(str, conditions)),
        list=section.list or "check_in",
        text=_sentence(text, seen) if section.text else text,
        decide=_all_of(conditions),
        reads=reads,
        cool_down=COOL_DOWN,
        due_in=DUE_IN,
    )
    return _changed(made, section.model_copy(update={"when": ()}))


def _changed(rule: Rule, section: RuleSettings) -> Rule:
    if section.when:
        raise ConfigError("a rule of that name is built in and has its own conditions. Choose another name.")
    changes: dict[str, Any] = {name: getattr(section, name) for name in _SAME if getattr(section, name) is not None}
    changes |= {name: span_of(getattr(section, name)) for name in _SPANS if getattr(section, name) is not None}
    if "text" in changes:
        _sentence(changes["text"], {read.feature for read in rule.reads})
    return replace(rule, **changes, runs=section.runs, enabled=section.enabled)


def _sentence(text: str, features: Collection[str]) -> str:
    """The sentence, whose placeholders are checked: plain names of features that the rule reads."""
    try:
        parts = list(string.Formatter().parse(text))
    except ValueError as wrong:
        raise ConfigError(f"the text {text!r} cannot be read: {wrong}. Write {{{{ for a brace.") from wrong
    for _, name, form, conversion in parts:
        if name is None:
            continue
        if form or conversion or not name.isidentifier():
            raise ConfigError(f"the text has the placeholder {{{name}}}; write a plain name such as {{last_score}}.")
        if features and _DAYS_AGO.sub("", name) not in features:
            raise UnknownName.of("placeholder", name, features)
    return text


def _all_of(conditions: Sequence[Condition]) -> Decide:
    first = conditions[0]
    upwards = (first.sign in {">", ">="}) if first.kind in {"now", "held"} else True

    def decide(evidence: Evidence) -> Sequence[Hit]:
        which = np.all([each.holds(evidence) for each in conditions], axis=0)
        leading = evidence.value(first.feature)
        reads = tuple(dict.fromkeys(read for each in conditions for read in each.reads))
        return evidence.hits(which, leading if upwards and first.kind != "fell" else -leading, *reads)

    return decide
