"""report.html: one self-contained page on a forecast. The figures are data in the page; `page.js` draws them."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from latchwork.core.jsontext import json_text
from latchwork.core.writing import write_text
from latchwork.forecasting.forecast import level_name
from latchwork.forecasting.methods.catalogue import readable
from latchwork.forecasting.reading.dates import format_times
from latchwork.forecasting.report.results import series_overview
from latchwork.forecasting.report.understood import understood_section
from latchwork.forecasting.result import Result
from latchwork.show.report import Report
from latchwork.transforms.working import Array

MOST_CHARTED = 40  # series whose charts are in the page: the worst, the best and the first
LONGEST_CHARTED = 600  # values of a history, and those around each origin of the backtest
MOST_RESIDUALS = 2000


def write_page(result: Result, found: dict[str, Any], path: Path, command: str) -> None:
    """Write the page; found: of `results`, command: how to make it again."""
    several = len(result.panel) > 1
    overview, residuals = series_overview(result), _residuals(result)
    report = _headed(result, found)
    understood_section(report, result)
    report.heading("The forecast, and how far to trust it")
    _forecast_section(report, found, several)
    if several:
        _overview_section(report)
    if found["backtest"]:
        _backtest_section(report, found["backtest"], bool(residuals))
    for name, section in (("stocks", _stock_section), ("article", _article_section), ("paths", _paths_section)):
        if name in found:
            section(report, found[name])
    report.heading("How to reproduce this")
    report.code(command)
    report.paragraph(
        "The same command on the same data gives the same figures; forecast.csv and results.json lie beside."
    )
    by_horizon = (found["backtest"] or {}).get("by_horizon", {})
    data = {
        "levels": [level_name(level) for level in sorted(result.forecast.low)],
        "charts": [_chart(result, i) for i in _charted(overview)],
        "overview": overview if several else [],
        "byHorizon": dict(zip(readable(by_horizon), by_horizon.values(), strict=True)),
        "used": result.used.readable,
        "residuals": residuals,
        "paths": found.get("paths"),
    }
    script = (files("latchwork.forecasting.report") / "page.js").read_text(encoding="utf-8")
    style = (files("latchwork.forecasting.report") / "page.css").read_text(encoding="utf-8")
    text = json_text(data).replace("</", "<\\/")
    report.parts.append(f'<style>{style}</style><script type="application/json" id="data">{text}</script>')
    report.parts.append(f"<script>{script}</script>")
    write_text(path, report.to_html())


def _headed(result: Result, found: dict[str, Any]) -> Report:
    """A page with its heading and the line below it."""
    panel = result.panel
    title = f"Forecast of {panel.target}" if len(panel) == 1 else f"Forecast of {len(panel):,} series"
    season = f", season of {found['season']}" if found["season"] > 1 else ", no season"
    ahead = f"{found['horizon']} {panel.frequency.steps} ahead"
    lead = f"{panel.frequency.name}{season}; {found['observations']:,} observations, {ahead}"
    return Report(title, lead[0].upper() + lead[1:])


def _forecast_section(report: Report, found: dict[str, Any], several: bool) -> None:
    if found["verdict"]:
        verdict = html.escape(found["verdict"]).replace("--best", "<code>--best</code>")
        report.parts.append(f'<p class="verdict">{verdict}</p>')
    if several:
        report.parts.append('<p><label>Series <select id="choose"></select></label></p>')
    report.parts.append(
        '<figure id="fan" data-label="History and forecast with its intervals" class="chart tall"></figure>'
    )
    levels = " and ".join(f"{level} %" for level in (found["backtest"] or {"coverage": {}})["coverage"])
    bands = f"; the bands are to hold {levels} of what comes" if levels else ""
    _caption(
        report,
        f"The thin line is what was observed, the blue one the forecast{bands}. Point at the chart for the figures.",
    )


def _caption(report: Report, text: str) -> None:
    report.parts.append(f"<figcaption>{html.escape(text)}</figcaption>")


def _stock_section(report: Report, stocks: dict[str, Any]) -> None:
    report.heading("Prices: what this forecast is worth")
    report.paragraph(stocks["sentence"])
    report.table(
        [f"{stocks['steps']:,} steps, walked forward", "the forecast", "to compare"],
        [
            ["RMSE of the next price", f"{stocks['rmse']:.4g}", f"{stocks['random_walk_rmse']:.4g} (random walk)"],
            ["direction of the next move right", f"{stocks['direction']:.1f} %", "50 % (a coin)"],
            ["growth a year after costs", f"{stocks['strategy']:.1f} %", f"{stocks['hold']:.1f} % (buy and hold)"],
            ["trades", f"{stocks['trades']:,}", "1 (buy and hold)"],
        ],
    )
    report.paragraph(
        "The next return is forecast from the last returns and the day's open, high, low and volume, fitted again "
        "every month on the past alone; every trade costs 0.1 % of the price. The best guess of tomorrow's price is "
        "today's: a chart in which the forecast follows the price closely, a step late, shows this and nothing else."
    )


def _article_section(report: Report, article: dict[str, Any]) -> None:
    report.heading("The article's model on these data")
    report.paragraph(
        "LSTM(4) with a look-back of one, as written, its scaler fitted on all values: RMSE "
        f"{article['test_rmse']:.5g} on the last third, where the same as the last value scores "
        f"{article['persistence_test_rmse']:.5g}."
    )


def _paths_section(report: Report, paths: dict[str, Any]) -> None:
    report.heading("Rolled forward on its own output")
    report.parts.append('<figure id="paths" data-label="Quantiles of sampled futures" class="chart tall"></figure>')
    _caption(report, "Half of a hundred sampled futures lie in the inner band, nine of ten in the outer.")
    quantiles = paths["quantiles"]
    shown = np.unique(np.linspace(0, len(paths["times"]) - 1, 12).astype(int))
    report.table(
        ["Time", *(f"{q} %" for q in quantiles)],
        [[paths["times"][i], *(f"{quantile[i]:.5g}" for quantile in quantiles.values())] for i in shown],
    )
    report.paragraph("Some of the steps, in quantiles; paths.csv holds every path.")


def _overview_section(report: Report) -> None:
    report.heading("All series")
    report.parts.append(
        '<p><input id="search" type="search" placeholder="Search by name" aria-label="Search series by name"> '
        '<span class="lead">Click a heading to sort: worst and best first.</span></p><div id="overview"></div>'
    )


def _number(value: float, style: str) -> str:
    """A figure, or a dash where there is none (the error over that of a past that never changed)."""
    return f"{value:{style}}" if math.isfinite(value) else "–"


def _backtest_section(report: Report, tested: dict[str, Any], drawn: bool) -> None:
    report.heading("The backtest: the same forecast, made earlier")
    report.paragraph(
        f"{tested['origins']} origins, {tested['rows']} forecasts. Each saw nothing after its origin. "
        "MASE is the mean error over that of repeating the last season within the past: below 1 is better than that."
    )
    columns = (("rmse", ".5g"), ("mae", ".5g"), ("mase", ".3f"), ("smape", ".2f"))
    scored = zip(readable(tested["baselines"]), tested["baselines"].values(), strict=True)
    rows = [[name, *(_number(scores[key], style) for key, style in columns)] for name, scores in scored]
    report.table(["Method, best first", "RMSE", "MAE", "MASE", "sMAPE, %"], rows)
    report.parts.append(
        '<figure id="origins" data-label="Forecasts from earlier origins and the truth" class="chart tall"></figure>'
    )
    _caption(
        report,
        "The thin line is what was observed; green and orange, by turns, the forecast from each origin, and its bands.",
    )
    report.heading("How sure it is")
    sure = [
        [f"{level} %", f"{covered:.1f} %", _number(tested["width"][level], ".2f")]
        for level, covered in tested["coverage"].items()
    ]
    report.table(["Interval", "covered", "mean width, in MASE units"], sure)
    report.heading("Error by steps ahead")
    report.parts.append(
        '<figure id="horizon" data-label="Error by steps ahead, a line a method" class="chart"></figure>'
    )
    _caption(report, "In units of MASE, the method that is used drawn bold, beside the best of the others.")
    if not drawn:
        return
    report.heading("Residuals of the backtest")
    report.paragraph("What came minus what was forecast, in units of MASE; around zero and without a pattern is good.")
    report.parts.append('<figure id="residuals" data-label="Residuals by steps ahead" class="chart"></figure>')


def _charted(overview: list[dict[str, Any]]) -> list[int]:
    """The series whose charts are in the page: the first, the worst and the best."""
    order = sorted(
        range(len(overview)), key=lambda i: -(overview[i]["error"] if math.isfinite(overview[i]["error"]) else -1)
    )
    third = MOST_CHARTED // 3
    return list(dict.fromkeys([*range(min(third, len(order))), *order[:third], *order[-third:]]))


def _chart(result: Result, i: int) -> dict[str, Any]:
    """One series: its last values and those around each origin, its forecast, and the forecasts made earlier."""
    panel, backtest, forecast, horizon = result.panel, result.backtest, result.forecast, result.horizon
    values, length = panel.values[i], len(panel.values[i])
    rows = np.zeros(0, int) if backtest is None else np.flatnonzero(backtest.series == i)
    begins = [] if backtest is None else [length - int(back) for back in backtest.back[rows]]
    places = {place for begin in begins for place in range(begin - horizon, begin + horizon)}
    places |= set(range(length - LONGEST_CHARTED, length))
    kept = np.array(sorted(place for place in places if 0 <= place < length))
    origins: list[dict[str, Any]] = []
    if backtest is not None:
        for begin, row in zip(begins, rows, strict=True):
            at, mean = int(np.searchsorted(kept, begin)), _short(backtest.forecasts[result.used.name][row])
            origins.append({"at": at, "mean": mean, "bands": _bands(backtest.low, backtest.high, int(row))})
    return {
        "name": panel.names[i],
        "times": format_times(panel.times[i][kept], panel.style),
        "values": _short(values[kept]),
        "breaks": (np.flatnonzero(np.diff(kept) > 1) + 1).tolist(),
        "future": format_times(forecast.times[i], panel.style),
        "mean": _short(forecast.mean[i]),
        "bands": _bands(forecast.low, forecast.high, i),
        "origins": origins,
    }


def _bands(low: Mapping[float, Array], high: Mapping[float, Array], row: int) -> dict[str, list[list[float]]]:
    """Both ends of each level's interval around one row's forecast."""
    return {level_name(level): [_short(low[level][row]), _short(high[level][row])] for level in low}


def _residuals(result: Result) -> list[list[float]]:
    """Pairs of step ahead and scaled residual."""
    backtest = result.backtest
    if backtest is None:
        return []
    unit = np.where(backtest.unit > 0, backtest.unit, np.nan)[:, None]
    away = (backtest.truth - backtest.forecasts[result.used.name]) / unit
    rows, steps = np.nonzero(np.isfinite(away))
    pick = np.linspace(0, len(rows) - 1, min(len(rows), MOST_RESIDUALS)).astype(int) if len(rows) else []
    return [[int(steps[k]) + 1, float(away[rows[k], steps[k]])] for k in pick]


def _short(values: np.ndarray[Any, np.dtype[np.float64]]) -> list[float]:
    """Six significant digits: what a chart shows, in a page that stays small."""
    return [float(f"{v:.6g}") for v in values]
