"""Help and glossary, and the state of the service."""

from starlette.responses import Response

from headway import __version__
from headway.advising.wording import LISTS, SMOKE_ALARM
from headway.governance import audit
from headway.web.page import NOBODY_NEEDED, page
from headway.web.visit import Visit


@page("/help", NOBODY_NEEDED, about="What do the words mean, and what may I do here?")
def help_page(visit: Visit) -> Response:
    """What the lists, the chances and the words mean, and how to get about by keyboard."""
    return visit.render("help.html", lists=LISTS, smoke_alarm=SMOKE_ALARM)


@page("/status", NOBODY_NEEDED, about="Does everything work?")
def status(visit: Visit) -> Response:
    """Whether the store answers and how fresh the data are, for those who are signed in; which version this is."""
    visit.site.app.store.revision()
    runs = visit.runs if visit.session else []
    entries = 0
    if visit.role == "governance":
        with visit.site.app.store.read() as connection:
            entries = audit.head(connection)[0]
    return visit.render("status.html", runs=runs[:50], entries=entries, release=__version__)
