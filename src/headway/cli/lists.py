"""Commands for a running course: score it, list whom to contact."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from headway.cli.modelling import ParadigmName, write_table
from headway.cli.options import AsJson, AsOfDate, DryRun, Home, Label, Run, names, opened
from headway.cli.output import print_json, print_table, talk, would

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headway.advising.caseload import Entry
    from headway.scoring.kept import ScoreRun
    from headway.scoring.predict import Prediction

Capacity = Annotated[
    int | None, typer.Option(min=1, help="Contacts that can be made; the setting by default.", show_default=False)
]


def add_to(app: typer.Typer) -> None:
    """Adds these commands."""
    app.command()(score)
    app.command("list")(list_)


def score(
    run: Annotated[
        str,
        typer.Option("--run", help="Course runs: ids or globs such as oulad/*/2014J, by commas.", show_default=False),
    ],
    as_of: AsOfDate,
    label: Label = "does_not_finish",
    model: Annotated[
        str, typer.Option(help="NAME/VERSION of a registered model, a method's name, or best: chosen on the past.")
    ] = "average",
    paradigm: ParadigmName = "transfer",
    train_anew: Annotated[
        bool, typer.Option("--train-anew", help="Train even where a fitting model is registered.")
    ] = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Score everyone enrolled in a run as of a date; trains on the finished runs where no fitting model is registered.

    Several runs are scored together; what is kept of each is what scoring it alone would keep. A run in which nobody
    was enrolled then, or for which nothing can be learned from, is left out.

    For example:

        headway score --run oulad/AAA/2014J --as-of 2014-11-26

        headway score --run oulad/AAA/2014J --as-of 2014-11-26 --model boosting

        headway score --run 'oulad/*/2014J' --as-of 2014-11-26
    """
    from headway import flow
    from headway.domain.runs import select_runs

    told: dict[str, dict[str, Any]] = {}

    def take(score_run: "ScoreRun", predictions: "list[Prediction]") -> None:
        rows = [prediction_row(prediction) for prediction in predictions] if as_json else []
        told[score_run.run] = about_score_run(score_run) | {"predictions": rows}

    with opened(home, dry_run=dry_run) as app:
        chosen = select_runs(names(run) or [run], app.lake.runs())
        if dry_run:
            would(f"score {', '.join(chosen)} as of {as_of} with model {model}", as_json=as_json)
            return
        if len(chosen) == 1:
            take(
                *flow.score(app, chosen[0], as_of, label=label, model=model, force_train=train_anew, paradigm=paradigm)
            )
        else:
            flow.score_runs(
                app, chosen, as_of, label=label, model=model, force_train=train_anew, take=take, paradigm=paradigm
            )
    found = [told[each] for each in sorted(told)]
    if as_json:
        print_json(found[0] if len(chosen) == 1 else found)
    elif len(chosen) == 1:
        print_table(
            ("property", "value"), [(key, str(value)) for key, value in found[0].items() if key != "predictions"]
        )
    else:
        columns = ("run", "learners", "too_early", "model", "score_run")
        print_table(columns, [tuple(str(one[column]) for column in columns) for one in found])
    proxies = sorted({one["label"] for one in found} - {label})
    if proxies:
        why = "" if paradigm == "in-situ" else "No finished run was known. "
        talk(f"{why}This is the proxy {', '.join(proxies)}, learned in the running course.")
    talk(f"Next: headway list --run {run if len(chosen) == 1 else found[0]['run']} --as-of {as_of}")


def about_score_run(score_run: "ScoreRun") -> dict[str, Any]:
    """What a score run was made of, as scripts read it."""
    return {
        "score_run": score_run.id,
        "run": score_run.run,
        "as_of": str(score_run.as_of),
        "model": score_run.model_version,
        "label": score_run.facts["label"],
        "day": score_run.facts["day"],
        "learners": score_run.learners,
        "too_early": score_run.too_early,
        "snapshot": score_run.snapshot,
        "view_hash": score_run.view_hash,
    }


def prediction_row(prediction: Any) -> dict[str, Any]:
    """A prediction, as scripts read it."""
    return {
        "learner": prediction.learner,
        "status": prediction.status,
        "risk": prediction.risk,
        "low": prediction.low,
        "high": prediction.high,
        "comparable": prediction.comparable,
        "why_too_early": prediction.why_too_early,
        "features_hash": prediction.features_hash,
        "reasons": [reason.as_row() for reason in prediction.reasons],
    }


def list_(
    run: Run,
    as_of: AsOfDate,
    capacity: Capacity = None,
    everyone: Annotated[
        bool, typer.Option("--all", help="Everyone in order, not only as many as can be contacted.")
    ] = False,
    html: Annotated[
        Path | None, typer.Option(help="Write the page with reasons and charts to this file.", show_default=False)
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Write the list to this file (.parquet, .csv or .json).", show_default=False)
    ] = None,
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """List whom to contact first, with the chance as a range and the main reason, cut at the capacity.

    For example:

        headway list --run oulad/AAA/2014J --as-of 2014-11-26 --capacity 25

        headway list --run oulad/AAA/2014J --as-of 2014-11-26 --html list.html
    """
    from headway import flow

    with opened(home) as app:
        found = flow.list_contacts(app, run, as_of, capacity)
        if html is not None:
            html.parent.mkdir(parents=True, exist_ok=True)
            html.write_text(flow.list_page(app, found), encoding="utf-8")
    entries = found.caseload.entries if everyone else found.caseload.listed
    rows = [entry.as_row() for entry in entries]
    if out is not None:
        _export([dict(row) for row in rows], out)
    if as_json:
        print_json(rows)
    else:
        show_list(found.score_run, entries)
    if found.caseload.too_early:
        talk(f"Too early to say for {len(found.caseload.too_early)} of {found.score_run.learners} learners.")
    if found.off:
        talk(
            f"{found.off} are not on the list: they asked not to be contacted, or challenged it and wait for an answer."
        )
    talk("A smoke alarm, not a verdict: the record does not know about illness, work or a plan agreed with a tutor.")


def show_list(score_run: "ScoreRun", entries: "Sequence[Entry]") -> None:
    """The list as people read it: order, learner, chance as a range in tenths, main reason."""
    from headway.advising.wording import label_words, tenths

    rows = [
        (
            entry.order,
            entry.candidate.learner,
            entry.list,
            tenths(entry.candidate.risk, entry.candidate.low, entry.candidate.high),
            entry.main_reason.text if entry.main_reason else "–",
        )
        for entry in entries
    ]
    print_table(("order", "learner", "list", label_words(str(score_run.facts["label"])).chance, "main reason"), rows)


def _export(rows: list[dict[str, Any]], path: Path) -> None:
    import pyarrow as pa

    if path.suffix == ".csv":
        rows = [row | {"reasons": " · ".join(reason["text"] for reason in row["reasons"])} for row in rows]
    if path.suffix == ".json":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(rows, ensure_ascii=False, indent=1), encoding="utf-8")
    else:
        write_table(pa.Table.from_pylist(rows), path)
    talk(f"Wrote {len(rows)} rows to {path}")
