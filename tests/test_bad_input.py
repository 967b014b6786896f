"""Whatever is wrong with what a user gives, a command answers in one line and exits with 2."""

import copy
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import latchwork
from latchwork import runtime
from latchwork.cli.main import run
from latchwork.core import storage
from latchwork.core.errors import InputError
from latchwork.core.spec import LSTM, Dense, Sequential

X = np.random.default_rng(0).normal(size=(12, 5, 2)).astype("float32")
Y = np.array(["a", "b"] * 6)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "m.latch"
    network = Sequential([LSTM(3), Dense(2)])
    latchwork.SequenceClassifier(network, epochs=1, progress="none").fit(X, Y).save(path)
    return path


def refusal(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """The one line that a command answers with."""
    capsys.readouterr()
    assert run([str(argument) for argument in arguments]) == 2
    captured = capsys.readouterr()
    lines = captured.err.splitlines()
    assert len(lines) == 1 and lines[0].startswith("latchwork: "), captured.err
    assert "Traceback" not in captured.out
    return lines[0]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.npz", {"X": X[..., 0], "y": Y}, "for one feature use X[..., None]"),
        ("a.npz", {"X": X, "y": Y[:5]}, "12 sequences and 5 labels"),
        ("a.npz", {"X": X, "y": np.array(["a"] * 12)}, "nothing can be told apart"),
        ("a.npz", {"X": np.where(X > 1, np.nan, X), "y": Y}, "is missing"),
        ("a.csv", "", "the file is empty"),
        ("a.csv", "series,time,x,label\na,1,one,b\n", "line 2, column 'x': got 'one' where a finite number"),
        ("a.csv", "when,who\n1,2\n", "expected series, time, features..., label"),
        ("a.ts", "@classLabel true a b\n@data\n1,2:a\n1,x:b\n", "line 4"),
        ("a.xlsx", "PK", "unknown format '.xlsx'"),
        ("missing.ts", None, "no such file"),
    ],
)
def test_bad_data(capsys, tmp_path: Path, name: str, content: Any, reason: str):
    path = tmp_path / name
    if isinstance(content, str):
        path.write_text(content)
    elif content is not None:
        np.savez(path, **content)
    out = tmp_path / "out.latch"
    assert reason in refusal(capsys, "classify", "train", path, "--out", out)
    assert not out.exists()


def test_data_that_do_not_fit_the_model(capsys, tmp_path: Path, model: Path):
    np.savez(tmp_path / "wide.npz", X=np.zeros((3, 4, 5)), y=Y[:3])
    np.savez(tmp_path / "unseen.npz", X=X, y=np.array(["a", "c"] * 6))
    assert "expected 2 features" in refusal(capsys, "classify", "test", model, tmp_path / "wide.npz")
    assert "the label 'c' was not in the training set" in refusal(
        capsys, "classify", "test", model, tmp_path / "unseen.npz"
    )


def test_damaged_models(capsys, tmp_path: Path, model: Path):
    """Flipped bits and cuts at random places: 200 of them, by way of the command."""
    original, path = model.read_bytes(), tmp_path / "damaged.latch"
    generator = random.Random(0)
    for number in range(200):
        damaged = bytearray(original)
        place = generator.randrange(len(damaged))
        if number % 2:
            damaged[place] ^= 1 << generator.randrange(8)
        else:
            del damaged[place:]
        path.write_bytes(damaged)
        refusal(capsys, "info", path)


def test_a_newer_format(capsys, tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch):
    document, tensors = storage.load(model)
    monkeypatch.setattr(storage, "FORMAT", 2)
    storage.save(tmp_path / "newer.latch", document, tensors)
    monkeypatch.setattr(storage, "FORMAT", 1)
    for command in (["info"], ["classify", "predict"]):
        more = [] if command == ["info"] else [tmp_path / "data.npz"]
        np.savez(tmp_path / "data.npz", X=X)
        line = refusal(capsys, *command, tmp_path / "newer.latch", *more)
        assert "format 2 is newer than this latchwork reads (up to 1)" in line


def mutated(document: Any, generator: random.Random) -> Any:
    """The document with one value, somewhere in it, replaced or removed."""
    document = copy.deepcopy(document)
    node, key = None, None
    inner: Any = document
    while isinstance(inner, dict | list) and inner and (node is None or generator.random() < 0.85):
        node, key = inner, generator.choice(list(inner) if isinstance(inner, dict) else range(len(inner)))
        inner = inner[key]
    if node is not None:
        if generator.random() < 0.3:
            del node[key]
        else:
            node[key] = generator.choice([None, -1, 0, 3, 1e9, "x", "", [], {}, [[]], {"kind": "LSTM"}, True])
    return document


def test_a_sound_file_with_a_strange_document_is_opened_or_refused(capsys, tmp_path: Path, model: Path):
    """Somebody else's program may write files with a valid digest: 300 documents, each with one value changed."""
    document, tensors = storage.load(model)
    generator, path = random.Random(0), tmp_path / "strange.latch"
    refused = 0
    for _ in range(300):
        storage.save(path, mutated(document, generator), tensors)
        for opened in (latchwork.load, runtime.load):
            try:
                opened(path).predict(X[:1])
            except InputError as error:
                refused += 1
                assert "\n" not in str(error)
        capsys.readouterr()
        assert run(["info", str(path)]) in (0, 2)
    assert refused > 100
