"""How one feature value is put into words: the feature's own sentence with its numbers written as people write them.

Whole numbers carry no decimals, shares are percents, one day is not "1 days", and what is not known is said to be so.
No other module formats a feature's value for people.
"""

import math
import re
from typing import Final

from headway.features.definition import Feature

PLURALS: Final = {
    "activities": "activity",
    "assessments": "assessment",
    "assignments": "assignment",
    "attempts": "attempt",
    "clicks": "click",
    "credits": "credit",
    "days": "day",
    "hand-ins": "hand-in",
    "hours": "hour",
    "interactions": "interaction",
    "items": "item",
    "kinds": "kind",
    "marks": "mark",
    "materials": "material",
    "minutes": "minute",
    "pages": "page",
    "points": "point",
    "posts": "post",
    "questions": "question",
    "quizzes": "quiz",
    "resources": "resource",
    "scores": "score",
    "sessions": "session",
    "skills": "skill",
    "spells": "spell",
    "steps": "step",
    "submissions": "submission",
    "times": "time",
    "types": "type",
    "videos": "video",
    "visits": "visit",
    "weeks": "week",
}
"""Nouns that follow a number in a feature's sentence, with their singular."""

SHARE_UNITS: Final = frozenset({"share", "score", "mark", "percentile", "ratio", "progress", "proportion", "fraction"})
"""Units whose values between 0 and 1 are read as percents."""

LOG_UNITS: Final = frozenset({"log ratio"})
"""Units of natural logs of a ratio; people read the change in percent, unless the sentence itself speaks of a log."""
FLAG_UNITS: Final = frozenset({"yes/no", "flag", "boolean"})

_PLACE: Final = "ahead of {value} of those enrolled"
LOW_PLACE: Final = 0.05
HIGH_PLACE: Final = 0.95

_SLOT = re.compile(r"\{(value|median)(:[^{}]*)?\}(%?)((?: [a-z-]+){0,2})")
_MEDIAN_ASIDE = re.compile(r"\s*[(\[,;][^()\[\],;{}]*\{median(?::[^{}]*)?\}[^()\[\],;{}]*[)\]]?")
_NONE = re.compile(r"^0 (?=[a-z](?!.*\bnot\b))")
_LEAD = re.compile(r"\{value\}(?P<unit> [a-z-]+) before\b(?P<rest>.*)")
_OF_ANSWERS = frozenset({"answers", "skills"})
_NOT_COUNTED = frozenset({"of", "in", "from", "and", "to", "on", "out", "against"})


def sentence(feature: Feature, value: float | None, median: float | None) -> str:
    """The feature's sentence for one learner.

    Args:
        feature: its definition; `{value}` and `{median}` in its sentence are replaced.
        value: the learner's number; None or NaN where it is not known.
        median: the cohort's middle; where it is not known, the aside that compares with it is left out.
    """
    if value is None or math.isnan(value):
        return absence(feature)
    template = _placed(feature.sentence, value)
    if median is None or math.isnan(median):
        template = _MEDIAN_ASIDE.sub("", template)
    if value < 0 or (median is not None and median < 0):
        template = _told_apart(template, feature, value, median)
    numbers = {"value": value, "median": math.nan if median is None else median}

    def fill(slot: re.Match[str]) -> str:
        which, spec, sign, words = slot.groups()
        told = format(numbers[which], spec[1:]) if spec else number(feature, numbers[which])
        if told == "1":
            words = _counted_one(words)
        # A sentence may write its own percent sign; ours is then one too many.
        return told.removesuffix("%") + sign + words if sign else told + words

    filled = _NONE.sub("No ", _SLOT.sub(fill, template).strip())
    return filled[:1].upper() + filled[1:]


def absence(feature: Feature) -> str:
    """What is said when the feature is not known for a learner: never a number, never a guess."""
    if feature.domain == "results":
        return "No answers to items yet" if feature.reads[0] in _OF_ANSWERS else "No marked work yet"
    if feature.domain == "hand-ins":
        return "No hand-in due yet" if is_share(feature) else "No hand-in yet"
    lead = feature.sentence.split("{", maxsplit=1)[0].rstrip()
    if ":" in lead:
        return f"{lead.partition(':')[0]}: not known yet"
    if feature.domain == "visits" and feature.unit == "days":
        return "No visit yet"
    what = re.split(r"[.;(]", feature.summary, maxsplit=1)[0].rstrip()
    return f"Not known yet: {what[:1].lower()}{what[1:]}"


def number(feature: Feature, value: float) -> str:
    """A value of this feature as people write it.

    Shares and scores between 0 and 1 become whole percents; whole numbers stay whole; others keep one decimal below 10.
    """
    if math.isnan(value):
        return "not known"
    if feature.unit in FLAG_UNITS:
        return "yes" if value >= 0.5 else "no"
    if is_share(feature):
        return _signed(f"{value * 100:.0f}") + "%"
    if feature.unit in LOG_UNITS and " log " not in feature.sentence:
        change = f"{math.expm1(value) * 100:+.0f}"
        return ("0" if change in {"+0", "-0"} else change.replace("-", "−")) + "%"
    rounded = round(value, 1)
    whole = abs(value) >= 10 or rounded == int(rounded)
    return _signed(f"{value:,.0f}" if whole else f"{value:.1f}")


def is_share(feature: Feature) -> bool:
    """Whether a value of 1 means all of it: then it is written in percent."""
    low, high = feature.bounds
    words = feature.unit.lower().replace(",", " ").split()
    bounded = high == 1 and low in {0, -1} and bool(SHARE_UNITS.intersection(words))
    return bounded or (high is None and "share" in words)


def _placed(template: str, value: float) -> str:
    """The sentence of a place in the cohort, with its ends in words: nobody is "ahead of 0%".

    The number is the share that stands strictly below, so that many may share the lowest place and no one is said to be
    behind everybody.
    """
    if _PLACE not in template or LOW_PLACE < value < HIGH_PLACE:
        return template
    if value <= LOW_PLACE:
        return template.replace(_PLACE, "among the lowest of those enrolled")
    if value < 1:
        return template.replace(_PLACE, "higher than nearly everyone’s")
    return template.replace(_PLACE, "higher than everyone else’s")


def _told_apart(template: str, feature: Feature, value: float, median: float | None) -> str:
    """The sentence of a lead time with a negative number: `3 days after the due date (course middle: 2 before)`."""
    found = _LEAD.search(template)
    if found is None:
        return template

    def side(figure: float) -> str:
        return "after" if figure < 0 else "before"

    told = number(feature, abs(value))
    unit = _counted_one(found["unit"]) if told == "1" else found["unit"]
    rest = found["rest"]
    if median is not None:
        rest = rest.replace("{median}", f"{number(feature, abs(median))} {side(median)}")
    return f"{template[: found.start()]}{told}{unit} {side(value)}{rest}"


def _signed(digits: str) -> str:
    """A number with a real minus sign, and no minus before nothing."""
    return "0" if digits == "-0" else digits.replace("-", "−")


def _counted_one(words: str) -> str:
    """The words after a 1, with the counted noun in the singular: ` active days` becomes ` active day`."""
    told: list[str] = []
    rest = words.split()
    while rest:
        word = rest.pop(0)
        told.append(PLURALS.get(word, word))
        if word in PLURALS or word in _NOT_COUNTED:
            break
    if rest and rest[0] == "were":
        rest[0] = "was"
    return "".join(f" {word}" for word in [*told, *rest])
