"""The section that opens the report: what was understood of the file, and the line of options that would change it."""

from __future__ import annotations

import html

import numpy as np
from numpy.typing import NDArray

from latchwork.forecasting.reading.dates import format_times
from latchwork.forecasting.reading.notes import CHANGED, GUESSED, severity
from latchwork.forecasting.reading.panel import Panel
from latchwork.forecasting.result import Result
from latchwork.show.report import Report
from latchwork.transforms.calendar import DAY, seconds
from latchwork.transforms.periods import MONDAY

MOST_ROWS = 24  # series in the picture
MOST_COLUMNS = 180  # times in the picture; more are put together
LONG_SEASON = 30  # steps, from which a season is a row and not a column
LARGEST_SEASON = 60
CELL = 12  # user units of the picture; on a page, pixels at most
KINDS = {GUESSED: "check this", CHANGED: "changed"}
KNOWN, MISSING, NOWHERE = 1, 0, -1


def understood_section(report: Report, result: Result) -> None:
    """Add the section: the file's layout, its columns, its calendar, what was done to it, and how to say otherwise."""
    panel = result.panel
    report.heading("What was understood of your file")
    understood = panel.understood
    if understood is not None and understood.columns:
        report.paragraph(f"{_begun(understood.layout)}; {understood.dates}.")
        rows = [(c.name, c.part, c.example) for c in understood.columns]
        head = "<tr><th>Column</th><th>part that it plays</th><th>as in</th></tr>"
        cells = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
        report.parts.append(f'<table class="parts"><thead>{head}</thead><tbody>{cells}</tbody></table>')
    picture, caption = calendar_picture(panel)
    report.parts.append(f'<figure class="calendar">{picture}<figcaption>{html.escape(caption)}</figcaption></figure>')
    _notes(report, result)
    if understood is not None and understood.line:
        report.paragraph("Where something was understood wrongly, change it in this line:")
        report.code(f"latchwork forecast FILE {understood.line}")


def _notes(report: Report, result: Result) -> None:
    """What was done and assumed, what could hurt most first."""
    if not result.notes:
        report.paragraph("Nothing was dropped, filled in or guessed.")
        return
    items: list[str] = []
    understood = result.panel.understood
    names = {column.name.split(":")[0] for column in understood.columns} if understood else set[str]()
    for note in result.notes:
        kind = KINDS.get(severity(note), "")
        mark = f'<b class="{kind.replace(" ", "-")}">{kind}</b> ' if kind else ""
        text = note if mark or note.split()[0] in names else _begun(note)
        items.append(f"<li>{mark}{html.escape(text)}{'' if note.endswith('.') else '.'}</li>")
    report.parts.append(f'<ul class="notes">{"".join(items)}</ul>')


def calendar_picture(panel: Panel) -> tuple[str, str]:
    """An SVG of which times have a value, and what to write below it."""
    known = int(sum(np.isfinite(v).sum() for v in panel.values))
    places = int(sum(len(v) for v in panel.values))
    cells, shape = _one_series(panel) if len(panel) == 1 else _several_series(panel)
    first, last = min(t[0] for t in panel.times), max(t[-1] for t in panel.times)
    begin, end = format_times(np.array([first, last]), panel.style)
    said = f"{begin} to {end}, {panel.frequency.name}: {known:,} of {places:,} places in the calendar have a value."
    holes = " Blue has a value, orange has none and is bridged." if known < places else ""
    return _svg(cells), f"{said} {shape}{holes}"


def _one_series(panel: Panel) -> tuple[NDArray[np.int64], str]:
    """Cells of one series: seasons side by side where they fit, else all in one row."""
    frequency, values = panel.frequency, panel.values[0]
    season, state = frequency.season, np.where(np.isfinite(values), KNOWN, MISSING)
    if not 2 <= season <= LARGEST_SEASON or len(values) < 2 * season:
        return _thinned(state[None]), "Time goes from left to right."
    places = frequency.positions(panel.times[0])
    if frequency.unit == "seconds":
        places = (
            seconds(panel.times[0]) - MONDAY if season * frequency.step > DAY else seconds(panel.times[0])
        ) // frequency.step
    elif frequency.unit == "business days":
        places = places + 3  # 1970 began on a Thursday
    elif frequency.unit == "months":
        places = places + frequency.phase // frequency.step
    period, place = places // season, places % season
    cells = np.full((int(period[-1] - period[0]) + 1, season), NOWHERE)
    cells[period - period[0], place] = state
    if season >= LONG_SEASON or len(cells) <= season:
        return cells[-MOST_ROWS:], f"Each row is a season of {season} {frequency.steps}."
    return _thinned(cells.T), f"Each column is a season of {season} {frequency.steps}, from top to bottom."


def _several_series(panel: Panel) -> tuple[NDArray[np.int64], str]:
    """Cells of several series, a row each, on one calendar."""
    shown = min(len(panel), MOST_ROWS)
    places = [panel.frequency.positions(times) for times in panel.times[:shown]]
    begin, end = min(int(p[0]) for p in places), max(int(p[-1]) for p in places)
    cells = np.full((shown, end - begin + 1), NOWHERE)
    for row, (place, values) in enumerate(zip(places, panel.values, strict=False)):
        cells[row, place - begin] = np.where(np.isfinite(values), KNOWN, MISSING)
    few = f"Each row is a series{'' if shown == len(panel) else f', the first {shown} of {len(panel):,}'}, "
    return _thinned(cells), few + "time goes from left to right."


def _thinned(cells: NDArray[np.int64]) -> NDArray[np.int64]:
    """Fewer columns: several times become one cell, which is missing where one of them is."""
    width = -(-cells.shape[1] // MOST_COLUMNS)
    if width == 1:
        return cells
    padded = np.pad(cells, ((0, 0), (0, -cells.shape[1] % width)), constant_values=NOWHERE)
    blocks = padded.reshape(len(cells), -1, width)
    return np.where((blocks == MISSING).any(axis=2), MISSING, blocks.max(axis=2))


def _svg(cells: NDArray[np.int64]) -> str:
    """Cells as squares: one path for those with a value, one for those without."""
    rows, columns = cells.shape
    gap = CELL - (1 if columns > 60 else 2)
    paths = {
        kind: "".join(f"M{CELL * int(c)} {CELL * int(r)}h{gap}v{gap}h-{gap}z" for r, c in np.argwhere(cells == state))
        for kind, state in (("known", KNOWN), ("missing", MISSING))
    }
    drawn = "".join(f'<path class="{kind}" d="{path}"/>' for kind, path in paths.items() if path)
    width, height = CELL * columns, CELL * rows
    label = "The calendar of the data: which times have a value"
    return (
        f'<svg viewBox="0 0 {width} {height}" style="max-width:{width}px" role="img" aria-label="{label}">{drawn}</svg>'
    )


def _begun(text: str) -> str:
    return text[0].upper() + text[1:]
