"""The evaluation as a page: every row shown, rules beside models, honest sentences."""

import math
import re

from headway.reports.evaluation import EvaluationReport, grouped, headline, render_evaluation
from tests.unit.reports.made_up import made_row, made_rows
from tests.unit.reports.page import Page


def test_one_table_for_each_way_of_training_by_day_with_rules_last() -> None:
    rows = [*made_rows(), made_row("boosting", 14, 0.8, paradigm="post-hoc-cv")]
    first, second = grouped(EvaluationReport(rows))
    assert [day.day for day in first.days] == [14, 56]
    assert [(line.model, line.rule) for line in first.days[0].lines] == [
        ("logistic", False),
        ("boosting", False),
        ("no visit for 7 days", True),
    ]
    assert first.train == "oulad/AAA/2013J, oulad/BBB/2013B"
    assert first.caution == ""
    assert "optimistic reference" in second.caution
    assert second.chart is None  # a single day makes no line


def test_figures_stand_on_the_page_with_interval_and_floor() -> None:
    text = Page(render_evaluation(made_rows())).text
    for figure in ("0.720 0.690–0.750", "0.520 0.490–0.550", "0.187", "0.041 0.031–0.051 floor 0.030", "0.68", "2.19"):
        assert figure in text
    assert "Day 14 · 346 learners, 31% did not finish · precision to lift: the 25 put first" in text


def test_the_sentence_compares_with_the_rule() -> None:
    told = headline(grouped(EvaluationReport(made_rows())))
    assert told == (
        "Boosting goes from AUROC 0.72 on day 14 to 0.78 (0.75–0.81) on day 56; "
        "the rule “no visit for 7 days” has 0.63 there."
    )


def test_a_model_within_its_interval_of_the_rule_is_no_clear_gain() -> None:
    rows = [made_row(model, day, auroc) for day in (14, 28) for model, auroc in (("m", 0.62), ("base-rate", 0.6))]
    assert headline(grouped(EvaluationReport(rows))).endswith("That is no clear gain over the rule.")


def test_the_chart_s_table_holds_the_rows_figures() -> None:
    [group] = grouped(EvaluationReport(made_rows()))
    assert group.chart is not None
    assert group.chart.header == ("Day of the course", "boosting", "logistic", "no visit for 7 days")
    assert group.chart.rows[0] == ("14", "0.72 (0.69 to 0.75)", "0.68 (0.65 to 0.71)", "0.57 (0.54 to 0.60)")


def test_what_was_not_measured_is_said_so() -> None:
    rows = [made_row("m", day, math.nan, auprc=None, brier={"value": None}, at_capacity=None) for day in (14, 28)]
    html = render_evaluation(rows)
    assert "nan" not in Page(html).text.lower()
    assert html.count('aria-label="not measured"') == 2 * 7  # all but ECE
    [group] = grouped(EvaluationReport(rows))
    assert group.chart is None


def test_rules_and_names_can_be_given() -> None:
    page = Page(render_evaluation([made_row("seven", 14, 0.6)], rules={"seven"}, names={"seven": "the old rule"}))
    assert "the old rule rule" in page.text


def test_only_rules_still_make_a_page() -> None:
    rows = [made_row("base-rate", day, 0.5) for day in (14, 28)]
    assert re.search(r"Base rate goes from AUROC 0\.50", Page(render_evaluation(rows)).text)


def test_no_rows_say_that_it_may_not_be_used() -> None:
    assert Page(render_evaluation([])).text.count("Not evaluated. It may not be used for lists.") == 2


def test_a_note_stands_beside_its_row() -> None:
    assert "m clicks missing" in Page(render_evaluation([made_row("m", 14, 0.6, note="clicks missing")])).text
