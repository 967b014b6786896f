"""The article's two programs here and in Keras, timed alike: fresh processes in turns, from the call of `fit`.

    python bench/article.py [--rounds 3] [--mnist-seeds 3]     (0 leaves one out)

Needs the `bench` extra. The airline series: `fit` from call to return with an empty compilation cache, and again with
it filled (seconds of the first step beside it). The digits: test accuracy after ten epochs for each seed. One JSON
object on stdout; progress on stderr.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

OURS = """
import json, sys
from latchwork import datasets
from latchwork.article import airline, digits
if sys.argv[1] == "airline":
    result = airline.as_written(*datasets.airline(), seed=int(sys.argv[2]), progress="none")
    figures = {"train_rmse": result.train_rmse, "test_rmse": result.test_rmse, "seconds": result.seconds}
    figures["first_step_seconds"] = result.model.history_.first_step_seconds
else:
    result = digits.as_written(*datasets.mnist(), epochs=10, seed=int(sys.argv[2]), progress="none")
    figures = {"test_accuracy": result.test_accuracy, "seconds": result.seconds}
print(json.dumps(figures))
"""
KERAS = Path(__file__).with_name("keras_article.py")


def ours(program: str, seed: int, cache: str) -> dict[str, float]:
    command = [sys.executable, "-c", OURS, program, str(seed)]
    return json.loads(_output(command, LATCHWORK_CACHE=cache))


def keras(backend: str, program: str, seed: int) -> dict[str, float]:
    command = [sys.executable, str(KERAS), "--only", program, "--seeds", "1", "--first-seed", str(seed)]
    return json.loads(_output(command, KERAS_BACKEND=backend))[program][0]


def _output(command: list[str], **environment: str) -> str:
    print("...", *command[-2:], *environment, file=sys.stderr)
    run = subprocess.run(
        command, check=False, env=os.environ | environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    return run.stdout.decode() if run.returncode == 0 else sys.exit(f"failed: {' '.join(command)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--mnist-seeds", type=int, default=3)
    options = parser.parse_args()

    airline: dict[str, list[dict[str, float]]] = {"ours": [], "ours, cache filled": []}
    for seed in range(options.rounds):
        with tempfile.TemporaryDirectory() as cache:
            airline["ours"].append(ours("airline", seed, cache))
            airline["ours, cache filled"].append(ours("airline", seed, cache))
        for backend in ("jax", "tensorflow"):
            airline.setdefault(f"Keras on {backend}", []).append(keras(backend, "airline", seed))
    mnist: dict[str, list[dict[str, float]]] = {"ours": [], "Keras on jax": []}
    for seed in range(options.mnist_seeds):
        with tempfile.TemporaryDirectory() as cache:
            mnist["ours"].append(ours("mnist", seed, cache))
        mnist["Keras on jax"].append(keras("jax", "mnist", seed))

    def seconds(name: str) -> float:
        return statistics.median(run["seconds"] for run in airline[name])

    results: dict[str, Any] = {"airline": airline, "mnist": mnist}
    if options.rounds:
        peers = [name for name in airline if name.startswith("Keras")]
        results["times faster"] = {name: seconds(name) / seconds("ours") for name in peers}
    print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
