"""The simple methods beside the network: what they are, what they score, what becomes of the winner."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.linear_model import Ridge, RidgeCV

import latchwork as lw
from latchwork import runtime
from latchwork.cli.main import run
from latchwork.core.errors import InputError
from latchwork.estimators import baselines as simple
from latchwork.estimators import recipe
from latchwork.estimators.baselines import Task, baselines
from latchwork.estimators.comparison import Comparison, calibration_of, mcnemar, paired
from latchwork.estimators.ridge import STRENGTHS, fit_ridge
from latchwork.runtime.intervals import half_width
from latchwork.transforms.distances import euclidean, resampled, warped
from latchwork.transforms.kernels import CHOICES, RandomKernels
from latchwork.transforms.summaries import NAMES, summaries
from latchwork.transforms.warping import Warping

RANDOM = np.random.default_rng(0)
ROWS, TIME = 48, 24


def waves(count: int = ROWS, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A bump of one of two shapes, anywhere: kernels tell them, levels and ends do not."""
    rng = np.random.default_rng(seed)
    X = rng.normal(0, 0.3, (count, TIME, 1))
    shapes = {"saw": np.linspace(-2, 2, 7), "hill": np.array([-2, 0.67, 2, 0, -2, -0.67, 2.0])}
    labels = np.array(["saw", "hill"] * (count // 2))
    for row, label in enumerate(labels):
        at = rng.integers(0, TIME - 7)
        X[row, at : at + 7, 0] += shapes[label]
    return X, labels


X, Y = waves()
FRESH, TRUTH = waves(200, seed=1)


@pytest.fixture
def one_design(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recipe, "designs", lambda outputs, one_way: {"small": [lw.GRU(4), lw.Dense(outputs)]})
    monkeypatch.setattr(simple, "MOST_KERNEL_FEATURES", 600)


# The methods


def test_kernels_are_convolutions():
    inputs = RANDOM.normal(size=(3, 40, 2)).astype(np.float32)
    kernels = RandomKernels.fit(inputs, None, 2000, seed=0)
    found = kernels.transform(inputs).reshape(3, *kernels.biases.shape)
    for at in (0, 50, 100, len(kernels.pairs) - 1):
        dilation, choice, padded = kernels.pairs[at]
        weights = np.full(9, -1.0)
        weights[CHOICES[choice]] = 2
        signal = np.pad(inputs @ kernels.channels[at], ((0, 0), (4 * dilation, 4 * dilation)))
        output = np.stack(
            [(weights * signal[:, t : t + 8 * dilation + 1 : dilation]).sum(axis=1) for t in range(40)], 1
        )
        output = output if padded else output[:, 4 * dilation : 40 - 4 * dilation]
        shares = (output[:, :, None] > kernels.biases[at]).mean(axis=1)
        np.testing.assert_allclose(found[:, at], shares, atol=0.051)  # a value on a threshold may round to either side
    lengths = np.array([40, 20, 9])
    ragged = RandomKernels.fit(inputs, lengths, 500, seed=0)
    poisoned = np.where(np.arange(40)[:, None] < lengths[:, None, None], inputs, 0)
    longer = np.pad(poisoned, ((0, 0), (0, 30), (0, 0)))
    np.testing.assert_array_equal(ragged.transform(poisoned, lengths), ragged.transform(longer, lengths))


@pytest.mark.parametrize("columns", [4, 80])
def test_ridge_regression_is_scikit_learns(columns: int):
    features, targets = RANDOM.normal(size=(30, columns)), RANDOM.normal(size=(30, 2))
    features = (features - features.mean(axis=0)) / features.std(axis=0)
    found = fit_ridge(features, targets)
    known = Ridge(alpha=found.strength).fit(features, targets)
    np.testing.assert_allclose(found.weight, known.coef_.T, rtol=1e-3, atol=1e-5)
    chosen = RidgeCV(STRENGTHS).fit(features, targets)
    assert chosen.alpha_ == pytest.approx(found.strength)
    one = Ridge(alpha=found.strength).fit(features[1:], targets[1:]).predict(features[:1])[0]
    np.testing.assert_allclose(found.left_out[0], one, rtol=0.05, atol=0.02)  # standardised with the row left out


def test_summaries_and_distances():
    rows = summaries(np.array([[[1.0], [3.0], [2.0], [9.0]]]), np.array([3]))[0]
    assert dict(zip(NAMES, rows.tolist(), strict=False)) == pytest.approx(
        {"mean": 2, "spread": np.sqrt(2 / 3), "lowest": 1, "highest": 3, "first": 1, "last": 2, "slope": 0.5,
         "roughness": 1.5, "quarter": 1.5, "three quarters": 2.5})  # fmt: skip
    a, b = RANDOM.normal(size=(2, 4, 10, 2)).astype(np.float32)
    np.testing.assert_allclose(euclidean(a, b), ((a[:, None] - b) ** 2).sum(axis=(2, 3)), rtol=1e-4)
    np.testing.assert_allclose(np.diag(warped(a, a, 3)), 0)
    expected = np.full((11, 11), np.inf)
    expected[0, 0] = 0
    for i in range(10):
        for j in range(max(0, i - 3), min(10, i + 4)):
            before = min(expected[i, j], expected[i, j + 1], expected[i + 1, j])
            expected[i + 1, j + 1] = ((a[1, i] - b[2, j]) ** 2).sum() + before
    assert warped(a, b, 3)[1, 2] == pytest.approx(expected[10, 10], rel=1e-4)
    assert resampled(np.arange(4.0)[None, :, None], None, 7)[0, :, 0].tolist() == [0, 0.5, 1, 1.5, 2, 2.5, 3]


def test_each_method_is_a_file_that_answers_the_same(tmp_path: Path):
    inputs, targets = X.astype(np.float32), (Y == "saw").astype(np.int32)
    from latchwork.runtime.methods import method_in_file, method_to_file

    for task, answers in ((Task(2, 0), targets), (Task(None, 0), X[:, 0, :].astype(np.float32))):
        fitted = baselines(task, ROWS, 10, (TIME, 1))
        assert len(fitted) == 5
        for fit in fitted.values():
            method = fit({"inputs": inputs, "targets": answers})
            again = method_in_file(*method_to_file(method))
            np.testing.assert_array_equal(again.outputs(inputs[:7], None), method.outputs(inputs[:7], None))


# The comparison


def test_the_tests_over_rows():
    for first, second in ((5, 5), (0, 6), (3, 12), (40, 60)):
        assert mcnemar(first, second) == pytest.approx(binomtest(first, first + second).pvalue)
    assert mcnemar(600, 700) == pytest.approx(binomtest(600, 1300).pvalue, rel=0.05)
    assert mcnemar(0, 0) == 1 == paired(np.zeros(5))
    assert paired(RANDOM.normal(0, 1, 200)) > 0.001 and paired(RANDOM.normal(1, 1, 200)) < 1e-6
    bins = calibration_of(np.linspace(0.5, 1, 10), np.arange(10) > 4)
    assert [row["n"] for row in bins] == [2] * 5 and bins[0]["right"] == 0 and bins[-1]["right"] == 1


@pytest.mark.usefixtures("one_design")
def test_what_won_answers_and_is_served_without_jax(tmp_path: Path):
    model = lw.SequenceClassifier(epochs=2, best=True, progress="none").fit(X, Y)
    found = model.comparison_
    assert found is not None and found.winner == "kernels" and found.rows == ROWS
    assert {"majority", "summaries", "nearest", "nearest_warped", "kernels"} == found.baselines.keys()
    assert "kernels" in found.verdict and "McNemar" in found.verdict and np.sum(found.confusion) == ROWS
    assert model.score(FRESH, TRUTH) > 0.9 and model.predict_proba(FRESH).shape == (200, 2)
    path = tmp_path / "m.latch"
    model.save(path)
    copy = lw.load(path)
    assert copy.comparison_ == found and isinstance(found, Comparison)
    np.testing.assert_array_equal(copy.predict_proba(FRESH), model.predict_proba(FRESH))
    code = f"""
import sys
sys.modules["jax"] = None
import numpy as np
from latchwork import runtime
model = runtime.load({str(path)!r})
print(model.predict(np.load({str(tmp_path / "X.npy")!r}))[:3].tolist(), "latchwork.estimators.sequence" in sys.modules)
"""
    np.save(tmp_path / "X.npy", FRESH)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"{model.predict(FRESH)[:3].tolist()} False"
    opened = runtime.load(path)
    with pytest.raises(InputError, match="no network but random convolution kernels"):
        opened.initial_state()
    with pytest.raises(InputError, match="no network"):
        _ = model.network_


def test_the_smallest_trial_has_every_class_too():
    classes = np.repeat(np.arange(9), 30)
    parts = recipe.parts_of(270, 270, 0, classes)
    slow = recipe.Budget(1e-6, 0.5)
    few, epochs, names = recipe._affordable(slow, 10.0, parts, 30, ["a", "b"])
    assert (len(few), epochs, names) == (1, 1, ["a"]) and len(few[0][0]) < 60
    for rows in few[0]:
        assert set(classes[rows]) == set(range(9))


@pytest.mark.usefixtures("one_design")
def test_simple_methods_have_time_for_all_folds(monkeypatch: pytest.MonkeyPatch):
    """Where the network is tried on one part alone, which method is best is not left to so few rows."""
    affordable = recipe._affordable
    monkeypatch.setattr(recipe, "_affordable", lambda *given: (affordable(*given)[0][:1], 2, ["small"]))
    found = lw.SequenceClassifier(progress="none").fit(X, Y).comparison_
    assert found is not None and found.rows == ROWS // 4
    assert (
        "accuracy_of_all_folds" in found.figures["kernels"] and "accuracy_of_all_folds" not in found.figures["network"]
    )
    best = max(found.baselines, key=lambda name: found.baselines[name]["accuracy_of_all_folds"])
    assert found.winner in ("network", best)


@pytest.mark.usefixtures("one_design")
def test_a_network_that_wins_is_kept():
    rng = np.random.default_rng(3)
    steps = rng.normal(size=(120, 8, 1))
    parity = (steps[:, :2, 0] > 0).sum(axis=1) % 2  # no weighted sum of summaries tells it
    model = lw.SequenceClassifier(epochs=60, learning_rate=0.02, best=True, progress="none").fit(steps, parity)
    assert model.comparison_ is not None and (model.comparison_.winner == "network") == hasattr(model.model_, "network")


def test_a_network_of_ones_own_is_compared_on_validation_rows():
    network = lw.Sequential([lw.GRU(4), lw.Dense(2)])
    model = lw.SequenceClassifier(network, epochs=2, validation_share=0.25, compare=True, progress="none").fit(X, Y)
    assert model.comparison_ is not None and model.comparison_.rows == 12
    assert lw.SequenceClassifier(network, epochs=1, progress="none").fit(X, Y).comparison_ is None


@pytest.mark.usefixtures("one_design")
def test_a_recipe_keeps_to_its_budget(monkeypatch: pytest.MonkeyPatch):
    """By a clock that runs thirty thousand times faster in the trials: all that is planned is less."""
    import time

    from latchwork.estimators import trials

    clock = time.monotonic
    began = clock()
    monkeypatch.setattr(trials.time, "monotonic", lambda: began + 30_000 * (clock() - began))
    plain = lw.SequenceClassifier(progress="none", compare=False).fit(X, Y)
    assert plain.recipe_.epochs < recipe.MOST_EPOCHS or plain.recipe_.minutes is not None


# The commands


def as_table(numbers: bool = False) -> str:
    lines = ["series,time,value,label"]
    for row in range(ROWS):
        answer = f"{X[row, :, 0].max():.4f}" if numbers else Y[row]
        lines += [f"s{row},{step},{X[row, step, 0]:.5f},{answer}" for step in range(TIME)]
    return "\n".join(lines) + "\n"


@pytest.mark.usefixtures("one_design")
def test_classify_tells_the_truth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any):
    monkeypatch.chdir(tmp_path)
    Path("waves.csv").write_text(as_table())
    assert run(["classify", "train", "waves.csv", "--out", "m.latch", "--epochs", "2", "--best", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["winner"] == "kernels" and "kernels" in found["verdict"] and found["chosen"].startswith("random conv")
    assert set(found["baselines"]) >= {"majority", "kernels"} and 0 < found["baselines"]["majority"]["accuracy"] < 0.7
    page = Path(found["report"]).read_text()
    assert found["report"] == "latchwork-out/waves/report.html"
    for words in (
        found["verdict"].replace("'", "&#x27;"),
        "Sure and wrong",
        "leaned on",
        "How to reproduce",
        "probability said",
    ):
        assert words in page
    assert run(["classify", "test", "m.latch", "waves.csv", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["accuracy"] > 0.9
    assert run(["info", "m.latch"]) == 0
    assert run(["classify", "train", "waves.csv", "--out", "n.latch", "--epochs", "2"]) == 0
    said = capsys.readouterr().out
    assert "method (* won)" in said and "McNemar" in said


@pytest.mark.usefixtures("one_design")
def test_regress_with_intervals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any):
    monkeypatch.chdir(tmp_path)
    Path("waves.csv").write_text(as_table(numbers=True))
    assert run(["regress", "train", "waves.csv", "--out", "m.latch", "--epochs", "3", "--best", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (
        found["winner"] == "summaries" and found["baselines"]["mean"]["rmse"] > found["baselines"]["summaries"]["rmse"]
    )
    assert run(["regress", "test", "m.latch", "waves.csv", "--json"]) == 0
    tested = json.loads(capsys.readouterr().out)
    assert tested.keys() >= {"rmse", "mae", "r2", "coverage", "n", "seconds"} and tested["r2"] > 0.9
    assert 70 <= tested["coverage"]["80"] <= 100 and tested["coverage"]["95"] >= tested["coverage"]["80"]
    assert run(["regress", "predict", "m.latch", "waves.csv", "--out", "answers.csv"]) == 0
    assert Path("answers.csv").read_text().splitlines()[0] == "sequence,value,lo80,hi80,lo95,hi95"
    assert (
        run(["regress", "test", "m.latch", "waves.csv"]) == 0 and run(["classify", "test", "m.latch", "waves.csv"]) == 2
    )
    assert "holds a model for regression" in capsys.readouterr().err


def test_conformal_intervals_cover_their_share():
    rng = np.random.default_rng(4)
    covered = [(np.abs(rng.standard_t(3, 50)) <= half_width(np.sort(np.abs(rng.standard_t(3, (1, 99)))), 80)).mean()
               for _ in range(200)]  # fmt: skip
    assert abs(np.mean(covered) - 0.80) < 0.02
    with pytest.raises(InputError, match="too few for an interval of 95 %"):
        half_width(np.ones((1, 10)), 95)
    model = lw.SequenceRegressor(lw.Sequential([lw.GRU(2), lw.Dense(1)]), epochs=1, progress="none").fit(X, X[:, 0, 0])
    with pytest.raises(InputError, match="this regressor has no intervals"):
        model.predict_interval(X)


def test_changed_copies_are_like_their_originals():
    inputs = np.cumsum(RANDOM.normal(size=(5, 60, 2)), axis=1).astype(np.float32)
    lengths = np.array([60, 30, 10, 2, 1])
    inputs[np.arange(60) >= lengths[:, None]] = 0
    changed = Warping().copies(inputs, lengths, seed=1)
    assert (changed[np.arange(60) >= lengths[:, None]] == 0).all() and not (changed == inputs).all(axis=(1, 2)).any()
    assert np.corrcoef(changed[0, :, 0], inputs[0, :, 0])[0, 1] > 0.9
    np.testing.assert_array_equal(changed, Warping().copies(inputs, lengths, seed=1))
