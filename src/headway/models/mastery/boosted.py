"""Boosted tracing: gradient-boosted trees over what logistic tracing counts and over the last answers one by one.

Trees put together what a line can only add up: three wrong answers in a row mean something else at the start of a block
of practice than late in it. Promises the same trees for the same answers and seed. Numbers are cut to six decimals
before trees see them: sums over other learners leave noise beyond, and a tree would make a step of it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np

from headway.domain.errors import InputError
from headway.models.boosting import THREADS
from headway.models.mastery import contexts, recent
from headway.models.mastery.contexts import Contexts
from headway.models.mastery.responses import Past, Responses
from headway.models.mastery.tracer import NEXT_RIGHT, TRACERS
from headway.models.mastery.usual import Asked, Counts, Usual, after_each, before_each, learned
from headway.models.model import Floats, Json
from headway.models.state import array, decode, encode, numbers
from headway.models.training import sigmoid

PART: Final = "boosted.json"
TREES: Final = "trees.txt"
MOST_TREES: Final = 500
PATIENCE: Final = 30
HELD_OUT: Final = 0.1
"""So many trees without a better log loss of so large a share of the learners end the growing."""

DECIMALS: Final = 6
FEW_ROWS: Final = 20_000
"""With fewer answers trees are smaller."""


@dataclass(frozen=True)
class FittedBoosted:
    """Trees as LightGBM's own text.

    Attributes:
        usual: names and ease of items.
        trees: see above.
        answers: how many answers it learned from.
    """

    usual: Usual
    trees: str
    answers: int

    def predict(self, responses: Responses) -> Floats:
        """See `tracer.Fitted.predict`."""
        return self._told(responses, before_each(responses, self.usual))

    def mastery(self, responses: Responses) -> Floats:
        """The chance that the next answer on the skill is right, on an item of middle ease; see `tracer.Fitted`."""
        return self._told(responses, after_each(responses, self.usual))

    def _told(self, responses: Responses, asked: Asked) -> Floats:
        if not len(asked.answer):
            return np.empty(0)
        ease = self.usual.ease[self.usual.item_of(responses)]
        raw = self._booster.predict(_columns(responses, self.usual, ease, asked), raw_score=True, num_threads=1)
        return sigmoid(np.asarray(raw, dtype=np.float64))

    def facts(self) -> dict[str, Json]:
        """How large it is."""
        sizes: dict[str, Json] = {"items": len(self.usual.items), "skills": len(self.usual.skills)}
        return sizes | {"trees": int(self._booster.num_trees()), "answers": self.answers}

    def state(self) -> dict[str, bytes]:
        """See `tracer.Fitted.state`."""
        held: dict[str, Json] = {"items": list(self.usual.items), "skills": list(self.usual.skills)}
        held |= {"ease": numbers(self.usual.ease), "answers": self.answers}
        return {PART: encode(held), TREES: self.trees.encode(), contexts.PART: self.usual.contexts.state()}

    @cached_property
    def _booster(self) -> Any:
        import lightgbm

        return lightgbm.Booster(model_str=self.trees)


@dataclass(frozen=True, slots=True)
class BoostedTracer:
    """Boosted tracing."""

    name: str = "boosted"
    summary: str = "Boosted tracing: gradient-boosted trees over counts and over the last answers one by one."
    mastery_is: str = NEXT_RIGHT

    def fit(self, responses: Responses, seed: int) -> FittedBoosted:
        """See `tracer.Tracer.fit`; the seed deals learners out, and draws rows and columns for each tree."""
        import lightgbm

        responses.check_both()
        usual, ease, asked = learned(responses, seed)
        columns, many = _columns(responses, usual, ease, asked), len(responses.learners)
        lots = np.random.default_rng([seed, 1]).permutation(many)
        out = (lots < round(HELD_OUT * many))[responses.learner]
        settings = _settings(len(responses), seed)
        rows = lightgbm.Dataset(columns[~out], responses.correct[~out], params=settings)
        judges = [rows.create_valid(columns[out], responses.correct[out], params=settings)] if out.any() else []
        calls: list[Callable[..., Any]] = [lightgbm.early_stopping(PATIENCE, verbose=False)] if judges else []
        grown = lightgbm.train(settings, rows, MOST_TREES if judges else PATIENCE, valid_sets=judges, callbacks=calls)
        best = grown.best_iteration if judges else None
        return FittedBoosted(usual, grown.model_to_string(num_iteration=best), len(responses))

    def restore(self, state: Mapping[str, bytes]) -> FittedBoosted:
        """See `tracer.Tracer.restore`."""
        held = decode(state, PART)
        if TREES not in state:
            raise InputError(f"The model's part {TREES} is missing. Fit it again.")
        known = Contexts.restore(state)
        usual = Usual(tuple(held["items"]), tuple(held["skills"]), array(held["ease"]), known)
        return FittedBoosted(usual, state[TREES].decode(), int(held["answers"]))


def _columns(responses: Responses, usual: Usual, ease: Floats, asked: Asked) -> Floats:
    """Shape (rows, columns): counts, the last answers, which items these were and how easy, and their place."""
    rows, whole = len(asked.answer), Past.of(responses.learner)
    size = np.bincount(asked.row, minlength=rows)
    on_skill = recent.of_skill(responses, asked.own).numbers()
    of_skill = np.column_stack([np.bincount(asked.row, column, rows) / size for column in on_skill.T])
    # A skill that is asked about alone has no answers on skills that are asked for together.
    of_same = on_skill if asked.own else recent.of_same_skills(responses).numbers()
    of_learner = recent.of_learner(responses, asked.own).numbers()[asked.answer]
    item = usual.item_of(responses).astype(np.float64)
    before = [whole.previous(each, place, -1.0)[asked.answer] for each in (ease, item) for place in (1, 2, 3)]
    met = (whole.total(ease) / np.maximum(whole.count(), 1))[asked.answer]
    first = usual.skill_of(responses)[np.unique(asked.row, return_index=True)[1]]
    places = np.column_stack([asked.item, first, met, *before])
    told = [Counts.of(responses, ease, asked).shared, of_learner, of_skill, of_same, places, asked.places]
    return np.asarray(np.round(np.hstack(told), DECIMALS), dtype=np.float64)


def _settings(rows: int, seed: int) -> dict[str, Any]:
    many = rows >= FEW_ROWS
    return {
        "objective": "binary",
        "metric": "binary_logloss",
        "learning_rate": 0.06,
        "num_leaves": 63 if many else 15,
        "min_data_in_leaf": 60 if many else 20,
        "feature_fraction": 0.4,
        "bagging_fraction": 0.8,
        "bagging_freq": 1,
        "lambda_l2": 10.0,
        "max_bin": 127,
        "feature_pre_filter": False,
        "seed": seed % 2**31,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": THREADS,
        "verbosity": -1,
    }


TRACERS.add("boosted", BoostedTracer())
