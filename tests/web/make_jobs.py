"""Saved models of every job with what Python answers, for the page's engine to be held against.

For each cell: a classifier and a regressor (with the scalers that stand around their networks), and language models of
letters, bytes and words (the last layer tied to the embedding in some). Then forecasters with a trained network. Each
file is an ordinary .latch file with `example.*` and `expected.*` tensors beside the model's own.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np

from latchwork.core import spec, storage
from latchwork.core.table import CELLS as TABLE
from latchwork.forecasting.methods.corrector import Corrector
from latchwork.forecasting.methods.corrector_inputs import Inputs
from latchwork.forecasting.report.shown import PREFIX
from latchwork.runtime.model import Model
from latchwork.transforms.scaling import standard_scaler
from latchwork.transforms.vocabulary import Vocabulary, fit_vocabulary

TIME, FEATURES = 7, 3
TEXT = '我们。The cat sat; the cat\'s hat -- a "big" hat! -- sat too.\nNo-one knew why, did they?\n' * 3
READ = "The hat's cat,  why? No-one knew (yet).\nthe\u0301y zzz हिन्दी 我们。 👍🏽 the猫 «ที่»"

Tensors = dict[str, np.ndarray[Any, Any]]


def parameters_of(network: spec.Sequential, random: np.random.Generator) -> Tensors:
    return {
        f"network.{name}": random.normal(0, 0.7, shape).astype(np.float32)
        for name, shape in network.parameter_shapes().items()
    }


def write(path: Path, document: dict[str, Any], tensors: Tensors, inputs: np.ndarray[Any, Any]) -> None:
    """Save, let the runtime answer, and save again with what it said."""
    storage.save(path, document, tensors)
    model = Model.from_latch(storage.load_model(path))  # the network alone: a text's file has no n-gram here
    answer = model.predict_proba(inputs[None]) if document["job"] == "classification" else model.predict(inputs[None])
    tied = document["fitted"].get("tied")
    kept = {name: array for name, array in tensors.items() if not (tied and name == "network.layers.2.weight")}
    expected = {"example.input": inputs, "expected.answer": np.asarray(answer[0], np.float64).reshape(-1)}
    storage.save(path, document, kept | expected)


def write_series_model(path: Path, cell: type[spec.Recurrent], job: str, random: np.random.Generator) -> None:
    network = spec.Sequential([cell(5), spec.Dense(4)], input_shape=(None, FEATURES))
    tensors = parameters_of(network, random)
    inputs = random.normal(20, 5, (TIME, FEATURES)).astype(np.float32)
    scalers = {"scaler": standard_scaler(random.normal(20, 5, (8, TIME, FEATURES)).astype(np.float32))}
    fitted: dict[str, Any] = {}
    if job == "regression":
        scalers["target_scaler"] = standard_scaler(random.normal(300, 40, (20, 1, 4)).astype(np.float32))
        fitted["vector"] = False
    else:
        fitted["classes"] = ["ant", "bee", "cow", "dog"]
    tensors |= {f"fitted.{name}.{key}": a for name, scaler in scalers.items() for key, a in scaler.arrays().items()}
    write(path, document_of(job, network, fitted), tensors, inputs)


def write_text_model(path: Path, cell: type[spec.Recurrent], units: str, random: np.random.Generator) -> None:
    vocabulary: Vocabulary = fit_vocabulary(units, [TEXT], 60 if units == "word" else None)
    size = len(vocabulary)
    layers = [spec.Embedding(size, 6), cell(6, return_sequences=True), spec.Dense(size)]
    network = spec.Sequential(layers, input_shape=(None,))
    tensors = parameters_of(network, random)
    tied = bool(random.integers(2))
    if tied:
        tensors["network.layers.2.weight"] = np.ascontiguousarray(tensors["network.layers.0.weight"].T)
    start = int(random.integers(0, 12))
    tokens = vocabulary.encode(READ[start:])
    fitted = {"vocabulary": vocabulary.to_dict(), "tied": tied, "ngram_share": 0.0, "read": READ[start:]}
    write(path, document_of("text", network, fitted), tensors, tokens)


def write_forecaster(path: Path, random: np.random.Generator) -> None:
    """A trained network of a forecaster, and its corrections of one row."""
    window, horizon, inputs, known = 24, 12, 6, 10
    first = Corrector.build(inputs, known, 24, range(3)).tensors()
    tensors = {name: random.normal(0, 0.4, array.shape).astype(np.float32) for name, array in first.items()}
    past = random.normal(size=(1, window, inputs)).astype(np.float32)
    future = random.normal(size=(1, horizon, known)).astype(np.float32)
    none = np.zeros((1, horizon))
    corrector = Corrector.from_tensors(tensors)
    assert corrector is not None
    answer = corrector.correct(Inputs(np.zeros(1, int), past, future, none, none, np.ones(1)))[0]
    tensors |= {PREFIX + "past": past, PREFIX + "future": future, "expected.answer": answer}
    storage.save(path, {"job": "forecasting", "network": None, "fitted": {}, "training": {}, "data": {}}, tensors)


def document_of(job: str, network: spec.Sequential, fitted: dict[str, Any]) -> dict[str, Any]:
    return {"job": job, "network": network.to_dict(), "fitted": fitted, "training": {}, "data": {}}


def write_models(folder: Path, count: int) -> None:
    """Write `count` models: the jobs in turn, each over all cells."""
    jobs = ("classification", "regression", "char", "byte", "word", "forecasting")
    for number in range(count):
        job, cell = jobs[number % len(jobs)], list(TABLE)[number // len(jobs) % len(TABLE)]
        random = np.random.default_rng(number)
        path = folder / f"{number:03}-{job}-{cell.__name__}.latch"
        if job in {"classification", "regression"}:
            write_series_model(path, cell, job, random)
        elif job == "forecasting":
            write_forecaster(path, random)
        else:
            write_text_model(path, cell, job, random)


if __name__ == "__main__":
    write_models(Path(sys.argv[1]), int(sys.argv[2]))
