import re
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.advising.wording import tenths
from headway.domain.time import AsOf, midnight
from headway.explanation.reasons import Reason
from headway.features.definition import FEATURES
from headway.flow.learner import Week
from headway.flow.trail import HandIn, behind
from headway.scoring.kept import ScoreRun
from headway.scoring.predict import Prediction
from headway.web.learner_charts import Mark, bar, chance_chart, day_strip
from headway.web.learner_view import plays
from headway.web.site import Run
from headway.web.words import Words

ZONE = "Europe/London"
RUN = Run("s/C/1", date(2025, 8, 4), date(2025, 9, 28), ZONE, None, ())
WORDS = Words(zone=ZONE)
LAST = date(2025, 9, 7)


def week(number: int, risk: float | None) -> Week:
    as_of = AsOf(midnight(RUN.starts_on + timedelta(days=7 * number), ZONE))
    facts = {"label": "does_not_finish"}
    made = ScoreRun(f"{number}", "m/1", RUN.id, as_of, as_of.instant, "1", "0", 9, 0, facts)
    low, high = (None, None) if risk is None else (max(0.0, risk - 0.1), min(1.0, risk + 0.1))
    status, why = ("too_early", "Too early to say: so.") if risk is None else ("scored", None)
    said = Prediction("s/1", status, risk, low, high, 70, why, "0", (), None)  # type: ignore[arg-type] # the word fits the risk
    return Week(made, said)


@given(st.lists(st.none() | st.floats(0, 1), min_size=1, max_size=8))
def test_the_chart_and_its_table_hold_the_kept_chances(risks: list[float | None]) -> None:
    weeks = [week(number, risk) for number, risk in enumerate(risks, start=1)]
    chart = chance_chart(weeks, RUN, LAST, [], WORDS, slug="x")
    told = [(row[0], row[2]) for row in chart.rows]
    kept = [each.prediction for each in weeks]
    assert told == [
        (str(number), "Too early to say" if each.risk is None else tenths(each.risk, each.low or 0, each.high or 0))
        for number, each in enumerate(kept, start=1)
    ]
    assert chart.svg.count("<circle") == sum(risk is not None for risk in risks)
    assert "probably lies" in chart.sentence


def test_nothing_later_than_the_day_is_marked() -> None:
    marks = [Mark(LAST, "call 7 Sept"), Mark(LAST + timedelta(days=1), "mail 8 Sept")]
    drawn = chance_chart([week(5, 0.4)], RUN, LAST, marks, WORDS, slug="x").svg
    assert "call 7 Sept" in drawn
    assert "mail 8 Sept" not in drawn
    assert "still to come" in drawn


@given(st.dictionaries(st.dates(date(2025, 7, 20), date(2025, 9, 28)), st.integers(0, 50), max_size=40))
def test_the_strip_draws_a_column_for_each_day_with_anything_up_to_the_day(days: dict[date, int]) -> None:
    chart = day_strip(days, RUN, LAST, [date(2025, 8, 20)], WORDS, slug="days")
    path = re.search(r'<path class="column"[^>]* d="([^"]*)"|<path class="column" d="([^"]*)"', chart.svg)
    assert path is not None
    columns = (path[1] or path[2]).count("z")
    assert columns == sum(number > 0 and day <= LAST for day, number in days.items())
    lately = sum(number > 0 and LAST - timedelta(days=14) < day <= LAST for day, number in days.items())
    if any(number and day <= LAST for day, number in days.items()):
        assert f"Active on {lately} of the last 14 days" in chart.sentence
    assert len(chart.rows) == len(days)


def test_a_bar_points_where_its_reason_points() -> None:
    towards = bar(Reason("a", 1, 2, "for", 0.2, "A", "visits"), 0.2)
    away = bar(Reason("a", 1, 2, "against", 0.1, "A", "visits"), 0.2)
    assert 'class="up" x="100" width="98"' in towards
    assert 'class="down" x="51" width="49"' in away


def test_a_reason_leads_to_what_its_feature_counts() -> None:
    assert behind("posts_28d", LAST).verbs == ("posted", "replied")
    assert behind("posts_28d", LAST).since == LAST - timedelta(days=27)
    assert behind("active_days_28d_percentile", LAST).since == LAST - timedelta(days=27)
    assert behind("posts_total", LAST).since is None
    assert behind("mean_score", LAST).verbs == ("started", "submitted")
    assert behind("forum_interactions_28d", LAST).types == ("forum",)
    assert behind("days_since_last_activity", LAST).verbs == ()
    assert behind("registered_lead_days", LAST).nothing
    assert not behind("no_such_feature", LAST).nothing


def test_every_feature_leads_somewhere_and_never_past_its_day() -> None:
    for each in FEATURES:
        found = behind(each.name, LAST)
        assert found.nothing or found.until == LAST, each.name
        assert found.since is None or found.since <= LAST, each.name


@pytest.mark.parametrize(
    ("submitted", "due", "state"),
    [
        (date(2025, 8, 20), date(2025, 8, 20), "handed in"),
        (date(2025, 8, 22), date(2025, 8, 20), "late"),
        (None, LAST, "to come"),
        (None, LAST - timedelta(days=1), "missing"),
        (None, None, "to come"),
        (date(2025, 8, 22), None, "handed in"),
    ],
)
def test_what_became_of_a_hand_in(submitted: date | None, due: date | None, state: str) -> None:
    at = None if submitted is None else datetime(2025, 8, 20, tzinfo=UTC)
    found = HandIn("a", "A", "test", None, due, 10.0, at, submitted, None, 1, transferred=False)
    assert found.state(LAST) == state


def test_plays_follow_reasons_towards_not_finishing_and_promise_nothing() -> None:
    away = Reason("mean_score", 0.9, 0.5, "against", 0.5, "Mean score 90%", "results")
    low = Reason("mean_score", 0.2, 0.5, "for", 0.5, "Mean score 20%", "results")
    long = Reason("days_since_last_activity", 12, 2, "for", 0.4, "No visit for 12 days", "visits")
    assert plays([away]) == []
    assert plays([long, low]) == ["Offer help with the topics of the last work.", "Write or call outside the course."]
