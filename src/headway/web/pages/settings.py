"""What somebody chooses: capacity, zone, language, theme, height of rows, the digest's day.

Theme, height of rows and language are of the browser and work signed out too.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any, Final
from zoneinfo import available_timezones

from starlette.responses import Response

from headway.domain.errors import InputError
from headway.domain.time import zone_of
from headway.flow.notices import DAYS
from headway.governance import accounts
from headway.web.page import NOBODY_NEEDED, act, page
from headway.web.visit import THEMES, Visit
from headway.web.words import LANGUAGES, language_of

YEAR_S: Final = 365 * 86_400
MOST_CONTACTS: Final = 500
WITH_CASELOAD: Final = frozenset({"adviser", "tutor"})


@page("/settings", NOBODY_NEEDED, about="How do I want the pages?")
def settings(visit: Visit) -> Response:
    """The form, with what was chosen."""
    return _page(visit, dict(visit.session.account.settings) if visit.session else {}, {})


@act("/settings", NOBODY_NEEDED, about="keeps what somebody chose")
def kept(visit: Visit) -> Response:
    """Keeps it: in the browser what the browser needs, with the account all else."""
    errors: dict[str, str] = {}
    theme = visit.field("theme") if visit.field("theme") in THEMES else "auto"
    density = "compact" if visit.field("density") == "compact" else ""
    language = visit.field("language")
    try:
        language = language_of(language) if language else ""
    except InputError as wrong:
        errors["language"] = str(wrong)
    told = _told(visit, errors)
    if errors:
        return _page(visit, told | {"capacity": visit.field("capacity"), "zone": visit.field("zone")}, errors)
    if visit.session is not None:
        before = dict(visit.account.settings)
        after = {
            key: value for key, value in (before | told | {"language": language}).items() if value not in ("", None)
        }
        if after != before:
            with visit.site.app.store.begin() as connection:
                accounts.keep_settings(connection, visit.account.id, after)
            changed = sorted(key for key in before.keys() | after.keys() if before.get(key) != after.get(key))
            visit.audit("change settings", visit.account.id, {"changed": changed})
    answer = visit.redirect("/settings", visit.words.gettext("Your settings are kept."))
    for name, value in (("theme", theme), ("density", density), ("language", language)):
        if value in ("", "auto"):
            answer.delete_cookie(name, path="/")
        else:
            answer.set_cookie(name, value, max_age=YEAR_S, httponly=True, samesite="lax", secure=visit.secure, path="/")
    return answer


def _told(visit: Visit, errors: dict[str, str]) -> dict[str, Any]:
    """What the form says of the account's own settings; what is wrong with it goes into `errors`."""
    if visit.session is None:
        return {}
    _ = visit.words.gettext
    told: dict[str, Any] = {"zone": visit.field("zone")}
    if told["zone"]:
        try:
            zone_of(told["zone"])
        except InputError:
            errors["zone"] = _("There is no time zone of this name. Choose one from the list.")
    if visit.role in WITH_CASELOAD:
        said = visit.field("capacity")
        told["capacity"] = None
        if said:
            told["capacity"] = int(said) if said.isascii() and said.isdecimal() and len(said) < 5 else 0
            if not 1 <= told["capacity"] <= MOST_CONTACTS:
                errors["capacity"] = _("Write a whole number from 1 to %(most)s.") % {"most": MOST_CONTACTS}
    if _has_digest(visit):
        day = visit.field("digest_day")
        told["digest_day"] = day if day in DAYS else ""
    return told


def _has_digest(visit: Visit) -> bool:
    """Whether the account's name is an address that digests go to; of nobody else would the day mean anything."""
    return visit.session is not None and any(
        visit.account.name == address.casefold() for address in visit.site.app.settings.notifications.advisers
    )


def _page(visit: Visit, chosen: Mapping[str, Any], errors: Mapping[str, str]) -> Response:
    return visit.render(
        "settings.html",
        400 if errors else 200,
        chosen=chosen,
        errors=dict(errors),
        languages=LANGUAGES,
        zones=_zones(),
        days=DAYS,
        usual=visit.site.app.settings.advising.capacity,
        with_digest=_has_digest(visit),
        with_caseload=visit.role in WITH_CASELOAD,
        most=MOST_CONTACTS,
    )


@cache
def _zones() -> tuple[str, ...]:
    """The names of zones that people know: those of places, and UTC."""
    return ("UTC", *sorted(name for name in available_timezones() if "/" in name and not name.startswith("Etc/")))
