"""Tables of facts as models take them: what was known of each learner of a run by a date, one row a learner.

For the two protocols on data sets that have neither activity nor dates of their own. Promises that what became known
later than the as-of time is in no column, and that a column of words becomes one column for each word.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from headway.domain.errors import NotEnoughData
from headway.domain.time import AsOf
from headway.evaluation.rows import Objects
from headway.features.as_of import known_at
from headway.features.engine import Records
from headway.models.model import Floats, Matrix

FEWEST_OF_A_WORD: Final = 30
"""A word of fewer learners gets no column of its own: nobody could learn from it."""


@dataclass(frozen=True, slots=True)
class Facts:
    """Everyone of a run, and what became of them.

    Attributes:
        run: the run.
        learners: sorted, shape (learners,).
        records: their records by kind.
        outcome: the word of the final result, "" where there is none, shape (learners,).
        final_score: from 0 to 1, NaN where there is none, shape (learners,).
    """

    run: str
    learners: Objects
    records: dict[str, pa.Table]
    outcome: Objects
    final_score: Floats

    @classmethod
    def of(cls, records: Records, run: str) -> "Facts":
        """The facts of a run.

        Raises:
            NotEnoughData: nobody is in it.
        """
        kinds = ("enrolments", "attributes", "results", "outcomes")
        tables = {kind: records.collect(records.table(kind).filter(records.table(kind).run == run)) for kind in kinds}
        learners = np.array(sorted(set(tables["enrolments"]["learner"].to_pylist())), dtype=object)
        if not len(learners):
            raise NotEnoughData(f"Nobody is enrolled in {run}. Import its data set.")
        place = {learner: i for i, learner in enumerate(learners)}
        outcome, final = np.full(len(learners), "", dtype=object), np.full(len(learners), np.nan)
        for row in tables["outcomes"].select(["learner", "label", "final_score"]).to_pylist():
            outcome[place[row["learner"]]] = row["label"] or ""
            final[place[row["learner"]]] = np.nan if row["final_score"] is None else row["final_score"]
        return cls(run, learners, tables, outcome, final)

    def words(self, name: str, known_by: AsOf) -> Objects:
        """The value of an attribute for each learner, "" where there is none."""
        return self._column(self._told(known_by), name)

    def matrix(
        self, known_by: AsOf, *, sensitive: bool, nominal: Iterable[str] = (), leave_out: Sequence[str] = ()
    ) -> Matrix:
        """What was known of each learner by the as-of time.

        Args:
            known_by: the as-of time.
            sensitive: whether facts marked sensitive are columns too; a published figure may have used them.
            nominal: attributes whose numbers are names: each becomes columns as words do.
            leave_out: attributes and results that are no columns.
        """
        told, columns = self._told(known_by), dict[str, Floats]()
        open_ones = told if sensitive else told.filter(pa.compute.invert(told["sensitive"]))
        for name in sorted(set(open_ones["name"].to_pylist()) - set(leave_out)):
            values = self._column(open_ones, name)
            numbers = _numbers(values)
            if numbers is not None and name not in set(nominal):
                columns[name] = numbers
            else:
                columns |= _by_word(name, values)
        results = known_at(self.records, known_by)["results"]
        for name in sorted(set(results["activity"].to_pylist()) - set(leave_out)):
            marks = results.filter(pa.compute.equal(results["activity"], name))
            columns[name] = self._placed(marks["learner"].to_pylist(), marks["score"].to_numpy(zero_copy_only=False))
        return Matrix(tuple(columns), np.column_stack(list(columns.values())))

    def _told(self, known_by: AsOf) -> pa.Table:
        return known_at(self.records, known_by)["attributes"]

    def _column(self, told: pa.Table, name: str) -> Objects:
        of_name = told.filter(pa.compute.equal(told["name"], name))
        said = dict(zip(of_name["learner"].to_pylist(), of_name["value"].to_pylist(), strict=True))
        return np.array([said.get(learner) or "" for learner in self.learners], dtype=object)

    def _placed(self, learners: Sequence[str], values: NDArray[np.float64]) -> Floats:
        said = dict(zip(learners, values.tolist(), strict=True))
        return np.array([said.get(learner, np.nan) for learner in self.learners], dtype=np.float64)


def _numbers(values: Objects) -> Floats | None:
    """The values as numbers, NaN where empty; None where one is a word."""
    try:
        return np.array([float(value) if value else np.nan for value in values])
    except ValueError:
        return None


def _by_word(name: str, values: Objects) -> dict[str, Floats]:
    words, counts = np.unique(values.astype(str), return_counts=True)
    kept = [word for word, n in zip(words, counts, strict=True) if FEWEST_OF_A_WORD <= n < len(values) and word]
    return {f"{name}={word}": np.asarray(values == word, dtype=np.float64) for word in kept}
