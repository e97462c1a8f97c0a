"""Who is alike as a page: sizes as columns, each segment with what tells it apart and what to try, moves as a table.

Nothing is worked out here that `headway.advising.segments` does not tell.
"""

from headway.advising.segments import Segments
from headway.advising.wording import DOES_NOT_KNOW, NOT_USED
from headway.reports.charts import Chart
from headway.reports.course_charts import Column, columns_chart
from headway.reports.pages import Provenance, counted, moment, percent, render


def segments_page(found: Segments, made: Provenance) -> str:
    """The HTML page of a cohort's segments."""
    return render(
        "segments.html",
        title=f"Who is alike: {found.run}",
        as_of=found.as_of,
        before=found.before,
        sentence=headline(found),
        charts=[_sizes(found)],
        segments=found.segments,
        moves=[move for move in found.moves if move[0] != move[1]],
        notes=_notes(found),
        made=made,
        made_at=moment(made.made_at, "UTC"),
    )


def headline(found: Segments) -> str:
    """The segments in a sentence."""
    largest = found.segments[0]
    size = sum(len(each.learners) for each in found.segments)
    return (
        f"{counted(size, 'learner', 'learners')} in {counted(len(found.segments), 'segment', 'segments')}. "
        f"The largest is “{largest.name}” with {percent(largest.share)}."
    )


def _sizes(found: Segments) -> Chart:
    columns = [
        Column(str(each.number), float(len(each.learners)), f"{len(each.learners)}, {each.name}")
        for each in found.segments
    ]
    before = [float(each.before) for each in found.segments]
    sentence = "Learners in each segment; the dashed line is a week before."
    header = ("Segment", "Learners", "A week before")
    return columns_chart("Sizes", columns, sentence, header, slug="sizes", axis="segment", expected=before)


def _notes(found: Segments) -> list[str]:
    notes = ["A segment is a way of behaving in a course, not a kind of person.", DOES_NOT_KNOW, NOT_USED]
    if found.stability is not None:
        notes.append(
            f"Stability {found.stability:.2f}: how far the same segments come out when other learners are drawn "
            "(1 always, 0 by chance). A segment below 0.6 should not be relied on."
        )
    return [*notes, found.note] if found.note else notes
