"""What stands below an evaluation's figures: only what the rows hold, with the same numbers in words and tables."""

from dataclasses import asdict
from typing import Any

import numpy as np

from headway.evaluation.conformal import report, sets
from headway.evaluation.decisions import Costs, at_cost, curve
from headway.evaluation.metrics import reliability
from headway.evaluation.ranges import Comparable
from headway.reports.evaluation import EvaluationReport, grouped, render_evaluation
from tests.unit.reports.made_up import made_row
from tests.unit.reports.page import Page

RANDOM = np.random.default_rng(1)
RISKS = RANDOM.random(300)
LABELS = (RANDOM.random(300) < RISKS).astype(float)


def full(model: str, day: int, auroc: float) -> dict[str, Any]:
    return made_row(
        model,
        day,
        auroc,
        ece_of_a_perfect_model=0.027,
        at_cost=at_cost(LABELS, RISKS, Costs(5, 1)),
        sure=report(LABELS, sets(Comparable.fit(RISKS, LABELS), RISKS, 0.8), 0.8),
        steadiness=None if day == 14 else {"since": 14, "new": 0.28, "new_smoothed": 0.2, "auroc_smoothed": 0.8},
        lead_days={"value": 31.0, "low": 10.0, "high": 60.0, "n": 12},
        difference={"than": "logistic", "metric": "auroc", "value": 0.02, "low": -0.01, "high": 0.05, "p": 0.2},
        curve=curve(LABELS, RISKS),
        reliability=[asdict(each) for each in reliability(LABELS, RISKS)],
    )


ROWS = [full(model, day, auroc) for day in (14, 56) for model, auroc in (("boosting", 0.8), ("base-rate", 0.5))]


def test_rows_without_more_have_nothing_below() -> None:
    [group] = grouped(EvaluationReport([made_row("m", 14, 0.6)]))
    assert (group.more.sheets, group.more.sentences, group.more.charts, group.more.reliability) == ((), (), (), ())


def test_decisions_comparisons_and_doubts_are_tables() -> None:
    [group] = grouped(EvaluationReport(ROWS))
    captions = [sheet.caption for sheet in group.more.sheets]
    assert captions == ["Decisions by cost", "Knowing when it is too early", "Compared with one model"]
    for sheet in group.more.sheets:
        assert {len(row) for row in sheet.rows} == {len(sheet.header)}
    decisions = group.more.sheets[0]
    assert "0.20 or more" in decisions.about
    assert decisions.rows[0][-2:] == ("–", "31 days (12)")
    assert decisions.rows[2][-2] == "28%"


def test_curves_are_of_the_best_model_with_a_sentence_and_a_table() -> None:
    [group] = grouped(EvaluationReport(ROWS))
    gain, lift = group.more.charts
    assert "(boosting)" in gain.title
    found = curve(LABELS, RISKS)["found"]
    assert isinstance(found, list)
    assert f"finds {float(str(found[2])):.0%} of those who did not finish" in gain.sentence
    assert len(gain.rows) == 21
    assert gain.header == ("Learners contacted", "day 56", "day 14", "by lot")
    assert "times as many" in lift.sentence
    assert len(group.more.reliability) == 2


def test_the_page_holds_it_all_once() -> None:
    html = render_evaluation(ROWS)
    page = Page(html)
    for words in ("Decisions by cost", "Knowing when it is too early", "Compared with one model", "Reliability by day"):
        assert words in page.text
    assert "floor 0.030" in page.text
    ids = [part.split('"')[0] for part in html.split(' id="')[1:]]
    assert len(ids) == len(set(ids))


def test_ranks_are_told_where_there_are_enough_models_and_days() -> None:
    rows = [made_row(m, day, a) for day in range(7, 42, 7) for m, a in (("a", 0.8), ("b", 0.7), ("c", 0.6))]
    [group] = grouped(EvaluationReport(rows))
    [sentence] = group.more.sentences
    assert sentence.startswith("Mean ranks by auroc over 5 blocks: a 1.0, b 2.0, c 3.0")
    assert grouped(EvaluationReport(rows[:12]))[0].more.sentences == ()
