"""Writes docs/reference/features.md from the features and labels: `python -m scripts.feature_page`.

Also the list of relations in docs/how-to/add-a-feature.md, from the docstring of `headway.features.relations`.
"""

import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, get_args

from headway.features import relations as relations_module
from headway.features.cost import MEANING, Cost, costs
from headway.features.definition import FEATURES, Domain, Feature
from headway.features.labels import LABELS, Label

DOCS: Final = Path(__file__).resolve().parents[1] / "docs"
PAGE: Final = DOCS / "reference" / "features.md"
HOW_TO: Final = DOCS / "how-to" / "add-a-feature.md"

_BEGIN: Final = "<!-- relations: made by python -m scripts.feature_page -->\n"
_END: Final = "<!-- end of relations -->\n"

_TOP: Final = """\
# Features and labels

A feature is a number known of an enrolled learner at an as-of time. `headway features list` shows them, and
`headway features build` computes them for any run and date; see `src/headway/features/library/` for their definitions.

- **window**: how many days it looks back; empty for since the start.
- **where nothing is known**: the value that stands there; *absent* where it stays empty and the models see it so.
- **changeable**: whether a learner can change it from now on. Others are never put forward as something to do.
- **cost**: how it is computed, the cheapest way first:
{costs}

Made by `python -m scripts.feature_page` from the definitions; a test compares the two.
"""

_HEAD: Final = (
    "| feature | meaning | unit | window | range | where nothing is known | changeable | cost |\n"
    "|---|---|---|---|---|---|---|---|"
)

_LABELS: Final = """
## Labels

What a model can learn to foresee. A proxy stands for an outcome that is not known yet, and misleads as said.

| label | meaning | window (days) | values | stands for | misleads when |
|---|---|---|---|---|---|
"""


def page() -> str:
    """The text of docs/reference/features.md."""
    cost = costs(FEATURES.names())
    sections = [_section(domain, [f for f in FEATURES if f.domain == domain], cost) for domain in get_args(Domain)]
    meaning = "\n".join(f"  - *{way}*: {said}" for way, said in MEANING.items())
    return (
        _TOP.format(costs=meaning)
        + "".join(sections)
        + _LABELS
        + "".join(_label(LABELS[name]) for name in sorted(LABELS))
    )


def _section(domain: str, features: Sequence[Feature], cost: Mapping[str, Cost]) -> str:
    rows = [_row(feature, cost[feature.name]) for feature in features]
    return "\n".join([f"\n## {domain.capitalize()}\n", _HEAD, *rows]) + "\n"


def _row(feature: Feature, cost: Cost) -> str:
    low, high = ("…" if bound is None else f"{bound:g}" for bound in feature.bounds)
    cells = [
        f"`{feature.name}`",
        feature.summary,
        feature.unit,
        "" if feature.window is None else str(feature.window),
        f"{low} to {high}",
        "absent" if feature.absent is None else f"{feature.absent:g}",
        "yes" if feature.changeable else "no",
        cost,
    ]
    return f"| {' | '.join(cells)} |"


def _label(label: Label) -> str:
    cells = [
        f"`{label.name}`",
        label.summary,
        "" if label.horizon_days is None else str(label.horizon_days),
        "yes or no" if label.binary else "a number",
        f"`{label.stands_for}`" if label.stands_for else "",
        label.fails_when or "",
    ]
    return f"| {' | '.join(cells)} |\n"


def relations() -> str:
    """What features may read, as the module that makes it says."""
    said = inspect.cleandoc(relations_module.__doc__ or "")
    return said[said.index("- `") :].partition("\n\n")[0] + "\n"


def how_to(page: str) -> str:
    """The text of the how-to page with the relations as they are."""
    top, begin, rest = page.partition(_BEGIN)
    _, end, bottom = rest.partition(_END)
    return f"{top}{begin}\n{relations()}\n{end}{bottom}"


if __name__ == "__main__":
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
    HOW_TO.write_text(how_to(HOW_TO.read_text(encoding="utf-8")), encoding="utf-8")
