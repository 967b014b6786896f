"""What is written about the package is true of it: the stub, the README's commands, the README's program."""

from __future__ import annotations

import ast
import re
import shlex
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

import latchwork
from latchwork.cli.main import run
from latchwork.estimators import recipe

ROOT = Path(__file__).resolve().parents[1]


def test_the_stub_names_what_is_there():
    stub = ast.parse((ROOT / "src" / "latchwork" / "__init__.pyi").read_text())
    imported = [
        (str(node.module), name.name, name.asname)
        for node in stub.body
        if isinstance(node, ast.ImportFrom)
        for name in node.names
    ]
    # The spec says itself which layers there are: `import *` passes on what its `__all__` has.
    star = ("latchwork.core.spec", "*", None)
    imported.remove(star)
    imported += [(star[0], name, name) for name in import_module(star[0]).__all__]
    assert all(name == alias for _, name, alias in imported)  # so that type checkers pass them on
    assert sorted([name for _, name, _ in imported] + ["__version__"]) == sorted(latchwork.__all__)
    for module, name, _ in imported:
        assert getattr(latchwork, name) is getattr(import_module(module), name)
    with pytest.raises(AttributeError, match="no attribute 'Conjure'"):
        latchwork.Conjure  # noqa: B018


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)


def lines() -> list[list[str]]:
    """The words of every command in the README."""
    split = [line for block in blocks("sh") for line in block.replace("\\\n", " ").splitlines()]
    return [words for line in split if (words := shlex.split(line, comments=True))]


def test_readme_commands_exist(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    """Every make target is there, and every option of every command."""
    monkeypatch.setenv("COLUMNS", "200")
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert len(lines()) > 5
    for words in lines():
        if words[0] == "make":
            assert words[1] in targets
        elif words[0] == "latchwork":
            assert run([*words[1:2], "--help"]) == 0
            text = capsys.readouterr().out
            if len(words) > 2 and re.search(rf"^\W*{re.escape(words[2])}\s{{2,}}", text, re.MULTILINE):
                assert run([*words[1:3], "--help"]) == 0
                text = capsys.readouterr().out
            for option in (word for word in words if word.startswith("--")):
                assert option in text, f"{' '.join(words)}: there is no {option}"


def write_ts(path: Path, seed: int) -> None:
    """Two classes of sequences of two features and four to eight steps, far apart."""
    rng = np.random.default_rng(seed)
    head = ["@problemName Made", "@univariate false", "@dimensions 2", "@equalLength false"]
    rows = ["@classLabel true low high", "@data"]
    for number in range(24):
        values = rng.normal(number % 2, 0.3, (2, rng.integers(4, 9))).round(3)
        sequence = ":".join(",".join(map(str, feature)) for feature in values.tolist())
        rows.append(f"{sequence}:{'high' if number % 2 else 'low'}")
    path.write_text("\n".join(head + rows) + "\n")


def test_readme_classification_runs_as_it_stands(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """On a small made-up set of the same form: the default recipe is chosen, and said."""
    monkeypatch.chdir(tmp_path)
    few = dict(list(recipe.designs(2).items())[:2])  # each design is compiled
    monkeypatch.setattr(recipe, "designs", lambda outputs, one_way: few)
    monkeypatch.setattr(recipe, "MOST_EPOCHS", 8)
    for number, part in enumerate(("TRAIN", "TEST")):
        write_ts(tmp_path / f"JapaneseVowels_{part}.ts", number)
    mine = [words for words in lines() if words[:2] == ["latchwork", "classify"]]
    assert len(mine) >= 3
    for words in mine:
        assert run(words[1:]) == 0
    captured = capsys.readouterr()
    said = captured.out
    assert "chosen: " in captured.err
    accuracy = re.search(r"Accuracy ([\d.]+)", said)
    assert accuracy is not None and float(accuracy[1]) > 0.9


@pytest.mark.proof
def test_readme_python_runs_as_it_stands(tmp_path: Path):
    code = next(block for block in blocks("python") if "mnist" in block)
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    accuracy = re.search(r"'accuracy': ([\d.]+)", done.stdout)
    assert accuracy is not None and float(accuracy[1]) > 0.85
