"""Run as a program: what the runtime answers of every job, in a process where JAX cannot be imported."""

from __future__ import annotations

import sys
import wave
from importlib.abc import MetaPathFinder
from pathlib import Path
from typing import Any

import numpy as np


class NoJax(MetaPathFinder):
    """Whoever asks for these is told no."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        if name.partition(".")[0] in {"jax", "jaxlib", "equinox", "optax"}:
            raise AssertionError(f"{name} was imported")


def answers_of(folder: Path) -> dict[str, np.ndarray]:
    """By what was asked."""
    from made_models import LENGTHS, RATE, X, months, sound, tokens_of

    from latchwork import runtime

    sequences = {job: runtime.load(folder / f"{job}.latch") for job in ("classification", "regression")}
    classifier, regressor = sequences.values()
    text, speech = (runtime.load(folder / f"{job}.latch") for job in ("text", "speech"))
    tokens = tokens_of(text)
    found = {
        "classification": classifier.predict_proba(X, LENGTHS),
        "regression": regressor.predict(X, LENGTHS),
        "text": text.predict(tokens),
    }
    for name, model, steps in (
        ("classification", classifier, X), ("regression", regressor, X), ("text", text, tokens),
    ):  # fmt: skip
        state = model.initial_state(len(steps))
        for at in range(steps.shape[1]):
            found[f"{name} step"], state = model.step(steps[:, at], state)
    found["written"] = np.array("".join(text.write("the ", 60, seed=1)))
    found["bits"] = np.array(text.bits_per_character("the cat sat on the mat"))
    found["suggested"] = np.array(runtime.load(folder / "keyboard.latch").keyboard().suggest("the cat s"))
    found["heard"] = np.log([heard.probability for heard in speech.listen([sound(1), sound(2)], RATE)])
    said = runtime.load(folder / "forecasting.latch")
    found["forecast"] = np.stack([said.predict().mean[0], said.predict().low[80][0], said.network_forecast()[0]])
    found["known ahead"] = said.predict(covariates={"offer": np.ones(6)}).mean
    said.update(months(99))
    found["updated"] = np.stack([said.predict().mean[0], said.network_forecast()[0]])
    return found


def run_commands(folder: Path) -> None:
    """Every command that only answers, on files beside the models."""
    from made_models import RATE, X, months, sound

    from latchwork.cli.main import run

    table = months(99)
    rows = [f"{month},{sales},{offer}" for month, sales, offer in zip(*table.values(), strict=True)]
    (folder / "new.csv").write_text("\n".join([",".join(table), *rows]))
    (folder / "text.txt").write_text("the cat sat on the hill\n" * 20)
    np.savez(folder / "sequences.npz", X=X, y=np.array(list("abcabc")))
    with wave.open(str(folder / "take.wav"), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes((sound(1) * 32767).clip(-32768, 32767).astype("<i2").tobytes())
    for command in (
        "classify predict classification.latch sequences.npz", "classify test classification.latch sequences.npz",
        "text write text.latch --length 20", "text suggest keyboard.latch --context the", "info text.latch",
        "text test text.latch text.txt", "speech transcribe speech.latch take.wav",
        "forecast forecasting.latch --update new.csv --out out",
    ):  # fmt: skip
        words = [str(folder / word) if "." in word or word == "out" else word for word in command.split()]
        assert run([*words, "--json"]) == 0, command


if __name__ == "__main__":
    sys.meta_path.insert(0, NoJax())
    np.savez(sys.argv[2], **answers_of(Path(sys.argv[1])))
    if sys.argv[3:] == ["--commands"]:
        run_commands(Path(sys.argv[1]))
