"""Features and risk of one learner now, fresh to the last committed record, by the code that serves whole cohorts."""

from collections import OrderedDict
from dataclasses import dataclass, field
from threading import Lock
from types import TracebackType
from typing import Final, Self

import numpy as np

from headway.domain.errors import UnknownName
from headway.domain.time import AsOf
from headway.evaluation.histories import history_of
from headway.evaluation.risk_model import RiskModel
from headway.features.as_of import FeatureTable, LiveCohort
from headway.features.moments import Moment
from headway.features.views import STANDARD, view_of
from headway.flow.app import App
from headway.flow.records import as_of_in
from headway.lake.live import LiveRecords
from headway.models.model import MODELS, History, wants_history
from headway.registry.registry import ModelVersion
from headway.scoring.predict import Prediction, predict

MOST_COHORTS: Final = 4
"""As-of times of a run that are kept ready; who asks about more waits for the oldest to be computed again."""


@dataclass
class LiveRun:
    """One course run, held in memory so that a learner's features take milliseconds. Use it in a `with` statement.

    The first question about an as-of time computes the whole cohort; later ones look it up and follow new records.
    Threads may share it: one asks at a time.
    """

    app: App
    run: str
    view: str = STANDARD
    _records: LiveRecords = field(init=False, repr=False)
    _cohorts: "OrderedDict[AsOf, LiveCohort]" = field(init=False, repr=False, default_factory=OrderedDict)
    _means: dict[str, AsOf] = field(init=False, repr=False, default_factory=dict)
    _histories: dict[AsOf, History] = field(init=False, repr=False, default_factory=dict)
    _turn: Lock = field(init=False, repr=False, default_factory=Lock)

    def __post_init__(self) -> None:
        known = self.app.lake.runs()
        if self.run not in known:
            raise UnknownName.of("course run", self.run, known)
        self._records = self.app.lake.open_live(self.run)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._records.close()

    def features(self, learner: str, as_of: str) -> FeatureTable:
        """The learner's features, one row, as of a date (its end, in the run's zone) or an instant.

        Raises:
            UnknownName: the learner was not enrolled in the run then.
        """
        with self._turn:
            self._follow()
            found = self._cohort(self._meant(as_of)).of(learner)
        if found is None:
            raise self._absent(learner, as_of)
        return found

    def prediction(self, learner: str, as_of: str, model: RiskModel, version: ModelVersion) -> Prediction:
        """What a registered model says of the learner, with reasons that compare with the rest of the cohort.

        A model that reads a history is given it, computed for the whole cohort after each arrival of records: seconds
        where other models take milliseconds.

        Raises:
            Conflict: the model was trained with other definitions of its features.
            UnknownName: the learner was not enrolled in the run then.
        """
        view_of(self.view).check(version.view_hash)
        with self._turn:
            self._follow()
            cohort = self._cohort(self._meant(as_of))
            everyone, history = cohort.everyone(), None
            row = cohort.row(learner)
            if row is None:
                raise self._absent(learner, as_of)
            if wants_history(MODELS.get(version.model)):
                history = self._history(everyone, cohort.moment.as_of)
        return predict(model, everyone, history, np.array([row]))[0]

    def _meant(self, as_of: str) -> AsOf:
        if as_of not in self._means:
            self._means[as_of] = as_of_in(self._records, self.run, as_of)
        return self._means[as_of]

    def _absent(self, learner: str, as_of: str) -> UnknownName:
        return UnknownName(f"{learner!r} was not enrolled in {self.run} as of {as_of}. Name another date or run.")

    def _history(self, everyone: FeatureTable, as_of: AsOf) -> History:
        if as_of not in self._histories:
            with self.app.lake.open(as_of, [self.run]) as records:
                self._histories[as_of] = history_of(records, everyone)
        return self._histories[as_of]

    def _follow(self) -> None:
        arrived = self._records.refresh()
        if arrived is None or arrived:
            self._means.clear()
            self._histories.clear()
        if arrived is None:
            self._cohorts.clear()
        elif arrived:
            for cohort in self._cohorts.values():
                cohort.follow(arrived)

    def _cohort(self, as_of: AsOf) -> LiveCohort:
        if as_of not in self._cohorts:
            self._cohorts[as_of] = LiveCohort(view_of(self.view), self._records, Moment(self.run, as_of))
            if len(self._cohorts) > MOST_COHORTS:
                gone, _ = self._cohorts.popitem(last=False)
                self._histories.pop(gone, None)
        self._cohorts.move_to_end(as_of)
        return self._cohorts[as_of]


def features_of(app: App, learner: str, run: str, as_of: str, view: str = STANDARD) -> FeatureTable:
    """One learner's features; see `LiveRun.features`, which is what to keep where more than one is asked for."""
    with LiveRun(app, run, view) as live:
        return live.features(learner, as_of)
