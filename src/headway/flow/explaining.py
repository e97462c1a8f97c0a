"""One learner's prediction with all that can be said of it."""

from collections.abc import Mapping
from datetime import UTC, timedelta

from headway.advising.explained import Explanation
from headway.domain.time import AsOf, zone_of
from headway.evaluation.histories import history_of
from headway.evaluation.risk_model import RiskModel
from headway.features.as_of import compute, run_facts
from headway.features.engine import Records
from headway.features.moments import Moment
from headway.features.views import view_of
from headway.flow.app import App
from headway.flow.lists import explain
from headway.flow.mastery import practised
from headway.models.model import MODELS, wants_history
from headway.registry.registry import ModelVersion
from headway.scoring.explained import Cohort, explained
from headway.scoring.kept import ScoreRun
from headway.scoring.predict import Prediction


def explain_learner(
    app: App, learner: str, run: str, as_of_text: str, *, ask: Mapping[str, float] | None = None
) -> Explanation:
    """One learner's kept prediction: reasons by domain, steadiness, a second opinion, changes and what-ifs; audited.

    The cohort is computed again as it was known at the as-of time, and a week before it.

    Args:
        app: where everything is.
        learner: the pseudonym.
        run: an id or a glob that names one run.
        as_of_text: a date that was scored.
        ask: what-ifs to answer instead of the usual ones: features with their other numbers.

    Raises:
        InputError: the run was not scored as of that date, the learner was not enrolled, or a what-if is none.
        UnknownName: a what-if names no feature.
    """
    return explanation_of(app, *explain(app, learner, run, as_of_text), ask=ask)


def explanation_of(
    app: App, score_run: ScoreRun, prediction: Prediction, *, ask: Mapping[str, float] | None = None
) -> Explanation:
    """The same of a prediction that is at hand; only reads. Whoever shows it to somebody audits that.

    Raises:
        UnknownName: a what-if names no feature.
    """
    learner = prediction.learner
    version = app.registry.get(score_run.model_version)
    with app.lake.open(None, [score_run.run], kinds=["course_runs"]) as records:
        zone = run_facts(records, score_run.run).zone
    before = week_before(score_run.as_of, zone)
    skills = practised(app, learner, score_run.run, score_run.as_of)
    if view_of().hash != version.view_hash:
        return Explanation(score_run, prediction, None, before, skills)
    app.progress(f"explaining {learner} as of {score_run.as_of} with {version.ref}")
    with app.lake.open(score_run.as_of, [score_run.run]) as records:
        cohort, earlier = cohorts(records, version, score_run.run, (score_run.as_of, before))
    model = RiskModel.restore(app.registry.load(version))
    found = explained(model, cohort, learner, earlier, ask)
    return Explanation(score_run, prediction, found, before, skills)


def week_before(as_of: AsOf, zone: str) -> AsOf:
    """The as-of time seven days earlier on the clocks of a zone."""
    local = as_of.instant.astimezone(zone_of(zone))
    return AsOf((local - timedelta(days=7)).astimezone(UTC))


def cohorts(records: Records, version: ModelVersion, run: str, as_ofs: tuple[AsOf, AsOf]) -> tuple[Cohort, Cohort]:
    """Everyone enrolled in a run at two times, as a model reads them, in one computation."""
    table = compute(view_of(), records, [Moment(run, as_of) for as_of in as_ofs])
    wanted = wants_history(MODELS.get(version.model)) and len(table) > 0
    both = Cohort.of(table, history_of(records, table) if wanted else None)
    instants = table.table["as_of"].to_pylist()
    now, before = (both.where([instant == as_of.instant for instant in instants]) for as_of in as_ofs)
    return now, before
