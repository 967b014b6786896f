"""No command overwrites what it reads, or a model by something else, and each finds out first that it can write."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import latchwork as lw
from latchwork.cli import main, outputs
from latchwork.core import writing
from latchwork.core.errors import InputError, LatchworkError

TABLE = "series,time,level,label\n" + "".join(
    f"s{i},{t},{(i % 2) * 2 - 1 + 0.1 * t},{'up' if i % 2 else 'down'}\n" for i in range(12) for t in range(4)
)
MONTHS = "month,passengers\n" + "".join(
    f"20{y:02}-{m:02},{100 + 3 * y + m}\n" for y in range(10, 16) for m in range(1, 13)
)


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    X = np.random.default_rng(0).normal(size=(12, 4, 1))
    path = tmp_path_factory.mktemp("model") / "m.latch"
    lw.SequenceClassifier(lw.Sequential([lw.GRU(2), lw.Dense(2)]), epochs=1, progress="none").fit(
        X, X[:, 0, 0] > 0
    ).save(path)
    return path.read_bytes()


@pytest.fixture
def folder(tmp_path: Path, classifier: bytes, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model, a labelled table, a table of months, a text, and a link to the table."""
    (tmp_path / "m.latch").write_bytes(classifier)
    (tmp_path / "data.csv").write_text(TABLE)
    (tmp_path / "months.csv").write_text(MONTHS)
    (tmp_path / "words.txt").write_text("the cat sat on the mat\n" * 400)
    (tmp_path / "recordings").mkdir()
    (tmp_path / "link.csv").symlink_to(tmp_path / "data.csv")
    (tmp_path / "hard.csv").hardlink_to(tmp_path / "data.csv")
    (tmp_path / "forecast.csv").write_text(MONTHS)
    for name in ("bench.md", "roommate.png", "memory-recall.png", "airline.png", "forecast.png"):
        (tmp_path / name).write_bytes(classifier)
    monkeypatch.chdir(tmp_path)
    return tmp_path


# The command, and a part of the sentence that refuses it.
LOSSES = {
    "the training data": ("classify train data.csv --out data.csv --cell gru --epochs 1", "is read"),
    "the training data by a link": ("classify train data.csv --out link.csv --cell gru --epochs 1", "is read"),
    "the training data by another name": ("classify train data.csv --out hard.csv --cell gru --epochs 1", "is read"),
    "another table, by a model": ("classify train data.csv --out months.csv --cell gru --epochs 1", "holds data"),
    "the model, by answers": ("classify predict m.latch data.csv --out m.latch", "is read"),
    "the data, by answers": ("classify predict m.latch data.csv --out data.csv", "is read"),
    "a regressor's data, by its model": ("regress train data.csv --out data.csv --cell gru --epochs 1", "is read"),
    "a regressor's data, by its answers": ("regress predict m.latch data.csv --out data.csv", "is read"),
    "data, by a regressor's page": ("regress train data.csv --out n.latch --report data.csv", "is read"),
    "data, by the page": ("classify train data.csv --out n.latch --report data.csv", "is read"),
    "a text, by its model": ("text train words.txt --out words.txt --steps 1", "is read"),
    "a table, by a text's model": ("text train words.txt --out data.csv --steps 1", "holds data"),
    "a table, by a recogniser": ("speech train recordings --out data.csv --steps 1", "holds data"),
    "a forecast's table, by its model": ("forecast months.csv --no-train --save months.csv", "is read"),
    "a forecast's table, by its forecast": ("forecast forecast.csv --no-train --out .", "is read"),
    "a model, by a forecast's picture": ("forecast months.csv --no-train --out .", "a saved model"),
    "a model, by its page": ("explain m.latch --out m.latch", "is read"),
    "an example, by a page": ("explain m.latch --input words.txt --out words.txt", "is read"),
    "a table, by a page": ("explain m.latch --out data.csv", "holds data"),
    "a model, by a table of speeds": ("bench --quick --out .", "a saved model"),
    "a model, by a picture of a kitchen": ("roommate --out .", "a saved model"),
    "a model, by a picture of memory": ("memory --quick --out .", "a saved model"),
    "a model, by a picture of the article": ("article --out .", "holds"),
    "a text, by words that are forgotten": (
        "text words --personal words.txt --forget cat",
        "no file of personal words",
    ),
    "another's model, by ours": ("import words.txt --out words.txt", "is read"),
    "a model, by its export": ("export m.latch --onnx m.latch", "is read"),
    "a model, by words that were typed": ("text suggest m.latch --personal m.latch", "is read"),
}


@pytest.mark.parametrize("what", LOSSES)
def test_nothing_of_worth_is_overwritten(what: str, folder: Path, capsys: pytest.CaptureFixture[str]):
    line, words = LOSSES[what]
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    code = main.run(line.split())
    err = capsys.readouterr().err
    assert code == 2 and len(err.splitlines()) == 1 and words in err
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before


PLACES = {
    "classify train data.csv --out {}": "file",
    "classify predict m.latch data.csv --out {}": "file",
    "regress train data.csv --out {}": "file",
    "regress predict m.latch data.csv --out {}": "file",
    "classify train data.csv --out new.latch --report {}": "file",
    "text train words.txt --out {}": "file",
    "speech train recordings --out {}": "file",
    "forecast months.csv --save {}": "file",
    "explain m.latch --out {}": "file",
    "forecast months.csv --out {}": "folder",
    "bench --quick --out {}": "folder",
    "roommate --out {}": "folder",
    "memory --quick --out {}": "folder",
    "article --out {}": "folder",
    "classify train data.csv --out new.latch --checkpoint {}": "folder",
    "memory --quick --checkpoint {}": "folder",
}


@pytest.mark.parametrize("line", PLACES)
def test_a_place_that_cannot_be_written_is_found_before_the_work(
    line: str, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """Below a file there can be nothing; and a disk that refuses the trial file is as good as full."""
    assert main.run(line.format("data.csv/new").split()) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1

    def refuse(path: Path, exist_ok: bool = True) -> None:
        raise OSError(30, "Read-only file system", str(path))

    monkeypatch.setattr(Path, "touch", refuse)
    assert main.run(line.format("new").split()) == 2
    err = capsys.readouterr().err
    assert len(err.splitlines()) == 1 and "Read-only file system" in err


def test_every_command_that_writes_is_held_to_this():
    """A command with an option for a path to write has its lines above."""
    writing_options = {"--out", "--save", "--personal", "--report", "--onnx"}
    lines = [line for line, _ in LOSSES.values()]
    for name in main.COMMANDS:
        for path, options in _options(main.build_app(name), name):
            for option in options & writing_options:
                assert any(line.startswith(path) and option in line for line in lines), (path, option)


def _options(app: Any, name: str) -> list[tuple[str, set[str]]]:
    from typer.main import get_command

    group: Any = get_command(app)
    command = group.commands[name]
    commands = {f"{name} {sub}": each for sub, each in getattr(command, "commands", {}).items()} or {name: command}
    return [(path, {opt for each in one.params for opt in each.opts}) for path, one in commands.items()]


def test_a_file_of_its_own_kind_is_replaced_and_a_table_goes_where_none_was(folder: Path, capsys: Any):
    (folder / "old.latch").write_bytes((folder / "m.latch").read_bytes())
    assert (
        main.run(["classify", "train", "data.csv", "--out", "old.latch", "--cell", "gru", "--epochs", "1", "-q"]) == 0
    )
    assert main.run(["classify", "predict", "old.latch", "data.csv", "--out", "answers.csv"]) == 0
    assert main.run(["classify", "predict", "old.latch", "data.csv", "--out", "answers.csv"]) == 0
    assert main.run(["forecast", "months.csv", "--no-train", "--out", "new/folder", "--json"]) == 0
    assert json.loads((folder / "new/folder/results.json").read_text())["horizon"]
    assert not list(folder.rglob("*.partial*"))


def test_an_output_may_lie_in_the_folder_that_is_read_unless_it_is_read(folder: Path):
    (folder / "recordings" / "a.csv").write_text("1\n")
    outputs.check_file(folder / "recordings" / "new.csv", inputs=[folder / "recordings"], kind="table")
    outputs.check_file(folder / "recordings" / "new.latch", inputs=[folder / "recordings"], kind="model")
    with pytest.raises(InputError, match="one of the files in"):
        outputs.check_file(folder / "recordings" / "a.csv", inputs=[folder / "recordings"], kind="table")


def test_a_file_is_whole_or_as_it_was(tmp_path: Path):
    path = tmp_path / "a.csv"
    writing.write_text(path, "old")
    with pytest.raises(ZeroDivisionError), writing.replacing(path) as beside:
        beside.write_text("half")
        raise ZeroDivisionError
    with pytest.raises(LatchworkError, match="untouched"), writing.replacing(path) as beside:
        raise OSError(28, "No space left on device")
    assert path.read_text() == "old" and [each.name for each in tmp_path.iterdir()] == ["a.csv"]


def test_a_protected_file_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "a.csv"
    path.write_text("mine")
    path.chmod(stat.S_IRUSR)
    monkeypatch.setattr("os.access", lambda *_: False)  # the superuser may write all the same
    with pytest.raises(InputError, match="protected"):
        writing.check_writable(path)
