"""The folder of files that a run leaves: the forecast, the results, the page and the pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from latchwork.core.jsontext import json_text
from latchwork.core.writing import write_text
from latchwork.forecasting.report.page import write_page
from latchwork.forecasting.report.pictures import draw_backtest, draw_forecast
from latchwork.forecasting.result import Result

FILES = ("forecast.csv", "results.json", "report.html", "forecast.png", "backtest.png")
"""What `write_files` writes; the last one where there was a backtest."""


def write_files(result: Result, found: dict[str, Any], folder: Path, command: str) -> list[Path]:
    """Write forecast.csv, results.json, report.html and the pictures; gives their paths.

    found: of `results`. command: how to make all this again.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / name for name in FILES[:4]]
    result.forecast.to_csv(paths[0])
    write_text(paths[1], _in_lines(found))
    write_page(result, found, paths[2], command)
    draw_forecast(result, 0, paths[3])
    if result.backtest is not None:
        paths.append(folder / FILES[4])
        draw_backtest(result, 0, paths[-1])
    return paths


def _in_lines(found: dict[str, Any]) -> str:
    """JSON with a line for each entry, and for each row of the forecast."""
    texts = {name: json_text(value) for name, value in found.items()}
    # quotes are escaped within a text, so that this stands between two rows alone
    texts["forecast"] = texts["forecast"].replace('}, {"series": ', '},\n  {"series": ')
    return "{\n " + ",\n ".join(f"{json_text(name)}: {text}" for name, text in texts.items()) + "\n}"
