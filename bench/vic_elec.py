"""Half-hourly electricity demand of Victoria, a day ahead, with temperature and holidays and without.

    python bench/vic_elec.py DATA/series/vic_elec.csv [--days 92] [--seed 0] [--skip 0]

Everything is trained and chosen on what lies before the last 92 days (October to December 2014); the test days are
scored once, each forecast at its start, the weights fixed while the values go on. The temperature of the day ahead is
the one that came, as if its forecast were perfect. MASE divides by the error of seasonal naive (48 half-hours) before
the test. ETS: AutoETS on what MSTL leaves of the last eight weeks (statsforecast); Holt-Winters, ETS(A,Ad,A), is ours.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from latchwork.forecasting.forecaster import Forecaster
from latchwork.forecasting.judging.metrics import mase_unit
from latchwork.forecasting.reading.panel import Panel
from latchwork.forecasting.reading.read import read_panel

DAY = 48
WEEK = 7 * DAY
ETS_PAST = 8 * WEEK
METHODS = {"seasonal_naive": "seasonal_naive", "theta": "theta_linear", "holt_winters": "holt_winters"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--days", type=int, default=92)
    parser.add_argument("--skip", type=int, default=0, help="days before the end to stop at: for choosing, not testing")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    panel = read_panel(options.data, covariates=["Temperature", "Holiday"]).until(DAY * options.skip)
    values = panel.values[0]
    backs = [DAY * day for day in range(options.days, 0, -1)]
    truth = np.array([values[len(values) - back :][:DAY] for back in backs])
    unit = mase_unit(values[: -backs[0]], DAY)
    said: dict[str, np.ndarray] = {}
    for name, known in (("with covariates", panel), ("without covariates", replace(panel, covariates={}))):
        run(name, known, backs, options.seed, said, truth)
    said["week naive"] = np.array([values[len(values) - back - WEEK :][:DAY] for back in backs])
    said["AutoETS after MSTL"] = np.array([ets(values[:-back]) for back in backs])
    for name, forecast in sorted(said.items(), key=lambda item: np.abs(item[1] - truth).mean()):
        away = np.abs(forecast - truth)
        print(f"{name:32} MASE {away.mean() / unit:.3f}   MAPE {100 * (away / truth).mean():.2f} %")


def run(name: str, panel: Panel, backs: list[int], seed: int, said: dict[str, np.ndarray], truth: np.ndarray) -> None:
    started = time.perf_counter()
    known = tuple(panel.covariates)
    model = Forecaster(DAY, covariates=known, library=False, random_state=seed, progress="none")
    fitted = model.fit(panel.until(backs[0]))
    print(json.dumps({"model": name, "used": fitted.used_, "seconds": round(time.perf_counter() - started, 1)}))
    print("  " + fitted.verdict().sentence + " " + "; ".join(fitted.notes_), flush=True)
    rows: dict[str, list[np.ndarray]] = {name: [], f"network {name}": [], f"combination {name}": []}
    rows |= {method: [] for method in METHODS}
    inside = {80.0: [], 95.0: []}
    for day, back in enumerate(backs):
        if day:
            fitted.update(panel.until(back))
        forecast = fitted.predict((80, 95))
        rows[name].append(forecast.mean[0])
        network = fitted.network_forecast()
        rows[f"network {name}"].append(forecast.mean[0] if network is None else network[0])
        rows[f"combination {name}"].append(fitted.answers_.centre[0])
        for label, method in METHODS.items():
            rows[label].append(fitted.answers_.method(method)[0])
        for level, held in inside.items():
            held.append((truth[day] >= forecast.low[level][0]) & (truth[day] <= forecast.high[level][0]))
    print("  " + ", ".join(f"{level:g} % interval held {100 * np.mean(held):.1f} %" for level, held in inside.items()))
    said |= {label: np.array(forecasts) for label, forecasts in rows.items()}


def ets(past: np.ndarray) -> np.ndarray:
    from statsforecast import models

    model = models.MSTL(season_length=[DAY, WEEK], trend_forecaster=models.AutoETS(model="ZZN"))
    return model.forecast(y=past[-ETS_PAST:], h=DAY)["mean"]


if __name__ == "__main__":
    main()
