"""Words, numbers and dates as somebody reads them: gettext for words, CLDR through Babel for the rest.

The source language is British English. Two made-up languages test what is not translated (`en-XA`) and what does not
turn round (`ar-XB`, read from right to left). Times are told in the reader's zone, or the course's.
"""

import gettext
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache, lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from markupsafe import Markup

from headway.domain.errors import InputError
from headway.domain.time import zone_of

if TYPE_CHECKING:
    from babel import Locale

SOURCE: Final = "en-GB"
PSEUDO: Final = "en-XA"
PSEUDO_RTL: Final = "ar-XB"
LANGUAGES: Final = {SOURCE: "English"}
"""The languages that people may choose."""

_STRETCHED: Final = str.maketrans(
    "aeiouyAEIOUYcnsCNS",
    "áéíóúýÁÉÍÓÚÝçñšÇÑŠ",
)


@dataclass(frozen=True, slots=True)
class Words:
    """One reader's language and zone.

    Attributes:
        language: as HTML names it, `en-GB`.
        zone: the reader's time zone.
    """

    language: str = SOURCE
    zone: str = "UTC"

    @property
    def locale(self) -> "Locale":
        """Babel's word for the language."""
        return _locale(self.language)

    @property
    def direction(self) -> str:
        """`ltr` or `rtl`."""
        return self.locale.text_direction

    def gettext(self, text: str) -> str:
        """A text in the reader's language."""
        return _translation(self.language)(text)

    def ngettext(self, one: str, many: str, number: int) -> str:
        """A text that counts, in the reader's language."""
        if self.language in (PSEUDO, PSEUDO_RTL):
            return pseudo(one if number == 1 else many)
        return _catalogue(self.language).ngettext(one, many, number)

    def number(self, number: float) -> str:
        """`2,000`."""
        return _number_text(self.language, number)

    def percent(self, share: float) -> str:
        """`31%`: a share, 0 to 1, without decimals."""
        from babel.numbers import format_percent

        return format_percent(share, locale=self.locale)

    def day(self, day: date) -> Markup:
        """`Mon 16 Nov 2026`, as a `<time>` element."""
        return Markup('<time datetime="{}">{}</time>').format(day.isoformat(), self.day_text(day))

    def day_text(self, day: date) -> str:
        """`Mon 16 Nov 2026`."""
        return _day_text(self.language, day)

    def moment(self, instant: datetime, zone: str | None = None) -> Markup:
        """`Mon 16 Nov 2026, 06:00 UTC`, as a `<time>` element, in the reader's zone or another that is named."""
        name = zone or self.zone
        local = instant.astimezone(zone_of(name))
        return Markup('<time datetime="{}">{}</time>').format(local.isoformat(), self.moment_text(instant, name))

    def moment_text(self, instant: datetime, zone: str | None = None) -> str:
        """`Mon 16 Nov 2026, 06:00 UTC`."""
        from babel.dates import format_datetime

        name = zone or self.zone
        local = instant.astimezone(zone_of(name))
        return f"{format_datetime(local, 'EEE d MMM y, HH:mm', locale=self.locale)} {zone_name(name, local)}"


@lru_cache(maxsize=4_096)
def _day_text(language: str, day: date) -> str:
    """A day in words; a list tells the same few days again and again."""
    from babel.dates import format_date

    return format_date(day, "EEE d MMM y", locale=_locale(language))


@lru_cache(maxsize=4_096)
def _number_text(language: str, number: float) -> str:
    """A number in words; a list tells the same small numbers again and again."""
    from babel.numbers import format_decimal

    return format_decimal(number, locale=_locale(language))


def zone_name(zone: str, local: datetime) -> str:
    """How a zone is called beside a time: its abbreviation where it has one, else its name."""
    short = local.tzname() or zone
    return short if short.isalpha() else zone


def language_of(text: str) -> str:
    """The language of a name, where there is one.

    Raises:
        InputError: there is none.
    """
    if text in LANGUAGES or text in (PSEUDO, PSEUDO_RTL):
        return text
    raise InputError(f"There are no pages in {text!r}. Choose one of: {', '.join(LANGUAGES)}.")


def pseudo(text: str) -> str:
    """A text that shows whether it was translated and has room to grow; what stands in place-holders stays.

    >>> pseudo("Save %(count)s notes")
    '[Šávé %(count)s ñótéš ~~~]'
    """
    parts: list[str] = []
    rest = text
    while rest:
        before, found, after = rest.partition("%(")
        parts.append(before.translate(_STRETCHED))
        if not found:
            break
        name, _, rest = after.partition(")")
        kind, rest = rest[:1], rest[1:]
        parts.append(f"%({name}){kind}")
    return f"[{''.join(parts)} {'~' * max(1, round(0.15 * len(text)))}]"


@cache
def _locale(language: str) -> "Locale":
    from babel import Locale

    known = {PSEUDO: "en-GB", PSEUDO_RTL: "ar"}
    return Locale.parse(known.get(language, language), sep="-")


def _translation(language: str) -> Callable[[str], str]:
    return pseudo if language in (PSEUDO, PSEUDO_RTL) else _catalogue(language).gettext


@cache
def _catalogue(language: str) -> gettext.NullTranslations:
    if language == SOURCE:
        return gettext.NullTranslations()
    place = files("headway.web") / "locale" / language.replace("-", "_") / "LC_MESSAGES" / "headway.mo"
    with place.open("rb") as file:
        return gettext.GNUTranslations(file)
