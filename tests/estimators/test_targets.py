"""A label at every step, and several labels a sequence: trained, saved, served, measured."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import latchwork as lw
from latchwork import runtime
from latchwork.cli.main import run
from latchwork.core.errors import InputError

ROWS, TIME = 40, 12
RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(ROWS, TIME, 1)).astype(np.float32)
RUNNING = np.where(np.cumsum(X[..., 0], axis=1) > 0, "above", "below")  # needs all steps before
LENGTHS = RANDOM.integers(3, TIME + 1, ROWS)
OPTIONS: dict[str, Any] = {"batch_size": 8, "learning_rate": 0.02, "progress": "none"}


def tagger(**options: Any) -> lw.SequenceClassifier:
    network = lw.Sequential([lw.GRU(8, return_sequences=True), lw.Dense(2)])
    return lw.SequenceClassifier(network, **OPTIONS | {"epochs": 40, "targets": "steps"} | options)


def test_a_label_at_every_step(tmp_path: Path):
    ragged = [row[:length] for row, length in zip(X, LENGTHS, strict=True)]
    labels = [row[:length].tolist() for row, length in zip(RUNNING, LENGTHS, strict=True)]
    padded = np.where(np.arange(TIME) < LENGTHS[:, None], RUNNING, "")
    model = tagger().fit(ragged, labels)
    figures = model.evaluate(ragged, labels)
    assert figures["accuracy"] > 0.9 and figures["n"] == LENGTHS.sum() and model.classes_.tolist() == ["above", "below"]
    answers = model.predict(ragged)
    assert [len(row) for row in answers] == LENGTHS.tolist()
    right = np.concatenate([given == truth for given, truth in zip(answers, labels, strict=True)])
    assert right.mean() == pytest.approx(figures["accuracy"])
    again = tagger().fit(X, padded, LENGTHS)
    assert again.evaluate(X, padded, LENGTHS)["accuracy"] > 0.9
    model.save(tmp_path / "m.latch")
    opened = runtime.load(tmp_path / "m.latch")
    assert opened.evaluate(ragged, labels) == figures == lw.load(tmp_path / "m.latch").evaluate(ragged, labels)
    state = opened.initial_state(batch=ROWS)
    for step in range(TIME):
        probabilities, state = opened.step(X[:, step], state)
        np.testing.assert_allclose(probabilities, opened.predict_proba(X)[:, step], atol=1e-5)


def test_steps_without_a_label_count_nowhere():
    some = RUNNING.copy()
    some[:, ::2] = ""
    numbers = np.where(some == "", -1, np.where(some == "above", 1, 0))
    for labels in (some, numbers, np.where(some == "", np.nan, numbers.astype(float))):
        model = tagger().fit(X, labels)
        assert model.evaluate(X, labels)["n"] == ROWS * TIME // 2 and model.evaluate(X, labels)["accuracy"] > 0.9


def test_several_labels(tmp_path: Path):
    truth = np.stack([X[:, 0, 0] > 0, X[:, -1, 0] > 0, X.max(axis=(1, 2)) > 1.5], axis=1).astype(int)
    network = lw.Sequential([lw.Bidirectional(lw.GRU(8, return_sequences=True)), lw.Pooling(("first", "last", "max")),
                             lw.Dense(3)])  # fmt: skip
    model = lw.SequenceClassifier(network, targets="labels", **OPTIONS | {"epochs": 60}).fit(X, truth)
    figures = model.evaluate(X, truth)
    assert figures["label_accuracy"] > 0.9 and figures["accuracy"] == (model.predict(X) == truth).all(axis=1).mean()
    probabilities = model.predict_proba(X)
    assert probabilities.shape == (ROWS, 3) and not np.allclose(probabilities.sum(axis=1), 1)
    model.save(tmp_path / "m.latch")
    np.testing.assert_array_equal(runtime.load(tmp_path / "m.latch").predict(X), model.predict(X))
    np.testing.assert_array_equal(lw.load(tmp_path / "m.latch").predict_proba(X), probabilities)


def test_a_recipe_for_steps_is_chosen(monkeypatch: pytest.MonkeyPatch):
    from latchwork.estimators import recipe

    designs = recipe.designs
    monkeypatch.setattr(recipe, "designs", lambda *given: dict(list(designs(*given).items())[:1]))
    model = lw.SequenceClassifier(targets="steps", epochs=3, progress="none").fit(X, RUNNING)
    assert model.predict(X).shape == (ROWS, TIME) and model.comparison_ is None


@pytest.mark.parametrize(
    ("options", "answers", "words"),
    [
        ({"targets": "steps"}, RUNNING[:, :-1], "sequence 0 has 12 steps and 11 labels"),
        ({"targets": "steps"}, RUNNING[:, 0], r"labels at every step are \(batch, time\)"),
        ({"targets": "steps"}, np.full((ROWS, TIME), "a"), "are all alike"),
        ({"targets": "labels"}, RUNNING, "0 and 1 of each"),
        ({"targets": "steps", "class_weight": "balanced"}, RUNNING, "class_weight is for one label a sequence"),
        ({"targets": "steps", "best": True}, RUNNING, "compare and best are for one label a sequence"),
        ({"targets": "words"}, RUNNING, "targets must be sequence, steps or labels"),
        ({"targets": None}, RUNNING, "labels at every step are for targets='steps'"),
    ],
)
def test_targets_that_do_not_fit_are_refused(options: dict[str, Any], answers: Any, words: str):
    with pytest.raises(InputError, match=words):
        tagger(**{"epochs": 1} | options).fit(X, answers)


def test_the_command_tags(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any):
    monkeypatch.chdir(tmp_path)
    places = [(at, step) for at in range(ROWS) for step in range(LENGTHS[at])]
    rows = [f"s{at},{step},{X[at, step, 0]:.6f},{RUNNING[at, step]}" for at, step in places]
    Path("beats.csv").write_text("series,time,value,label\n" + "\n".join(rows) + "\n")
    options = "--cell gru --units 8 --epochs 40 --batch-size 8 --rate 0.02 -q"
    assert run(f"classify train beats.csv --targets steps --out m.latch {options}".split()) == 0
    assert run(["classify", "test", "m.latch", "beats.csv", "--json"]) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert found["accuracy"] > 0.9 and found["n"] == len(rows)
    assert run(["classify", "predict", "m.latch", "beats.csv", "--out", "answers.csv"]) == 0
    lines = Path("answers.csv").read_text().splitlines()
    assert lines[0] == "sequence,step,label,probability" and len(lines) == len(rows) + 1
    assert run(f"classify train beats.csv --out n.latch {options}".split()) == 2
    assert "with --targets steps one at every step" in capsys.readouterr().err
