"""The command as a person meets it: help, output for people and for programs, Ctrl-C."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import latchwork
from latchwork.cli.main import COMMANDS, run
from latchwork.core import storage

ROOT = Path(__file__).resolve().parents[2]
HEAVY = {"jax", "numpy", "equinox", "optax", "matplotlib", "pandas", "polars", "narwhals", "starlette", "sklearn"}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two classes that differ in their first step."""
    inputs = np.random.default_rng(0).normal(size=(40, 6, 2)).astype(np.float32)
    np.savez(tmp_path / "data.npz", X=inputs, y=np.where(inputs[:, 0, 0] > 0, "up", "down"))
    return tmp_path / "data.npz"


def command(capsys: pytest.CaptureFixture[str], *arguments: object, code: int = 0) -> tuple[str, str]:
    """What a command writes to stdout and stderr."""
    capsys.readouterr()
    assert run([str(argument) for argument in arguments]) == code
    return capsys.readouterr()


def only_object(text: str) -> dict[str, Any]:
    """The one JSON object that a text is, in JSON that every reader takes."""
    assert len(text.splitlines()) == 1, text

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    found = json.loads(text, parse_constant=refuse)
    assert isinstance(found, dict)
    return found


def fresh_modules(code: str) -> set[str]:
    """The top-level modules in a fresh process after `code`."""
    script = f"{code}\nimport sys\nprint('modules:', *{{name.partition('.')[0] for name in sys.modules}})"
    output = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    return set(output.rpartition("modules:")[2].split())


@pytest.mark.parametrize(
    "code",
    ["from latchwork.cli.main import run; run(['--help'])", "import latchwork; dir(latchwork)"],
    ids=["latchwork --help", "import latchwork"],
)
def test_help_and_import_load_nothing_heavy(code: str):
    loaded = fresh_modules(code)
    assert "latchwork" in loaded
    assert not loaded & HEAVY


def test_the_runtime_and_info_do_without_jax(tmp_path: Path):
    storage.save(tmp_path / "m.latch", {"job": "example"}, {"network.layers.0.bias": np.zeros(1, "float32")})
    code = f"import latchwork.runtime; from latchwork.cli.main import run; run(['info', {str(tmp_path / 'm.latch')!r}])"
    assert not fresh_modules(code) & {"jax", "equinox", "optax"}


def subcommands(name: str, capsys: pytest.CaptureFixture[str]) -> list[list[str]]:
    text, _ = command(capsys, name, "--help")
    found = re.findall(r"^\W*([a-z]+)\s{2,}\S", text.partition("Commands")[2], re.MULTILINE)
    return [[name, each] for each in found] or [[name]]


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]):
    text, _ = command(capsys, "--help")
    for name, each in COMMANDS.items():
        assert name in text and each.help[:40] in text


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(capsys: pytest.CaptureFixture[str], name: str):
    for words in subcommands(name, capsys):
        text, _ = command(capsys, *words, "--help")
        assert len(re.findall(r"[A-Za-z]{3,}", text)) > 30
        for option in ("--json", "--quiet"):
            assert option in text or name == "serve", f"{words} has no {option}"  # a server has no answer to print


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_page(name: str):
    pages = [page for page in (ROOT / "docs").glob("*.md") if f"latchwork {name}" in page.read_text()]
    assert pages, f"no page in docs/ shows `latchwork {name}`"


def test_python_m_is_the_command_and_passes_its_exit_code_on(tmp_path: Path):
    def by_module(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "latchwork", *arguments], capture_output=True, text=True, check=False
        )

    assert by_module("--version").stdout.strip().endswith(latchwork.__version__)
    refused = by_module("info", str(tmp_path / "none.latch"))
    assert refused.returncode == 2 and refused.stderr.startswith("latchwork: ")


def test_version(capsys: pytest.CaptureFixture[str]):
    assert command(capsys, "--version")[0] == f"latchwork {latchwork.__version__}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        "conjure",
        "classify conjure",
        "--conjure",
        "info",
        "info --conjure",
        "classify train",
        "classify train x.npz",
        "classify train x.npz --out m.latch --cell conjure",
        "classify train x.npz --out m.latch --epochs three",
        "classify train x.npz --out m.latch --epochs 0",
        "classify train x.npz --out m.latch --seed -1",
        "classify test missing.latch x.npz",
        "article --epochs 0",
    ],
)
def test_bad_usage_is_one_line(capsys: pytest.CaptureFixture[str], arguments: str):
    _, err = command(capsys, *arguments.split(), code=2)
    assert len(err.splitlines()) == 1 and err.startswith("latchwork: ")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("--dropout 1.5", "dropout"),
        ("--minutes -1", "above 0"),
        ("--minutes nan", "above 0"),
        ("--epochs 2 --steps 3", "one of epochs, steps and minutes"),
        ("--optimizer nadam", "unknown optimizer"),
        ("--rate -1", "learning_rate"),
        ("--validation 2", "validation_share"),
    ],
)
def test_bad_settings_are_one_line(
    capsys: pytest.CaptureFixture[str], data: Path, tmp_path: Path, options: str, words: str
):
    out, more = tmp_path / "m.latch", options.split()
    _, err = command(capsys, "classify", "train", data, "--out", out, "--cell", "gru", "--quiet", *more, code=2)
    assert len(err.splitlines()) == 1 and words in err
    assert not out.exists()


@pytest.mark.parametrize("out", ["", "missing/m.latch"], ids=["a folder", "in no folder"])
def test_a_place_that_cannot_be_written_is_found_before_training(
    capsys: pytest.CaptureFixture[str], data: Path, tmp_path: Path, out: str
):
    _, err = command(capsys, "classify", "train", data, "--out", tmp_path / out, code=2)
    assert len(err.splitlines()) == 1


def test_classify_for_programs(capsys: pytest.CaptureFixture[str], data: Path, tmp_path: Path):
    """Under --json stdout is one object; the names are promised."""
    model = tmp_path / "m.latch"
    options = ["--cell", "gru", "--units", 6, "--epochs", 30, "--rate", 0.02, "--json"]
    out, err = command(capsys, "classify", "train", data, "--out", model, *options)
    trained = only_object(out)
    assert trained["epochs"] == 30 and trained["stopped"] == "finished" and trained["seconds"] > 0
    assert "40 sequences of 6 steps, 2 features" in err

    tested = only_object(command(capsys, "classify", "test", model, data, "--json")[0])
    assert tested.keys() >= {"accuracy", "loss", "n", "classes", "seconds"}
    assert tested["n"] == 40 and tested["accuracy"] > 0.8
    assert sum(each["n"] for each in tested["classes"]) == 40

    predicted = only_object(command(capsys, "classify", "predict", model, data, "--json")[0])
    answers = [row["label"] for row in predicted["predictions"]]
    assert (np.array(answers) == np.load(data)["y"]).mean() == tested["accuracy"]

    told = only_object(command(capsys, "info", model, "--engine", "--json")[0])
    assert told.keys() >= {"job", "format", "parameters", "network", "data", "engine"}


def test_classify_for_people(capsys: pytest.CaptureFixture[str], data: Path, tmp_path: Path):
    model, answers = tmp_path / "m.latch", tmp_path / "answers.csv"
    options = ["--cell", "lstm", "--both-ways", "--epochs", 2, "--balanced", "--validation", 0.2]
    out, _ = command(capsys, "classify", "train", data, "--out", model, *options)
    assert "Bidirectional(LSTM(64))" in out and f"saved to {model}" in out
    out, _ = command(capsys, "classify", "test", model, data)
    assert "Accuracy 0." in out and "recall" in out
    out, _ = command(capsys, "classify", "test", model, data, "--quiet")
    assert len(out.splitlines()) == 1
    command(capsys, "classify", "predict", model, data, "--out", answers)
    lines = answers.read_text().splitlines()
    assert lines[0] == "sequence,label,probability" and len(lines) == 41
    out, _ = command(capsys, "info", model)
    assert "classification" in out and "val_accuracy" in out


def test_the_seed_decides(capsys: pytest.CaptureFixture[str], data: Path, tmp_path: Path):
    def weights(seed: int) -> list[bytes]:
        out = tmp_path / "m.latch"
        command(capsys, "classify", "train", data, "--out", out, "--cell", "rnn", "--steps", 3, "--seed", seed)
        return [array.tobytes() for array in storage.load(out).tensors.values()]

    assert weights(1) == weights(1) != weights(2)


def test_ctrl_c_saves_and_exits_130(data: Path, tmp_path: Path):
    model = tmp_path / "m.latch"
    arguments = ["classify", "train", data, "--out", model, "--cell", "gru", "--epochs", 10_000_000, "--json"]
    said = tmp_path / "stderr"
    with said.open("w") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-c", "from latchwork.cli.main import main; main()", *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )
    watchdog = threading.Timer(200, process.kill)
    watchdog.start()
    while "\nepoch " not in said.read_text():
        assert process.poll() is None, said.read_text()
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate()
    watchdog.cancel()
    assert process.returncode == 130
    lines = said.read_text().splitlines()
    assert lines[-1] == "latchwork: interrupted" and not any("Traceback" in line for line in lines)
    assert only_object(out)["stopped"] == "interrupted"
    assert latchwork.load(model).predict(np.zeros((1, 6, 2))).shape == (1,)
