"""The whole product, top to bottom: records become features as of a date, a model, predictions, a list, reasons.

Each function reads, calls pure code, writes and audits, in one transaction. A business rule found here belongs below.
`App` holds the opened resources; make it with `open_app`. The functions stand here in the order of the road.
"""

from headway.flow.app import App, Progress, open_app, quiet
from headway.flow.audit_trail import check_audit
from headway.flow.engagement import engagement
from headway.flow.erasing import erase_learner
from headway.flow.explaining import explain_learner
from headway.flow.features import BuildReport, When, build_features, build_view, schema_of
from headway.flow.intake import MoveReport, move_inbox, open_inbox
from headway.flow.lists import ContactList, explain, list_contacts
from headway.flow.live import LiveRun, features_of
from headway.flow.mastery import evaluate_mastery, fit_mastery, show_mastery
from headway.flow.modelling import BEST, DEFAULT, Recipe, evaluate, evaluate_protocol, train
from headway.flow.notices import (
    follow_up_calendar,
    list_notices,
    make_webhook_secret,
    notice_rows,
    retry_notice,
    send_notices,
    write_digests,
)
from headway.flow.pages import description_page, evaluation_page, list_page, quality_page
from headway.flow.records import (
    check_source,
    course_date,
    describe,
    export,
    ingest,
    instant_of,
    one_run,
    profile_sources,
)
from headway.flow.results import keep_result
from headway.flow.rules import OpenReport, open_tasks, rule_states, rules_here
from headway.flow.running import HeldRun, runs_held
from headway.flow.scoring import score, score_runs
from headway.flow.segments import segment
from headway.flow.table_file import table_file
from headway.flow.tasks import (
    assign_task,
    close_task,
    expire_tasks,
    list_tasks,
    record_contact,
    reopen_task,
    runs_wanted,
    set_no_contact,
    show_task,
    snooze_task,
    undo_contact,
    until_of,
)
from headway.flow.text_overview import analyse_file, analyse_run
from headway.flow.texts import evaluate_texts, fit_text_model, text_models
from headway.flow.tuning import tune
from headway.flow.worker import list_jobs, retry_job

__all__ = [  # noqa: RUF022 - in the order of the road
    "App",
    "open_app",
    "ingest",
    "open_inbox",
    "move_inbox",
    "MoveReport",
    "check_source",
    "profile_sources",
    "runs_held",
    "HeldRun",
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
    "evaluate_mastery",
    "evaluate_protocol",
    "keep_result",
    "tune",
    "score",
    "score_runs",
    "ContactList",
    "list_contacts",
    "explain",
    "explain_learner",
    "segment",
    "rules_here",
    "rule_states",
    "open_tasks",
    "OpenReport",
    "engagement",
    "runs_wanted",
    "until_of",
    "list_tasks",
    "show_mastery",
    "show_task",
    "record_contact",
    "undo_contact",
    "close_task",
    "snooze_task",
    "reopen_task",
    "assign_task",
    "set_no_contact",
    "expire_tasks",
    "write_digests",
    "follow_up_calendar",
    "send_notices",
    "list_notices",
    "notice_rows",
    "retry_notice",
    "make_webhook_secret",
    "list_jobs",
    "retry_job",
    "analyse_run",
    "analyse_file",
    "fit_mastery",
    "fit_text_model",
    "text_models",
    "evaluate_texts",
    "list_page",
    "evaluation_page",
    "quality_page",
    "description_page",
    "erase_learner",
    "check_audit",
    "one_run",
    "course_date",
    "instant_of",
    "BEST",
    "DEFAULT",
    "Progress",
    "quiet",
]
