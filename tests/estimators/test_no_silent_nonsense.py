"""Ordinary situations that once gave a wrong answer without a word: each is right now, or an error in one line."""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import sklearn
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import GridSearchCV, cross_val_score

import latchwork as lw
from latchwork import datasets, runtime
from latchwork.cli.main import run
from latchwork.core.errors import InputError, LatchworkError
from latchwork.core.initial_values import orthogonal
from latchwork.datasets.roles import Columns
from latchwork.runtime.metrics import regression_figures
from latchwork.training import DivergedError
from latchwork.training.interrupt import Interrupt

ROWS, TIME = 60, 6
RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(ROWS, TIME, 2))
X[..., 1] *= 0.1
Y = np.where(X[:, -1, 0] > 0, "up", "down")


def classifier(**options: Any) -> lw.SequenceClassifier:
    usual: dict[str, Any] = {"epochs": 15, "batch_size": 8, "learning_rate": 0.02, "progress": "none"}
    return lw.SequenceClassifier(lw.Sequential([lw.GRU(6), lw.Dense(2)]), **usual | options)


# Names of columns


def frames(library: str, order: str = "ab") -> list[Any]:
    make = {"pandas": pd.DataFrame, "polars": pl.DataFrame, "pyarrow": pa.table}[library]
    return [make({name: row[:, "ab".index(name)] for name in order}) for row in X]


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_frames_are_put_in_the_order_of_training(library: str, tmp_path: Path):
    model = classifier().fit(frames(library), Y)
    assert model.feature_names_in_.tolist() == ["a", "b"]
    expected = model.predict_proba(frames(library))
    assert (model.predict(frames(library)) == Y).mean() > 0.9
    model.save(tmp_path / "m.latch")
    for one in (model, lw.load(tmp_path / "m.latch"), runtime.load(tmp_path / "m.latch")):
        np.testing.assert_array_equal(one.predict_proba(frames(library, "ba")), expected)
    with pytest.raises(InputError, match=r"X\[0\] has the features b, expected a, b: a is missing"):
        model.predict(frames(library, "b"))
    mixed = [*frames(library)[:1], *frames(library, "ba")[1:]]
    np.testing.assert_array_equal(classifier().fit(mixed, Y).predict_proba(frames(library)), expected)


def test_frames_of_sktime_keep_their_names():
    index = pd.MultiIndex.from_product([range(ROWS), range(TIME)], names=["instance", "time"])
    long = pd.DataFrame(X.reshape(-1, 2), index=index, columns=["a", "b"])
    nested = pd.DataFrame({name: [pd.Series(row[:, at]) for row in X] for at, name in enumerate("ab")})
    model = classifier().fit(long, Y)
    np.testing.assert_array_equal(model.predict_proba(nested[["b", "a"]]), model.predict_proba(long[["b", "a"]]))
    with pytest.raises(InputError, match="says not which of them are a sequence: give an array"):
        model.predict(pd.DataFrame(X[:, :, 0]))


def table(columns: str = "series,time,a,b,label", index: bool = False) -> str:
    frame = pd.DataFrame(
        [(f"s{row}", step, *X[row, step], Y[row]) for row in range(ROWS) for step in range(TIME)],
        columns=["series", "time", "a", "b", "label"],
    )
    return frame[columns.split(",")].to_csv(index=index)


def write(folder: Path, text: str, name: str) -> Path:
    (folder / name).write_text(text)
    return folder / name


def test_a_table_with_its_columns_in_another_order_is_tested_alike(tmp_path: Path, capsys: Any):
    train = write(tmp_path, table(), "train.csv")
    other = write(tmp_path, table("label,b,time,a,series", index=True), "test.csv")
    less = write(tmp_path, table("label,b,time,series"), "less.csv")
    model = tmp_path / "m.latch"
    options = ["--cell", "gru", "--epochs", "15", "--batch-size", "8", "--rate", "0.02", "-q"]
    assert run(["classify", "train", str(train), "--out", str(model), *options]) == 0
    accuracies = []
    for path in (train, other):
        capsys.readouterr()
        assert run(["classify", "test", str(model), str(path), "--json"]) == 0
        accuracies.append(json.loads(capsys.readouterr().out)["accuracy"])
    assert accuracies[0] == accuracies[1] > 0.9
    assert run(["classify", "test", str(model), str(less)]) == 2
    assert "the table has the features b, expected a, b: a is missing" in capsys.readouterr().err


def test_what_was_used_as_what_is_told_before_the_training(tmp_path: Path, capsys: Any):
    text = table().replace("series,time,a,b,label", "who,when,y,junk,what")
    path = write(tmp_path, text, "train.csv")
    out = str(tmp_path / "m.latch")
    options = [
        "--label",
        "what",
        "--series",
        "who",
        "--time",
        "when",
        "--ignore",
        "junk",
        "--cell",
        "gru",
        "--epochs",
        "1",
    ]
    assert run(["classify", "train", str(path), "--out", out, *options]) == 0
    said = capsys.readouterr().out
    assert "label: what; series: who; time: when; features: y; left out: junk" in said
    assert run(["classify", "test", out, str(path)]) == 0  # the model knows which column is what
    assert run(["classify", "train", str(path), "--out", out, "--label", "nothing"]) == 2
    assert "--label nothing: there is no such column" in capsys.readouterr().err


def test_a_column_of_row_numbers_is_no_feature(tmp_path: Path):
    for first in ("", "Unnamed: 0"):
        path = write(tmp_path, first + table(index=True), "t.csv")
        assert datasets.read(path).feature_names == ("a", "b")
    path = write(tmp_path, "series,index,a,label\n0,7,1,x\n0,3,2,x\n1,9,3,y\n1,4,4,y\n", "t.csv")
    assert datasets.read(path).feature_names == ("index", "a")  # it counts nothing


def test_a_feature_called_y_is_no_label(tmp_path: Path):
    steps = [f"s{row},{step},{row + step},{-step},{2 * step}" for row in range(4) for step in range(3)]
    path = write(tmp_path, "series,time,x,y,z\n" + "\n".join(steps), "t.csv")
    data = datasets.read(path, labels_required=False)
    assert data.labels is None and data.feature_names == ("x", "y", "z") and data.inputs[1, 2].tolist() == [3, -2, 4]
    path = write(tmp_path, "series,x,y\na,1,0\na,2,0\nb,3,1\n", "t.csv")
    assert datasets.read(path).labels.tolist() == ["0", "1"]
    named = datasets.read(path, labels_required=False, columns=Columns(known=("x", "y")))
    assert named.labels is None and named.feature_names == ("x", "y")  # a model's own features are no labels


# Numbers


@pytest.mark.parametrize("centre", [1.7e9, 1e12])
@pytest.mark.parametrize("lengths", [None, np.full(ROWS, TIME)], ids=["equal", "with lengths"])
def test_values_far_from_zero_are_centred_before_they_are_rounded(centre: float, lengths: Any, tmp_path: Path):
    far = X * 30 + centre  # seconds
    model = classifier().fit(far, Y, lengths)
    near = classifier().fit(X * 30, Y, lengths)
    assert (
        abs(model.score(far, Y, lengths) - near.score(X * 30, Y, lengths)) < 0.04 and model.score(far, Y, lengths) > 0.9
    )
    model.save(tmp_path / "m.latch")
    opened = runtime.load(tmp_path / "m.latch")
    np.testing.assert_array_equal(opened.predict_proba(far, lengths), model.predict_proba(far, lengths))
    state = opened.initial_state(batch=ROWS)
    for step in range(TIME):
        probabilities, state = opened.step(far[:, step], state)
    np.testing.assert_allclose(probabilities, opened.predict_proba(far), atol=1e-5)


def test_a_table_of_times_keeps_its_digits(tmp_path: Path):
    text = "series,seconds,label\n" + "".join(
        f"{s},{1_700_000_000 + 7 * s + t},{s % 2}\n" for s in range(4) for t in range(3)
    )
    data = datasets.read(write(tmp_path, text, "t.csv"))
    assert data.inputs[3, 2, 0] == 1_700_000_023 and data.inputs.dtype == np.float64


def test_r_squared_is_scikit_learns():
    truth = RANDOM.normal(size=(30, 2)) * [1, 100]
    given = truth + RANDOM.normal(size=(30, 2))
    weight = RANDOM.uniform(size=30)
    assert regression_figures(given, truth)["r2"] == pytest.approx(r2_score(truth, given))
    assert regression_figures(given, truth, weight)["r2"] == pytest.approx(r2_score(truth, given, sample_weight=weight))
    constant = np.full(5, 3.0)
    assert regression_figures(constant, constant)["r2"] == 1 == r2_score(constant, constant)
    assert regression_figures(constant + 1, constant)["r2"] == 0 == r2_score(constant, constant + 1)


def test_scores_are_weighted():
    model, weight = classifier(epochs=1).fit(X, Y), RANDOM.uniform(size=ROWS)
    expected = accuracy_score(Y, model.predict(X), sample_weight=weight)
    assert model.score(X, Y, sample_weight=weight) == pytest.approx(expected)


# Lengths


LENGTHS = RANDOM.integers(2, TIME + 1, ROWS)
PADDED = np.where(np.arange(TIME + 6)[:, None] < LENGTHS[:, None, None], np.pad(X, ((0, 0), (0, 6), (0, 0))), 0)
LAST = np.where(PADDED[np.arange(ROWS), LENGTHS - 1, 0] > 0, "up", "down")


def test_lengths_reach_the_score_by_metadata_routing():
    with sklearn.config_context(enable_metadata_routing=True):
        model = classifier().set_fit_request(lengths=True).set_score_request(lengths=True)
        assert cross_val_score(model, PADDED, LAST, cv=3, params={"lengths": LENGTHS}).mean() > 0.8
        search = GridSearchCV(model, {"learning_rate": [1e-6, 0.02]}, cv=3).fit(PADDED, LAST, lengths=LENGTHS)
        assert search.best_params_ == {"learning_rate": 0.02} and search.best_score_ > 0.8
    with pytest.raises(InputError, match="score takes no length: it takes lengths, sample_weight"):
        classifier().set_score_request(length=True)


def test_padding_is_not_read_as_steps():
    model = classifier().fit(PADDED, LAST, LENGTHS)
    assert model.score(PADDED, LAST, LENGTHS) > 0.8
    with pytest.raises(InputError, match=r"ends in a step of zeros, as padding does.*give lengths"):
        model.score(PADDED, LAST)
    with pytest.raises(ValueError, match="padding"):
        cross_val_score(classifier(epochs=1), PADDED, LAST, cv=2, params={"lengths": LENGTHS}, error_score="raise")
    assert model.predict(X).shape == (ROWS,)  # full sequences need no lengths


# Ctrl-C


def test_ctrl_c_ends_a_search(monkeypatch: pytest.MonkeyPatch):
    entered: list[int] = []
    enter = Interrupt.__enter__

    def press(self: Interrupt) -> Interrupt:
        entered.append(1)
        enter(self)
        if len(entered) == 2:
            signal.raise_signal(signal.SIGINT)
        return self

    monkeypatch.setattr(Interrupt, "__enter__", press)
    model = classifier(epochs=3)
    with pytest.raises(KeyboardInterrupt):
        cross_val_score(model, X, Y, cv=5)
    assert len(entered) == 2
    entered.clear()
    entered.append(1)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y)
    assert model.history_.stopped == "interrupted" and model.predict(X).shape == (ROWS,)  # what was learned is kept


# Options, labels, arguments


@pytest.mark.parametrize("option", [["--units", "7"], ["--dropout", ".9"], ["--both-ways"]])
def test_an_option_that_would_change_nothing_is_refused(option: list[str], tmp_path: Path, capsys: Any):
    path = write(tmp_path, table(), "t.csv")
    assert run(["classify", "train", str(path), "--out", str(tmp_path / "m.latch"), *option]) == 2
    assert f"{option[0]} without --cell changes nothing" in capsys.readouterr().err


@pytest.mark.parametrize("missing", [np.nan, None, "nan", "", " ", pd.NA, "<NA>"], ids=repr)
def test_a_missing_label_is_no_class(missing: Any):
    labels = Y.astype(object)
    labels[7] = missing
    with pytest.raises(InputError, match="the label of row 7 is missing"):
        classifier().fit(X, labels)
    if isinstance(missing, str):
        with pytest.raises(InputError, match="the label of row 7 is missing"):
            classifier().fit(X, labels.astype(str))


def test_blanks_around_a_label_make_no_class():
    labels = np.where(np.arange(ROWS) % 3 == 0, np.char.add(Y, " "), Y)
    model = classifier(epochs=1).fit(X, labels)
    assert model.classes_.tolist() == ["down", "up"]
    assert model.score(X, labels) == model.score(X, Y)


@pytest.mark.parametrize(
    ("answers", "hint"),
    [
        (np.eye(2)[(Y == "up").astype(int)], r"for one-hot rows use y\.argmax\(axis=1\)"),
        (np.array([[1, 1], [0, 1]] * (ROWS // 2)), "several labels a sequence are for targets='labels'"),
        (np.tile(["rest", "move"], (ROWS, TIME // 2)), "labels at every step are for targets='steps'"),
    ],
)
def test_hints_fit_the_mistake(answers: Any, hint: str):
    with pytest.raises(InputError, match=hint):
        classifier().fit(X, answers)


def test_tokens_train_and_answer(tmp_path: Path):
    tokens = RANDOM.integers(0, 5, (ROWS, TIME))
    answers = (tokens == 3).any(axis=1)
    with pytest.raises(InputError, match="for token numbers begin the network with Embedding"):
        classifier().fit(tokens, answers)
    network = lw.Sequential([lw.Embedding(5, 4), lw.GRU(8), lw.Dense(2)])
    model = lw.SequenceClassifier(network, epochs=40, batch_size=8, learning_rate=0.02, progress="none")
    assert model.fit(tokens, answers).score(tokens, answers) > 0.95
    model.save(tmp_path / "m.latch")
    ragged = [row[: 2 + at % 4].tolist() for at, row in enumerate(tokens)]
    opened = runtime.load(tmp_path / "m.latch")
    np.testing.assert_array_equal(opened.predict(tokens), model.predict(tokens))
    assert lw.load(tmp_path / "m.latch").set_params(epochs=1).fit(ragged, answers).predict(ragged).shape == (ROWS,)


def test_a_batch_larger_than_the_rows_is_all_of_them():
    all_rows = classifier(batch_size=ROWS, epochs=2).fit(X, Y).predict_proba(X)
    np.testing.assert_array_equal(classifier(batch_size=10**9, epochs=2).fit(X, Y).predict_proba(X), all_rows)


@pytest.mark.parametrize(("name", "value"), [("LATCHWORK_THREADS", "abc"), ("LATCHWORK_THREADS", "0")])
def test_a_wrong_setting_is_named(name: str, value: str):
    code = (
        "import numpy as np, latchwork as lw\nlw.SequenceClassifier(lw.Sequential([lw.GRU(2), lw.Dense(2)]), epochs=1)"
    )
    code += ".fit(np.zeros((4, 2, 1)), [0, 1, 0, 1])"
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | {name: value}, capture_output=True, text=True, check=False
    )
    assert done.stderr.splitlines()[-1].endswith(f"{name}={value!r}: expected a whole number from 1 to 1024")


# Results


def test_weights_that_overflow_are_not_kept(monkeypatch: pytest.MonkeyPatch):
    """In the last update: no loss has seen them."""
    from latchwork.engines.native.training import NativeSteps

    parameters = NativeSteps.parameters
    calls: list[int] = []

    def overflow(self: Any, state: Any) -> Any:
        calls.append(1)
        found = parameters(self, state)
        return found if len(calls) == 1 else {name: array * np.inf for name, array in found.items()}

    monkeypatch.setattr(NativeSteps, "parameters", overflow)
    model = classifier(steps=40, epochs=None, callbacks=[lambda report: None])
    with pytest.raises(DivergedError, match=r"are not numbers after .*; the weights of step 1, in epoch 1, were kept"):
        model.fit(X, Y)
    assert np.isfinite(model.predict_proba(X)).all()


def test_the_best_epochs_weights_survive_a_loss_that_is_none(tmp_path: Path, capsys: Any):
    model = classifier(optimizer="sgd", learning_rate=lambda step: 0.1 if step < 40 else 1e38, validation_share=0.2)
    with pytest.raises(LatchworkError, match=r"; the weights of epoch \d+ were kept"):
        model.fit(X, Y)
    assert np.isfinite(model.predict_proba(X)).all() and model.history_.stopped == "diverged"


def test_outputs_that_overflow_are_no_answer(tmp_path: Path):
    model = classifier(epochs=1).fit(X, Y)
    data = model.model_.data
    data.parameters["layers.1.bias"][:] = np.inf
    with pytest.raises(LatchworkError, match="outputs for sequence 0 overflow"):
        pickle.loads(pickle.dumps(model.model_)).predict(X)  # packs its weights anew
    model.save(tmp_path / "m.latch")
    with pytest.raises(InputError, match=r"layers\.1\.bias holds numbers that are infinite"):
        runtime.load(tmp_path / "m.latch")


# Surroundings


def test_an_orthogonal_matrix_needs_no_threads(monkeypatch: pytest.MonkeyPatch):
    """LAPACK's wait for each other on a busy machine; the draw is the same."""
    q, r = np.linalg.qr(np.random.default_rng(1).standard_normal((256, 64)))
    expected = (q * np.sign(np.diag(r))).T.astype(np.float32)
    monkeypatch.setattr(np.linalg, "qr", None)
    np.testing.assert_allclose(orthogonal((64, 256), np.random.default_rng(1)), expected, atol=1e-6)


def test_no_folder_to_keep_programs_in_is_no_reason_to_stop(tmp_path: Path):
    code = """
import numpy as np, latchwork as lw
X = np.random.default_rng(0).normal(size=(8, 3, 1))
lw.SequenceClassifier(lw.Sequential([lw.GRU(2), lw.Dense(2)]), epochs=1, progress="none").fit(X, X[:, 0, 0] > 0)
"""
    (tmp_path / "file").write_text("")
    surroundings = {name: value for name, value in os.environ.items() if name not in ("HOME", "XDG_CACHE_HOME")}
    surroundings |= {"LATCHWORK_BLOCK": "xla", "LATCHWORK_CACHE": str(tmp_path / "file" / "cache")}
    done = subprocess.run([sys.executable, "-c", code], env=surroundings, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


MAPPED = """
import resource, sys
import numpy as np, latchwork as lw
X = np.load(sys.argv[1], mmap_mode="r")
y = np.arange(len(X)) % 2
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
lw.SequenceClassifier(lw.Sequential([lw.GRU(2), lw.Dense(2)]), steps=2, progress="none").fit(X[:64], y[:64])
before = peak()
model = lw.SequenceClassifier(lw.Sequential([lw.GRU(2), lw.Dense(2)]), steps=4, progress="none").fit(X, y)
model.predict(X[:600])
print(peak() - before)
"""


def test_mapped_data_stay_on_the_disk(tmp_path: Path):
    """Twice what is read at a time, and not a copy of the whole."""
    mapped = np.lib.format.open_memmap(tmp_path / "X.npy", "w+", np.float32, (12_000, 60, 100))
    mapped[:, 0] = RANDOM.normal(size=(12_000, 100))
    size = mapped.nbytes
    del mapped
    done = subprocess.run(
        [sys.executable, "-c", MAPPED, tmp_path / "X.npy"], capture_output=True, text=True, check=True
    )
    assert size > 270e6 and int(done.stdout) < 120e6


def test_a_one_way_recipe_reads_a_stream(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    from latchwork.estimators import recipe

    few = dict(list(recipe.designs(2, one_way=True).items())[:1])
    monkeypatch.setattr(recipe, "designs", lambda outputs, one_way: few if one_way else {})
    lw.SequenceClassifier(one_way=True, epochs=2, progress="none").fit(X, Y).save(tmp_path / "m.latch")
    model = runtime.load(tmp_path / "m.latch")
    state = model.initial_state(batch=ROWS)
    for step in range(TIME):
        probabilities, state = model.step(X[:, step].astype(np.float32), state)
    np.testing.assert_allclose(probabilities, model.predict_proba(X), atol=1e-5)


# Conventions


def test_seeds_are_drawn_from_what_is_given():
    same = [classifier(epochs=1, random_state=np.random.RandomState(3)).fit(X, Y) for _ in range(2)]
    np.testing.assert_array_equal(same[0].predict_proba(X), same[1].predict_proba(X))
    drawn = [classifier(epochs=1, random_state=None).fit(X, Y) for _ in range(2)]
    assert drawn[0].seed_ != drawn[1].seed_
    again = classifier(epochs=1, random_state=drawn[0].seed_).fit(X, Y)
    np.testing.assert_array_equal(again.predict_proba(X), drawn[0].predict_proba(X))


def test_a_warm_start_goes_on_after_loading_too(tmp_path: Path):
    model = classifier(epochs=3, warm_start=True).fit(X, Y)
    model.save(tmp_path / "m.latch")
    first = model.evaluate(X, Y)["loss"]
    loaded = lw.load(tmp_path / "m.latch").set_params(warm_start=True, epochs=10, learning_rate=0.02, progress="none")
    assert model.fit(X, Y).evaluate(X, Y)["loss"] < first
    assert loaded.fit(X, Y).evaluate(X, Y)["loss"] < first
    assert loaded.classes_.tolist() == ["down", "up"]
    with pytest.raises(InputError, match="warm_start goes on with the network that was trained"):
        model.set_params(network=lw.Sequential([lw.LSTM(3), lw.Dense(2)])).fit(X, Y)


def test_validation_rows_have_every_class():
    labels = np.repeat(["common", "rare"], [50, 10])
    seen: list[Any] = []
    model = classifier(epochs=1, validation_share=0.2, callbacks=[lambda report: seen.append(report.row)])
    training, validation = _parts(model, labels)
    assert np.bincount(validation).tolist() == [10, 2] and np.bincount(training).tolist() == [40, 8]


def _parts(model: lw.SequenceClassifier, labels: Any) -> tuple[Any, Any]:
    from latchwork.estimators.rows import parted

    targets = (labels == "rare").astype(np.int32)
    return tuple(part["targets"] for part in parted({"inputs": X, "targets": targets}, 0.2, 0, targets))


@pytest.mark.parametrize(("count", "words"), [(1, "one class only"), (2, None), (3, None)])
def test_two_rows_are_trained_on_and_one_is_not_enough(count: int, words: str | None):
    model = lw.SequenceClassifier(epochs=1, progress="none")
    labels = np.array(["a", "b", "b"])[:count]
    if words:
        with pytest.raises(InputError, match=words):
            model.fit(X[:count], labels)
    else:
        assert model.fit(X[:count], labels).predict(X[:count]).shape == (count,)
