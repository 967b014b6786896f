"""`latchwork forecast`: a table of the past in, the future with its honest rank out."""

from __future__ import annotations

import shlex
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from latchwork.cli.common import JsonOption, Output, QuietOption, SeedOption
from latchwork.core.errors import InputError

if TYPE_CHECKING:
    from latchwork.forecasting.forecaster import Forecaster

STEPS_SHOWN = 6
METHODS_SHOWN = 12
ARTICLE_LENGTH = 2000  # values; its batches of one take minutes beyond
FEWEST_ARTICLE = 12


def forecast(
    data: Annotated[Path, typer.Argument(metavar="FILE.csv|M.latch", help="A table of the past, or a saved model.")],
    target: Annotated[str | None, typer.Option(help="The column to forecast.")] = None,
    time_column: Annotated[str | None, typer.Option("--time", help="The column of dates.")] = None,
    series: Annotated[str | None, typer.Option(help="The column(s) that name the series of a long table.")] = None,
    covariates: Annotated[str | None, typer.Option(metavar="A,B", help="Columns that are known in advance.")] = None,
    past: Annotated[
        str | None, typer.Option("--past", metavar="A,B", help="Covariates that are known up to the origin alone.")
    ] = None,
    static: Annotated[
        str | None, typer.Option("--static", metavar="A,B", help="Covariates with one value a series.")
    ] = None,
    horizon: Annotated[int | None, typer.Option(min=1, help="Steps to forecast.")] = None,
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
    save: Annotated[Path | None, typer.Option(metavar="M.latch", help="Save the model for --update.")] = None,
    update: Annotated[Path | None, typer.Option(metavar="NEW.csv", help="With M.latch: go on from new data.")] = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder for the report, pictures and files.")] = None,
    seed: SeedOption = 0,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Forecast a table of the past: what comes next, how sure that is, and whether it beats the simple methods."""
    from latchwork.forecasting.forecaster import Forecaster
    from latchwork.forecasting.judging.stocks import stock_report
    from latchwork.forecasting.report.files import write_files
    from latchwork.forecasting.report.results import results

    started = time.perf_counter()
    output = Output(as_json=as_json, quiet=quiet)
    folder = out or Path("latchwork-out") / data.stem
    if data.suffix == ".latch":
        forecaster = _open(data, update, output)
    else:
        if update is not None:
            raise InputError("got --update with a table: it goes on from a saved model, M.latch --update NEW.csv")
        told: list[str] = []

        def first_answer(made: Forecaster) -> None:
            _announce(made, output, time.perf_counter() - started)
            told.extend(made.notes_)

        forecaster = Forecaster(
            horizon,
            levels=_numbers(levels),
            train=not no_train,
            best=best,
            target=target,
            time=time_column,
            series=series,
            covariates=_names(covariates),
            past_covariates=_names(past),
            static_covariates=_names(static),
            origins=origins,
            library=library,
            announce=first_answer,
            progress=output.progress,
            random_state=seed,
        ).fit(data)
        _tell_notes(forecaster.notes_[len(told) :], output)
    _tell(forecaster, output)
    found = results(forecaster, time.perf_counter() - started)
    if article:
        found["article"] = _article(forecaster, seed, output)
    if go_on is not None:
        found["paths"] = _paths(forecaster, go_on, seed, folder, output)
    if data.suffix != ".latch" and (stocks := stock_report(data, forecaster.panel_.target)) is not None:
        found["stocks"] = stocks.to_dict()
        output.note(stocks.sentence)
    paths = write_files(forecaster, found, folder, shlex.join(["latchwork", *sys.argv[1:]]))
    if save is not None:
        forecaster.save(save)
        output.note(f"saved {save}")
    found["files"] = [str(path) for path in paths]
    found["seconds"] = round(time.perf_counter() - started, 3)
    without = "the file keeps no backtest" if data.suffix == ".latch" else "the data are too short for a backtest"
    sentence = found["verdict"] or f"Forecast made; {without}."
    output.result(f"{sentence}\nReport: {paths[2]}  ({found['seconds']:.1f} s)", found)


def _article(forecaster: Forecaster, seed: int, output: Output) -> dict[str, float]:
    """The article's program on the first series: look-back of one, a scaler that has seen everything."""
    import numpy as np

    from latchwork.article.airline import as_written
    from latchwork.forecasting.reading.dates import format_times
    from latchwork.transforms.working import bridge

    panel = forecaster.panel_
    values = bridge(panel.values[0][None, -ARTICLE_LENGTH:], 1)[0]
    if len(values) < FEWEST_ARTICLE or np.ptp(values) == 0:
        raise InputError(f"got {len(values)} values: the article's model needs {FEWEST_ARTICLE} that are not all equal")
    result = as_written(format_times(panel.times[0][-len(values) :], panel.style), values, seed=seed, progress="none")
    output.note(
        f"The article's model: test RMSE {result.test_rmse:.5g}; the same as the last value scores "
        f"{result.persistence_test_rmse:.5g} ({result.seconds:.1f} s)"
    )
    return {
        "train_rmse": result.train_rmse,
        "test_rmse": result.test_rmse,
        "persistence_test_rmse": result.persistence_test_rmse,
        "seconds": result.seconds,
    }


def _paths(forecaster: Forecaster, steps: int, seed: int, folder: Path, output: Output) -> dict[str, Any]:
    """Sampled futures into paths.csv; their quantiles into the results."""
    import numpy as np

    from latchwork.forecasting.methods.paths import continue_paths
    from latchwork.forecasting.reading.dates import format_times

    found = continue_paths(forecaster, steps, seed=seed)
    times = format_times(forecaster.panel_.future_times(0, steps), forecaster.panel_.style)
    head = ["time", *(f"path{i + 1}" for i in range(len(found.samples)))]
    lines = [
        ",".join(head),
        *(",".join([t, *(f"{v:.7g}" for v in row)]) for t, row in zip(times, found.samples.T, strict=True)),
    ]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "paths.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    output.note(f"{len(found.samples)} sampled futures of {steps} steps in {folder / 'paths.csv'}")
    return {"times": times, "quantiles": {str(q): np.round(v, 6).tolist() for q, v in found.quantiles.items()}}


def _open(path: Path, update: Path | None, output: Output) -> Forecaster:
    from latchwork import runtime

    forecaster: Forecaster = runtime.load(path, "forecasting")
    if update is not None:
        forecaster.update(update)
        _tell_notes(forecaster.notes_, output)
    return forecaster


def _announce(forecaster: Forecaster, output: Output, seconds: float) -> None:
    """What was found, and the answer that needs no training, as soon as it is there."""
    panel = forecaster.panel_
    season = f"season {forecaster.seasons_[0]}" if forecaster.seasons_ else "no season"
    many = f"{len(panel):,} series, " if len(panel) > 1 else ""
    output.note(f"{panel.target}: {many}{panel.frequency.name}, {season}; first answer after {seconds:.1f} s")
    _tell_notes(forecaster.notes_, output)


def _tell_notes(notes: list[str], output: Output) -> None:
    for note in notes:
        output.note(f"  {note}")


def _tell(forecaster: Forecaster, output: Output) -> None:
    from latchwork.forecasting.judging.verdict import READABLE
    from latchwork.forecasting.reading.dates import format_times
    from latchwork.forecasting.report.pictures import sparkline

    panel, forecast = forecaster.panel_, forecaster.predict()
    ahead = f"{forecaster.horizon_} {panel.frequency.steps}"
    if forecaster.backtest_ is not None:
        rows = [
            [
                READABLE.get(name, name) + (" *" if name == forecaster.used_ else ""),
                f"{s.rmse:.5g}",
                f"{s.mase:.3f}",
                f"{s.smape:.2f}",
            ]
            for name, s in list(forecaster.baselines().items())[:METHODS_SHOWN]
        ]
        made = forecaster.backtest_
        held = ", ".join(f"{level:g} % interval held {made.coverage(level):.0f} %" for level in made.low)
        title = f"Backtest: {len(made.origins)} origins, {ahead}; * is used; {held}"
        output.table(title, ["method", "RMSE", "MASE", "sMAPE"], rows)
    shown = min(STEPS_SHOWN, forecaster.horizon_)
    ends = [f"{level:g} %" for level in forecast.low]
    rows = [
        [
            text,
            f"{forecast.mean[0, h]:.6g}",
            *(f"{forecast.low[v][0, h]:.5g} to {forecast.high[v][0, h]:.5g}" for v in forecast.low),
        ]
        for h, text in enumerate(format_times(forecast.times[0][:shown], panel.style))
    ]
    output.table(
        f"{panel.names[0]}: the first {shown} of {forecaster.horizon_} {panel.frequency.steps}",
        ["time", "forecast", *ends],
        rows,
    )
    output.note(f"{sparkline(panel.values[0])} | {sparkline(forecast.mean[0])}")


def _names(text: str | None) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip()) if text else ()


def _numbers(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise InputError(f"got --levels {text!r}: give per cents such as 80,95") from error
