"""latchwork itself: `training.fit` to train, `runtime` to answer."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latchwork.bench.cases import Case
from latchwork.bench.peers import Answer
from latchwork.bench.work import Work, save_model
from latchwork.core.errors import InputError, LatchworkError
from latchwork.core.network import NetworkData
from latchwork.engines.plain.server import PlainServer
from latchwork.runtime.numpy_network import NumpyNetwork
from latchwork.training import (
    ConnectionistTemporal,
    Data,
    Loss,
    MeanSquaredError,
    Optimizer,
    SampledCrossEntropy,
    SideBySide,
    SoftmaxCrossEntropy,
    Supervised,
    fit,
)
from latchwork.training.progress import NoProgress

LOSSES: dict[str, Loss] = {
    "squared error": MeanSquaredError(),
    "cross-entropy": SoftmaxCrossEntropy(),
    "labels": ConnectionistTemporal(),
}


class FirstBlock(NoProgress):
    """Notes when the first step is done, counted from the call of `fit`."""

    def __init__(self) -> None:
        """Start the clock."""
        self.began, self.seconds = time.perf_counter(), None

    def block(self, step: int, epoch: int, metrics: Mapping[str, float], per_second: float) -> None:
        """Stop it at the first block, which is one step long."""
        self.seconds = self.seconds or time.perf_counter() - self.began


class Trainer:
    """`training.fit` over the case's steps, in their order."""

    def __init__(self, case: Case, works: list[Work]) -> None:
        """Build the network around the given weights."""
        self.case = case
        loss = LOSSES[case.loss] if case.sampled is None else SampledCrossEntropy(*case.sampled)
        inner = Supervised(loss, carried=case.carried)
        networks = [NetworkData(case.network, work.parameters) for work in works]
        self.many = case.members > 1
        self.objective = SideBySide(inner) if self.many else inner
        self.model = NetworkData.stacked(networks) if self.many else networks[0]
        arrays = {
            "inputs": _rows([work.inputs for work in works], self.many),
            "targets": _rows([work.targets for work in works], self.many),
        }
        if works[0].lengths is not None:
            arrays["lengths"] = works[0].lengths.reshape(-1)
        self.data = Data(arrays, shuffle=False)
        self.optimizer = Optimizer(case.optimizer, learning_rate=case.learning_rate, clip=case.clip)
        self.first_step_seconds: float | None = None

    def first_outputs(self) -> NDArray[Any]:
        """As the runtime gives them."""
        arrays = {name: array[: self.case.batch] for name, array in self.data.arrays.items()}
        inputs, lengths = arrays["inputs"], arrays.get("lengths")
        if not self.many:
            return _outputs(self.model, inputs, lengths)[None]
        return np.stack([_outputs(self.model.member(at), inputs[:, at]) for at in range(self.case.members)])

    def round(self) -> float:
        """Train; a loss that is not a number ends the run, and is what this gives."""
        clock = FirstBlock()
        try:
            fitted = fit(
                self.model, self.objective, self.data, optimizer=self.optimizer, epochs=self.case.epochs,
                batch_size=self.case.batch, progress=clock,
            )  # fmt: skip
        except InputError:
            raise
        except LatchworkError:
            return float("nan")
        self.first_step_seconds = clock.seconds
        self.model = fitted.model
        return float(np.mean(fitted.history.column("loss")))


def answerer(case: Case, work: Work) -> Answer:
    """A saved model, loaded by the runtime."""
    from latchwork import runtime

    with tempfile.TemporaryDirectory() as folder:
        path = save_model(case.network, work.parameters, Path(folder) / "model.latch")
        model = runtime.load(path)
    if case.kind == "sequence":
        inputs = work.inputs[0]
        return lambda: model.outputs(inputs)
    inputs, state = work.inputs[0, :, 0], model.initial_state(case.batch)
    return lambda: model.step(inputs, state)[0]


def _rows(arrays: list[NDArray[Any]], many: bool) -> NDArray[Any]:
    """`[steps * batch, ...]`, or `[steps * batch, members, ...]`."""
    rows = [array.reshape(-1, *array.shape[2:]) for array in arrays]
    return np.stack(rows, axis=1) if many else rows[0]


def _outputs(model: NetworkData, inputs: NDArray[Any], lengths: NDArray[Any] | None = None) -> NDArray[Any]:
    if not np.isfinite(inputs).all():  # the runtime refuses them; training goes through
        return PlainServer(model.spec, model.parameters).run(inputs, lengths)
    return NumpyNetwork(model.spec, model.parameters)(inputs, lengths)
