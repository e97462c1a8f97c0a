"""A caseload as a file: a CSV for a purpose, a sheet to print. Both hold whom the page shows, and nobody else.

The order is left out of the CSV: it belongs to the list of a week and is no property of a person.
"""

import csv
import io
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from starlette.responses import Response

from headway.advising.wording import DOES_NOT_KNOW
from headway.domain.errors import InputError
from headway.domain.time import zone_of
from headway.web.address import slug
from headway.web.rendering import render

if TYPE_CHECKING:
    from datetime import datetime

    from headway.web.caseload_view import CaseloadView, Row
    from headway.web.visit import Visit
    from headway.web.words import Words

PURPOSE_CHARACTERS: Final = (10, 200)
MOST_ROWS: Final = 200
"""So many learners are on a sheet; nobody carries more to a talk."""

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def check_purpose(purpose: str, words: "Words") -> None:
    """Passes where a purpose says something.

    Raises:
        InputError: it is too short or too long.
    """
    least, most = PURPOSE_CHARACTERS
    if not least <= len(purpose) <= most:
        told = words.gettext("Say in %(least)s to %(most)s characters what the file is for, and name no learner.")
        raise InputError(told % {"least": least, "most": most})


def harmless(text: str) -> str:
    """A text that no spreadsheet takes for a formula (OWASP, CSV injection).

    >>> harmless("=1+1"), harmless("Jonas")
    ("'=1+1", 'Jonas')
    """
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text


def csv_answer(visit: "Visit", view: "CaseloadView") -> Response:
    """The CSV of everybody who matches, by name; with a mark by which spreadsheets know that it is UTF-8."""
    _, zone = visit.words.gettext, visit.words.zone
    out = io.StringIO(newline="")
    write = csv.writer(out)
    course = view.listing.run.zone
    head = [_("Number"), _("Name"), _("Group"), _("List"), view.chance_name, _("Main reason")]
    head += [_("Last seen (day in %(zone)s)") % {"zone": course}, _("Last contact (%(zone)s)") % {"zone": zone}]
    write.writerow([harmless(each) for each in [*head, _("Status")]])
    for row in sorted(view.everyone, key=lambda each: (each.seen.name.casefold(), each.seen.number)):
        write.writerow([harmless(each) for each in _cells(view, row, zone)])
    name = f"caseload-{slug(view.listing.run.id)}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response("\ufeff" + out.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)


def _cells(view: "CaseloadView", row: "Row", zone: str) -> list[str]:
    told = [row.seen.number, row.seen.name, row.seen.group, view.list_name(int(view.listing.places.list[row.at]))]
    told += [row.chance, row.reason, row.seen_on.isoformat() if row.seen_on else ""]
    return [*told, _local(row.contact.at, zone) if row.contact else "", row.status]


def _local(at: "datetime", zone: str) -> str:
    return at.astimezone(zone_of(zone)).isoformat(sep=" ", timespec="minutes")


def sheet_answer(visit: "Visit", view: "CaseloadView") -> Response:
    """The sheet as PDF.

    Raises:
        ConfigError: WeasyPrint is not installed.
    """
    from headway.reports.pdf import pdf_of

    rows = view.rows_of([int(at) for at in view.listing.chosen[:MOST_ROWS]], marked=True)
    style = (files("headway.web") / "static" / "caseload_sheet.css").read_text(encoding="utf-8")
    page = render(
        "caseload_sheet.html",
        visit.words,
        visit=visit,
        view=view,
        listing=view.listing,
        rows=rows,
        style=style,
        run=view.listing.run,
        csrf="",
        does_not_know=DOES_NOT_KNOW,
    )
    name = f"caseload-{slug(view.listing.run.id)}.pdf"
    headers = {"Content-Disposition": f'inline; filename="{name}"', "Cache-Control": "no-store"}
    return Response(pdf_of(page), media_type="application/pdf", headers=headers)
