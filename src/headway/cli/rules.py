"""The commands about alert rules and the daily engagement score."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from headway.cli.options import AsJson, DryRun, Home, names, opened
from headway.cli.output import print_json, print_table, talk

if TYPE_CHECKING:
    from headway.advising.rules.rule import Rule

rules = typer.Typer(help="Alert rules: what opens a task.", no_args_is_help=True)

RunArgument = Annotated[
    str, typer.Argument(metavar="RUN", help="The course run, source/course/run.", show_default=False)
]
AsOf = Annotated[
    str | None, typer.Option("--as-of", help="A date (its end) or an instant; now by default.", show_default=False)
]


def add_to(app: typer.Typer) -> None:
    """Adds these commands."""
    app.add_typer(rules, name="rule")
    app.command()(engagement)


@rules.command("list")
def list_(as_json: AsJson = False, home: Home = None) -> None:
    """List the rules, built in and of the workspace, and how each last went.

    For example:

        headway rule list

        headway rule list --json
    """
    from headway import flow

    with opened(home) as app:
        found, states = flow.rules_here(app), flow.rule_states(app)
    if as_json:
        print_json({"rules": [_told(rule) for rule in found], "states": [state.as_row() for state in states]})
        return
    rows = [(one.name, "on" if one.enabled else "off", one.list, _days(one), one.summary) for one in found]
    print_table(("rule", "is", "list", "rests", "looks for"), rows)
    for state in states:
        counts = ", ".join(f"{number} {what}" for what, number in state.counts.items())
        print(f"{state.run}  {state.rule}: {state.note or counts} ({state.evaluated_at:%Y-%m-%d %H:%M} UTC)")


@rules.command()
def run(
    run: RunArgument,
    as_of: AsOf = None,
    only: Annotated[
        str, typer.Option("--rules", help="Only these rules, separated by commas.", show_default=False)
    ] = "",
    dry_run: DryRun = False,
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Evaluate the rules of a run and open tasks. The worker does it by itself.

    For example:

        headway rule run oulad/AAA/2014J --as-of 2014-11-26 --dry-run

        headway rule run oulad/AAA/2014J --rules never_started --json
    """
    from headway import flow

    with opened(home) as app:
        report = flow.open_tasks(app, run, as_of, rules=names(only), dry_run=dry_run)
    if as_json:
        print_json(report.as_json())
    else:
        rows = [(task.rule, task.list, task.learner, task.reason) for task in report.tasks]
        print_table(("rule", "list", "learner", "reason"), rows)
        for opened_by in report.rules:
            held = ", ".join(f"{number} ({why.replace('_', ' ')})" for why, number in sorted(opened_by.held.items()))
            held = f" Held back: {held}." if held else ""
            talk(f"{opened_by.rule}: concerns {opened_by.concerned}, opened {len(opened_by.tasks)}.{held}")
    if report.silence is not None:
        talk(f"Data stopped. {report.silence.why} Frozen: {', '.join(report.frozen) or 'no rule'}.")
    if dry_run:
        talk("Nothing written.")


def engagement(
    run: RunArgument,
    as_of: AsOf = None,
    learner: Annotated[str | None, typer.Option(help="Only this learner.", show_default=False)] = None,
    days: Annotated[int, typer.Option(min=1, max=120, help="Days of history.")] = 14,
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Show the daily engagement score with its parts, history and flags.

    For example:

        headway engagement oulad/AAA/2014J --as-of 2014-11-26

        headway engagement oulad/AAA/2014J --learner oulad/28400 --json
    """
    from headway import flow

    with opened(home) as app:
        found = flow.engagement(app, run, as_of, learner=learner, days=days)
    people: dict[str, list[Any]] = {}
    for one in found.scores:
        people.setdefault(one.learner, []).append(one)
    if as_json:
        told = [{"learner": who, "history": [one.as_row() for one in of_one]} for who, of_one in people.items()]
        about = {"run": found.run, "day_on": found.day_on, "feed_silent": found.silent}
        print_json(about | {"learners": told})
        return
    today = [one for one in found.scores if one.day_on == found.day_on] if learner is None else list(found.scores)
    parts = list(today[0].parts) if today else []
    first = "learner" if learner is None else "day"
    rows = [
        (
            one.learner if learner is None else str(one.day_on),
            f"{one.score:.0f}",
            *(f"{one.parts[part]:.0f}" for part in parts),
            one.flag or "",
        )
        for one in sorted(
            today, key=lambda one: (one.score, one.learner) if learner is None else (0.0, str(one.day_on))
        )
    ]
    print_table((first, "score", *(part.replace("_", " ") for part in parts), "flag"), rows)
    talk(f"{found.run}, the end of {found.day_on}. The score adds up from its parts; a flag is a change to look at.")
    if found.silent:
        talk(f"Data stopped. {found.silent} Nothing is flagged until records arrive.")


def _told(rule: "Rule") -> dict[str, Any]:
    return {
        "name": rule.name,
        "enabled": rule.enabled,
        "summary": rule.summary,
        "list": rule.list,
        "text": rule.text,
        "reads": sorted({read.feature for read in rule.reads}),
        "needs": sorted(rule.needs),
        "cool_down_days": rule.cool_down.total_seconds() / 86_400,
        "rests_on_silence": rule.rests_on_silence,
        "urgent": rule.urgent,
        "per_day": rule.per_day,
        "per_week": rule.per_week,
        "runs": list(rule.runs),
    }


def _days(rule: "Rule") -> str:
    return f"{rule.cool_down.total_seconds() / 86_400:g} d"
