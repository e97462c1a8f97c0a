"""Writes docs/reference/features.md from the features and labels: `python -m scripts.feature_page`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, get_args

from headway.features.definition import FEATURES, Domain, Feature
from headway.features.labels import LABELS, Label

PAGE: Final = Path(__file__).resolve().parents[1] / "docs" / "reference" / "features.md"

_TOP: Final = """\
# Features and labels

A feature is a number known of an enrolled learner at an as-of time. `headway features list` shows them, and
`headway features build` computes them for any run and date; see `src/headway/features/library/` for their definitions.

- **window**: how many days it looks back; empty for since the start.
- **where nothing is known**: the value that stands there; *absent* where it stays empty and the models see it so.
- **changeable**: whether a learner can change it from now on. Others are never put forward as something to do.

Made by `python -m scripts.feature_page` from the definitions; a test compares the two.
"""

_HEAD: Final = "| feature | meaning | unit | window | range | where nothing is known | changeable |"

_LABELS: Final = """
## Labels

What a model can learn to foresee. A proxy stands for an outcome that is not known yet, and misleads as said.

| label | meaning | window (days) | values | stands for | misleads when |
|---|---|---|---|---|---|
"""


def page() -> str:
    """The text of docs/reference/features.md."""
    sections = [_section(domain, [f for f in FEATURES if f.domain == domain]) for domain in get_args(Domain)]
    return _TOP + "".join(sections) + _LABELS + "".join(_label(LABELS[name]) for name in sorted(LABELS))


def _section(domain: str, features: Sequence[Feature]) -> str:
    return (
        "\n".join([f"\n## {domain.capitalize()}\n", _HEAD, "|---|---|---|---|---|---|---|", *map(_row, features)])
        + "\n"
    )


def _row(feature: Feature) -> str:
    low, high = ("…" if bound is None else f"{bound:g}" for bound in feature.bounds)
    cells = [
        f"`{feature.name}`",
        feature.summary,
        feature.unit,
        "" if feature.window is None else str(feature.window),
        f"{low} to {high}",
        "absent" if feature.absent is None else f"{feature.absent:g}",
        "yes" if feature.changeable else "no",
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


if __name__ == "__main__":
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
