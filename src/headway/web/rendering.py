"""Templates and what they ask for: escaping on, words through gettext, files of our own named by their content."""

import functools
import hashlib
import importlib.util
from collections.abc import Callable
from importlib.metadata import entry_points
from importlib.resources import files
from pathlib import Path
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
    """The HTML of a template in the reader's words; `PACKAGE/NAME.html` is one of another package that brings pages."""
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


def _packages_with_templates() -> list[str]:
    """The packages that bring pages and have a folder `templates`: theirs are called `PACKAGE/NAME.html`."""
    named = {entry.value.partition(":")[0].partition(".")[0] for entry in entry_points(group="headway.pages")}
    found = []
    for package in sorted(named):
        spec = importlib.util.find_spec(package)
        places = (spec.submodule_search_locations if spec else None) or []
        if any((Path(place) / "templates").is_dir() for place in places):
            found.append(package)
    return found


@functools.lru_cache(maxsize=64)
def _environment(words: Words) -> "Environment":
    from jinja2 import ChoiceLoader, Environment, PackageLoader, PrefixLoader, StrictUndefined

    foreign = PrefixLoader({package: PackageLoader(package) for package in _packages_with_templates()})
    made = Environment(
        loader=ChoiceLoader([PackageLoader("headway.web"), foreign]),
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
    made.globals.update(static=static_path, address=address, LISTS=LISTS, SHAPES=SHAPES, _=_translated(words))
    return made


def _translated(words: Words) -> Callable[..., Markup]:
    """The `_` of templates: as Jinja's own, which formats every text anew; most on a page are always the same."""

    @functools.lru_cache(maxsize=4_096)
    def plain(text: str) -> Markup:
        return with_values(text)

    def with_values(text: str, /, **values: object) -> Markup:
        return Markup(words.gettext(text)) % values  # noqa: S704 - our own words, and values are escaped

    return lambda text, /, **values: with_values(text, **values) if values else plain(text)
