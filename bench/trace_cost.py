"""What it costs to keep every gate: `trace` against a forward pass of the same network, both on the same engine.

    python bench/trace_cost.py

Both begin with the network as plain data, and pack its weights anew; a served model's forward pass, which keeps them
packed, stands beside them. All run in turns, from NumPy inputs to NumPy answers, and the ratio is the median of the
rounds' ratios.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np

import latchwork as lw
from latchwork.core.network import NetworkData
from latchwork.runtime import NumpyNetwork

ROUNDS = 31
SECONDS = 0.05  # of calls in a round, at least

CASES: dict[str, tuple[list[Any], tuple[int, int]]] = {
    "the article's LSTM(30), 28 rows": ([lw.LSTM(30), lw.Dense(10)], (28, 28)),
    "LSTM(128), 28 rows": ([lw.LSTM(128), lw.Dense(10)], (28, 28)),
    "GRU(128), 28 rows": ([lw.GRU(128), lw.Dense(10)], (28, 28)),
    "LSTM(128), 100 steps of 64, every answer": ([lw.LSTM(128, return_sequences=True), lw.Dense(64)], (100, 64)),
}


def seconds_of(call: Callable[[], Any]) -> float:
    """Mean seconds of a call, over enough of them to time."""
    began, calls = time.perf_counter(), 0
    while time.perf_counter() - began < SECONDS:
        call()
        calls += 1
    return (time.perf_counter() - began) / calls


def main() -> None:
    results = []
    for name, (layers, shape) in CASES.items():
        network = NetworkData.build(lw.Sequential(layers), shape)
        served = NumpyNetwork(network.spec, network.parameters)
        for batch in (1, 128):
            inputs = np.random.default_rng(0).random((batch, *shape), np.float32)
            calls = {
                "forward": lambda: NumpyNetwork(network.spec, network.parameters)(inputs),  # noqa: B023
                "trace": lambda: lw.trace(network, inputs),  # noqa: B023
                "served": lambda: served(inputs),  # noqa: B023
            }
            for call in calls.values():
                call()
            rounds = [{kind: seconds_of(call) for kind, call in calls.items()} for _ in range(ROUNDS)]
            line = {"network": name, "batch": batch, "engine": os.environ.get("LATCHWORK_ENGINE", "auto")}
            line |= {f"{kind}_us": round(1e6 * median(each[kind] for each in rounds), 1) for kind in calls}
            line["ratio"] = round(median(each["trace"] / each["forward"] for each in rounds), 2)
            results.append(line)
            print(json.dumps(line), flush=True)
    print(f"largest ratio: {max(line['ratio'] for line in results)}")


if __name__ == "__main__":
    main()
