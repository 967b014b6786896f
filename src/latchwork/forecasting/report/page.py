"""report.html: one self-contained page on a forecast. The figures are data in the page; `page.js` draws them."""

from __future__ import annotations

import html
import math
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from latchwork.core.jsontext import json_text
from latchwork.forecasting.forecast import level_name
from latchwork.forecasting.judging.verdict import READABLE
from latchwork.forecasting.reading.dates import format_times
from latchwork.forecasting.report.results import series_overview
from latchwork.show.report import Report

if TYPE_CHECKING:
    from latchwork.forecasting.forecaster import Forecaster

MOST_CHARTED = 40  # series whose charts are in the page: the worst, the best and the first
LONGEST_CHARTED = 600  # values of a history, and those around each origin of the backtest
MOST_RESIDUALS = 2000


def write_page(forecaster: Forecaster, found: dict[str, Any], path: Path, command: str) -> None:
    """Write the page."""
    panel = forecaster.panel_
    several = len(panel) > 1
    title = f"Forecast of {panel.target}" if not several else f"Forecast of {len(panel):,} series"
    season = f", season of {found['season']}" if found["season"] > 1 else ", no season"
    ahead = f"{found['horizon']} {panel.frequency.steps} ahead"
    lead = f"{panel.frequency.name}{season}; {found['observations']:,} observations, {ahead}"
    report = Report(title, lead[0].upper() + lead[1:])
    overview, residuals = series_overview(forecaster), _residuals(forecaster)
    _forecast_section(report, found, several)
    if several:
        _overview_section(report)
    if forecaster.backtest_ is not None:
        _backtest_section(report, found, bool(residuals))
    for name, section in (("stocks", _stock_section), ("article", _article_section), ("paths", _paths_section)):
        if name in found:
            section(report, found[name])
    report.heading("What was found in the data")
    for note in forecaster.notes_ or ["Nothing out of the ordinary."]:
        report.paragraph(note[0].upper() + note[1:] + ("" if note.endswith(".") else "."))
    report.heading("How to reproduce this")
    report.code(command)
    report.paragraph(
        "The same command on the same data gives the same figures; forecast.csv and results.json lie beside."
    )
    data = {
        "levels": [level_name(level) for level in sorted(forecaster.predict().low)],
        "charts": _charts(forecaster, overview),
        "overview": overview if several else [],
        "byHorizon": {READABLE.get(k, k): v for k, v in (found["backtest"] or {}).get("by_horizon", {}).items()},
        "used": READABLE.get(forecaster.used_, forecaster.used_),
        "residuals": residuals,
        "paths": found.get("paths"),
    }
    script = (files("latchwork.forecasting.report") / "page.js").read_text(encoding="utf-8")
    style = (files("latchwork.forecasting.report") / "page.css").read_text(encoding="utf-8")
    text = json_text(data).replace("</", "<\\/")
    report.parts.append(f'<style>{style}</style><script type="application/json" id="data">{text}</script>')
    report.parts.append(f"<script>{script}</script>")
    path.write_text(report.to_html(), encoding="utf-8")


def _forecast_section(report: Report, found: dict[str, Any], several: bool) -> None:
    if found["verdict"]:
        said = html.escape(found["verdict"]).replace("--best", "<code>--best</code>")
        report.parts.append(f'<p class="verdict">{said}</p>')
    if several:
        report.parts.append('<p><label>Series <select id="choose"></select></label></p>')
    report.parts.append(
        '<figure id="fan" data-label="History and forecast with its intervals" class="chart tall"></figure>'
    )
    levels = " and ".join(f"{level} %" for level in (found["backtest"] or {"coverage": {}})["coverage"])
    bands = f"; the bands are to hold {levels} of what comes" if levels else ""
    _caption(
        report, f"The thin line is what came, the blue one the forecast{bands}. Point at the chart for the figures."
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
        [[paths["times"][i], *(f"{held[i]:.5g}" for held in quantiles.values())] for i in shown],
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


def _backtest_section(report: Report, found: dict[str, Any], drawn: bool) -> None:
    tested = found["backtest"]
    report.heading("The backtest: the same forecast, made earlier")
    report.paragraph(
        f"{tested['origins']} origins, {tested['rows']} forecasts. Each saw nothing after its origin. "
        "MASE is the mean error over that of repeating the last season within the past: below 1 is better than that."
    )
    columns = (("rmse", ".5g"), ("mae", ".5g"), ("mase", ".3f"), ("smape", ".2f"))
    rows = [
        [str(READABLE.get(name, name)), *(_number(s[k], f) for k, f in columns)]
        for name, s in tested["baselines"].items()
    ]
    report.table(["Method, best first", "RMSE", "MAE", "MASE", "sMAPE, %"], rows)
    report.parts.append(
        '<figure id="origins" data-label="Forecasts from earlier origins and what came" class="chart tall"></figure>'
    )
    _caption(
        report,
        "The thin line is what came; green and orange, by turns, what was forecast from each origin, and its bands.",
    )
    report.heading("How sure it is")
    sure = [
        [f"{level} %", f"{held:.1f} %", _number(tested["width"][level], ".2f")]
        for level, held in tested["coverage"].items()
    ]
    report.table(["Interval", "held", "mean width, in MASE units"], sure)
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


def _charts(forecaster: Forecaster, overview: list[dict[str, Any]]) -> list[dict[str, Any]]:
    order = sorted(
        range(len(overview)), key=lambda i: -(overview[i]["error"] if math.isfinite(overview[i]["error"]) else -1)
    )
    third = MOST_CHARTED // 3
    chosen = list(dict.fromkeys([*range(min(third, len(order))), *order[:third], *order[-third:]]))
    panel, made, forecast = forecaster.panel_, forecaster.backtest_, forecaster.predict()
    charts: list[dict[str, Any]] = []
    for i in chosen:
        values, horizon = panel.values[i], forecaster.horizon_
        begins = [] if made is None else [len(values) - int(back) for back in made.back[made.series == i]]
        shown = {place for begin in begins for place in range(begin - horizon, begin + horizon)}
        shown |= set(range(len(values) - LONGEST_CHARTED, len(values)))
        kept = np.array(sorted(place for place in shown if 0 <= place < len(values)))
        origins: list[dict[str, Any]] = []
        if made is not None:
            for begin, row in zip(begins, np.flatnonzero(made.series == i), strict=True):
                origins.append(
                    {
                        "at": int(np.searchsorted(kept, begin)),
                        "mean": _short(made.forecasts[forecaster.used_][row]),
                        "bands": {
                            level_name(v): [_short(made.low[v][row]), _short(made.high[v][row])] for v in made.low
                        },
                    }
                )
        charts.append(
            {
                "name": panel.names[i],
                "times": format_times(panel.times[i][kept], panel.style),
                "values": _short(values[kept]),
                "breaks": (np.flatnonzero(np.diff(kept) > 1) + 1).tolist(),
                "future": format_times(forecast.times[i], panel.style),
                "mean": _short(forecast.mean[i]),
                "bands": {
                    level_name(v): [_short(forecast.low[v][i]), _short(forecast.high[v][i])] for v in forecast.low
                },
                "origins": origins,
            }
        )
    return charts


def _residuals(forecaster: Forecaster) -> list[list[float]]:
    """Pairs of step ahead and scaled residual."""
    made = forecaster.backtest_
    if made is None:
        return []
    away = (made.truth - made.forecasts[forecaster.used_]) / np.where(made.unit > 0, made.unit, np.nan)[:, None]
    rows, steps = np.nonzero(np.isfinite(away))
    pick = np.linspace(0, len(rows) - 1, min(len(rows), MOST_RESIDUALS)).astype(int) if len(rows) else []
    return [[int(steps[k]) + 1, float(away[rows[k], steps[k]])] for k in pick]


def _short(values: np.ndarray[Any, np.dtype[np.float64]]) -> list[float]:
    """Six significant digits: what a chart shows, in a page that stays small."""
    return [float(f"{v:.6g}") for v in values]
