"""Write what Keras gives for tests/keras: tests/goldens/keras_steps.npz and keras_scripts.json.

    KERAS_BACKEND=tensorflow python scripts/make_keras_goldens.py steps [CASE ...]
    KERAS_BACKEND=tensorflow python scripts/make_keras_goldens.py scripts

`steps`: of each case of tests/keras/cases.py the weights before (`weights.0` ...), the loss and the metrics of each of
ten training steps (`losses`) and of `evaluate` over all rows afterwards (`evaluated`), the weights after, and what
`predict` gives for the first batch. `scripts`: of each script of tests/keras/scripts its result with three seeds; those
that are in the file already are not run again. Needs Keras with TensorFlow; the tests that read the files need neither.
"""

import json
import sys
from pathlib import Path

import keras
import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "keras"))

from cases import BATCH, CASES, STEPS  # noqa: E402
from running import FOLDER, SCRIPTS, run  # noqa: E402

SEEDS = 3
GOLDENS = ROOT / "tests" / "goldens"


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


def make_steps(*names):
    path = GOLDENS / "keras_steps.npz"
    arrays = dict(np.load(path)) if names else {}
    for number, (name, case) in enumerate(CASES.items()):
        if names and name not in names:
            continue
        keras.utils.set_random_seed(number)
        arrays |= {f"{name}/{key}": value for key, value in steps_of(case(keras)).items()}
        print(name, arrays[f"{name}/losses"][:, 0].round(4).tolist(), flush=True)
    np.savez_compressed(path, **arrays)


def make_scripts():
    path = GOLDENS / "keras_scripts.json"
    results = json.loads(path.read_text()) if path.exists() else {}
    for name in SCRIPTS:
        if name in results:
            continue
        text = (FOLDER / "scripts" / f"{name}.txt").read_text()
        # Keras 3 keeps this class in another place.
        text = text.replace("from keras.preprocessing.sequence import TimeseriesGenerator",
                            "from keras.src.legacy.preprocessing.sequence import TimeseriesGenerator")  # fmt: skip
        results[name] = []
        for seed in range(SEEDS):
            keras.utils.set_random_seed(seed)
            results[name].append(float(run(text)["result"]))
        print(name, np.round(results[name], 5).tolist(), flush=True)
        path.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    {"steps": make_steps, "scripts": make_scripts}[sys.argv[1]](*sys.argv[2:])
