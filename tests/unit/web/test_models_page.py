"""Model pages: roles, figures that equal the kept report, what is not evaluated, approval, slices that keep silent."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from headway.domain.time import AsOf, FixedClock
from headway.flow import model_page
from headway.governance import accounts
from headway.governance.scopes import Grant
from headway.registry.registry import ModelVersion
from headway.scoring import kept
from headway.web import model_charts
from headway.web.address import slug
from headway.web.pages.models import TABS
from tests.support.pages import BEFORE, MODEL, NOW, RUN, Browser, Pages

AFTER = datetime(2025, 12, 1, 6, tzinfo=UTC)
"""The run is over and its outcomes are known."""


def _row(model: str, day: int, hit_rate: float, auroc: float) -> dict[str, Any]:
    figure = {"value": auroc, "low": auroc - 0.1, "high": auroc + 0.1}
    return {
        "protocol": "honest",
        "paradigm": "transfer",
        "train": ["simulated/DS101/2024S2"],
        "test": BEFORE,
        "day": day,
        "model": model,
        "n": 58,
        "base_rate": 0.25,
        "auroc": figure,
        "auprc": {"value": 0.432, "low": 0.3, "high": 0.6},
        "brier": {"value": 0.1, "low": 0.05, "high": 0.2},
        "ece": {"value": 0.087, "low": 0.04, "high": 0.15},
        "ece_of_a_perfect_model": 0.09,
        "at_capacity": {"k": 25, "flagged": 25.0, "precision": hit_rate, "recall": 0.6, "lift": 2.0, "f1": 0.5},
        "note": None,
    }


def _version(number: int, day: int, check: list[dict[str, Any]]) -> ModelVersion:
    name = MODEL.rpartition("/")[0]
    return ModelVersion(
        ref=f"{name}/{number}",
        name=name,
        version=number,
        stage="candidate",
        label="does_not_finish",
        model="logistic",
        view_hash="0" * 64,
        features=("days_since_last_activity", "mean_score"),
        snapshot="abc",
        train_runs=(BEFORE,),
        days=(day,),
        known_by="2025-06-01T00:00:00Z",
        seed=7,
        report={"check": check, "rows": 120, "base_rate": 0.25},  # type: ignore[dict-item] # rows are JSON
        created_at=NOW,
        headway_version="0.1.0",
        manifest_hash="0" * 64,
        mlflow_run="run",
    )


CHECKED = _version(1, 34, [_row("logistic", 34, 0.52, 0.741), _row("inactive-7-days", 34, 0.4, 0.6)])
EARLIER = _version(2, 13, [_row("logistic", 13, 0.48, 0.703), _row("inactive-7-days", 13, 0.32, 0.55)])
BARE = replace(_version(1, 34, []), name="bare", ref="bare/1", report={})


class Registered:
    """Three versions as if they were registered: MLflow takes seconds to say the same."""

    tracking_uri = "https://registry.test"

    def versions(self) -> list[ModelVersion]:
        return [CHECKED, EARLIER, BARE]

    def get(self, ref: str) -> ModelVersion:
        return model_page.version_called(self.versions(), ref)

    def load(self, version: ModelVersion) -> dict[str, bytes]:
        raise KeyError(version.ref)


def _with_models(found: Pages, now: datetime = NOW) -> Pages:
    """The pages with these versions, at some time."""
    registry: Any = Registered()
    found.app = replace(found.app, registry=registry, clock=FixedClock(now))
    found.asgi.site.app = found.app
    return found


@pytest.fixture
def models(written_pages: Pages) -> Pages:
    return _with_models(written_pages)


def _shown(found: Pages, client: Browser, path: str, **query: Any) -> str:
    """The page once what takes long is there."""
    for _ in range(8):
        answer = client.get(path, **query)
        if "One moment" not in answer.text:
            assert answer.status_code == 200, answer.text
            return answer.text
        for key in list(found.asgi.site.slow._kept):
            found.asgi.site.slow.get(key, lambda: None)
    raise AssertionError("the page is never ready")


def _page(version: ModelVersion) -> str:
    return f"/models/{slug(version.ref)}"


def test_every_tab_opens_for_those_who_check_models(models: Pages) -> None:
    for name in ("scientist", "governance"):
        for tab in TABS:
            assert "<h1>" in _shown(models, models.client(name), _page(CHECKED), tab=tab)


def test_advisers_see_the_card_and_learners_the_public_one(models: Pages) -> None:
    for name in ("adviser", "tutor", "instructor"):
        client = models.client(name)
        page = _shown(models, client, _page(CHECKED))
        assert "Not for" in page
        assert "tab=evaluation" not in page
        for tab in TABS[1:]:
            assert client.get(_page(CHECKED), tab=tab).status_code == 403
    learner = models.client("learner")
    assert learner.get("/models").status_code == 403
    assert learner.get(_page(CHECKED)).status_code == 403
    assert "What the estimate that staff see is made for" in _shown(models, learner, f"{_page(CHECKED)}/card")
    assert models.client("").get(f"{_page(CHECKED)}/card").status_code == 303


def test_figures_on_the_page_are_those_of_the_kept_report(models: Pages) -> None:
    page = _shown(models, models.client("scientist"), _page(CHECKED), tab="evaluation")
    for version in (CHECKED, EARLIER):
        for row in model_page.checks([version]):
            for figure in (row["auroc"], row["auprc"], row["ece"]):
                assert f"<strong>{figure['value']:.3f}</strong> <small>{figure['low']:.3f}–{figure['high']:.3f}" in page
            assert f"<strong>{row['at_capacity']['precision']:.2f}</strong>" in page
    assert ">1.30<" in page, "0.52 over the rule's 0.40"
    assert ">1.50<" in page, "0.48 over the rule's 0.32"
    assert "Of the 25 that it put first on a past run, 13" in page
    assert "found 10." in page


def test_a_hit_rate_has_the_range_of_its_learners() -> None:
    (table,) = model_charts.tables(model_page.checks([CHECKED]), "does_not_finish", "own")
    line = next(each for each in table.lines if not each.rule)
    low, high = (float(end) for end in line.hit_rate.interval.split("–"))
    assert low < 0.52 < high
    assert (line.day, line.week, line.n, line.lift) == (34, 5, 58, "1.30")


def test_hindsight_comes_last_and_says_what_it_is(models: Pages) -> None:
    rows = [_row("logistic", 34, 0.9, 0.95) | {"paradigm": "post-hoc"}, *model_page.checks([CHECKED])]
    tables = model_charts.tables(rows, "does_not_finish", "own")
    assert [bool(table.caution) for table in tables] == [False, True]


def test_a_version_without_a_report_may_not_be_used(models: Pages) -> None:
    scientist = models.client("scientist")
    for tab in ("card", "evaluation"):
        assert "Not evaluated. It may not be used for lists." in _shown(models, scientist, _page(BARE), tab=tab)
    assert "not evaluated" in _shown(models, scientist, "/models")
    assert scientist.get("/models/nothing~9").status_code == 404
    assert scientist.get(_page(CHECKED), tab="else").status_code == 404


def test_an_evaluation_kept_below_the_home_is_shown(models: Pages) -> None:
    folder = models.home / "evaluations" / "other-courses"
    folder.mkdir(parents=True)
    row = _row("logistic", 20, 0.44, 0.689) | {"paradigm": "transfer-other"}
    (folder / "result.json").write_text(json.dumps([row]))
    (folder / "about.json").write_text(json.dumps({"asked": {"label": "does_not_finish"}, "made_at": "2025-09-01"}))
    other = models.home / "evaluations" / "another-label"
    other.mkdir()
    (other / "result.json").write_text("[]")
    (other / "about.json").write_text("no JSON")
    page = _shown(models, models.client("scientist"), _page(CHECKED), tab="evaluation")
    assert "other-courses" in page
    assert "Trained on other courses" in page
    assert "<strong>0.689</strong>" in page


def test_two_versions_stand_side_by_side_with_their_own_figures(models: Pages) -> None:
    page = _shown(models, models.client("scientist"), _page(CHECKED), tab="compare", **{"with": slug(EARLIER.ref)})
    row = re.search(r'<th scope="row">AUROC</th>(.*?)</tr>', page, re.DOTALL)
    assert row is not None
    assert re.findall(r"<strong>([\d.]+)</strong>", row[1]) == ["0.741", "0.703"]


def test_approval_is_asked_by_one_and_decided_by_another(models: Pages) -> None:
    with models.app.store.begin() as connection:
        both = [Grant("data_scientist"), Grant("governance")]
        accounts.create(connection, NOW, "cli", "both", both)
    one, officer = models.client("both", "data_scientist"), models.client("governance")
    assert one.post(f"{_page(CHECKED)}/approval", reason=" ").status_code == 422
    assert one.post(f"{_page(CHECKED)}/approval", reason="Checked on two runs.").status_code == 303
    assert officer.post(f"{_page(CHECKED)}/approval", reason="x").status_code == 403
    assert models.client("adviser").post(f"{_page(CHECKED)}/approval", reason="x").status_code == 403

    (asked,) = model_page.approval_of(models.app, CHECKED.ref)
    told: dict[str, Any] = {"approval": asked.id, "decision": "approve", "reason": "Better than the rule."}
    assert models.client("both", "governance").post(f"{_page(CHECKED)}/decision", **told).status_code == 403
    assert officer.post(f"{_page(EARLIER)}/decision", **told).status_code == 404
    assert "Waits for a decision" in _shown(models, one, _page(CHECKED))
    assert officer.post(f"{_page(CHECKED)}/decision", **told).status_code == 303
    page = _shown(models, one, _page(CHECKED))
    assert "Better than the rule." in page
    assert "Ask for approval" not in page
    assert "Approved" in _shown(models, models.client("adviser"), "/models")
    assert [entry["subject"] for entry in models.audited("approve")] == [CHECKED.ref]


def test_while_a_run_goes_on_no_outcome_is_used(models: Pages) -> None:
    for tab in ("calibration", "fairness"):
        page = _shown(models, models.client("scientist"), _page(CHECKED), tab=tab)
        assert "No outcome is known yet." in page
        assert "A chance was told of 58 learners." in page


def test_after_the_run_groups_are_compared_and_small_ones_are_not_told(written_pages: Pages) -> None:
    models = _with_models(written_pages, AFTER)
    page = _shown(models, models.client("scientist"), _page(CHECKED), tab="fairness")
    score_run = model_page.score_runs_of(models.app, [CHECKED.ref])[-1]
    found = model_page.outcomes(models.app, score_run, "does_not_finish", AsOf(AFTER))
    assert len(found) > 40
    risks = {each.learner: each.risk for each in _predictions(models, score_run)}
    assert all(risks[learner] == risk for learner, risk in zip(found.learners, found.risks, strict=True))
    groups = {each.attribute: each for each in model_page.sliced(found, 25)}
    assert "gender" in groups
    small = [each.group for each in groups["age_band"].slices if each.n is None]
    assert small
    assert page.count("too few to speak of") == sum(group.suppressed > 0 for group in groups.values())
    assert not any(f">{name}</th>" in page for name in small)
    for name, group in groups.items():
        counts = {value: found.groups[name].count(value) for value in set(found.groups[name])}
        for each in group.slices:
            assert each.n == (None if counts[each.group] < 10 else counts[each.group])
    assert np.isin(found.labels, [0.0, 1.0]).all()


def test_outcomes_of_runs_outside_the_scope_are_not_shown(written_pages: Pages) -> None:
    models = _with_models(written_pages, AFTER)
    with models.app.store.begin() as connection:
        accounts.create(connection, AFTER, "cli", "afar", [Grant("data_scientist", "other/*")])
    score_run = model_page.score_runs_of(models.app, [CHECKED.ref])[-1]
    client = models.client("afar")
    assert client.get(_page(CHECKED), tab="fairness", of=score_run.id).status_code == 404
    page = client.get(_page(CHECKED), tab="fairness")
    assert RUN not in page.text
    assert "learners with a known outcome" not in page.text


def _predictions(found: Pages, score_run: kept.ScoreRun) -> list[Any]:
    with found.app.store.read() as connection:
        return [each for each in kept.predictions_of(connection, score_run) if each.risk is not None]
