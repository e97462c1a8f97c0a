"""What scripts may rely on about texts: scores, models of one's own labels, the overview."""

import csv
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa
import typer
from typer.testing import CliRunner

from headway.cli import text
from headway.cli.options import choose_home
from headway.domain.errors import InputError, NotEnoughData, UnknownName
from headway.flow import ingest, open_app
from headway.flow.tasks import list_tasks
from headway.store.tables import AUDIT
from tests.support.command import inside

ROWS = [
    ("a", "I cannot submit the quiz, please help, it is due tonight!", "6"),
    ("a", "Nobody would miss me if I was gone", "5"),
    ("b", "", "1"),
    ("b", "I loved this lecture, thank you", "1"),
]


@pytest.fixture
def posts(tmp_path: Path) -> Path:
    """A file of posts, 48 of which can be learned from."""
    path = tmp_path / "posts.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("run", "text", "code"))
        rows.writerows(ROWS)
        for n in range(24):
            rows.writerow(("ab"[n % 2], f"I cannot open part {n}, is the deadline near?", "6"))
            rows.writerow(("ab"[n % 2], f"I agree, part {n} was lovely", "1"))
    return path


def asked(home: Path, *words: object) -> Any:
    """The document that these commands print."""
    app = typer.Typer()
    text.add_to(app)
    choose_home(home)
    try:
        done = CliRunner().invoke(app, ["text", *map(str, words), "--json"], catch_exceptions=False)
    finally:
        choose_home(None)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def readings(home: Path) -> list[Any]:
    """What the audit chain says of those who were shown texts with signs of distress."""
    with open_app(home) as app, app.store.read() as connection:
        asked_for = sa.select(AUDIT.c.detail).where(AUDIT.c.action == "read_distress")
        return list(connection.execute(asked_for).scalars())


def test_every_row_has_its_scores(posts: Path, tmp_path: Path) -> None:
    told = asked(tmp_path, "score", posts, "--column", "text")
    assert [row["row"] for row in told["rows"]] == list(range(1, 53))
    assert all({"row", "sentiment", "urgency", "distress", "language", "note"} == set(row) for row in told["rows"])
    urgent, sad, empty, glad = told["rows"][:4]
    assert urgent["urgency"] > 0.8 > 0.2 > glad["urgency"] >= 0
    assert sad["distress"] >= 0.5 > urgent["distress"] >= 0
    assert (empty["sentiment"], empty["note"]) == (None, "empty")
    assert glad["sentiment"] > 0
    assert told["counts"]["rows"] == 52
    assert told["counts"]["empty"] == 1
    assert told["counts"]["to_read_today"] == 1
    assert not (tmp_path / "headway.toml").exists()
    with pytest.raises(UnknownName, match="text"):
        asked(tmp_path, "score", posts, "--column", "texts")


@pytest.mark.parametrize(("texts", "said"), [(1, "1 text has signs"), (2, "2 texts have signs")])
def test_how_many_have_signs_of_distress_is_said_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], texts: int, said: str
) -> None:
    path = tmp_path / "posts.csv"
    path.write_text("text\n" + "Nobody would miss me if I was gone\n" * texts, encoding="utf-8")
    assert f"{said} of distress: a human should read" in inside(capsys, "text", "score", path, "-c", "text").stderr


def test_scores_beside_the_rows_in_a_file(posts: Path, tmp_path: Path) -> None:
    for suffix in ("csv", "parquet"):
        asked(tmp_path, "score", posts, "-c", "text", "--out", tmp_path / f"out.{suffix}")
    table = pq.read_table(tmp_path / "out.parquet")
    assert table.column_names == ["run", "text", "code", "sentiment", "urgency", "distress", "language", "note"]
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == table.num_rows == 52
    with pytest.raises(InputError, match="parquet"):
        asked(tmp_path, "score", posts, "-c", "text", "--out", tmp_path / "out.txt")


def test_labels_of_ones_own_are_learned_kept_and_used(posts: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    done = asked(home, "fit", posts, "-c", "text", "--label", "code", "--above", "4.5", "--name", "soon")
    assert done["classes"] == {"no": 25, "yes": 26}
    assert done["left_out"] == 1
    assert Path(done["kept_in"]).is_relative_to(home)
    told = asked(home, "score", posts, "-c", "text", "--model", "soon")["rows"]
    assert told[0]["soon"] > 0.5 > told[3]["soon"]
    assert told[2]["soon"] is None
    with pytest.raises(UnknownName, match="soon"):
        asked(home, "score", posts, "-c", "text", "--model", "sun")
    with pytest.raises(InputError, match="small letters"):
        asked(home, "fit", posts, "-c", "text", "--label", "code", "--above", "4", "--name", "../x")


def test_models_are_measured_on_groups_left_out(posts: Path, tmp_path: Path) -> None:
    told = asked(tmp_path, "evaluate", posts, "-c", "text", "--label", "code", "--above", "4.5", "--group", "run")
    models = {row["model"]: row for row in told["rows"]}
    assert {"bag-of-words", "tfidf-lexica", "rules: urgency"} <= set(models)
    assert models["tfidf-lexica"]["auroc"]["value"] > 0.9
    assert told["split"] == "leave one group out"
    assert told["left_out"] == 1
    with pytest.raises(NotEnoughData):
        asked(tmp_path, "evaluate", posts, "-c", "text", "--label", "run", "--group", "run")


def test_a_file_at_a_glance_and_distress_only_when_asked(posts: Path, tmp_path: Path) -> None:
    home, page = tmp_path / "home", tmp_path / "page.html"
    told = asked(home, "analyse", posts, "-c", "text", "--activity", "run", "--html", page)
    assert told["to_read_today"] == 1
    assert "Nobody would miss me" not in json.dumps(told) + page.read_text(encoding="utf-8")
    assert "distress" not in told
    assert readings(home) == []
    assert {one["name"] for one in told["activities"]} == {"a", "b"}
    assert "What wants an answer" in page.read_text(encoding="utf-8")
    shown = asked(home, "analyse", posts, "-c", "text", "--show-distress")["distress"]
    assert [one["by"] for one in shown] == ["row 2"]
    assert readings(home) == [{"texts": 1}]
    with pytest.raises(InputError, match="--column"):
        asked(home, "analyse", posts)


def test_a_runs_texts_and_a_task_for_a_human(tmp_path: Path) -> None:
    home = tmp_path / "home"
    coded = tmp_path / "coded"
    coded.mkdir()
    lines = [f"{n},A great lecture,1" for n in range(8)] + ['9,"I want to kill myself",5']
    (coded / "bio.csv").write_text("author,text,code\n" + "\n".join(lines) + "\n", encoding="utf-8")
    with open_app(home) as app:
        ingest(app, "coded-texts", [coded])
    run = "coded-texts/bio/1"
    told = asked(home, "analyse", run, "--as-of", "2000-01-04", "--open-tasks")
    assert told["weeks"][0]["texts"] == 9
    assert told["tasks_opened"] == 1
    assert asked(home, "analyse", run, "--as-of", "2000-01-04", "--open-tasks")["tasks_opened"] == 0
    assert "kill" not in json.dumps(told)
    with open_app(home) as app:
        (task,) = list_tasks(app).tasks
        assert "kill" not in str(task)
