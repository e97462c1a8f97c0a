"""Templates and what they ask for: escaping on, words through gettext, files of our own named by their content."""

import functools
import hashlib
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from markupsafe import Markup

from headway.advising.wording import LISTS, SHAPES, tenths
from headway.domain.errors import UnknownName
from headway.web.address import address, slug
from headway.web.words import Words

if TYPE_CHECKING:
    from jinja2 import Environment

TYPES: Final = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml", "txt": "text/plain"}


def render(template: str, words: Words, **context: object) -> str:
    """The HTML of a template in the reader's words."""
    return _environment(words).get_template(template).render(words=words, **context)


def part(template: str, block: str, words: Words, **context: object) -> str:
    """The HTML of one block of a template, for an answer to htmx. What `base.html` imports is there as in the page."""
    environment, told = _environment(words), {"words": words, **context}
    found = environment.get_template(template)
    parts = environment.get_template("parts.html").make_module(told)
    return environment.concat(found.blocks[block](found.new_context(told | {"parts": parts})))


def static_path(name: str) -> str:
    """The address of one of our files, which changes with its content."""
    return f"/static/{_hashes()[name]}/{name}"


@functools.cache
def static_file(digest: str, name: str) -> tuple[bytes, str]:
    """A file of ours and its media type.

    Raises:
        UnknownName: there is none of this name and content.
    """
    if _hashes().get(name) != digest:
        raise UnknownName("There is no such file.")
    return (files("headway.web") / "static" / name).read_bytes(), TYPES[name.rpartition(".")[2]]


@functools.cache
def _hashes() -> dict[str, str]:
    place = files("headway.web") / "static"
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest()[:16] for file in place.iterdir()}


@functools.lru_cache(maxsize=64)
def _environment(words: Words) -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("headway.web", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
        auto_reload=False,
    )
    made.install_gettext_callables(words.gettext, words.ngettext, newstyle=True)  # type: ignore[attr-defined] # the extension adds it
    made.filters.update(
        number=words.number,
        percent=words.percent,
        day=words.day,
        day_text=words.day_text,
        moment=words.moment,
        moment_text=words.moment_text,
        slug=slug,
        tenths=lambda chance: Markup("<bdi>{}</bdi>").format(tenths(*chance)),
    )
    made.globals.update(static=static_path, address=address, LISTS=LISTS, SHAPES=SHAPES)
    return made
