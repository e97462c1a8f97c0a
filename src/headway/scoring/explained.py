"""All that can be said of one prediction: reasons by domain, a second opinion, what changed, what if.

Pure: the flow gives the model and the cohort's features now and a week before. Numbers are those of the model before
calibration, which keeps their order and sign; chances are calibrated.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from headway.domain.errors import InputError
from headway.evaluation.risk_model import RiskModel
from headway.evaluation.rows import matrix_of
from headway.explanation.changes import Change, Week, changes
from headway.explanation.guard import refuse_protected
from headway.explanation.lime import Agreement, agreement, by_family, surrogate
from headway.explanation.mixing import log_odds_of
from headway.explanation.reasons import (
    LEAST_SHARE,
    Direction,
    Families,
    Reason,
    Speaker,
    families,
    family,
    not_said_before,
)
from headway.explanation.shapley import Explains, explainer
from headway.explanation.stability import SEED, Steadiness, steadiness
from headway.explanation.what_if import Chance, WhatIf, usual, what_if
from headway.features.as_of import FeatureTable
from headway.features.definition import FEATURES, Feature
from headway.features.logged import heard
from headway.models.model import Floats, History, Json, Matrix
from headway.scoring.predict import medians

SUGGESTED: Final = 3
"""What-ifs that are told unasked: the strongest steady reasons whose number a learner can change."""

LEAST_TOLD: Final = LEAST_SHARE / 2
"""In the view by domain a reason needs half as much weight as in the list of the strongest."""

LEAST_MOVED: Final = 0.005
"""A what-if that moves the chance by less is not told unasked."""

TOLD_BY_LIME: Final = 5

JITTER_WALKS: Final = 8
"""Walks to each jittered row where Shapley values are sampled."""


@dataclass(frozen=True, slots=True)
class Cohort:
    """Everyone enrolled at one time, as a model reads them."""

    learners: tuple[str, ...]
    features: Matrix

    @classmethod
    def of(cls, table: FeatureTable, history: History | None) -> "Cohort":
        """The cohort of a feature table."""
        features = replace(matrix_of(heard(table)), history=history)
        return cls(tuple(str(learner) for learner in table.keys("learner")), features)

    def where(self, kept: Sequence[bool]) -> "Cohort":
        """Those of its rows that are to be kept."""
        chosen = np.flatnonzero(np.asarray(kept, dtype=np.bool_))
        return Cohort(tuple(self.learners[at] for at in chosen.tolist()), self.features.rows(chosen))

    def row(self, learner: str) -> Matrix | None:
        """The learner's row; None where they were not enrolled."""
        if learner not in self.learners:
            return None
        return self.features.rows(np.array([self.learners.index(learner)]))


@dataclass(frozen=True, slots=True)
class InDomain:
    """The reasons under one heading, each with its steadiness.

    Attributes:
        domain: the heading.
        direction: what all of it together points to.
        share: its part of the sum of all headings, 0 to 1.
        told: the reasons, strongest first.
        steady: of each reason, 0 to 1.
    """

    domain: str
    direction: Direction
    share: float
    told: tuple[Reason, ...]
    steady: tuple[float, ...]

    def as_row(self) -> dict[str, Any]:
        """The heading as JSON-ready data."""
        rows: dict[str, list[dict[str, Any]]] = {"for": [], "against": []}
        for reason, steady in zip(self.told, self.steady, strict=True):
            rows[reason.direction].append({**reason.as_row(), "stability": steady})
        return {"domain": self.domain, "direction": self.direction, "share": round(self.share, 4), **rows}


@dataclass(frozen=True, slots=True)
class Explained:
    """All that is said of one prediction.

    Attributes:
        method: "exact" where the model is a sum, "sampled" where Shapley values were sampled.
        base: mean log-odds of the cohort.
        log_odds: the learner's; contributions sum to the difference.
        domains: headings, weightiest first.
        withheld: quantities that weigh enough and are not steady, with their steadiness.
        steady: steadiness of each quantity (see `reasons.family`), 0 to 1.
        before: the chance a week before; None where the learner was not enrolled.
        changed: what changed since.
        lime: agreement with the surrogate.
        lime_fit: how well the surrogate stands for the model there (weighted R²).
        by_lime: what the surrogate names first: quantity and log-odds.
        what_if: answers, asked and unasked.
        attention: weight of each step with its age in days, oldest first; None for models without.
    """

    method: str
    base: float
    log_odds: float
    domains: tuple[InDomain, ...]
    withheld: tuple[tuple[str, float], ...]
    steady: Mapping[str, float]
    before: Chance | None
    changed: tuple[Change, ...]
    lime: Agreement
    lime_fit: float
    by_lime: tuple[tuple[str, float], ...]
    what_if: tuple[WhatIf, ...]
    attention: tuple[tuple[int, float], ...] | None

    def steadiness_of(self, reason: Reason) -> float:
        """How steady a reason is, 0 to 1."""
        return self.steady.get(family(reason.feature), 0.0)

    def as_json(self) -> dict[str, Any]:
        """All but the words about what-ifs, JSON-ready."""
        attention = None
        if self.attention is not None:
            attention = [{"days_ago": age, "weight": round(weight, 6)} for age, weight in self.attention]
        lime: dict[str, Json] = {
            "fit": round(self.lime_fit, 4),
            "overlap": self.lime.overlap,
            "same_sign": self.lime.same_sign,
            "rank_correlation": self.lime.rank_correlation,
            "strongest": [{"quantity": name, "added": round(added, 4)} for name, added in self.by_lime],
        }
        return {
            "contributions": {"method": self.method, "base_log_odds": self.base, "log_odds": self.log_odds},
            "domains": [each.as_row() for each in self.domains],
            "withheld": [{"quantity": name, "stability": steady} for name, steady in self.withheld],
            "lime": lime,
            "attention": attention,
        }


def explained(
    model: RiskModel, cohort: Cohort, learner: str, before: Cohort | None = None, ask: Mapping[str, float] | None = None
) -> Explained:
    """All that can be said of one learner's prediction.

    Args:
        model: what predicts.
        cohort: everyone enrolled at the time, with their history where the model reads one.
        learner: whom it is about.
        before: everyone enrolled a week before; None where there was nothing.
        ask: what-ifs to answer: features with their other numbers.

    Raises:
        InputError: the learner is not in the cohort, or a what-if cannot be asked.
        UnknownName: a what-if names no feature.
        NotPermitted: a feature is built on a protected attribute.
    """
    row = cohort.row(learner)
    if row is None:
        raise InputError(f"{learner} was not enrolled then. Check the id with headway list.")
    telling = _Telling.of(cohort.features)
    explains = explainer(model.fitted, cohort.features, SEED)
    now = telling.week(explains, row, cohort.features)
    steady = steadiness(_for_jitters(explains, model, cohort.features), row, cohort.features, *telling.found, SEED)[0]
    net, shares = telling.families.net(now.added[None])
    near = surrogate(model.fitted, row, cohort.features, SEED)
    by_lime = by_family(near, telling.families)
    odds = float(log_odds_of(model.fitted, row)[0])
    domains = telling.domains(now, net[0], shares[0], steady)
    was, changed = telling.since(model, now, before, learner, steady)
    fitted: Any = model.fitted
    return Explained(
        method=explains.method,
        base=odds - float(now.added.sum()),
        log_odds=odds,
        domains=domains,
        withheld=tuple(
            (telling.families.names[at], float(steady.steady[at]))
            for at in telling.families.order(shares)[0].tolist()
            if shares[0, at] >= LEAST_SHARE and steady.withheld[at]
        ),
        steady=dict(zip(telling.families.names, steady.steady.tolist(), strict=True)),
        before=was,
        changed=changed,
        lime=agreement(net[0], by_lime),
        lime_fit=near.fit,
        by_lime=tuple(
            (telling.families.names[at], float(by_lime[at]))
            for at in np.argsort(-np.abs(by_lime), kind="stable")[:TOLD_BY_LIME].tolist()
        ),
        what_if=_what_ifs(model, row, cohort.features, telling.definitions, domains, ask or {}),
        attention=_attention(fitted, row),
    )


def _for_jitters(explains: Explains, model: RiskModel, cohort: Matrix) -> Explains:
    """What explains jittered rows: walks are costly, so that there are fewer of them."""
    return explains if explains.method == "exact" else explainer(model.fitted, cohort, SEED, walks=JITTER_WALKS)


@dataclass(frozen=True, slots=True)
class _Telling:
    """The features of a cohort in the order of their names, with their families and definitions."""

    definitions: dict[str, Feature]
    columns: NDArray[np.int64]
    families: Families

    @classmethod
    def of(cls, features: Matrix) -> "_Telling":
        definitions = {name: FEATURES.get(name) for name in features.names}
        refuse_protected(definitions.values())
        columns = np.argsort(features.names)
        return cls(definitions, columns, families([definitions[features.names[column]] for column in columns]))

    @property
    def found(self) -> tuple[Families, NDArray[np.int64]]:
        return self.families, self.columns

    def week(self, explains: Explains, row: Matrix, cohort: Matrix) -> Week:
        return Week(
            values=row.values[0, self.columns],
            medians=medians(cohort)[self.columns],
            added=explains.contributions(row)[0, self.columns],
        )

    def domains(self, now: Week, net: Floats, shares: Floats, steady: Steadiness) -> tuple[InDomain, ...]:
        """The headings with their steady reasons, weightiest first."""
        speaker = Speaker(self.families.known, {})
        sums = dict.fromkeys(self.families.domains, 0.0)
        for name, added in zip(self.families.domains, net.tolist(), strict=True):
            sums[name] += added
        total = sum(abs(each) for each in sums.values())
        told: list[InDomain] = []
        for name in sorted(sums, key=lambda name: (-abs(sums[name]), name)):
            said = [
                at
                for at in self.families.order(shares[None])[0].tolist()
                if self.families.domains[at] == name and shares[at] >= LEAST_TOLD and not steady.withheld[at]
            ]
            reasons = [
                speaker.say(
                    self.families.spokesman(at, now.added, now.values, float(net[at])),
                    now.values,
                    now.medians,
                    "for" if net[at] > 0 else "against",
                    float(shares[at]),
                )
                for at in said
            ]
            once = not_said_before(reasons)
            direction: Direction = "for" if sums[name] > 0 else "against"
            share = abs(sums[name]) / total if total else 0.0
            steadiness = tuple(float(steady.steady[said[place]]) for place in once)
            told.append(InDomain(name, direction, share, tuple(reasons[place] for place in once), steadiness))
        return tuple(told)

    def since(
        self, model: RiskModel, now: Week, before: Cohort | None, learner: str, steady: Steadiness
    ) -> tuple[Chance | None, tuple[Change, ...]]:
        """The chance a week before and what changed since."""
        row = None if before is None else before.row(learner)
        if before is None or row is None:
            return None, ()
        was = self.week(explainer(model.fitted, before.features, SEED), row, before.features)
        said = model.predict(row)
        chance = Chance(float(said.risks[0]), float(said.low[0]), float(said.high[0]))
        return chance, changes(self.families, now, was, steady.withheld)


def _what_ifs(
    model: RiskModel,
    row: Matrix,
    cohort: Matrix,
    definitions: Mapping[str, Feature],
    domains: tuple[InDomain, ...],
    ask: Mapping[str, float],
) -> tuple[WhatIf, ...]:
    """What was asked; where nothing was, the cohort's usual number for the strongest reasons that can be changed."""
    if ask:
        return tuple(what_if(model, row, cohort, definitions, name, number) for name, number in ask.items())
    strongest = sorted((reason for each in domains for reason in each.told), key=lambda reason: -reason.share)
    found: list[WhatIf] = []
    for reason in strongest:
        feature = definitions[reason.feature]
        instead = usual(cohort, feature)
        if reason.direction == "against" or not feature.changeable or feature.stage == "cohort" or instead is None:
            continue
        if reason.value == instead or len(found) == SUGGESTED:
            continue
        answer = what_if(model, row, cohort, definitions, reason.feature, instead)
        if answer.now.risk - answer.then.risk >= LEAST_MOVED:
            found.append(answer)
    return tuple(found)


def _attention(fitted: Any, row: Matrix) -> tuple[tuple[int, float], ...] | None:
    """The weight of each step with its age in days, for a model that attends to steps."""
    if not getattr(fitted, "attends", False):
        return None
    weights = fitted.attention(row)[0].tolist()
    days = 0 if row.history is None else row.history.step_days
    return tuple((days * (len(weights) - 1 - at), float(weight)) for at, weight in enumerate(weights))
