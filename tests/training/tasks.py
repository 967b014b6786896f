"""A task small enough to train in a test, and the shared pieces that keep the number of compiled programs low."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from latchwork.core.network import NetworkData
from latchwork.core.spec import LSTM, Dense, Dropout, Sequential
from latchwork.training import Data, MeanSquaredError, Optimizer, Supervised
from latchwork.training.progress import NoProgress

ROWS, TIME = 40, 5
SPEC = Sequential([LSTM(4), Dense(1)])
SPEC_WITH_DROPOUT = Sequential([LSTM(4, dropout=0.2, recurrent_dropout=0.1), Dropout(0.3), Dense(1)])
OBJECTIVE = Supervised(MeanSquaredError())
ADAM = Optimizer("adam", learning_rate=0.02)


def rows(count: int = ROWS, seed: int = 0) -> dict[str, np.ndarray]:
    """Remember the first of five numbers."""
    inputs = np.random.default_rng(seed).uniform(-1, 1, (count, TIME, 1)).astype(np.float32)
    return {"inputs": inputs, "targets": inputs[:, 0].copy()}


def data(count: int = ROWS, seed: int = 0, **options: Any) -> Data:
    return Data(rows(count, seed), **options)


def network(spec: Sequential = SPEC, seed: int = 0) -> NetworkData:
    return NetworkData.build(spec, (TIME, 1), seed)


def bits(model: NetworkData) -> list[bytes]:
    return [np.asarray(array).tobytes() for array in model.parameters.values()]


class AfterBlock(NoProgress):
    """Calls something after each block."""

    def __init__(self, call: Callable[[int], None]) -> None:
        self.call = call

    def block(self, step: int, epoch: int, metrics: Mapping[str, float], per_second: float) -> None:
        self.call(step)
