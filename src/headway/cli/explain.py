"""The command that explains one learner's prediction."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from headway.cli.lists import about_score_run, prediction_row
from headway.cli.options import AsJson, AsOfDate, Home, Run, opened
from headway.cli.output import print_json, talk, write_text
from headway.domain.errors import InputError

if TYPE_CHECKING:
    from headway.advising.explained import Explanation
    from headway.scoring.explained import Explained

SHOWN_SKILLS = 5
"""Skills told on a terminal, the least mastered; `--json` and `--out` have all."""

MARKS = {"for": "▲", "against": "▽"}


def add_to(app: typer.Typer) -> None:
    """Adds this command."""
    app.command()(explain)


def explain(
    learner: Annotated[str, typer.Argument(help="The learner's id, as lists print it.", show_default=False)],
    run: Run,
    as_of: AsOfDate,
    what_if: Annotated[
        list[str] | None,
        typer.Option("--what-if", help="FEATURE=NUMBER: the chance with another record.", show_default=False),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Also write a page to this file.", show_default=False)] = None,
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Say what one learner's prediction rests on, for and against, what changed in a week, and how steady it is.

    For example:

        headway explain oulad/28400 --run oulad/AAA/2014J --as-of 2014-11-26

        headway explain c/1f --run c/A/1 --as-of 2014-12-03 --out 1f.html

        headway explain c/1f --run A --as-of 2014-12-03 --what-if mean_score=0.6
    """
    from headway.flow.explaining import explain_learner

    with opened(home) as app:
        told = explain_learner(app, learner, run, as_of, ask=_asked(what_if))
        if out is not None:
            from headway.flow.pages import made
            from headway.reports.explanation import explanation_page

            write_text(explanation_page(told, made(app)), out)
    if as_json:
        print_json(about_score_run(told.score_run) | prediction_row(told.prediction) | told.as_json())
        return
    _show(told)
    if out is not None:
        talk(f"Wrote {out}")


def _asked(texts: list[str] | None) -> dict[str, float]:
    asked: dict[str, float] = {}
    for text in texts or []:
        name, sign, number = text.partition("=")
        try:
            asked[name.strip()] = float(number)
        except ValueError as wrong:
            raise InputError(f"--what-if {text!r} is not FEATURE=NUMBER. Write active_days_14d=5.") from wrong
        if not sign or not name.strip():
            raise InputError(f"--what-if {text!r} is not FEATURE=NUMBER. Write active_days_14d=5.")
    return asked


def _show(told: "Explanation") -> None:
    from headway.advising.wording import frequency

    said = told.prediction
    if said.risk is None or said.low is None or said.high is None:
        print(said.why_too_early)
    else:
        print(frequency(said.risk, said.low, said.high, told.label))
    found = told.found
    if found is None:
        for reason in said.reasons:
            print(f"{MARKS[reason.direction]} {reason.text}")
        talk(str(told.as_json()["note"]))
    else:
        _show_found(found, told.label)
    if told.mastery:
        print("Skills:")
    for mastery in told.mastery[:SHOWN_SKILLS]:
        print(f"  {mastery}")
    print("▲ points to it, ▽ points against it. The course record does not know about illness, work or a plan agreed")
    print("with a tutor. Ask before you assume.")


def _show_found(found: "Explained", label: str) -> None:
    from headway.advising.explained import NO_PROMISE, agreement_words, change_words, what_if_words

    for domain in found.domains:
        if domain.told:
            print(f"{domain.domain.capitalize()}:")
        for reason in domain.told:
            print(f"  {MARKS[reason.direction]} {reason.text}")
    print(f"Since last week: {change_words(found.before, found.changed, label)}")
    for change in found.changed:
        print(f"  {MARKS[change.direction]} {change.text}")
    if found.what_if:
        print(f"What if: {NO_PROMISE}")
    for answer in found.what_if:
        print(f"  {what_if_words(answer, label)}")
    talk(agreement_words(found.lime))
    if found.withheld:
        names = ", ".join(name.replace("_", " ") for name, _ in found.withheld)
        talk(f"Withheld, for a small difference in the record would change it: {names}.")
