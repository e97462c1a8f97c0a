"""A report as PDF, made from the same HTML by WeasyPrint, without a browser.

The only module that knows WeasyPrint, which comes with the optional extra `pdf`.
"""

import re
from typing import Final

from headway.domain.errors import ConfigError

_ON_SCREEN_ONLY: Final = re.compile(r'<details class="same">.*?</details>', re.DOTALL)
"""Tables that print leaves out anyway; without them a long report is set in half the time."""

INSTALL: Final = (
    "A PDF needs WeasyPrint: pip install 'headway[pdf]'. It uses the system's Pango "
    "(Debian and Ubuntu: apt-get install libpango-1.0-0 libpangoft2-1.0-0). Without it, write .html and print from a "
    "browser."
)


def pdf_of(html: str) -> bytes:
    """The bytes of a PDF of one of our pages.

    Args:
        html: a page of `headway.reports`; it asks for nothing outside itself, and nothing is fetched.

    Raises:
        ConfigError: WeasyPrint, or a system library it needs, is not installed.
    """
    try:
        from weasyprint import HTML
        from weasyprint.urls import FatalURLFetchingError, URLFetcher
    # A missing system library is an OSError: WeasyPrint loads Pango when it is imported.
    except (ImportError, OSError) as wrong:
        raise ConfigError(INSTALL) from wrong
    nothing = URLFetcher(allowed_protocols=(), fail_on_errors=True)
    try:
        document: bytes = HTML(string=_ON_SCREEN_ONLY.sub("", html), url_fetcher=nothing).write_pdf()
    except FatalURLFetchingError as wrong:
        raise ConfigError(f"A report asks for nothing outside itself, but this one did: {wrong}.") from wrong
    return document
