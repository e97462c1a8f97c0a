"""Commands about mastery: how well models foresee answers, fitted models, and where a learner stands."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from headway.cli.options import AsJson, AsOfDate, Home, opened
from headway.cli.output import print_json, print_table, talk, write_text

if TYPE_CHECKING:
    from headway.explanation.mastery import LearnerMastery

mastery = typer.Typer(no_args_is_help=True, help="What learners have mastered, skill by skill.")

ModelName = Annotated[str, typer.Option("--model", help="bkt, bkt-forgets, pfa, logistic, boosted, dkt or blend.")]
Seed = Annotated[int, typer.Option(min=0, help="Decides who is tested and what a model draws.")]


def add_to(app: typer.Typer) -> None:
    """Adds these commands."""
    app.add_typer(mastery, name="mastery")


@mastery.command()
def evaluate(
    file: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", help="Answers in order: learner, item, skill, correct.", show_default=False),
    ] = None,
    model: ModelName = "bkt",
    seed: Seed = 7,
    train: Annotated[
        Path | None, typer.Option(help="Answers to learn from, instead of FILE.", show_default=False)
    ] = None,
    test: Annotated[Path | None, typer.Option(help="Answers to foresee, with --train.", show_default=False)] = None,
    as_json: AsJson = False,
) -> None:
    """Show how well a model foresees answers of learners it has not seen.

    For example:

        headway mastery evaluate answers.csv --model logistic --json

        headway mastery evaluate --train 2023.csv --test 2024.csv
    """
    from headway.flow.mastery import evaluate_mastery

    told: dict[str, Any] = evaluate_mastery(model, file, train=train, test=test, seed=seed)
    if as_json:
        print_json(told)
    else:
        names = ("model", "n", "auc", "log_loss", "seconds")
        print_table(names, [tuple(told[name] for name in names)])
    learners = told["learners"]
    talk(f"Learned from {learners['learned_from']} learners, tested on {learners['tested']} others.")
    if told["rows_folded"]:
        talk(f"{told['rows_folded']} rows repeat the response before them under another skill; each counts once.")
    if told["rows_left_out"]:
        shown = "; ".join(f"line {each['line']}: {each['why']}" for each in told["left_out"])
        talk(f"{told['rows_left_out']} rows are no answers and were left out: {shown}")
    if found := told["question_level"]:
        talk(
            f"{found['repeated_rows']} of the rows tested seem to repeat the response before them under another skill, "
            f"which tells their answer. Without them: AUC {_said(found['auc'])}, log loss {_said(found['log_loss'])}, "
            f"n {found['n']}. Give the items in a column of their own, and such rows count once."
        )


def _said(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


@mastery.command()
def fit(
    source: Annotated[
        str, typer.Argument(metavar="RUN|FILE", help="A course run, or a file of answers.", show_default=False)
    ],
    model: ModelName = "bkt",
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="Only answers known at this time.", show_default=False)
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Keep it here instead of in the home.", show_default=False)] = None,
    seed: Seed = 7,
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Fit a mastery model and keep it, for mastery show.

    For example:

        headway mastery fit edx/MATH/2024 --as-of 2024-10-14

        headway mastery fit answers.csv --model pfa --out pfa.json
    """
    from headway.flow.mastery import fit_mastery

    with opened(home) as app:
        kept = fit_mastery(app, source, model, as_of_text=as_of, out=out, seed=seed)
    if as_json:
        print_json(kept.as_json())
        return
    told: Any = kept.facts.get("skills")
    if isinstance(told, dict):
        header = ("skill", *next(iter(told.values())))
        print_table(header, [(name, *row.values()) for name, row in told.items()])
    talk(f"{kept.model}: {kept.answers} answers of {kept.learners} learners. Kept in {kept.path}.")


@mastery.command()
def show(
    learner: Annotated[str, typer.Argument(help="A learner's id, as in the records.", show_default=False)],
    run: Annotated[str, typer.Option(help="The course run.", show_default=False)],
    as_of: AsOfDate,
    model: ModelName = "bkt",
    fitted: Annotated[
        Path | None, typer.Option(help="A model that mastery fit kept with --out.", show_default=False)
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "--html", help="Also write a page to this file.", show_default=False)
    ] = None,
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Show where a learner stands with each skill, from answers known then.

    For example:

        headway mastery show c/1f --run c/A/1 --as-of 2024-10-14

        headway mastery show c/1f --run c/A/1 --as-of 2024-10-14 --out c.html
    """
    from headway.flow.mastery import show_mastery

    with opened(home) as app:
        found = show_mastery(app, learner, run, as_of, model=model, fitted=fitted)
        if out is not None:
            from headway.flow.pages import made
            from headway.reports.mastery import mastery_page

            write_text(mastery_page(found, made(app)), out)
    if as_json:
        print_json(found.as_json())
        return
    _show(found)


def _show(found: "LearnerMastery") -> None:
    rows = [
        (state.skill, state.mastery, f"{state.right} of {state.answers}", state.trend, state.sentence)
        for state in found.skills
    ]
    print_table(("skill", "mastery", "right", "14 days", "in words"), rows)
    talk(f"Mastery is {found.mastery_is}. {found.learned_from}")
    if found.no_skill:
        talk(f"{found.no_skill} answers belong to no skill and count nowhere here.")
