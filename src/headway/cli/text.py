"""The commands about what learners wrote."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from headway.cli.options import AsJson, Home, home_of, names, opened
from headway.cli.output import print_json, print_table, talk, write_text
from headway.domain.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headway.models.text.overview import Concern, Overview

text = typer.Typer(no_args_is_help=True, help="What learners wrote: scores, topics, models of your own labels.")

File = Annotated[Path, typer.Argument(metavar="FILE", help="A CSV file with a header.", show_default=False)]
Column = Annotated[str, typer.Option("--column", "-c", help="The column with the texts.", show_default=False)]
LabelColumn = Annotated[str, typer.Option("--label", help="The column with the labels.", show_default=False)]
Above = Annotated[
    float | None, typer.Option(help="For numbers: from this one on the label is yes.", show_default=False)
]
EncoderName = Annotated[
    str, typer.Option("--encoder", help="minilm, or hf:NAME: also read its vectors.", show_default=False)
]
SHOWN = 20


def add_to(app: typer.Typer) -> None:
    """Adds these commands."""
    app.add_typer(text, name="text")


@text.command()
def score(
    file: File,
    column: Column,
    model: Annotated[
        str, typer.Option("--model", help="Also models of your own, by name, separated by commas.", show_default=False)
    ] = "",
    out: Annotated[
        Path | None, typer.Option(help="Write rows and scores to this .csv or .parquet.", show_default=False)
    ] = None,
    encoder: Annotated[
        str, typer.Option("--encoder", help="minilm, or hf:NAME: also ask it about distress.", show_default=False)
    ] = "",
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Score each text: sentiment -1 to 1, urgency and distress 0 to 1, language.

    For example:

        headway text score posts.csv --column text --json

        headway text score posts.csv -c text --model late --out s.csv
    """
    # Nothing of the flow is needed here, and its imports take longer than scoring a few thousand texts.
    from headway.models.text.table import beside, score_texts
    from headway.sources.text_table import read_texts

    table = read_texts(file)
    models = {}
    if names(model):
        from headway.flow.texts import text_models
        from headway.settings import Settings

        models = text_models(Settings.load(home_of(home)), names(model))
    found = score_texts(table.column(column), models, encoder)
    found["counts"] |= {"encoding": table.encoding, "characters_replaced": table.replaced}
    if out is not None:
        _write(out, beside({name: table.column(name) for name in table.header}, found))
    if as_json:
        print_json(found)
        return
    rows = found["rows"]
    if out is None and rows:
        print_table(tuple(rows[0]), [tuple(row.values()) for row in rows[:SHOWN]])
    counts = found["counts"]
    talk(f"{counts['rows']} rows, {counts['scored']} scored, {counts['empty']} empty.")
    if counts["characters_replaced"]:
        talk(f"{counts['characters_replaced']} characters could not be read ({counts['encoding']}).")
    if counts["to_read_today"]:
        talk(f"{_with_signs(counts['to_read_today'])}.")


@text.command()
def fit(
    file: File,
    column: Column,
    label: LabelColumn,
    name: Annotated[str, typer.Option("--name", help="What the model is called.", show_default=False)],
    above: Above = None,
    encoder: EncoderName = "",
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Learn your own labels of texts; the model is kept in the workspace.

    For example:

        headway text fit posts.csv -c text --label urgent --name urgent

        headway text fit p.csv -c text --label code --above 4.5 --name u
    """
    from headway.flow.texts import fit_text_model
    from headway.sources.text_table import read_texts

    with opened(home) as app:
        done = fit_text_model(app, read_texts(file), column, label, name, above=above, encoder=encoder)
    if as_json:
        print_json(done)
        return
    print(done["kept_in"])
    classes = ", ".join(f"{each} {count}" for each, count in done["classes"].items())
    talk(f"Learned from {done['rows']} texts ({classes}); {done['left_out']} rows had no text or no label.")
    talk(f"Next: headway text score FILE --column {column} --model {name}")


@text.command()
def evaluate(
    file: File,
    column: Column,
    label: LabelColumn,
    group: Annotated[
        str | None, typer.Option(help="A column whose groups are left out whole.", show_default=False)
    ] = None,
    above: Above = None,
    encoder: EncoderName = "",
    as_json: AsJson = False,
) -> None:
    """Show how well models of your labels read texts that they did not see.

    For example:

        headway text evaluate posts.csv -c text --label urgent --group run

        headway text evaluate p.csv -c text --label code --above 4.5
    """
    from headway.flow.texts import evaluate_texts
    from headway.sources.text_table import read_texts

    found = evaluate_texts(read_texts(file), column, label, group=group, above=above, encoder=encoder)
    if as_json:
        print_json(found)
        return
    header = ("model", "n", "accuracy", "macro F1", "AUROC", "95%", "AUPRC", "recall at 10%")
    lines = []
    for row in found["rows"]:
        auroc = row.get("auroc") or {}
        interval = f"{auroc['low']:.3f}–{auroc['high']:.3f}" if auroc.get("low") is not None else "–"
        more = [(row.get(each) or {}).get("value") for each in ("auprc", "recall_at_10")]
        lines.append((row["model"], row["n"], row["accuracy"], row["macro_f1"], auroc.get("value"), interval, *more))
    print_table(header, lines)
    shares = ", ".join(f"{name} {share:.1%}" for name, share in found["classes"].items())
    talk(f"{found['split']}; labels: {shares}; {found['left_out']} rows had no text or no label.")


@text.command()
def analyse(
    what: Annotated[str, typer.Argument(metavar="RUN|FILE", help="A run, or a CSV file.", show_default=False)],
    column: Annotated[
        str, typer.Option("--column", "-c", help="The column with the texts of a file.", show_default=False)
    ] = "",
    activity: Annotated[
        str | None, typer.Option(help="A file's column that says what a text is about.", show_default=False)
    ] = None,
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="As a run was known at this time.", show_default=False)
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Also write a page to this file.", show_default=False)] = None,
    show_distress: Annotated[
        bool, typer.Option("--show-distress", help="Show texts with signs of distress; this is audited.")
    ] = False,
    open_tasks: Annotated[
        bool, typer.Option("--open-tasks", help="Open a task for each learner who wrote one lately.")
    ] = False,
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Show satisfaction by week and activity, topics with quotes, and what wants an answer.

    For example:

        headway text analyse coursera/c1/s1 --html texts.html

        headway text analyse comments.csv --column text --json
    """
    from headway.flow.text_overview import analyse_file, analyse_run, note_reading, open_distress_tasks, overview_page

    is_file = Path(what).is_file()
    if is_file and not column:
        raise InputError("Say with --column which column of the file holds the texts.")
    if is_file and open_tasks:
        raise InputError("A file knows no learners to open tasks for. Name a run.")
    tasks: int | None = None
    with opened(home) as app:
        found, concerns = analyse_file(app, Path(what), column, activity) if is_file else analyse_run(app, what, as_of)
        if open_tasks:
            tasks = open_distress_tasks(app, what, concerns, as_of)
        if show_distress:
            note_reading(app, Path(what).name if is_file else what, concerns)
        if html is not None:
            write_text(overview_page(app, found, Path(what).name if is_file else what), html)
    if as_json:
        print_json(_told(found, concerns if show_distress else None, tasks))
        return
    _show(found)
    if show_distress:
        _show_concerns(concerns)
    if tasks is not None:
        talk(f"{tasks} tasks opened.")


def _told(found: "Overview", concerns: "list[Concern] | None", tasks: int | None) -> dict[str, Any]:
    from dataclasses import asdict

    told = found.as_json()
    if concerns is not None:
        told["distress"] = [asdict(one) for one in concerns]
    if tasks is not None:
        told["tasks_opened"] = tasks
    return told


def _show(found: "Overview") -> None:
    for name, rows in (("week", found.weeks), ("activity", found.activities)):
        if rows:
            lines = [(one.name, one.texts, one.sentiment, one.complaining) for one in rows]
            print_table((name, "texts", "satisfaction", "complain"), lines)
            print()
    for topic in found.topics:
        print(f"{', '.join(topic.words)}: {topic.texts} texts")
        for quote in topic.quotes:
            print(f"  “{quote}”")
    if found.urgent:
        print()
        print_table(("urgency", "by", "text"), [(one.urgency, one.by, one.quote) for one in found.urgent])
    talk(f"{found.scored} of {found.texts} texts scored.")
    if found.to_read_today:
        talk(f"{_with_signs(found.to_read_today)} (--show-distress).")


def _with_signs(texts: int) -> str:
    if texts == 1:
        return "1 text has signs of distress: a human should read it today"
    return f"{texts:,} texts have signs of distress: a human should read them today"


def _show_concerns(concerns: "list[Concern]") -> None:
    from headway.models.text.distress import TODAY
    from headway.models.text.distress_words import CATEGORIES

    for one in concerns:
        about = "; ".join(CATEGORIES[name] for name in one.categories)
        print(f"\n{TODAY} {one.by} {one.at[:16]} ({one.distress:.2f}: {about})\n{one.text}")


def _write(out: Path, columns: "Mapping[str, Sequence[Any]]") -> None:
    import pyarrow as pa

    from headway.flow.table_file import table_file

    if out.suffix not in (".csv", ".parquet"):
        raise InputError(f"{out} should end in .csv or .parquet.")
    table = pa.table({name: pa.array(values) for name, values in columns.items()})
    nulls = [i for i, kind in enumerate(table.schema.types) if pa.types.is_null(kind)]
    for i in nulls:
        table = table.set_column(i, table.schema.names[i], table.column(i).cast(pa.string()))
    with table_file(out, table.schema) as put:
        put(table)
