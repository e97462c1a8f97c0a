"""What texts of xAPI look like: IRIs, UUIDs, language tags, timestamps, durations, media types, mail addresses, hashes.

Predicates over strings, without paths or errors of their own. Texts that come again and again (IRIs, language tags) are
remembered once they were found good; what is remembered is bounded, so that memory stays flat whatever arrives.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Final

_REMEMBERED: Final = 50_000
_LONGEST_REMEMBERED: Final = 300

_CHARACTER: Final = (
    r'(?:[^\x00-\x20"#%<>\\^`{|}\x7f-\x9f\u200e\u200f\u202a-\u202e\ud800-\uf8ff\ufdd0-\ufdef\ufff0-\uffff]'
    r"|%[0-9A-Fa-f]{2})"
)
# RFC 3987, with one liberty that browsers take too: brackets may stand unescaped in paths and queries.
_IRI: Final = re.compile(
    rf"(?![Hh][Tt][Tt][Pp][Ss]?:(?!//[^/?#:]))[A-Za-z][A-Za-z0-9+.\-]*+:{_CHARACTER}++(?:#{_CHARACTER}*+)?"
)
_UUID: Final = re.compile(r"[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}")
_LANGUAGE: Final = re.compile(
    r"""(?xi)
    (?: [a-z]{2,3} (?:-[a-z]{3}){0,3} | [a-z]{4} | [a-z]{5,8} )   # language, extended language
    (?:-[a-z]{4})?                                                # script
    (?:-(?:[a-z]{2}|[0-9]{3}))?                                   # region
    (?:-(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*                      # variants
    (?:-[0-9a-wy-z](?:-[a-z0-9]{2,8})+)*                          # extensions
    (?:-x(?:-[a-z0-9]{1,8})+)?                                    # private use
    | x(?:-[a-z0-9]{1,8})+
    | en-gb-oed | i-(?:ami|bnn|default|enochian|hak|klingon|lux|mingo|navajo|pwn|tao|tay|tsu)
    | sgn-(?:be-(?:fr|nl)|ch-de)
    | art-lojban | cel-gaulish | no-(?:bok|nyn) | zh-(?:guoyu|hakka|min|min-nan|xiang)
    """
)
_DURATION: Final = re.compile(
    r"(?![^.,]*[.,][0-9]+[A-Z].)"  # only the last component may have a fraction
    r"P(?:[0-9]+(?:[.,][0-9]+)?W"
    r"|(?=[0-9T])(?:[0-9]+(?:[.,][0-9]+)?Y)?(?:[0-9]+(?:[.,][0-9]+)?M)?(?:[0-9]+(?:[.,][0-9]+)?D)?"
    r"(?:T(?=[0-9])(?:[0-9]+(?:[.,][0-9]+)?H)?(?:[0-9]+(?:[.,][0-9]+)?M)?(?:[0-9]+(?:[.,][0-9]+)?S)?)?)"
)
_RESTRICTED_NAME: Final = r"[A-Za-z0-9!#$&^_.+\-]+"
_MEDIA_TYPE: Final = re.compile(
    rf"{_RESTRICTED_NAME}/{_RESTRICTED_NAME}(?:[ \t]*;[ \t]*[A-Za-z0-9!#$%&'*+.^_`|~\-]+="
    r"""(?:[A-Za-z0-9!#$%&'*+.^_`|~\-]+|"(?:[^"\\\x00-\x08\x0a-\x1f\x7f]|\\[\t -~])*"))*"""
)
_LETTER: Final = r"A-Za-z0-9\u00a1-\ud7ff\uf900-\ufdcf"
_LABEL: Final = rf"[{_LETTER}](?:[{_LETTER}\-]*[{_LETTER}])?"
_MBOX: Final = re.compile(
    rf"""mailto:(?:[^\x00-\x20"#%(),:;<>?@\[\\\]\x7f-\x9f\ud800-\uf8ff]|%[0-9A-Fa-f]{{2}})++"""
    rf"@(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9A-Fa-f:.]+\])"
)
_SHA1: Final = re.compile(r"[0-9A-Fa-f]{40}")
_SHA2: Final = re.compile(r"[0-9A-Fa-f]{56}|[0-9A-Fa-f]{64}|[0-9A-Fa-f]{96}|[0-9A-Fa-f]{128}")


# Nearly every timestamp that arrives: RFC 3339 in a year and on a day of which no calendar need be asked.
_PLAIN_TIME: Final = re.compile(
    r"[12][0-9]{3}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]+)?"
    r"(?:Z|\+(?:[01][0-9]|2[0-3]):[0-5][0-9]|-(?!00:00)(?:[01][0-9]|2[0-3]):[0-5][0-9])"
)
_RFC_3339: Final = re.compile(
    r"(?P<year>[0-9]{4})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})[Tt ]"
    r"(?P<hour>[01][0-9]|2[0-3]):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})(?:\.(?P<fraction>[0-9]+))?"
    r"(?P<zone>[Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_EXTENDED: Final = re.compile(
    r"(?P<year>[0-9]{4})-(?:(?P<month>[0-9]{2})-(?P<day>[0-9]{2})|W(?P<week>[0-9]{2})-(?P<weekday>[1-7])"
    r"|(?P<ordinal>[0-9]{3}))"
    r"T(?P<hour>[0-9]{2})(?::(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2}))?)?(?:[.,](?P<fraction>[0-9]+))?"
    r"(?P<zone>Z|[+-][0-9]{2}(?::[0-9]{2})?)?"
)
_BASIC: Final = re.compile(
    r"(?P<year>[0-9]{4})(?:(?P<month>[0-9]{2})(?P<day>[0-9]{2})|W(?P<week>[0-9]{2})(?P<weekday>[1-7])"
    r"|(?P<ordinal>[0-9]{3}))"
    r"T(?P<hour>[0-9]{2})(?:(?P<minute>[0-9]{2})(?P<second>[0-9]{2})?)?(?:[.,](?P<fraction>[0-9]+))?"
    r"(?P<zone>Z|[+-][0-9]{2}(?:[0-9]{2})?)?"
)
_UTC_TEXT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?Z")


def _once_each(tag: str) -> bool:
    """Whether no variant and no singleton comes twice in a language tag of the grammar (RFC 5646, 2.2.5 and 2.2.6).

    Subtags of private use, and those within an extension, may come again.
    """
    seen: set[str] = set()
    extension = False
    language, *rest = tag.lower().partition("-x-")[0].split("-")
    for subtag in rest if language != "x" else ():
        extension = extension or len(subtag) == 1
        if len(subtag) == 1 or (not extension and len(subtag) > 3):
            if subtag in seen:
                return False
            seen.add(subtag)
    return True


def _remembering(
    pattern: re.Pattern[str], also: Callable[[str], bool] = bool
) -> tuple[set[str], Callable[[str], bool]]:
    """The texts found good so far, and the predicate that adds to them; `also` is asked of what fits the pattern."""
    good: set[str] = set()

    def is_good(text: str) -> bool:
        if text in good:
            return True
        if pattern.fullmatch(text) is None or not also(text):
            return False
        if len(text) <= _LONGEST_REMEMBERED:
            if len(good) >= _REMEMBERED:
                good.clear()
            good.add(text)
        return True

    return good, is_good


GOOD_IRIS, is_iri = _remembering(_IRI)
"""The IRIs found good lately (read only), and whether a text is an absolute IRI (RFC 3987)."""

GOOD_LANGUAGES, is_language = _remembering(_LANGUAGE, _once_each)
"""The language tags found good lately (read only), and whether a text is a well-formed language tag (RFC 5646)."""

GOOD_MEDIA_TYPES, is_media_type = _remembering(_MEDIA_TYPE)
"""The media types found good lately (read only), and whether a text is one, parameters included (RFC 2045)."""


def is_uuid(text: str) -> bool:
    """Whether the text is a UUID in its standard form of 8-4-4-4-12 hexadecimal digits, of any version."""
    return _UUID.fullmatch(text) is not None


def is_duration(text: str) -> bool:
    """Whether the text is a duration with designators (ISO 8601:2004, 4.4.3.2): `PT4H35M59.14S`, `P4W`."""
    return _DURATION.fullmatch(text) is not None


def is_mbox(text: str) -> bool:
    """Whether the text is `mailto:` and a mail address."""
    return _MBOX.fullmatch(text) is not None


def is_sha1(text: str) -> bool:
    """Whether the text is a SHA-1 sum in hexadecimal digits."""
    return _SHA1.fullmatch(text) is not None


def is_sha2(text: str) -> bool:
    """Whether the text is a SHA-224, SHA-256, SHA-384 or SHA-512 sum in hexadecimal digits."""
    return _SHA2.fullmatch(text) is not None


def is_timestamp(text: str, strict: bool) -> bool:
    """Whether the text is a date and time: of RFC 3339 where `strict` (xAPI 2.0), else of ISO 8601 (xAPI 1.0.3)."""
    if _PLAIN_TIME.fullmatch(text) is not None:
        return True
    if strict and _RFC_3339.fullmatch(text) is None:
        return False
    try:
        moment(text)
    except ValueError:
        return False
    return True


def moment(text: str) -> datetime:
    """The UTC instant of a timestamp, to the microsecond; one without an offset is read as UTC.

    Calendar, week and ordinal dates, extended and basic format (ISO 8601), and what RFC 3339 allows besides. An offset
    of minus zero is refused, as both standards do; a leap second is the second after.

    Raises:
        ValueError: the text is no timestamp, or its instant is in no year from 1 to 9999.
    """
    if _PLAIN_TIME.fullmatch(text) is not None:
        return datetime.fromisoformat(text).astimezone(UTC)
    found = _RFC_3339.fullmatch(text) or _EXTENDED.fullmatch(text) or _BASIC.fullmatch(text)
    if found is None:
        raise ValueError("no timestamp")
    parts = found.groupdict()
    try:
        naive = datetime.combine(_day(parts), datetime.min.time()) + _since_midnight(parts)
        return (naive - _offset(parts["zone"])).replace(tzinfo=UTC)
    except OverflowError as beyond:
        raise ValueError("out of range") from beyond


def in_utc(text: str) -> str:
    """The same instant written in UTC with a `Z`, to the microsecond; a text that is so already stays as it is."""
    if _UTC_TEXT.fullmatch(text) is not None:
        return text
    written = moment(text).replace(tzinfo=None)
    return f"{written.isoformat(timespec='milliseconds' if written.microsecond % 1000 == 0 else 'microseconds')}Z"


def _day(parts: dict[str, str | None]) -> date:
    year = int(parts["year"] or 0)
    if parts["month"]:
        return date(year, int(parts["month"]), int(parts["day"] or 0))
    if parts.get("week"):
        return date.fromisocalendar(year, int(parts["week"] or 0), int(parts["weekday"] or 0))
    ordinal = int(parts["ordinal"] or 0)
    day = date(year, 1, 1) + timedelta(days=ordinal - 1)
    if not ordinal or day.year != year:
        raise ValueError("no such day")
    return day


def _since_midnight(parts: dict[str, str | None]) -> timedelta:
    hour, minute, second = (int(parts[name] or 0) for name in ("hour", "minute", "second"))
    if hour > 24 or minute > 59 or second > 60 or (second == 60 and minute != 59):
        raise ValueError("no such time")
    unit = "seconds" if parts["second"] else "minutes" if parts["minute"] else "hours"
    digits = parts["fraction"] or "0"
    share = int(digits[:15]) / 10 ** len(digits[:15])
    time = timedelta(hours=hour, minutes=minute, seconds=second) + timedelta(**{unit: share})
    if hour == 24 and time != timedelta(days=1):
        raise ValueError("no such time")
    return time


def _offset(zone: str | None) -> timedelta:
    if zone is None or zone in "Zz":
        return timedelta(0)
    hours, minutes = int(zone[1:3]), int(zone[3:].lstrip(":") or 0)
    if hours > 23 or minutes > 59:
        raise ValueError("no such offset")
    offset = timedelta(hours=hours, minutes=minutes)
    if zone[0] == "-" and not offset:
        raise ValueError("minus zero is no offset")
    return offset if zone[0] == "+" else -offset
