"""`latchwork forecast`: a table of the past in, the future with its honest rank out."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from latchwork.cli.common import JsonOption, Output, QuietOption, SeedOption
from latchwork.cli.outputs import check_file, check_files
from latchwork.core.errors import InputError
from latchwork.core.writing import write_text

if TYPE_CHECKING:
    from latchwork.forecasting.forecaster import Forecaster
    from latchwork.forecasting.judging.backtest import Backtest
    from latchwork.forecasting.reading.panel import Panel
    from latchwork.forecasting.reading.table import Table
    from latchwork.forecasting.reading.told import Columns
    from latchwork.forecasting.result import Result

STEPS_SHOWN = 6
METHODS_SHOWN = 12
ARTICLE_LENGTH = 2000  # values; its batches of one take minutes beyond
FEWEST_ARTICLE = 12
PATHS_FILE = "paths.csv"  # what --continue writes


def forecast(
    data: Annotated[Path, typer.Argument(metavar="FILE.csv|M.latch", help="A table of the past, or a saved model.")],
    target: Annotated[str | None, typer.Option(metavar="A,B", help="The column to forecast, or several.")] = None,
    time_column: Annotated[
        str | None, typer.Option("--time", metavar="A,B", help="The column of dates; or a date and a clock, ...")
    ] = None,
    series: Annotated[
        str | None, typer.Option(metavar="A,B", help="The column(s) that together name the series of a long table.")
    ] = None,
    covariates: Annotated[str | None, typer.Option(metavar="A,B", help="Columns that are known in advance.")] = None,
    past: Annotated[
        str | None, typer.Option("--past", metavar="A,B", help="Covariates that are known up to the origin alone.")
    ] = None,
    static: Annotated[
        str | None, typer.Option("--static", metavar="A,B", help="Covariates with one value a series.")
    ] = None,
    horizon: Annotated[int | None, typer.Option(min=1, help="Steps to forecast.")] = None,
    frequency: Annotated[
        str | None, typer.Option(help="monthly, weekly, '15 minutes', 'business days', dekads, half-monthly, ...")
    ] = None,
    season: Annotated[str | None, typer.Option(metavar="N,M", help="Seasons, in steps.")] = None,
    date_format: Annotated[
        str | None, typer.Option(metavar="%d.%m.%Y", help="How dates are written, as strptime has it.")
    ] = None,
    day_first: Annotated[
        bool | None, typer.Option("--day-first/--month-first", help="Whether 3/4/2021 is in April or in March.")
    ] = None,
    decimal: Annotated[str | None, typer.Option(metavar=".|,", help="The decimal mark.")] = None,
    wide: Annotated[bool, typer.Option("--wide", help="A series a row, times as the heads of columns.")] = False,
    aggregate: Annotated[
        str | None, typer.Option(metavar="sum|mean|last", help="What several rows at one time become.")
    ] = None,
    gaps: Annotated[
        str | None,
        typer.Option(metavar="zero|bridge|leave", help="What a time without a row is."),
    ] = None,
    closed: Annotated[
        str | None, typer.Option(metavar="sat,sun,17:00-09:00", help="Weekdays and hours without values.")
    ] = None,
    bounds: Annotated[
        str | None, typer.Option(metavar="LOW,HIGH", help="Forecasts stay within; leave one empty for none: 0,")
    ] = None,
    total: Annotated[bool, typer.Option("--total", help="A running total: its forecast never falls.")] = False,
    levels: Annotated[str, typer.Option(metavar="80,95", help="Intervals in per cent.")] = "80,95",
    best: Annotated[bool, typer.Option("--best", help="Use whatever won the backtest, however simple.")] = False,
    no_train: Annotated[bool, typer.Option("--no-train", help="Stop at the answer that needs no training.")] = False,
    article: Annotated[bool, typer.Option("--article", help="The article's model as written, on these data.")] = False,
    go_on: Annotated[
        int | None, typer.Option("--continue", metavar="N", min=1, help="Sample N steps, rolling on its own output.")
    ] = None,
    library: Annotated[
        bool | None,
        typer.Option(help="AutoETS and AutoARIMA beside; unless said, where they take some seconds."),
    ] = None,
    origins: Annotated[int | None, typer.Option(min=1, help="Origins of the backtest.")] = None,
    minutes: Annotated[float | None, typer.Option(help="The most that training may take.")] = None,
    checkpoint: Annotated[Path | None, typer.Option(help="A folder from which a killed training goes on.")] = None,
    save: Annotated[Path | None, typer.Option(metavar="M.latch", help="Save the model for --update.")] = None,
    update: Annotated[Path | None, typer.Option(metavar="NEW.csv", help="With M.latch: go on from new data.")] = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder for the report, pictures and files.")] = None,
    seed: SeedOption = 0,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Forecast a table of the past: what comes next, how sure that is, and whether it beats the simple methods."""

    from latchwork.forecasting.reading.told import Columns

    reading = Columns(
        _names(target),
        _names(time_column),
        _names(series),
        _names(covariates),
        _names(past),
        _names(static),
        frequency=frequency,
        date_format=date_format,
        day_first=day_first,
        decimal=decimal,
        wide=wide,
        aggregate=aggregate,
        gaps=gaps,
        closed=_names(closed),
    )
    asked = Settings(
        data=data,
        reading=reading,
        seasons=tuple(int(number) for number in _numbers(season or "", "--season", "periods in steps such as 24,168")),
        bounds=_bounds(bounds),
        total=total,
        horizon=horizon,
        levels=_numbers(levels, "--levels", "per cents such as 80,95"),
        best=best,
        train=not no_train,
        library=library,
        origins=origins,
        minutes=minutes,
        checkpoint=checkpoint,
        seed=seed,
        article=article,
        go_on=go_on,
        save=save,
        update=update,
        folder=out or Path("latchwork-out") / data.stem,
    )
    _run(asked, Output(as_json=as_json, quiet=quiet))


@dataclass(frozen=True)
class Settings:
    """What the command was asked for."""

    data: Path
    reading: Columns
    seasons: tuple[int, ...]
    bounds: tuple[float | None, float | None] | None
    total: bool
    horizon: int | None
    levels: tuple[float, ...]
    best: bool
    train: bool
    library: bool | None
    origins: int | None
    minutes: float | None
    checkpoint: Path | None
    seed: int
    article: bool
    go_on: int | None
    save: Path | None
    update: Path | None
    folder: Path

    @property
    def is_saved(self) -> bool:
        """Whether the data are a saved model."""
        return self.data.suffix == ".latch"


def _run(asked: Settings, output: Output) -> None:
    """Table or saved model in, files and the answer out."""
    from latchwork.forecasting.judging.stocks import stock_report
    from latchwork.forecasting.reading.table import read_table
    from latchwork.forecasting.report.files import write_files
    from latchwork.forecasting.report.results import Extras, results

    started = time.perf_counter()
    _check_outputs(asked)
    table = None if asked.is_saved else read_table(asked.data)
    if table is not None and asked.reading.decimal is not None:
        table = table.with_decimal(asked.reading.decimal)
    forecaster = _open(asked, output) if table is None else _fit(table, asked, output, started)
    result = forecaster.result_
    _show(result, output)
    extras = Extras(
        stocks=None if table is None else stock_report(table, result.panel.target),
        article=_article(result.panel, asked.seed, output) if asked.article else None,
        paths=None if asked.go_on is None else _paths(result, asked, output),
    )
    if extras.stocks is not None:
        output.note(extras.stocks.sentence)
    found = results(result, time.perf_counter() - started, extras)
    paths = write_files(result, found, asked.folder, shlex.join(["latchwork", *sys.argv[1:]]))
    if asked.save is not None:
        forecaster.save(asked.save)
        output.note(f"saved {asked.save}")
    found["files"] = [str(path) for path in paths]
    found["seconds"] = round(time.perf_counter() - started, 3)
    without = "the file keeps no backtest" if asked.is_saved else "the data are too short for a backtest"
    sentence = found["verdict"] or f"Forecast made; {without}."
    output.result(f"{sentence}\nReport: {paths[2]}  ({found['seconds']:.1f} s)", found)
    if result.is_interrupted and not asked.is_saved:
        raise KeyboardInterrupt


def _check_outputs(asked: Settings) -> None:
    """Nothing that is read, and no model, is overwritten; what is found is not lost for want of a place."""
    from latchwork.forecasting.report.files import FILES

    inputs = [asked.data, asked.update]
    check_files(asked.folder, (*FILES, PATHS_FILE), inputs=inputs)
    if asked.save is not None:
        check_file(asked.save, inputs=[asked.update] if asked.is_saved else inputs, kind="model")
    if asked.checkpoint is not None:
        check_files(asked.checkpoint, [])


def _fit(table: Table, asked: Settings, output: Output, started: float) -> Forecaster:
    """A forecaster of a table; the answer without training is told as soon as it is there."""
    from latchwork.forecasting.forecaster import Forecaster
    from latchwork.forecasting.reading.again import horizon_known
    from latchwork.forecasting.reading.read import read_panel
    from latchwork.forecasting.reading.seasons import default_horizon, find_seasons

    if asked.update is not None:
        raise InputError("got --update with a table: it goes on from a saved model, M.latch --update NEW.csv")
    told: list[str] = []

    def announce(forecaster: Forecaster) -> None:
        _announce(forecaster.result_, output, time.perf_counter() - started)
        told.extend(forecaster.notes_)

    forecaster = Forecaster(
        asked.horizon,
        levels=asked.levels,
        train=asked.train,
        best=asked.best,
        **vars(asked.reading),
        seasons=asked.seasons,
        bounds=asked.bounds,
        total=asked.total,
        origins=asked.origins,
        library=asked.library,
        minutes=asked.minutes,
        checkpoint=asked.checkpoint,
        announce=announce,
        progress=output.progress,
        random_state=asked.seed,
    )
    panel = read_panel(table, asked.reading)
    _check_ahead(panel, asked.horizon or horizon_known(panel, default_horizon(asked.seasons or find_seasons(panel))))
    forecaster.fit(panel)
    _note_all([note for note in forecaster.notes_ if note not in told], output)
    return forecaster


def _check_ahead(panel: Panel, horizon: int) -> None:
    """Raise InputError where a covariate that is to be known ahead is not: a backtest that knew it would mislead."""
    from latchwork.forecasting.reading.again import covariates_lacking

    lacking = covariates_lacking(panel, horizon)
    if lacking:
        names, steps = ",".join(lacking), panel.frequency.steps
        raise InputError(
            f"got --covariates {names} without values for the {horizon} {steps} ahead: add rows with its future and no "
            f"{panel.target}, or say --past {names} where it is not known in advance"
        )


def _open(asked: Settings, output: Output) -> Forecaster:
    """A saved forecaster, gone on to new rows where there are any."""
    from latchwork import runtime

    forecaster: Forecaster = runtime.load(asked.data, "forecasting")
    if asked.update is not None:
        forecaster.update(asked.update)
        _note_all(forecaster.notes_, output)
    return forecaster


def _article(panel: Panel, seed: int, output: Output) -> dict[str, float]:
    """The article's program on the first series: look-back of one, a scaler that has seen everything."""
    import numpy as np

    from latchwork.article.airline import as_written
    from latchwork.forecasting.reading.dates import format_times
    from latchwork.transforms.working import bridge

    values = bridge(panel.values[0][None, -ARTICLE_LENGTH:], 1)[0]
    if len(values) < FEWEST_ARTICLE or np.ptp(values) == 0:
        raise InputError(f"got {len(values)} values: the article's model needs {FEWEST_ARTICLE} that are not all equal")
    trained = as_written(format_times(panel.times[0][-len(values) :], panel.style), values, seed=seed, progress="none")
    output.note(
        f"The article's model: test RMSE {trained.test_rmse:.5g}; the same as the last value scores "
        f"{trained.persistence_test_rmse:.5g} ({trained.seconds:.1f} s)"
    )
    return {
        "train_rmse": trained.train_rmse,
        "test_rmse": trained.test_rmse,
        "persistence_test_rmse": trained.persistence_test_rmse,
        "seconds": trained.seconds,
    }


def _paths(result: Result, asked: Settings, output: Output) -> dict[str, Any]:
    """Sampled futures into paths.csv; their quantiles into the results."""
    from latchwork.forecasting.paths import continue_paths
    from latchwork.forecasting.reading.dates import format_times

    steps = asked.go_on or 0
    paths = continue_paths(result, steps, seed=asked.seed)
    times = format_times(result.panel.future_times(0, steps), result.panel.style)
    head = ["time", *(f"path{i + 1}" for i in range(len(paths.samples)))]
    lines = [
        ",".join(head),
        *(",".join([t, *(f"{v:.7g}" for v in row)]) for t, row in zip(times, paths.samples.T, strict=True)),
    ]
    asked.folder.mkdir(parents=True, exist_ok=True)
    write_text(asked.folder / PATHS_FILE, "\n".join(lines) + "\n")
    output.note(f"{len(paths.samples)} sampled futures of {steps} steps in {asked.folder / PATHS_FILE}")
    quantiles = {str(q): [float(f"{number:.7g}") for number in v] for q, v in paths.quantiles.items()}
    return {"times": times, "quantiles": quantiles}


def _announce(result: Result, output: Output, seconds: float) -> None:
    """What was found, and the answer that needs no training, as soon as it is there."""
    panel = result.panel
    season = f"season {result.end.season}" if result.seasons else "no season"
    many = f"{len(panel):,} series, " if len(panel) > 1 else ""
    if panel.understood is not None and panel.understood.line:
        output.note(f"Read as: {panel.understood.line}")
    output.note(f"{panel.target}: {many}{panel.frequency.name}, {season}; first answer after {seconds:.1f} s")
    _note_all(result.notes, output)


def _note_all(notes: Sequence[str], output: Output) -> None:
    """Notes, what could hurt most first; what was guessed is marked."""
    from latchwork.forecasting.reading.notes import GUESSED, severity

    for note in notes:
        output.note(f"{'! ' if severity(note) == GUESSED else '  '}{note}")


def _show(result: Result, output: Output) -> None:
    """The backtest's table, the first steps of the forecast, and both as a line of blocks."""
    from latchwork.forecasting.reading.dates import format_times
    from latchwork.forecasting.report.pictures import sparkline

    panel, forecast = result.panel, result.forecast
    if result.backtest is not None:
        _show_backtest(result, result.backtest, output)
    shown = min(STEPS_SHOWN, result.horizon)
    rows = [
        [
            text,
            f"{forecast.mean[0, h]:.6g}",
            *(f"{forecast.low[v][0, h]:.5g} to {forecast.high[v][0, h]:.5g}" for v in forecast.low),
        ]
        for h, text in enumerate(format_times(forecast.times[0][:shown], panel.style))
    ]
    title = f"{panel.names[0]}: the first {shown} of {result.horizon} {panel.frequency.steps}"
    output.table(title, ["time", "forecast", *(f"{level:g} %" for level in forecast.low)], rows)
    output.note(f"{sparkline(panel.values[0])} | {sparkline(forecast.mean[0])}")


def _show_backtest(result: Result, backtest: Backtest, output: Output) -> None:
    from latchwork.forecasting.methods.catalogue import readable

    names = list(result.scores)[:METHODS_SHOWN]
    rows = [
        [text + (" *" if name == result.used.name else ""), f"{s.rmse:.5g}", f"{s.mase:.3f}", f"{s.smape:.2f}"]
        for name, text, s in zip(names, readable(names), result.scores.values(), strict=False)
    ]
    covered = ", ".join(f"{level:g} % interval covered {backtest.coverage(level):.0f} %" for level in backtest.low)
    ahead = f"{result.horizon} {result.panel.frequency.steps}"
    title = f"Backtest: {len(backtest.origins)} origins, {ahead}; * is used; {covered}"
    output.table(title, ["method", "RMSE", "MASE", "sMAPE"], rows)


def _names(text: str | None) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip()) if text else ()


def _numbers(text: str, option: str, what: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise InputError(f"got {option} {text!r}: give {what}") from error


def _bounds(text: str | None) -> tuple[float | None, float | None] | None:
    """The lower and the upper bound, None for an end that is left empty."""
    if text is None:
        return None
    parts = text.split(",")
    if len(parts) != 2 or not any(part.strip() for part in parts):
        raise InputError(f"got --bounds {text!r}: give the lower and the upper one, such as 0,100 or 0,")
    low, high = (_numbers(part, "--bounds", "numbers such as 0,100") for part in parts)
    return low[0] if low else None, high[0] if high else None
