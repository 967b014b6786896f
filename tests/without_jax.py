"""Run as a program, `without_jax.py JOB FOLDER`: one job in a process where importing JAX is an error.

Each job trains, saves, loads and answers. To add one, write a function of a folder and put it into `JOBS`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

FORBIDDEN = ("jax", "jaxlib", "equinox", "optax", "jaxtyping")
X = np.random.default_rng(0).normal(size=(64, 6, 2))
SIGNS = np.where(X[:, -1, 0] > 0, "up", "down")  # of the last step
NUMBERS = 100 + 10 * X[:, -1, 0]
OPTIONS: dict[str, Any] = {"epochs": 30, "batch_size": 8, "learning_rate": 0.02, "progress": "none"}


def classifier(folder: Path) -> None:
    import latchwork as lw

    layers = [lw.Bidirectional(lw.GRU(4, return_sequences=True)), lw.Pooling(), lw.Dense(2)]
    fitted = lw.SequenceClassifier(lw.Sequential(layers), validation_share=0.2, **OPTIONS).fit(X, SIGNS)
    assert fitted.evaluate(X, SIGNS)["accuracy"] > 0.85
    np.testing.assert_allclose(fitted.predict_proba(X).sum(axis=1), 1, rtol=1e-5)
    answers_alike(fitted, folder / "model.latch")
    refuses_network_in_jax(fitted)


def chosen_classifier(folder: Path) -> None:
    import latchwork as lw

    fitted = lw.SequenceClassifier(progress="none").fit(X, SIGNS)
    assert fitted.evaluate(X, SIGNS)["accuracy"] > 0.85 and len(fitted.recipe_.notes) == 2
    answers_alike(fitted, folder / "model.latch")


def regressor(folder: Path) -> None:
    import latchwork as lw

    fitted = lw.SequenceRegressor(lw.Sequential([lw.LSTM(6), lw.Dense(1)]), **OPTIONS).fit(X, NUMBERS)
    assert fitted.score(X, NUMBERS) > 0.7
    answers_alike(fitted, folder / "model.latch")


def chosen_regressor(folder: Path) -> None:
    import latchwork as lw

    fitted = lw.SequenceRegressor(progress="none").fit(X, NUMBERS)
    assert fitted.score(X, NUMBERS) > 0.7
    answers_alike(fitted, folder / "model.latch")


def augmented_images(folder: Path) -> None:
    import latchwork as lw
    from latchwork.transforms.augmentation import AffineImages

    network = lw.Sequential([lw.LSTM(4), lw.Dense(2)])
    fitted = lw.SequenceClassifier(network, epochs=2, augmentation=AffineImages(), progress="none").fit(X, SIGNS)
    answers_alike(fitted, folder / "model.latch")


def classify_command(folder: Path) -> None:
    data, model = str(folder / "data.npz"), str(folder / "model.latch")
    np.savez(data, X=X, y=SIGNS)
    command("classify", "train", data, "--out", model, "--cell", "rnn", "--units", "4", "--epochs", "2")
    command("classify", "test", model, data)
    command("classify", "predict", model, data)
    command("info", model, "--engine")


def answers_alike(fitted: Any, path: Path) -> None:
    """A fitted estimator and its file say the same."""
    import latchwork as lw
    from latchwork import runtime

    fitted.save(path)
    loaded: Any = lw.load(path)
    np.testing.assert_array_equal(loaded.predict(X), fitted.predict(X))
    np.testing.assert_array_equal(runtime.load(path).predict(X), fitted.predict(X))
    assert type(loaded) is type(fitted) and loaded.history_ == fitted.history_


def refuses_network_in_jax(fitted: Any) -> None:
    """And says what to do, in one line."""
    import latchwork as lw

    try:
        _ = fitted.network_
    except lw.InputError as error:
        assert str(error) == "network_ is the network in JAX: pip install latchwork[jax]"
    else:
        raise AssertionError("network_ was made without JAX")


def command(*words: str) -> None:
    """Run a command of `latchwork`."""
    from latchwork.cli.main import run

    assert run([*words, "--quiet", "--json"]) == 0, words


JOBS = {
    each.__name__: each
    for each in (classifier, chosen_classifier, regressor, chosen_regressor, augmented_images, classify_command)
}

if __name__ == "__main__":
    modules: dict[str, Any] = sys.modules
    modules |= dict.fromkeys(FORBIDDEN)  # whoever imports it is told that there is no such module
    JOBS[sys.argv[1]](Path(sys.argv[2]))
    assert all(sys.modules[name] is None for name in FORBIDDEN)
