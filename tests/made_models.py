"""A saved model of every job, made without training: what serves it does not ask how its numbers came about."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from latchwork.core import spec, storage
from latchwork.core.network import NetworkData
from latchwork.core.spec import GRU, LSTM, Bidirectional, Dense, Embedding, Sequential
from latchwork.core.table import initial_parameters
from latchwork.forecasting import Forecaster
from latchwork.forecasting.methods.corrector import TENSORS
from latchwork.forecasting.methods.corrector_inputs import corrector_inputs
from latchwork.speech.model import SpeechModel
from latchwork.speech.symbols import Symbols
from latchwork.text.model import TextModel
from latchwork.text.ngram import NGram
from latchwork.transforms.scaling import Scaler
from latchwork.transforms.spectrogram import Spectrogram
from latchwork.transforms.vocabulary import fit_vocabulary

TEXT = "the cat sat on the mat and the dog ran up the hill to see the sun\n" * 30
RATE = 8000
TRAINING = {"history": {"epochs": [], "steps": 0, "seconds": 0.0, "stopped": "done", "planned_steps": 0}}
X = np.random.default_rng(0).normal(size=(6, 30, 5)).astype("float32")
LENGTHS = np.array([30, 1, 17, 30, 5, 29])


def tokens_of(text: TextModel) -> np.ndarray:
    """Three rows of token numbers."""
    return np.random.default_rng(0).integers(0, len(text.vocabulary), (3, 20))


def sound(seed: int) -> np.ndarray:
    """A second of noise and tones."""
    rng = np.random.default_rng(seed)
    time = np.arange(RATE) / RATE
    return (0.3 * np.sin(2 * np.pi * rng.uniform(100, 900) * time) + 0.1 * rng.normal(size=RATE)).astype(np.float32)


def months(count: int, seed: int = 0, start: str = "2010-01") -> dict[str, np.ndarray]:
    """A table of monthly sales and of a covariate that is known in advance."""
    rng, steps = np.random.default_rng(seed), np.arange(count)
    sales = 100 + steps + 20 * np.sin(2 * np.pi * steps / 12) + rng.normal(0, 3, count)
    return {"month": np.datetime64(start) + steps, "sales": sales, "offer": rng.integers(0, 2, count).astype(float)}


def write_every_job(folder: Path) -> None:
    """`classification.latch` and so on."""
    for job in ("classification", "regression"):
        _write_sequences(folder / f"{job}.latch", job)
    _write_text(folder / "text.latch", "char")
    _write_text(folder / "keyboard.latch", "word")
    _write_speech(folder / "speech.latch")
    _write_forecaster(folder / "forecasting.latch")


def random_parameters(network: Sequential, seed: int = 0) -> dict[str, np.ndarray]:
    """Such that every layer says something."""
    rng = np.random.default_rng(seed)
    return {
        name: array + rng.normal(0, 0.2, array.shape).astype("float32")
        for name, array in initial_parameters(network, seed).items()
    }


def _write_sequences(path: Path, job: str) -> None:
    layers = [LSTM(64, return_sequences=True), GRU(48), Dense(3)]
    network = Sequential(layers).with_input((None, 5))
    tensors = {f"network.{name}": array for name, array in random_parameters(network).items()}
    scalers = {"scaler": Scaler(np.arange(5.0), np.array([2.0, 1, 4, 1, 1]))}
    fitted: dict = {"scaling": "standard", "classes": ["a", "b", "c"]}
    if job == "regression":
        scalers["target_scaler"] = Scaler(np.array([100.0, 0, -5]), np.array([7.0, 1, 2]))
        fitted = {"scaling": "standard", "vector": False}
    for name, scaler in scalers.items():
        tensors |= {f"fitted.{name}.{key}": array for key, array in scaler.arrays().items()}
    document = {"job": job, "network": network.to_dict(), "fitted": fitted, "training": TRAINING}
    storage.save(path, document, tensors)


def _write_text(path: Path, units: str) -> None:
    vocabulary = fit_vocabulary(units, [TEXT], 40 if units == "word" else None)
    size = len(vocabulary)
    layers = [Embedding(size, 12), LSTM(48, return_sequences=True), Dense(size)]
    network = Sequential(layers, input_shape=(None,))
    ngram = NGram.fit(vocabulary.encode(TEXT), size, 3, 100_000)
    model = TextModel(vocabulary, NetworkData(network, random_parameters(network)), ngram, 0.3, training=TRAINING)
    document, tensors = model.to_latch()
    storage.save(path, document | {"job": "text"}, tensors)


def _write_speech(path: Path) -> None:
    spectrogram, symbols = Spectrogram(RATE, bands=8), Symbols("word", ("up", "down"))
    layers: list[spec.Layer] = [Bidirectional(LSTM(24, return_sequences=True)), Dense(3)]
    network = Sequential(layers).with_input((None, spectrogram.features))
    scaler = Scaler(np.zeros(spectrogram.features), np.full(spectrogram.features, 2.0))
    data = NetworkData(network, random_parameters(network))
    model = SpeechModel(spectrogram, scaler, symbols, data, training=TRAINING)
    document, tensors = model.to_latch()
    storage.save(path, document | {"job": "speech"}, tensors)


def _write_forecaster(path: Path) -> None:
    """One that uses the average of its network and the rest."""
    options = {"target": "sales", "time": "month", "covariates": ("offer",), "library": False, "train": False}
    fitted = Forecaster(6, **options).fit(months(96))
    rows = corrector_inputs(fitted.result_.end)
    (inputs, known), units, members = (rows.past.shape[2], rows.future.shape[2]), 24, 3
    shapes = {
        "cell.input_weight": (inputs, 4 * units), "cell.hidden_weight": (units, 4 * units), "cell.bias": (4 * units,),
        "context_weight": (units, units), "step_weight": (known, units), "bias": (units,), "output_weight": (units, 1),
    }  # fmt: skip
    rng = np.random.default_rng(1)
    own = {name: rng.normal(0, 0.3, (members, *shape)).astype(np.float32) for name, shape in shapes.items()}
    document, tensors = fitted.to_latch()
    document["fitted"]["used"] = "average"
    storage.save(path, document | {"job": "forecasting"}, tensors | {TENSORS + name: a for name, a in own.items()})
