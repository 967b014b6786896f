"""The airline series, 96 months known: one step over the article's 46 months, and twelve months from four origins.

    python bench/forecast_airline.py DATA/series/AirPassengers.csv [--seeds 5] [--no-train]

One step: everything is trained on the first 96 months, then the network's weights and the choice of method are fixed
while the values go on month by month. Twelve months: fitted again at each origin. Nothing here chooses anything: the
defaults do, by a backtest inside the months known at each origin.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np

from latchwork.forecasting.forecaster import Forecaster
from latchwork.forecasting.reading.read import read_panel

KNOWN = 96
FIRST, LAST = (
    97,
    143,
)  # the article's targets: with a look-back of one the test part loses a month at each end


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--no-train", action="store_true")
    options = parser.parse_args()
    panel = read_panel(options.data)
    rows = []
    for seed in range(options.seeds):
        started = time.perf_counter()
        one, used = one_step(panel, seed, not options.no_train)
        twelve, methods = twelve_ahead(panel, seed, not options.no_train)
        rows.append({"seed": seed, "one_step": one, "used": used, "twelve": twelve, "methods": methods})
        rows[-1]["seconds"] = time.perf_counter() - started
        print(json.dumps(rows[-1]), flush=True)
    for key in ("one_step", "twelve"):
        values = [row[key] for row in rows]
        print(f"{key}: median {np.median(values):.2f}, from {min(values):.2f} to {max(values):.2f}")


def one_step(panel, seed: int, train: bool) -> tuple[float, str]:
    fitted = Forecaster(1, train=train, library=False, random_state=seed).fit(panel.until(144 - KNOWN))
    errors = []
    for month in range(KNOWN, LAST):
        said = fitted.update(panel.until(144 - month)).predict().mean[0, 0]
        if month >= FIRST:
            errors.append(said - panel.values[0][month])
    return float(np.sqrt(np.mean(np.square(errors)))), fitted.used_


def twelve_ahead(panel, seed: int, train: bool) -> tuple[float, list[str]]:
    errors, methods = [], []
    for origin in (96, 108, 120, 132):
        fitted = Forecaster(12, train=train, library=False, random_state=seed).fit(panel.until(144 - origin))
        errors.append(fitted.predict().mean[0] - panel.values[0][origin : origin + 12])
        methods.append(fitted.used_)
    return float(np.sqrt(np.mean(np.square(errors)))), methods


if __name__ == "__main__":
    main()
