"""How a report becomes one HTML file: templates with escaping on, one style block, dates as people write them.

The file asks for nothing outside itself and runs nothing: its own content policy allows only its style block, by hash.
"""

import base64
import functools
import hashlib
from dataclasses import dataclass
from datetime import date, datetime
from importlib.resources import files
from typing import TYPE_CHECKING

from markupsafe import Markup

from headway.domain.time import zone_of

if TYPE_CHECKING:
    from jinja2 import Environment


@dataclass(frozen=True, slots=True)
class Provenance:
    """What a report was made from, so that it can be made again.

    Attributes:
        model: the model's name.
        version: the model version.
        view_hash: hash of the feature definitions.
        snapshot: the lake version that was read.
        seed: seed of all random choices.
        made_at: when the report was made, a UTC instant.
        headway: version of headway.
    """

    model: str
    version: str
    view_hash: str
    snapshot: str
    seed: int
    made_at: datetime
    headway: str


def render(template: str, **context: object) -> str:
    """The HTML of a template with the report's style; the same context gives the same bytes."""
    css = (files("headway.reports") / "templates" / "report.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    page = _environment().get_template(template)
    style = Markup(css)  # noqa: S704 - our own file, not input: escaping its quotes would break the hash
    return page.render(css=style, css_hash=digest, **context)


def day_text(day: date) -> str:
    """A date as people read it: `Mon 16 Nov 2026`."""
    return f"{day:%a} {day.day} {day:%b %Y}"


def moment(instant: datetime, zone: str) -> Markup:
    """An instant in a zone, with the zone named: `Mon 16 Nov 2026, 06:00 UTC`, as a `<time>` element."""
    local = instant.astimezone(zone_of(zone))
    return Markup('<time datetime="{}">{}, {} {}</time>').format(
        local.isoformat(), day_text(local.date()), f"{local:%H:%M}", zone
    )


def day_element(day: date) -> Markup:
    """A date as a `<time>` element."""
    return Markup('<time datetime="{}">{}</time>').format(day.isoformat(), day_text(day))


def counted(number: int, one: str, many: str) -> str:
    """A number with its noun: `1 learner`, `2,000 learners`."""
    return f"{number:,} {one if number == 1 else many}"


def percent(number: float) -> str:
    """A share in whole percent."""
    return f"{number * 100:.0f}%"


@functools.cache
def _environment() -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("headway.reports", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(counted=counted, percent=percent, day=day_element)
    return environment
