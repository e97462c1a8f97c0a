"""Feature views: an ordered set of features with a hash of their definitions that travels with model and prediction."""

import hashlib
from dataclasses import dataclass
from typing import Final

from headway.domain.errors import Conflict, UnknownName
from headway.features.definition import FEATURES, Feature, code_of

STANDARD: Final = "standard"
"""The name of the view with every registered feature."""

RECORDS_ONLY: Final = "records-only"
"""The name of the view that needs registrations and assessments but no activity log."""


NO_ACTIVITY: Final = ("hand_ins", "others", "facts")
"""Relations that need no log of what learners did."""


@dataclass(frozen=True, slots=True)
class FeatureView:
    """Ordered features and the hash of everything that decides their values.

    Attributes:
        name: what users call it.
        features: feature names, in the order of the columns.
        hash: hash of the definitions of these features and of all that they are made of.
    """

    name: str
    features: tuple[str, ...]
    hash: str

    def check(self, trained_with: str) -> None:
        """Nothing, if a model trained with view hash `trained_with` may score this view.

        Raises:
            Conflict: the definitions have changed since; both hashes are named.
        """
        if trained_with != self.hash:
            raise Conflict(
                f"The model was trained with view {trained_with}, "
                f"the definitions of view {self.name!r} are now {self.hash}. "
                "Train a new model, or install the version of headway it was trained with."
            )


def view_of(name: str = STANDARD) -> FeatureView:
    """The view called `name`, or of the features that it names, separated by commas.

    Raises:
        UnknownName: there is no such view, or one of several names is no feature.
    """
    if name == STANDARD:
        return view_with(name, tuple(FEATURES.names()))
    if name == RECORDS_ONLY:
        return view_with(name, tuple(feature for feature in FEATURES.names() if not needs_log(feature)))
    named = tuple(dict.fromkeys(part.strip() for part in name.split(",") if part.strip()))
    if len(named) > 1 or (named and named[0] in FEATURES.names()):
        return view_with(",".join(named), named)
    raise UnknownName.of("feature view or feature", name, [STANDARD, RECORDS_ONLY, *FEATURES.names()])


def needs_log(feature: str) -> bool:
    """Whether a feature, or one that it is made of, reads a log of what learners did."""
    return any(reads_log(definition) for definition in needed((feature,)))


def reads_log(definition: Feature) -> bool:
    """Whether a feature is an aggregate over such a log."""
    return definition.stage == "known" and definition.reads[0] not in NO_ACTIVITY


def view_with(name: str, features: tuple[str, ...]) -> FeatureView:
    """A view of exactly these features, in this order."""
    from headway.features.relations import RELATIONS

    definitions = needed(features)
    hashes = [definition.source_hash for definition in definitions]
    relations = sorted({definition.reads[0] for definition in definitions if definition.stage == "known"})
    made_of = [code_of(RELATIONS[relation]) for relation in relations]
    return FeatureView(
        name, features, hashlib.sha256("\x1f".join([*features, *hashes, *made_of]).encode()).hexdigest()[:16]
    )


def needed(features: tuple[str, ...]) -> list[Feature]:
    """The definitions of `features` and of every feature that they read, each after those it reads.

    Raises:
        UnknownName: a feature is not registered.
    """
    ordered: dict[str, Feature] = {}

    def visit(name: str) -> None:
        if name in ordered:
            return
        definition = FEATURES.get(name)
        if definition.stage != "known":
            for read in definition.reads:
                visit(read)
        ordered[name] = definition

    for name in features:
        visit(name)
    return list(ordered.values())
