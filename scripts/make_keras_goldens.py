"""Write tests/goldens/keras_steps.npz: ten training steps of tests/keras/cases.py in Keras, loss by loss.

    KERAS_BACKEND=tensorflow python scripts/make_keras_goldens.py

Of each case: the weights before (`weights.0` ...), the loss and the metrics of each step, of training (`losses`) and of
`evaluate` over all rows afterwards (`evaluated`), the weights after, and what `predict` gives for the first batch.
Needs Keras with TensorFlow; the tests that read the file need neither.
"""

import sys
from pathlib import Path

import keras
import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "keras"))

from cases import BATCH, CASES, STEPS  # noqa: E402


def steps_of(case):
    model, x, y = case
    found = {f"weights.{at}": array for at, array in enumerate(model.get_weights())}
    losses = []
    for step in range(STEPS):
        rows = slice(step * BATCH, (step + 1) * BATCH)
        model.reset_metrics()
        losses.append(np.atleast_1d(model.train_on_batch(x[rows], y[rows])))
    found["losses"] = np.array(losses)
    for layer in model.layers:
        if getattr(layer, "stateful", False):
            layer.reset_state()
    found["evaluated"] = np.atleast_1d(model.evaluate(x, y, batch_size=BATCH, verbose=0))
    for layer in model.layers:
        if getattr(layer, "stateful", False):
            layer.reset_state()
    found["predicted"] = model.predict(x[:BATCH], batch_size=BATCH, verbose=0)
    return found | {f"after.{at}": array for at, array in enumerate(model.get_weights())}


def main():
    arrays = {}
    for number, (name, case) in enumerate(CASES.items()):
        keras.utils.set_random_seed(number)
        arrays |= {f"{name}/{key}": value for key, value in steps_of(case(keras)).items()}
        print(name, arrays[f"{name}/losses"][:, 0].round(4).tolist())
    np.savez_compressed(ROOT / "tests" / "goldens" / "keras_steps.npz", **arrays)


if __name__ == "__main__":
    main()
