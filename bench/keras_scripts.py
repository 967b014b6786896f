"""The article's two listings, run with Keras on TensorFlow and with `latchwork.keras`: one text but for its imports.

    KERAS_BACKEND=tensorflow python bench/keras_scripts.py [--epochs 10] [--repeats 3] [--only airline|mnist]

Prints one JSON object: of each listing the seconds from the call of `fit` to its return for both (compilation too),
in one process, the median of the repeats, and their ratio. `--epochs` shortens the digits' listing for both alike.
"""

import argparse
import contextlib
import io
import json
import os
import re
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LISTINGS = ROOT / "tests" / "keras" / "listings"
sys.path.insert(0, str(ROOT / "tests" / "keras"))


def run(text: str, models) -> float:
    """Seconds that a listing spends in `fit`."""
    seconds = 0.0
    original = models.Sequential.fit

    def fit(self, *places, **given):
        nonlocal seconds
        started = time.perf_counter()
        history = original(self, *places, **given)
        seconds += time.perf_counter() - started
        return history

    models.Sequential.fit = fit
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            exec(compile(text, "listing", "exec"), {"__name__": "__main__"})
    finally:
        models.Sequential.fit = original
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", choices=["airline", "mnist"])
    options = parser.parse_args()
    import keras
    import matplotlib
    from running import changed

    import latchwork.keras
    from latchwork import datasets

    matplotlib.use("Agg")
    # Keras's loader downloads the digits; both get those that ship with latchwork.
    keras.datasets.mnist.load_data = latchwork.keras.datasets.mnist.load_data
    results: dict[str, object] = {"keras": keras.__version__, "backend": keras.backend.backend()}
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(Path(datasets.__file__).parent / "data" / "AirPassengers.csv", f"{folder}/airline-passengers.csv")
        os.chdir(folder)
        for name in ("airline", "mnist"):
            if options.only not in (None, name):
                continue
            text = (LISTINGS / f"{name}.txt").read_text()
            text = re.sub(r"^epochs = 10$", f"epochs = {options.epochs}", text, flags=re.MULTILINE)
            ours = statistics.median(run(changed(text), latchwork.keras.models) for _ in range(options.repeats))
            theirs = statistics.median(run(text, keras.models) for _ in range(options.repeats))
            results[name] = {"latchwork": ours, "keras": theirs, "ratio": theirs / ours}
        os.chdir(ROOT)
    print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
