"""Models of a workspace's own labels of texts: learned, kept in the home, measured."""

import re
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from headway.domain.errors import InputError, NotEnoughData, UnknownName
from headway.flow.app import App
from headway.settings import Settings
from headway.sources.text_table import TextTable

if TYPE_CHECKING:
    from headway.models.text.encoder import Encoder
    from headway.models.text.linear import FittedTexts

FOLDER: Final = "text_models"
_NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,59}")
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
"""The date of every part of a kept model: the same model gives the same bytes."""


def fit_text_model(
    app: App, table: TextTable, column: str, label: str, name: str, *, above: float | None = None, encoder: str = ""
) -> dict[str, Any]:
    """What was learned from labelled texts and is kept in the home under `name`.

    Args:
        app: where it is kept.
        table: labelled texts.
        column: the column with the texts.
        label: the column with the labels; rows that lack one are left out and counted.
        name: small letters, digits, `-` and `_`.
        above: for numbers: from this one on the label is "yes", else "no".
        encoder: `minilm` or `hf:NAME`, whose vectors are read besides; the setting `text.encoder` where empty.

    Raises:
        InputError: the name cannot be used, or the labels suit no model.
        NotEnoughData: a class has too few texts.
    """
    from headway.governance import audit
    from headway.models.text.linear import fit_texts

    if not _NAME.fullmatch(name):
        raise InputError(f"A model cannot be called {name!r}. Use small letters, digits, - and _, a letter first.")
    texts, labels, left_out = labelled(table, column, label, above)
    named = encoder or app.settings.text.encoder
    used = encoder_for(named)
    fitted = fit_texts(texts, labels, encoder=named, encode_texts=used.encode if used else None)
    path = _path(app.settings, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as held:
        for key, content in sorted(fitted.state().items()):
            held.writestr(zipfile.ZipInfo(key, _EPOCH), content)
    part.replace(path)
    counts = {each: labels.count(each) for each in fitted.classes}
    detail = {"rows": len(texts), "classes": counts, "encoder": named}
    with app.store.begin() as connection:
        audit.record(connection, app.clock.now(), app.actor, "fit_text_model", name, detail)
    return {"name": name, **detail, "left_out": left_out, "kept_in": str(path)}


def text_models(settings: Settings, names: Sequence[str]) -> dict[str, "FittedTexts"]:
    """The kept models of those names.

    Raises:
        UnknownName: one is not there.
    """
    from headway.models.text.linear import FittedTexts

    found = {}
    for name in names:
        path = _path(settings, name)
        if not path.is_file():
            known = [each.stem for each in sorted(path.parent.glob("*.zip"))]
            raise UnknownName.of("text model", name, known)
        try:
            with zipfile.ZipFile(path) as held:
                found[name] = FittedTexts.read({each: held.read(each) for each in held.namelist()})
        except (zipfile.BadZipFile, OSError) as wrong:
            raise InputError(f"The text model {name} is damaged ({wrong}). Fit it again.") from wrong
    return found


def evaluate_texts(
    table: TextTable,
    column: str,
    label: str,
    *,
    group: str | None = None,
    above: float | None = None,
    encoder: str = "",
    seed: int = 7,
    draws: int = 500,
) -> dict[str, Any]:
    """How well models of these labels read texts that they did not see: one row for each way to read.

    Args:
        table: labelled texts.
        column: the column with the texts.
        label: the column with the labels.
        group: a column (course run, author) whose groups are left out whole; without it, rows are dealt out.
        above: for numbers: from this one on the label is "yes".
        encoder: whose vectors are read besides.
        seed: decides folds and draws.
        draws: behind each interval.

    Raises:
        NotEnoughData: a class has too few texts, or there is one group only.
    """
    import numpy as np

    from headway.evaluation.intervals import bootstrap
    from headway.evaluation.texts import asks_soon, by_class, class_scores, complains, held_out, leave_out, readers

    texts, labels, left_out = labelled(table, column, label, above)
    classes = tuple(sorted(set(labels)))
    if len(classes) < 2 or min(map(labels.count, classes)) < 5:
        raise NotEnoughData("At least two labels with five texts each are needed. Label more texts.")
    groups = None if group is None else np.array(_beside(table, column, label, group), dtype=object)
    splits = list(leave_out(groups) if groups is not None else by_class(labels, seed))
    for train, _ in splits:
        if len({labels[place] for place in train}) < len(classes):
            raise NotEnoughData("With one group left out, a label is not there any more. Name another column, or none.")
    rows = []
    ways = readers(texts, labels, encoder_for(encoder), None)
    scores = {"rules: urgency": asks_soon, "rules: complaint": complains} if len(classes) == 2 else {}
    authors = groups if groups is not None else np.arange(len(texts))
    for name in (*scores, *ways):
        if name in scores:
            second = np.array([scores[name](text) for text in texts])
            chances = np.column_stack([1 - second, second])
        else:
            chances = held_out(ways[name], splits, len(classes), len(texts))
        said = [classes[place] for place in chances.argmax(axis=1)]
        row: dict[str, Any] = {"model": name, "n": len(texts), **class_scores(labels, said, classes)}
        if len(classes) == 2:
            true = np.asarray([each == classes[1] for each in labels], dtype=np.float64)
            names = ("auroc", "auprc", "recall_at_capacity")
            found = bootstrap(
                names, true, chances[:, 1], authors, seed=seed, n=draws, capacity=max(1, len(texts) // 10)
            )
            row |= {"recall_at_10" if each == names[2] else each: found[each].as_json() for each in names}
        rows.append(row)
    shares = {each: labels.count(each) / len(labels) for each in classes}
    split = "leave one group out" if group else "5 stratified folds"
    return {"rows": rows, "classes": shares, "split": split, "left_out": left_out}


def labelled(table: TextTable, column: str, label: str, above: float | None) -> tuple[list[str], list[str], int]:
    """Texts and labels of the rows that have both, and how many have not.

    Raises:
        InputError: a label is no number although numbers are asked for.
    """
    texts, labels, left_out = [], [], 0
    for text, given in zip(table.column(column), table.column(label), strict=True):
        if not text.strip() or not given.strip():
            left_out += 1
            continue
        texts.append(text)
        labels.append(given.strip() if above is None else _yes(given, label, above))
    return texts, labels, left_out


def encoder_for(name: str) -> "Encoder | None":
    """The encoder of that name; None for an empty one.

    Raises:
        ConfigError: it is not installed.
    """
    if not name:
        return None
    from headway.models.text.encoder import encoder_called

    return encoder_called(name)


def _beside(table: TextTable, column: str, label: str, group: str) -> list[str]:
    cells = zip(table.column(column), table.column(label), table.column(group), strict=True)
    return [named for text, given, named in cells if text.strip() and given.strip()]


def _yes(given: str, label: str, above: float) -> str:
    try:
        return "yes" if float(given.replace(",", ".")) >= above else "no"
    except ValueError as wrong:
        raise InputError(f"{given!r} in column {label!r} is no number. Leave --above out to learn words.") from wrong


def _path(settings: Settings, name: str) -> Path:
    if not _NAME.fullmatch(name):
        raise UnknownName(f"No text model is called {name!r}. Fit one: headway text fit.")
    return settings.home / FOLDER / f"{name}.zip"
