"""A result gone on to newer rows, without training: what came of its forecasts teaches its intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from latchwork.forecasting.judging.intervals import Calibration, around
from latchwork.forecasting.methods.origins import origins_at_end
from latchwork.forecasting.reading.notes import CHANGED, GUESSED, Note, by_severity
from latchwork.forecasting.reading.panel import Panel
from latchwork.forecasting.result import Result, ahead, working_centre

RECORD = (64, 4000)  # rows of past errors that intervals go on from: two a series, within these


def go_on(result: Result, new: Panel, levels: Sequence[float]) -> Result:
    """The result with the rows of `new` after each series' end added, and a forecast from there."""
    panel, added = result.panel.extended(new)
    notes: list[str] = [*new.notes, *_revisions(result.panel, new)]
    if added:
        notes.append(f"{added:,} new values; nothing was trained again")
    else:
        notes.append(
            Note("nothing new after the end of what the model knows: the forecast begins where it did", GUESSED)
        )
    calibration, learned = _learned_from(result, panel, levels)
    end = origins_at_end(panel, result.seasons, result.horizon)
    forecast = ahead(end, result.used, result.learned, calibration, levels)
    return replace(result, end=end, calibration=calibration, forecast=forecast, notes=by_severity([*notes, *learned]))


LARGE = 0.5  # change of an older value from which it is said first


def _revisions(known: Panel, new: Panel) -> list[Note]:
    """What is said of older values that the new rows have otherwise."""
    count, filled, largest = known.revisions(new)
    notes: list[Note] = []
    if count - filled:
        by = f"by up to {100 * largest:.0f} %"
        text = f"{count - filled:,} older values were changed ({by}): the new ones are used"
        notes.append(Note(text, GUESSED if largest > LARGE else CHANGED))
    if filled:
        notes.append(Note(f"{filled:,} older values were missing before and are known now", CHANGED))
    return notes


def recorded(panel: Panel) -> int:
    """How many rows of past errors are kept."""
    return int(np.clip(2 * len(panel), *RECORD))


def _learned_from(result: Result, panel: Panel, levels: Sequence[float]) -> tuple[Calibration, list[str]]:
    """The calibration after what came of a result's forecasts, and what to tell of that."""
    before = result.panel
    truth = np.full((len(before), result.horizon), np.nan)
    for row, (old, new) in enumerate(zip(before.values, panel.values, strict=False)):
        coming = new[len(old) : len(old) + result.horizon]
        truth[row, : len(coming)] = coming
    rows = np.flatnonzero(np.isfinite(truth).any(axis=1))
    if not rows.size:
        return result.calibration, []
    answers, centre = result.end.answers, working_centre(result.end, result.forecast.mean)
    away = answers.survey.to_working(truth) - centre
    most = recorded(panel)
    rows = rows[np.linspace(0, len(rows) - 1, min(len(rows), most // 2)).astype(int)]
    known = np.isfinite(truth)
    notes: list[str] = []
    for level in levels:
        low, high = around(answers, level, result.calibration, centre)
        covered = 100 * np.mean(((truth >= low) & (truth <= high))[known])
        notes.append(f"the last forecast's {level:g} % interval covered {covered:.0f} % of what was observed since")
    return result.calibration.gone_on(away[rows], answers.combined.widths[rows], most), notes
