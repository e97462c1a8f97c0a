"""The road, end to end: records arrive, and end as a short list of whom to contact this week, with reasons.

Read it as a story, from top to bottom. The course is made up; everything else is what `headway` does with a real one,
through `headway.flow`, as the command line calls it.
"""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet
import pytest
import sqlalchemy as sa

from headway import flow
from headway.domain.time import AsOf
from headway.flow import App, ContactList, Recipe, open_app
from headway.lake.landing import IngestReport
from headway.registry.registry import ModelVersion
from headway.scoring.kept import ScoreRun
from headway.scoring.predict import Prediction
from headway.store.tables import AUDIT
from tests.support.made import CAPACITY, CLOCK, FIRST, OPTIONS, RUNNING, SECOND, SOURCE, TODAY, holding

LABEL = "does_not_finish"
DAY = 27


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new workspace: one folder that holds everything."""
    return tmp_path_factory.mktemp("road") / "home"


@pytest.fixture(scope="module")
def app(home: Path) -> Iterator[App]:
    """The opened workspace. It is Monday morning in the fifth week of the running course."""
    with open_app(home, clock=CLOCK) as opened:
        yield opened


@pytest.fixture(scope="module")
def arrived(app: App) -> IngestReport:
    """Records of two finished runs and a running one have arrived."""
    return flow.ingest(app, SOURCE, [], OPTIONS)


@pytest.fixture(scope="module")
def model(app: App, arrived: IngestReport) -> ModelVersion:
    """A model has learned from the finished runs what was known yesterday night."""
    today = AsOf.at(TODAY, "Europe/London")
    return flow.train(app, Recipe(LABEL, (FIRST, SECOND), DAY, today, for_run=RUNNING))


@pytest.fixture(scope="module")
def scored(app: App, model: ModelVersion) -> tuple[ScoreRun, list[Prediction]]:
    """Everyone enrolled in the running course has a prediction."""
    return flow.score(app, RUNNING, TODAY)


@pytest.fixture(scope="module")
def contacts(app: App, scored: tuple[ScoreRun, list[Prediction]]) -> ContactList:
    """The advisers have time for twelve conversations."""
    return flow.list_contacts(app, RUNNING, TODAY, CAPACITY)


def test_every_row_that_arrives_is_accounted_for(app: App, arrived: IngestReport) -> None:
    total = arrived.total
    assert total.read == total.accepted + total.quarantined + total.unchanged
    assert total.accepted == sum(app.lake.verify().rows.values()) > 40_000
    assert app.lake.runs() == [FIRST, SECOND, RUNNING]


def test_arriving_twice_is_arriving_once(app: App, arrived: IngestReport) -> None:
    before = app.lake.verify().digests
    again = flow.ingest(app, SOURCE, [], OPTIONS).total
    assert (again.accepted, again.unchanged) == (0, arrived.total.read)
    found = app.lake.verify()
    assert found.ok, found.problems
    assert found.digests == before


def test_features_are_what_was_known_of_those_enrolled_on_the_day(app: App, arrived: IngestReport) -> None:
    table = flow.build_view(app, [RUNNING], ["2026-02-15", TODAY])
    learners, days = table.keys("learner"), table.keys("course_day")
    earlier, later = (set(learners[days == day]) for day in (6, DAY))
    assert len(table) == len(earlier) + len(later)
    assert later < earlier, "some have left since, and nobody is looked at after leaving"
    clicks = dict(zip(zip(learners, days, strict=True), table.table["interactions_total"].to_pylist(), strict=True))
    assert all(clicks[who, DAY] >= clicks[who, 6] for who in later)


def test_an_evaluation_puts_the_rules_beside_the_models(app: App, arrived: IngestReport) -> None:
    rows = flow.evaluate(app, LABEL, [FIRST], [SECOND], [DAY], paradigms=["transfer"], capacity=CAPACITY)
    by_model = {row["model"]: row for row in rows}
    assert {"base-rate", "inactive-7-days", "boosting", "logistic"} <= set(by_model)
    assert len({(row["n"], row["base_rate"]) for row in rows}) == 1, "all are asked about the same learners"

    def figure(name: str, metric: str) -> float:
        found = by_model[name][metric]
        assert isinstance(found, dict)
        value = found["value"]
        assert isinstance(value, float)
        return value

    assert figure("base-rate", "auroc") == 0.5
    assert figure("logistic", "auroc") > figure("inactive-7-days", "auroc") > 0.5
    assert figure("logistic", "brier") < figure("base-rate", "brier")


def test_a_model_is_kept_with_what_it_came_from_and_how_it_did(app: App, model: ModelVersion) -> None:
    assert model.train_runs == (FIRST, SECOND)
    assert AsOf.at(model.known_by) == AsOf.at(TODAY, "Europe/London")
    check = model.report["check"]
    assert isinstance(check, list)
    assert [row["test"] for row in check if isinstance(row, dict)] == [SECOND] * 3, "the model beside two rules"
    assert app.registry.get(model.ref) == model


def test_scoring_finds_the_fitting_model_and_scoring_again_changes_nothing(
    app: App, model: ModelVersion, scored: tuple[ScoreRun, list[Prediction]]
) -> None:
    score_run, predictions = scored
    assert score_run.model_version == model.ref
    assert score_run.learners == len(predictions) == len(flow.build_view(app, [RUNNING], [TODAY]))
    for said in predictions:
        if said.risk is None or said.low is None or said.high is None:
            assert said.why_too_early
        else:
            assert 0 <= said.low <= said.risk <= said.high <= 1
    assert flow.score(app, RUNNING, TODAY) == scored
    assert [version.ref for version in app.registry.versions()] == [model.ref]


def test_the_list_ends_where_the_capacity_does(contacts: ContactList) -> None:
    listed = contacts.caseload.listed
    assert [entry.order for entry in listed] == list(range(1, CAPACITY + 1))
    risks = [entry.candidate.risk for entry in contacts.caseload.entries]
    assert risks == sorted(risks, reverse=True)
    assert {entry.list for entry in listed} == {"Reach out"}


def test_everyone_on_the_list_has_reasons_in_words(app: App, contacts: ContactList) -> None:
    for entry in contacts.caseload.listed:
        _, prediction = flow.explain(app, entry.candidate.learner, RUNNING, TODAY)
        assert prediction.reasons == entry.candidate.reasons
        assert any(reason.direction == "for" for reason in prediction.reasons)
        for reason in prediction.reasons:
            assert reason.text
            assert not re.search(r"will fail|high risk|because|\{", reason.text)


def test_what_was_done_and_who_was_looked_at_stays_on_record(app: App, contacts: ContactList) -> None:
    flow.explain(app, contacts.caseload.listed[0].candidate.learner, RUNNING, TODAY)
    with app.store.read() as connection:
        acts = set(connection.execute(sa.select(AUDIT.c.action)).scalars())
    assert {"import", "train", "score", "list", "view"} <= acts


def test_the_page_for_advisers_stands_alone(app: App, contacts: ContactList) -> None:
    page = flow.list_page(app, contacts)
    assert page.startswith("<!doctype html>")
    assert all(entry.candidate.learner in page for entry in contacts.caseload.listed)
    assert not re.search(r"""(?:src|href)\s*=\s*["']?\s*(?:https?:)?//""", page), "it needs nothing from elsewhere"
    assert "<script" not in page


def test_a_learner_who_asks_is_forgotten_everywhere(home: Path, contacts: ContactList, tmp_path: Path) -> None:
    shutil.copytree(home, tmp_path / "home")
    first = contacts.caseload.listed[0].candidate.learner
    with open_app(tmp_path / "home", clock=CLOCK) as app:
        assert holding(tmp_path / "home", first), "the search would find the learner"
        receipt, predictions = flow.erase_learner(app, first)
        assert (receipt.rows["enrolments"], predictions) == (1, 1)
        rest = flow.list_contacts(app, RUNNING, TODAY, CAPACITY).caseload
        assert [entry.candidate.learner for entry in rest.listed[:-1]] == [
            entry.candidate.learner for entry in contacts.caseload.listed[1:]
        ]
        assert first not in flow.list_page(app, flow.list_contacts(app, RUNNING, TODAY, CAPACITY))
        _, next_week = flow.score(app, RUNNING, "2026-03-09")
        assert first not in {prediction.learner for prediction in next_week}
        assert flow.check_audit(app) == "unbroken"
        assert app.lake.verify().ok
    assert holding(tmp_path / "home", first) == []
    for file in (tmp_path / "home" / "lake").rglob("*.parquet"):
        table = pyarrow.parquet.read_table(file, partitioning=None)
        assert first not in {value for column in table.columns for value in column.to_pylist()}, file
