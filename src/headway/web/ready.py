"""What the pages of the runs scored last will ask for is begun before anybody asks, in the helpers of the server."""

from contextlib import suppress

from headway.domain.errors import HeadwayError
from headway.domain.time import AsOf
from headway.web.board import Board
from headway.web.caseload_rows import enrolled_in
from headway.web.caseload_view import past_of
from headway.web.contact_view import facts_at as facts_now
from headway.web.pages.course import facts_at as course_at
from headway.web.pages.models import versions_at
from headway.web.segment_view import facts_at as facts_then
from headway.web.site import Run, Site


def begin(site: Site, run: Run, board: Board) -> None:
    """Begins to work out what the pages of a run need first, and waits for none of it."""
    now = AsOf.now(site.app.clock)
    for asked in (
        lambda: past_of(site, board, 0.0),
        lambda: enrolled_in(site, run.id, now, 0.0),
        lambda: facts_now(site, run.id, board, now, 0.0),
        lambda: course_at(site, run, now, 0.0),
        lambda: facts_then(site, board, 0.0),
        lambda: versions_at(site, now, 0.0),
    ):
        with suppress(HeadwayError):  # that it is pending, or why it cannot be, which the page tells
            asked()
