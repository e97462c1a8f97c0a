"""The fixtures of `tests.support.pages`, one of each for all modules here: a module that imports them has its own."""

from tests.support.mailing import mailing
from tests.support.pages import pages, pages_home, registry_met, written_pages

__all__ = ["mailing", "pages", "pages_home", "registry_met", "written_pages"]
