"""Pages of what the flow found."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from headway.description.course import CourseDescription
from headway.description.quality import Profile
from headway.features.views import view_of
from headway.flow.app import App
from headway.flow.lists import ContactList
from headway.models.model import Json
from headway.scoring import kept

if TYPE_CHECKING:
    from headway.reports.pages import Provenance


def list_page(app: App, found: ContactList, evaluation: Sequence[dict[str, Json]] = ()) -> str:
    """The list as one self-contained HTML page, with the model's check on the past and the reasons of those listed."""
    from headway.reports.build import list_report
    from headway.reports.report import render_list

    score_run = found.score_run
    version = app.registry.get(score_run.model_version)
    listed = {entry.candidate.learner for entry in found.caseload.listed}
    with app.store.read() as connection:
        earlier = [
            (before, kept.predictions_of(connection, before))
            for before in kept.for_run(connection, score_run.run)
            if before.as_of < score_run.as_of and before.facts["label"] == score_run.facts["label"]
        ]
    with app.lake.open(score_run.as_of, [score_run.run], kinds=["statements"]) as records:
        statements = records.table("statements")
        data_up_to = records.collect(statements.aggregate(at=statements.recorded_at.max()))["at"][0].as_py()
    return render_list(
        list_report(score_run, version, found.caseload, found.zone, listed, earlier, data_up_to, evaluation)
    )


def evaluation_page(app: App, rows: Sequence[dict[str, Json]], label: str, notes: tuple[str, ...]) -> str:
    """An evaluation as one self-contained HTML page."""
    from headway.reports.evaluation import render_evaluation
    from headway.reports.forecasts import render_forecasts

    if rows and "mae" in rows[0]:
        return render_forecasts(rows, label=label, notes=notes, made=made(app))
    return render_evaluation(rows, label=label, notes=notes, made=made(app))


def quality_page(app: App, found: Profile) -> str:
    """A profile as one self-contained HTML page."""
    from headway.reports.quality import quality_page as page

    return page(found, made(app))


def description_page(app: App, found: CourseDescription) -> str:
    """A course description as one self-contained HTML page."""
    from headway.reports.course import course_page

    return course_page(found, made(app))


def made(app: App) -> "Provenance":
    """What a page without a model was made from."""
    from headway.reports.build import provenance

    return provenance(view_of().hash, app.lake.snapshot().id, app.settings.evaluation.seed, app.clock.now())
