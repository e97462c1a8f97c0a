"""How those who acted are shown: by their account's name, for pages that tell who did what."""

from headway.flow.governance_page import names_of
from headway.web.visit import Visit


def actors(visit: Visit) -> dict[str, str]:
    """The name of everyone who may have acted, by the audit's word for them; a minute old at most."""
    app, minute = visit.site.app, visit.now.replace(second=0, microsecond=0)
    found: dict[str, str] = visit.site.once.get(("actors",), minute, lambda: names_of(app))
    return found
