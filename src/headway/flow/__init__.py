"""The whole product, top to bottom: records become features as of a date, a model, predictions, a list, reasons.

Each function reads, calls pure code, writes and audits, in one transaction. A business rule found here belongs below.
`App` holds the opened resources; make it with `open_app`. The functions stand here in the order of the road.
"""

from headway.flow.app import App, Progress, open_app, quiet
from headway.flow.features import BuildReport, When, build_features, build_view, schema_of
from headway.flow.lists import ContactList, explain, list_contacts, score
from headway.flow.live import LiveRun, features_of
from headway.flow.modelling import BEST, DEFAULT, Recipe, evaluate, evaluate_protocol, train
from headway.flow.pages import description_page, evaluation_page, list_page, quality_page
from headway.flow.records import (
    check_audit,
    check_source,
    course_date,
    describe,
    erase_learner,
    export,
    ingest,
    one_run,
    profile_sources,
)
from headway.flow.results import keep_result
from headway.flow.table_file import table_file
from headway.flow.tuning import tune

__all__ = [  # noqa: RUF022 - in the order of the road
    "App",
    "open_app",
    "ingest",
    "check_source",
    "profile_sources",
    "describe",
    "export",
    "When",
    "build_features",
    "BuildReport",
    "build_view",
    "schema_of",
    "table_file",
    "LiveRun",
    "features_of",
    "Recipe",
    "train",
    "evaluate",
    "evaluate_protocol",
    "keep_result",
    "tune",
    "score",
    "ContactList",
    "list_contacts",
    "explain",
    "list_page",
    "evaluation_page",
    "quality_page",
    "description_page",
    "erase_learner",
    "check_audit",
    "one_run",
    "course_date",
    "BEST",
    "DEFAULT",
    "Progress",
    "quiet",
]
