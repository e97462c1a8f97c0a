"""`headway features tensor`: the folder holds what other programs map into memory."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest
import typer
from typer.testing import CliRunner

from headway.cli import tensors
from headway.domain.errors import InputError
from headway.features.tensor import SEQUENCE_FEATURES
from headway.flow import App, ingest, open_app
from headway.flow.tensors import save_tensor

RUN = "simulated/DS101/2025S1"


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    with open_app(tmp_path_factory.mktemp("home")) as opened:
        ingest(opened, "simulated", [], {"learners": "20", "runs": "1", "weeks": "4"})
        yield opened


def test_the_folder_holds_arrays_rows_and_what_they_are(app: App, tmp_path: Path) -> None:
    out = tmp_path / "tensor"
    made = save_tensor(app, [RUN], ["2025-02-16"], 5, 7, "sequence", out)
    assert {path.name for path in out.iterdir()} == {"values.npy", "mask.npy", "rows.parquet", "about.json"}
    values, mask = np.load(out / "values.npy", mmap_mode="r"), np.load(out / "mask.npy")
    about = json.loads((out / "about.json").read_text(encoding="utf-8"))
    assert about["features"] == list(SEQUENCE_FEATURES)
    assert (about["rows"], about["steps"], about["step_days"]) == (*values.shape[:2], 7)
    assert about["hash"] == made.view.hash
    assert about["snapshot"]
    assert values.dtype == np.float32
    assert mask[:, -1].all()
    assert not values[~mask].any()
    rows = pyarrow.parquet.read_table(out / "rows.parquet")
    assert rows.column_names == ["run", "learner", "as_of"]
    assert rows.equals(made.rows)


def test_a_folder_that_holds_something_is_left_alone(app: App, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match="holds something already"):
        save_tensor(app, [RUN], ["2025-02-16"], 2, 1, "sequence", tmp_path)


def test_before_anybody_was_enrolled_there_are_empty_arrays(app: App, tmp_path: Path) -> None:
    out = tmp_path / "nobody"
    assert len(save_tensor(app, [RUN], ["2020-01-01"], 3, 1, "sequence", out).rows) == 0
    assert np.load(out / "values.npy").shape == (0, 3, len(SEQUENCE_FEATURES))


def test_the_command_tells_the_shape(app: App, tmp_path: Path) -> None:
    commands = typer.Typer()
    tensors.add_to(commands)
    commands.callback()(lambda: None)
    out, home = tmp_path / "t", app.settings.home
    asked = ["tensor", "--run", RUN, "--as-of", "2025-02-16", "--steps", "4", "--out", str(out), "--home", str(home)]
    done = CliRunner().invoke(commands, [*asked, "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["shape"] == list(np.load(out / "values.npy").shape)
    assert told["shape"][1:] == [4, len(SEQUENCE_FEATURES)]
    assert told["out"] == str(out)
