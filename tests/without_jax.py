"""Run as a program, `without_jax.py JOB FOLDER`: one job in a process where importing JAX is an error.

Each job trains, saves, loads and answers. To add one, write a function of a folder and put it into `JOBS`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, cast

import numpy as np

FORBIDDEN = ("jax", "jaxlib", "equinox", "optax")
X = np.random.default_rng(0).normal(size=(64, 6, 2))
SIGNS = np.where(X[:, -1, 0] > 0, "up", "down")  # of the last step
NUMBERS = 100 + 10 * X[:, -1, 0]
NEEDS_JAX = "this needs JAX, and jax cannot be imported: install it with pip install 'latchwork[jax]'"
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


def forecaster(folder: Path) -> None:
    import latchwork as lw
    from latchwork import runtime

    steps = np.arange(110)
    sales = 100 * np.exp(0.01 * steps + 0.2 * np.sin(np.pi * steps / 6) + 0.03 * X.ravel()[:110])
    fitted = lw.Forecaster(6, library=False, progress="none").fit(sales)
    assert fitted.history_ is not None and fitted.history_.block == "native" and fitted.history_.steps > 0
    assert "network" in fitted.baselines()
    fitted.save(folder / "model.latch")
    for loaded in (lw.load(folder / "model.latch"), runtime.load(folder / "model.latch")):
        np.testing.assert_array_equal(loaded.predict().mean, fitted.predict().mean)


def forecast_command(folder: Path) -> None:
    table, model = folder / "sales.csv", str(folder / "model.latch")
    months = np.datetime64("2010-01") + np.arange(110)
    sales = 100 * np.exp(0.2 * np.sin(np.pi * np.arange(110) / 6) + 0.03 * X.ravel()[:110])
    table.write_text("month,sales\n" + "\n".join(f"{m},{v}" for m, v in zip(months, sales, strict=True)))
    out = ("--out", str(folder / "out"))
    command("forecast", str(table), "--no-library", "--horizon", "6", "--save", model, *out)
    command("forecast", model, "--update", str(table), *out)


def classify_command(folder: Path) -> None:
    data, model = str(folder / "data.npz"), str(folder / "model.latch")
    np.savez(data, X=X, y=SIGNS)
    command("classify", "train", data, "--out", model, "--cell", "rnn", "--units", "4", "--epochs", "2")
    command("classify", "test", model, data)
    command("classify", "predict", model, data)
    command("info", model, "--engine")


def looking_inside(folder: Path) -> None:
    import latchwork as lw

    fitted = lw.SequenceClassifier(lw.Sequential([lw.GRU(4), lw.Dense(2)]), **OPTIONS).fit(X, SIGNS)
    assert lw.trace(fitted, X[0])["update"].shape == (6, 4)
    assert lw.influence(fitted, X[0], output=1).completeness_error < 0.002
    assert 1 <= lw.memory_horizon(fitted, X).by_cutting <= 6
    assert len(lw.neurons(fitted, X)) == 4
    fitted.history_.plot()
    fitted.save(folder / "model.latch")
    command("explain", str(folder / "model.latch"), "--out", str(folder / "page.html"))


def roommate_command(folder: Path) -> None:
    command("roommate", "--out", str(folder))


def memory(folder: Path) -> None:
    from latchwork.explain.memory import Plan, measure_memory
    from latchwork.explain.memory_picture import draw_memory
    from latchwork.explain.memory_tasks import TASKS, Recall
    from latchwork.explain.memory_training import Training

    plan = Plan(distances=(2,), seeds=2, training=Training(steps=150, units=12))
    found = measure_memory(Recall(3), "GRU", plan, checkpoint=folder)
    assert found.accuracy.min() > 0.95 and found.histories[0].block == "native"
    assert measure_memory(TASKS["adding"], "LSTM", plan).accuracy.shape == (2, 1)
    draw_memory({"GRU": found}, plan, Recall(3))


def article_command(folder: Path) -> None:
    command("article", "--as-written", "--epochs", "1", "--out", str(folder))


def speech_command(folder: Path) -> None:
    """Tones that rise and fall, as recordings of two words."""
    import wave

    recordings, model = folder / "recordings", str(folder / "model.latch")
    recordings.mkdir()
    rng = np.random.default_rng(0)
    for take in range(24):
        word, pitch = ("up", np.linspace(300, 900, 2400)) if take % 2 else ("down", np.linspace(900, 300, 2400))
        sound = 0.5 * np.sin(2 * np.pi * np.cumsum(pitch) / 8000) + 0.003 * rng.normal(size=2400)
        with wave.open(str(recordings / f"{word}_ann_{take}.wav"), "wb") as file:
            file.setparams((1, 2, 8000, 0, "NONE", ""))
            file.writeframes((32767 * sound).astype("<i2").tobytes())
    command("speech", "train", str(recordings), "--out", model, "--hidden", "8", "--epochs", "2")
    command("speech", "test", model, str(recordings))
    command("speech", "transcribe", model, str(recordings / "up_ann_1.wav"))

    import latchwork as lw

    fitted = lw.SpeechRecognizer(hidden=8, steps=3, progress="none").fit(recordings)
    assert fitted.history_.block == "native" and np.isfinite(fitted.history_.last("loss"))


def language_models(folder: Path) -> None:
    """Of characters and of words: the last layer tied to the embedding, states carried, a checkpoint gone on from."""
    import latchwork as lw

    lines = np.random.default_rng(0).choice(["the cat sat on the mat", "a dog ran up the hill", "we ran"], 300)
    for units in ("char", "word"):
        options: dict[str, Any] = {"hidden": 16, "steps": 40, "progress": "none", "checkpoint": folder / units}
        fitted = lw.LanguageModel(units, **options).fit("\n".join(lines))
        assert fitted.history_.block == "native" and fitted.model_.tied == (units == "word")
        bits = fitted.history_.column("val_bits")
        assert bits[-1] < bits[0]
        fitted.save(folder / "model.latch")
        loaded = cast("Any", lw.load(folder / "model.latch"))
        assert loaded.bits_per_character("the cat ran") == fitted.bits_per_character("the cat ran")
        again = lw.LanguageModel(units, **options).fit("\n".join(lines))
        assert again.history_.steps == fitted.history_.steps
        refuses_network_in_jax(fitted)


def text_command(folder: Path) -> None:
    text, model = folder / "text.txt", str(folder / "model.latch")
    text.write_text("a cat sat on a mat\n" * 400)
    command("text", "train", str(text), "--out", model, "--steps", "5", "--hidden", "8")
    command("text", "test", model, str(text))


def answers_alike(fitted: Any, path: Path) -> None:
    """A fitted estimator and its file say the same."""
    import latchwork as lw
    from latchwork import runtime

    fitted.save(path)
    loaded = cast("Any", lw.load(path))
    np.testing.assert_array_equal(loaded.predict(X), fitted.predict(X))
    np.testing.assert_array_equal(runtime.load(path).predict(X), fitted.predict(X))
    assert type(loaded) is type(fitted) and loaded.history_ == fitted.history_


def refuses_network_in_jax(fitted: Any) -> None:
    """And says what to do, in one line."""
    import latchwork as lw

    try:
        _ = fitted.network_
    except lw.InputError as error:
        assert str(error) == NEEDS_JAX
    else:
        raise AssertionError("network_ was made without JAX")


def command(*words: str) -> None:
    """Run a command of `latchwork`."""
    from latchwork.cli.main import run

    assert run([*words, "--quiet", "--json"]) == 0, words


JOBS = {
    each.__name__: each
    for each in (
        classifier,
        chosen_classifier,
        regressor,
        chosen_regressor,
        augmented_images,
        classify_command,
        forecaster,
        forecast_command,
        looking_inside,
        roommate_command,
        memory,
        speech_command,
        article_command,
        language_models,
        text_command,
    )
}

if __name__ == "__main__":
    modules: dict[str, Any] = sys.modules
    modules |= dict.fromkeys(FORBIDDEN)  # whoever imports it is told that there is no such module
    JOBS[sys.argv[1]](Path(sys.argv[2]))
    assert "jaxtyping" not in sys.modules
