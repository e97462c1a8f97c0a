"""What learners wrote as a page: satisfaction by week as a curve and a table, activities, topics, what wants an answer.

Texts with signs of distress are a number here and nothing more.
"""

from headway.models.text.overview import Overview, Satisfaction
from headway.reports.charts import Axis, Chart, Point, Series, line_chart, whole
from headway.reports.course_charts import ticks
from headway.reports.pages import Provenance, counted, moment, percent, render


def texts_page(found: Overview, title: str, made: Provenance) -> str:
    """The HTML page of an overview."""
    return render(
        "texts.html",
        title=f"What learners wrote: {title}",
        sentence=headline(found),
        found=found,
        charts=_charts(found),
        notes=_notes(),
        made=made,
        made_at=moment(made.made_at, "UTC"),
    )


def headline(found: Overview) -> str:
    """The texts in a sentence or two."""
    asking = counted(len(found.urgent), "text wants", "texts want")
    said = f"{counted(found.scored, 'text', 'texts')} read; {asking} an answer soon."
    if found.to_read_today:
        verb = "a human should read it today" if found.to_read_today == 1 else "a human should read them today"
        said += f" {counted(found.to_read_today, 'text has', 'texts have')} signs of distress: {verb}."
    told = [week for week in found.weeks if week.sentiment is not None]
    if len(told) > 1:
        first, last = told[0], told[-1]
        began, ended = _signed(first.sentiment), _signed(last.sentiment)
        said += f" Satisfaction was {began} in week {first.name} and {ended} in week {last.name}."
    return said


def _charts(found: Overview) -> list[Chart]:
    told = [week for week in found.weeks if week.sentiment is not None]
    if len(told) < 2:
        return []
    last = max(int(week.name) for week in told)
    across = Axis(0, last, ticks(last), whole, "week")
    points = tuple(Point(int(week.name), week.sentiment or 0.0) for week in told)
    up = Axis(-1, 1, (-1, 0, 1), _signed, "satisfaction")
    shares = tuple(Point(int(week.name), week.complaining or 0.0) for week in told)
    part = Axis(0, 1, (0, 0.5, 1), percent, "of texts")
    return [
        line_chart(
            "Satisfaction, week by week", [Series("texts", points)], across, up, _trend(told), slug="satisfaction"
        ),
        line_chart(
            "Texts that complain", [Series("texts", shares)], across, part, _complaints(told), slug="complaints"
        ),
    ]


def _trend(told: list[Satisfaction]) -> str:
    lowest = min(told, key=lambda week: week.sentiment or 0.0)
    return f"Lowest in week {lowest.name}: {_signed(lowest.sentiment)} over {counted(lowest.texts, 'text', 'texts')}."


def _complaints(told: list[Satisfaction]) -> str:
    most = max(told, key=lambda week: week.complaining or 0.0)
    return f"Most in week {most.name}: {percent(most.complaining or 0.0)} of {counted(most.texts, 'text', 'texts')}."


def _signed(value: float | None) -> str:
    return "–" if value is None else f"{value:+.2f}"


def _notes() -> list[str]:
    return [
        "Satisfaction is how texts speak, from -1 (complain) to +1 (praise), by a lexicon of English words.",
        "It says nothing about those who wrote nothing.",
        "Weeks and activities of fewer than 5 texts have no figure.",
        "Quotes are masked: names, addresses and numbers are taken away. No text with signs of distress is quoted.",
        "Signs of distress are for a human to read, never a decision.",
        "That none was found does not mean that all are well.",
    ]
