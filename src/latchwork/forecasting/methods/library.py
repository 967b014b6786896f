"""AutoETS and AutoARIMA of statsforecast beside ours, where the `forecast` extra is installed."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np

from latchwork.forecasting.methods.method import Effort, Learned, Method, Tested, Trial
from latchwork.forecasting.methods.origins import Origins
from latchwork.transforms.working import Array, bridge

LONGEST_PAST = 600  # values; their search is slow beyond
LONGEST_SEASON = 24
MOST_ROWS = 200  # fits, where they were asked for; each takes a tenth of a second to ten
# Where they were not asked for: values in all (times the season, where the search grows with it) that take some five
# seconds. ETS takes about 0.4 ms a value whatever the season; measured for ARIMA: 0.25 s for 100 months, 7 s for 600
# hours of a day.
QUICK = 12_000


def library_method(name: str, model: str, *, by_season: bool) -> Method:
    """One of statsforecast's automatic models. by_season: whether its search takes longer the longer the season."""

    def backtest(tested: Tested, learned: Learned, effort: Effort) -> Trial:
        if effort.library is False or not (effort.library or effort.train):
            return Trial(None, learned)
        reason = _too_much(tested.rows, by_season, asked=bool(effort.library))
        return Trial(None if reason else _forecasts(model, tested.rows), learned, left_out=reason)

    def ahead(end: Origins, learned: Learned) -> Array:
        del learned
        return _forecasts(model, end)

    return Method(name, model, backtest, ahead, waits=True, again=False)


def _too_much(rows: Origins, by_season: bool, *, asked: bool) -> str:
    """Why not to run it on these rows; nothing where it runs."""
    if find_spec("statsforecast") is None:
        return "not installed (pip install latchwork[forecast])"
    count = len(rows.back)
    if count > MOST_ROWS:
        return f"{count:,} fits are more than {MOST_ROWS}"
    work = sum(min(len(past), LONGEST_PAST) for past in rows.pasts) * (_season(rows) if by_season else 1)
    return f"{count} fits would take long (--library runs them)" if work > QUICK and not asked else ""


def _season(rows: Origins) -> int:
    return rows.season if rows.season <= LONGEST_SEASON else 1


def _forecasts(model: str, rows: Origins) -> Array:
    """Forecasts [rows, horizon]; the last value where the search fails."""
    from statsforecast import models  # pyright: ignore[reportMissingImports]  # the forecast extra

    season = _season(rows)
    fitted = getattr(models, model)(season_length=season)
    found = np.empty((len(rows.back), rows.horizon))
    for row, past in enumerate(rows.pasts):
        known = bridge(past[None, -LONGEST_PAST:], season)[0]
        known = known[np.isfinite(known)]
        try:
            found[row] = fitted.forecast(y=known, h=rows.horizon)["mean"]
        except Exception:  # a search that fails on one row says nothing about the others
            found[row] = known[-1]
        found[row] = np.where(np.isfinite(found[row]), found[row], known[-1])
    return found
