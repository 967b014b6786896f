"""The folder of files that a run leaves: the forecast, the results, the page and the pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from latchwork.core.jsontext import json_text
from latchwork.forecasting.report.page import write_page
from latchwork.forecasting.report.pictures import draw_backtest, draw_forecast
from latchwork.forecasting.result import Result


def write_files(result: Result, found: dict[str, Any], folder: Path, command: str) -> list[Path]:
    """Write forecast.csv, results.json, report.html and the pictures; gives their paths.

    found: of `results`. command: how to make all this again.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / name for name in ("forecast.csv", "results.json", "report.html", "forecast.png")]
    result.forecast.to_csv(paths[0])
    paths[1].write_text(_in_lines(found), encoding="utf-8")
    write_page(result, found, paths[2], command)
    draw_forecast(result, 0, paths[3])
    if result.backtest is not None:
        paths.append(folder / "backtest.png")
        draw_backtest(result, 0, paths[-1])
    return paths


def _in_lines(found: dict[str, Any]) -> str:
    """JSON with a line for each entry, and for each row of the forecast."""
    rows = ",\n  ".join(json_text(row) for row in found["forecast"])
    texts = {name: json_text(value) for name, value in found.items() if name != "forecast"}
    texts["forecast"] = f"[\n  {rows}\n ]"
    return "{\n " + ",\n ".join(f"{json_text(name)}: {texts[name]}" for name in found) + "\n}"
