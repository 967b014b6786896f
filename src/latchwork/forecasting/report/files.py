"""The folder of files that a run leaves: the forecast, the results, the page and the pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from latchwork.core.jsontext import json_text
from latchwork.forecasting.report.page import write_page
from latchwork.forecasting.report.pictures import draw_backtest, draw_forecast, values_shown

if TYPE_CHECKING:
    from latchwork.forecasting.forecaster import Forecaster


def write_files(forecaster: Forecaster, found: dict[str, Any], folder: Path, command: str) -> list[Path]:
    """Write forecast.csv, results.json, report.html and the pictures; gives their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / name for name in ("forecast.csv", "results.json", "report.html", "forecast.png")]
    panel, made, forecast = forecaster.panel_, forecaster.backtest_, forecaster.predict()
    shown = values_shown(found["season"], forecaster.horizon_, made)
    forecast.to_csv(paths[0])
    paths[1].write_text(json_text(found, indent=1), encoding="utf-8")
    write_page(forecaster, found, paths[2], command)
    draw_forecast(panel, forecast, 0, paths[3], shown)
    if made is not None:
        paths.append(folder / "backtest.png")
        draw_backtest(panel, made, forecaster.used_, 0, paths[-1], shown)
    return paths
