"""A silent feed is not a silent learner: what is absent where nothing was known of anybody's activity."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from headway.features.as_of import FeatureTable, compute
from headway.features.logged import heard, hush
from headway.features.moments import Moment
from headway.features.tensor import Cells, cells_of
from headway.features.views import RECORDS_ONLY, FeatureView, needs_log, view_of, view_with
from tests.support.memory import Memory
from tests.support.tiny import History, moment

VIEW = view_with("v", ("interactions_total", "interactions_14d_percentile", "submitted_share", "registered_lead_days"))
OF_LOG = ["interactions_total", "interactions_14d_percentile"]


def course() -> History:
    """Ann is there on day 5, which is known on day 8; Ben never. Nobody was heard of before."""
    made = History().enrol("ann").enrol("ben").plan("essay", 2)
    return made.act("ann", 5, 3, known_day=8)


@pytest.fixture(scope="module")
def records() -> Iterator[Memory]:
    with Memory(course().tables()) as held:
        yield held


def column(found: FeatureTable, name: str) -> list[float]:
    return list(found.values()[:, found.view.features.index(name)])


def test_what_needs_a_log_is_absent_until_anything_is_known_of_anybody(records: Memory) -> None:
    on_day_7 = compute(VIEW, records, [moment(7)])
    assert column(on_day_7, "interactions_total") == [0, 0], "the engine counts what it was given"
    told = heard(on_day_7)
    for name in OF_LOG:
        assert np.isnan(column(told, name)).all(), "it had happened by then, and was not known"
    for name in ("submitted_share", "registered_lead_days"):
        assert column(told, name) == column(on_day_7, name)
        assert not np.isnan(column(told, name)).any()


def test_whoever_did_nothing_while_others_were_heard_of_did_nothing(records: Memory) -> None:
    on_day_8 = compute(VIEW, records, [moment(8)])
    told = heard(on_day_8)
    assert told is on_day_8
    assert column(told, "interactions_total") == [3, 0]


def test_each_cohort_is_judged_by_itself(records: Memory) -> None:
    both = compute(VIEW, records, [moment(7), moment(8)])
    told = heard(both)
    assert np.array_equal(column(told, "interactions_total"), [np.nan, np.nan, 3, 0], equal_nan=True)
    assert column(told, "submitted_share") == column(both, "submitted_share")
    alone = [heard(compute(VIEW, records, [one])).values() for one in (moment(7), moment(8))]
    assert np.array_equal(told.values(), np.concatenate(alone), equal_nan=True)


@pytest.mark.parametrize("name", view_of().features)
def test_every_feature_that_needs_a_log_is_absent_without_one_and_no_other_is_touched(name: str) -> None:
    found = silent_course()
    counted, told = column(found, name), column(heard(found), name)
    if needs_log(name):
        assert np.isnan(told).all()
    else:
        assert np.array_equal(counted, told, equal_nan=True)


SILENT: dict[str, FeatureTable] = {}


def silent_course() -> FeatureTable:
    """Marks, a plan, attributes and an attempt before; no activity."""
    if "made" not in SILENT:
        made = History().enrol("ann").enrol("ben").plan("essay", 2).plan("test", 9, kind="exam").plan("last", 50)
        made.mark("ann", "essay", 1, 0.7, known_day=4).mark("ann", "test", 9, 0.5, known_day=10)
        with Memory(made.tables()) as records:
            SILENT["made"] = compute(view_of(), records, [moment(14)])
    return SILENT["made"]


def test_a_view_without_a_log_and_an_empty_table_stay_as_they_are(records: Memory) -> None:
    found = compute(view_of(RECORDS_ONLY), records, [moment(7)])
    assert heard(found) is found
    nobody = found.rows(np.zeros(len(found), dtype=np.bool_))
    assert heard(replace(nobody, view=nobody.view)).values().shape == (0, len(found.view.features))


STEPS_VIEW = view_with("steps", ("interactions_2d", "days_since_last_activity", "assessments_due"))


def steps(records: Memory, *moments: Moment, view: FeatureView = STEPS_VIEW) -> Cells:
    cells = cells_of(view, records, list(moments), steps=3)
    hush(cells)
    return cells


def test_steps_of_a_silent_row_are_silent_and_those_of_a_later_row_are_as_counted(records: Memory) -> None:
    silent = steps(records, moment(7))
    assert np.isnan(silent.values[:, :2]).all()
    assert not np.isnan(silent.values[:, 2]).any()
    later = steps(records, moment(8))
    assert np.array_equal(later.values, cells_of(STEPS_VIEW, records, [moment(8)], 3).values, equal_nan=True)
    assert later.values[0, 0] == 0, "day 6, as it was known then"


def test_a_step_that_two_rows_look_back_at_is_what_the_earlier_one_knew(records: Memory) -> None:
    both = steps(records, moment(7), moment(8))
    counts = {int(at): both.values[at, 0] for at in both.where(both.rows())[:, -1]}
    assert np.isnan([counts[at] for at in sorted(counts)[:2]]).all()
    assert not np.isnan([counts[at] for at in sorted(counts)[2:]]).any()
