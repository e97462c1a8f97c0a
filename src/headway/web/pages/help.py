"""Help and glossary, and the state of the service."""

from starlette.responses import Response

from headway.web.page import NOBODY_NEEDED, page
from headway.web.visit import Visit


@page("/help", NOBODY_NEEDED, about="What do the words mean, and what may I do here?")
def help_page(visit: Visit) -> Response:
    """What the lists, the chances and the words mean."""
    return visit.render("help.html")


@page("/status", NOBODY_NEEDED, about="Does everything work?")
def status(visit: Visit) -> Response:
    """Whether the store answers, and which version this is."""
    visit.site.app.store.revision()
    return visit.render("status.html")
