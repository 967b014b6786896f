"""The M3 competition: sMAPE, MASE and OWA beside the published methods.

    python bench/m3.py DATA/series/m3.json [--no-train] [--only MONTHLY]

Each series is forecast from its past `x` by the defaults; its future `xx` is looked at once, to score. Published
figures (sMAPE): Theta 13.01, ForecastPro 13.19 (Makridakis & Hibon 2000), N-BEATS 12.37 (Oreshkin et al. 2020).
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np

from latchwork.forecasting.forecaster import Forecaster
from latchwork.forecasting.judging.metrics import coverage, mase_unit, owa, row_mase, row_smape
from latchwork.forecasting.reading.panel import Panel
from latchwork.transforms.calendar import Frequency

GROUPS = {
    "YEARLY": (6, Frequency("yearly", "months", 12)),
    "QUARTERLY": (8, Frequency("quarterly", "months", 3, (4,))),
    "MONTHLY": (18, Frequency("monthly", "months", 1, (12,))),
    "OTHER": (8, Frequency("numbered", "steps")),
}
METHODS = {"naive2": "naive", "theta": "theta_linear", "damped": "damped"}  # reported name: method in the package


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--no-train", action="store_true")
    parser.add_argument("--only", choices=list(GROUPS))
    options = parser.parse_args()
    rows = list(json.loads(options.data.read_text()).values())
    table: dict[str, dict[str, tuple[np.ndarray, np.ndarray]]] = {}
    sizes: dict[str, int] = {}
    for name in [options.only] if options.only else list(GROUPS):
        table[name] = run(name, [r for r in rows if r["period"][0] == name], not options.no_train)
        sizes[name] = GROUPS[name][0]
    print(f"{'':22}" + "".join(f"{name.lower():>22}" for name in table) + f"{'all':>22}")
    methods = list(next(iter(table.values())))
    for method in methods:
        if not all(method in found for found in table.values()):
            continue
        cells = [cell(found[method], found["naive2"]) for found in table.values()]
        # the competition's average: over all forecasts, so that longer horizons count more
        pooled = [pool(table, sizes, m) for m in (method, "naive2")]
        print(f"{method:22}" + "".join(f"{c:>22}" for c in cells) + f"{cell(*pooled):>22}")
    print("each cell: sMAPE / MASE / OWA")


def run(name: str, rows: list[dict], train: bool) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    horizon, frequency = GROUPS[name]
    pasts = [np.array(r["x"], float) for r in rows]
    truth = np.array([r["xx"] for r in rows], float)
    times = [frequency.times(np.arange(len(p))) for p in pasts]
    style = "number" if frequency.unit == "steps" else "month"
    panel = Panel([r["sn"][0] for r in rows], times, pasts, frequency, style, "value")
    started = time.perf_counter()
    fitted = Forecaster(horizon, train=train, progress="none").fit(panel)
    forecast = fitted.predict()
    seconds = time.perf_counter() - started
    said = {"used": forecast.mean, "combination": fitted.answers_.centre}
    if fitted.network_forecast() is not None:
        said["network"] = fitted.network_forecast()
    said |= {label: fitted.answers_.method(method) for label, method in METHODS.items()}
    unit = np.array([mase_unit(p, frequency.season) for p in pasts])
    print(f"{name}: {len(rows)} series in {seconds:.1f} s; used {fitted.used_}; {fitted.verdict_.sentence}")
    for level in forecast.low:
        held = coverage(truth, forecast.low[level], forecast.high[level])
        print(f"  {level:g} % interval held {held:.1f} %")
    print("  " + "; ".join(fitted.notes_), flush=True)
    return {label: (row_smape(truth, f), row_mase(truth, f, unit)) for label, f in said.items()}


def cell(own: tuple[np.ndarray, np.ndarray], naive2: tuple[np.ndarray, np.ndarray]) -> str:
    (smape, mase), (n_smape, n_mase) = ([float(np.nanmean(v)) for v in pair] for pair in (own, naive2))
    return f"{smape:.2f} / {mase:.3f} / {owa(smape, mase, n_smape, n_mase):.3f}"


def pool(table, sizes, method: str) -> tuple[np.ndarray, np.ndarray]:
    smape = np.concatenate([np.repeat(found[method][0], sizes[name]) for name, found in table.items()])
    return smape, np.concatenate([found[method][1] for found in table.values()])


if __name__ == "__main__":
    main()
