"""The article's two listings, run with Keras on TensorFlow and with `latchwork.keras`: one text but for its imports.

    KERAS_BACKEND=tensorflow python bench/keras_scripts.py [--epochs 10] [--repeats 3] [--only airline|mnist]

Prints one JSON object: of each listing the seconds from the call of `fit` to its return for both (compilation too),
in one process, the median of the repeats, and their ratio; the same of the processors' seconds. `--epochs` shortens
the digits' listing for both alike.
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


def run(text: str, models) -> tuple[float, float]:
    """Seconds that a listing spends in `fit`: by the clock, and of processors over all threads."""
    seconds, processors = 0.0, 0.0
    original = models.Sequential.fit

    def fit(self, *places, **given):
        nonlocal seconds, processors
        started, worked = time.perf_counter(), time.process_time()
        history = original(self, *places, **given)
        seconds += time.perf_counter() - started
        processors += time.process_time() - worked
        return history

    models.Sequential.fit = fit
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            exec(compile(text, "listing", "exec"), {"__name__": "__main__"})
    finally:
        models.Sequential.fit = original
    return seconds, processors


def compared(ours: list[tuple[float, float]], theirs: list[tuple[float, float]]) -> dict[str, dict[str, float]]:
    """Medians and their ratio; on a machine with other work the processors' seconds are the ones to compare."""
    found = {}
    for at, name in enumerate(("seconds", "processor_seconds")):
        mine, others = (statistics.median(one[at] for one in runs) for runs in (ours, theirs))
        found[name] = {"latchwork": mine, "keras": others, "ratio": others / mine}
    return found


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
            results[name] = compared(
                [run(changed(text), latchwork.keras.models) for _ in range(options.repeats)],
                [run(text, keras.models) for _ in range(options.repeats)],
            )
        os.chdir(ROOT)
    print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
