"""Write tests/fixtures/models: a small trained model of every kind in today's format, with what it answers.

    python scripts/make_old_models.py

Run it when the format gets a new number, into a new folder: the files of old formats are never made again, since the
tests hold later versions to opening them and to giving the same answers.
"""

import sys
from pathlib import Path

import numpy as np

import latchwork as lw
from latchwork.core.table import CELLS

FOLDER = Path(__file__).resolve().parent.parent / "tests" / "fixtures" / "models"
ROWS, TIME, FEATURES = 24, 6, 3
EVERYTHING = [
    lw.LayerNorm(),
    lw.Bidirectional(lw.GRU(4, return_sequences=True, dropout=0.1)),
    lw.Dense(5, "relu"),
    lw.CoupledLSTM(4, return_sequences=True, reverse=True, recurrent_dropout=0.1),
    lw.Pooling(("first", "last", "mean", "max")),
    lw.Dropout(0.2),
    lw.Dense(3),
]


def main():
    FOLDER.mkdir(parents=True)  # refuses to write over old files
    rng = np.random.default_rng(0)
    inputs = rng.normal(2, 3, (ROWS, TIME, FEATURES)).astype(np.float32)
    lengths = rng.integers(2, TIME + 1, ROWS)
    names = np.array(["drift", "rise", "wave"])[np.arange(ROWS) % 3]
    answers = {"inputs": inputs, "lengths": lengths}
    options = {"epochs": 1, "batch_size": 8, "progress": "none"}
    networks = {kind.__name__: [kind(5), lw.Dense(3)] for kind in CELLS} | {"everything": EVERYTHING}
    for name, layers in networks.items():
        model = lw.SequenceClassifier(lw.Sequential(layers), **options).fit(inputs, names, lengths)
        model.save(FOLDER / f"{name}.latch")
        answers[name] = model.predict_proba(inputs, lengths)
    network = lw.Sequential([lw.SimpleRNN(5, activation="relu"), lw.Dense(2)])
    model = lw.SequenceRegressor(network, scaling="minmax", **options).fit(inputs, 50 + inputs[:, 0, :2], lengths)
    model.save(FOLDER / "numbers.latch")
    answers["numbers"] = model.predict(inputs, lengths)
    np.savez_compressed(FOLDER / "answers.npz", **answers)


if __name__ == "__main__":
    sys.exit(main())
