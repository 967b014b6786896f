"""A training run in a process of its own, to be killed, interrupted, or compared with another one bit by bit.

`worker.py HIDDEN CLASSES [CHECKPOINT]` says `ready` when it is about to train, and at the end the SHA-256 of its
weights and of its figures.
"""

from __future__ import annotations

import hashlib
import json
import sys

import numpy as np

from latchwork.core.network import NetworkData
from latchwork.core.spec import LSTM, Dense, Dropout, Sequential
from latchwork.training import Accuracy, Data, Optimizer, SoftmaxCrossEntropy, Supervised, fit, trainer

ROWS, TIME, FEATURES = 600, 10, 6


def train(hidden: int, classes: int, checkpoint: str | None) -> str:
    rng = np.random.default_rng(hidden + classes)
    inputs = rng.normal(size=(ROWS, TIME, FEATURES)).astype(np.float32)
    targets = rng.integers(0, classes, ROWS, np.int32)
    lengths = rng.integers(3, TIME + 1, ROWS, np.int32)
    rows = {"inputs": inputs, "targets": targets, "lengths": lengths}
    network = Sequential([LSTM(hidden, dropout=0.1), Dropout(0.2), Dense(classes)])
    fitted = fit(
        NetworkData.build(network, (TIME, FEATURES), 1),
        Supervised(SoftmaxCrossEntropy(), (("accuracy", Accuracy()),)),
        Data(rows, chunk_rows=256),
        optimizer=Optimizer("adam", schedule="cosine", warmup=0.1, clip=1.0),
        epochs=6,
        batch_size=32,
        seed=7,
        validation=Data({name: array[:50] for name, array in rows.items()}),
        checkpoint=checkpoint,
        checkpoint_seconds=0.0,
        progress="none",
    )
    digest = hashlib.sha256()
    for name, array in fitted.model.parameters.items():
        digest.update(name.encode() + array.tobytes())
    figures = [{name: value for name, value in row.items() if name != "seconds"} for row in fitted.history.epochs]
    digest.update(json.dumps(figures, sort_keys=True).encode())
    return digest.hexdigest()


if __name__ == "__main__":
    trainer.BLOCK_SECONDS = 0.02  # many blocks, so many checkpoints, in a short run
    for case in sys.argv[1].split(","):
        hidden, classes = map(int, case.split("x"))
        print("ready", flush=True)
        print(case, train(hidden, classes, sys.argv[2] if len(sys.argv) > 2 else None), flush=True)
