"""`latchwork article`: both programs of the article, as written, then done well."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from latchwork.cli.common import JsonOption, Output, QuietOption, SeedOption, json_text
from latchwork.errors import LatchworkError

if TYPE_CHECKING:
    from latchwork.article.airline import AirlineResult
    from latchwork.article.digits import DigitsResult


def article(
    out: Annotated[Path, typer.Option(help="Folder for pictures, models and the report.")] = Path("latchwork-out"),
    epochs: Annotated[int, typer.Option(min=1, help="Epochs of the digits' network; the article has 10.")] = 10,
    seed: SeedOption = 0,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Both programs of the article: as written, then done well.

    Trains the article's two networks on the real data, beside what simple methods score, and writes pictures, the
    models, a report and the figures into one folder.
    """
    import numpy as np

    from latchwork import datasets
    from latchwork.article import airline, digits

    output = Output(as_json=as_json, quiet=quiet)
    _make_folder(out)

    output.note("Airline passengers, as written: LSTM(4) -> Dense(1), look-back 1, Adam, 100 epochs, batch 1")
    months, passengers = datasets.airline()
    written = airline.as_written(months, passengers, seed=seed, progress=output.progress)
    output.note(f"Train score: {written.train_rmse:.2f} RMSE\nTest score: {written.test_rmse:.2f} RMSE")
    output.note(_what_it_means(written))
    output.note("\nAirline passengers, done well: nothing has seen the test months")
    well = airline.done_well(months, passengers, seed=seed, progress="none")
    output.note(f"Test score: {well.test_rmse:.2f} RMSE, over the same months")

    output.note("\nHandwritten digits, as written: LSTM(30) -> Dense(10), RMSprop, batch 128")
    train, test = datasets.mnist()
    train, test = ((images.astype(np.float32), labels) for images, labels in (train, test))
    read = digits.as_written(train, test, epochs=epochs, seed=seed, progress=output.progress)
    output.note(f"Summary: over the test dataset, accuracy {read.test_accuracy:.4f}, loss {read.test_loss:.4f}")

    figures = {
        "airline.png": airline.airline_figure(written, "As written: each month from the one before"),
        "airline_done_well.png": airline.airline_figure(well, "Done well: a year of history, logarithms, the season"),
        "mnist.png": read.model.history_.plot(),
        "mnist_mistakes.png": digits.mistakes_figure(read, test),
    }
    from latchwork.pictures import save_figure

    for name, figure in figures.items():
        save_figure(figure, out / name)
    written.model.save(out / "airline.latch")
    read.model.save(out / "mnist.latch")
    results = _results(written, well, read)
    (out / "results.json").write_text(json_text(results, indent=2) + "\n")
    (out / "report.html").write_text(_report(written, well, read, figures), encoding="utf-8")
    output.result(f"\nEverything is in {out}/: open {out / 'report.html'}", results)
    if read.model.history_.stopped == "interrupted" or written.model.history_.stopped == "interrupted":
        raise KeyboardInterrupt


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LatchworkError(f"cannot make the folder {folder}: {error.strerror}") from error


def _what_it_means(written: AirlineResult) -> str:
    return (
        f'"Same as last month" scores {written.persistence_test_rmse:.2f} on the same months: '
        "this network has learned to repeat its input, and its forecast is the past shifted by one month."
    )


def _results(written: AirlineResult, well: AirlineResult, read: DigitsResult) -> dict[str, Any]:
    return {
        "airline": {
            "train_rmse": written.train_rmse,
            "test_rmse": written.test_rmse,
            "persistence_test_rmse": written.persistence_test_rmse,
            "seconds": written.seconds,
        },
        "airline_done_well": {
            "train_rmse": well.train_rmse,
            "test_rmse": well.test_rmse,
            "epochs": well.epochs,
            "seconds": well.seconds,
        },
        "mnist": {
            "test_accuracy": read.test_accuracy,
            "test_loss": read.test_loss,
            "seconds": read.seconds,
            "epochs": len(read.model.history_.epochs),
        },
    }


def _report(written: AirlineResult, well: AirlineResult, read: DigitsResult, figures: dict[str, Any]) -> str:
    from latchwork.report import Report

    page = Report("Both programs of the article", "Trained on this machine, on the real data, beside simple methods.")
    page.heading("Airline passengers, as written")
    page.paragraph(
        "LSTM(4) and Dense(1), each month from the one before, Adam, 100 epochs, batch 1. All months were scaled "
        "together, so the network's scaler has seen the test part."
    )
    page.table(
        ["method", "RMSE on the test months, thousand passengers"],
        [
            ["the article's LSTM", f"{written.test_rmse:.2f}"],
            ["same as last month", f"{written.persistence_test_rmse:.2f}"],
            ["done well (below)", f"{well.test_rmse:.2f}"],
        ],
    )
    page.picture(figures["airline.png"], "Passengers, and the network's forecasts one month to the right of the truth")
    page.paragraph(_what_it_means(written))
    page.heading("Airline passengers, done well")
    page.paragraph(
        "The same months, one month ahead, with everything fitted on the first 96 months: in logarithms, the same "
        "month a year ago plus last month's growth over its own year before, corrected by the mean of five LSTM(8) "
        f"that read a year of growths. They trained for {well.epochs} epochs, chosen on the last two training years."
    )
    page.picture(figures["airline_done_well.png"], "Passengers and forecasts that follow the season")
    page.heading("Handwritten digits, row by row")
    page.paragraph(
        "LSTM(30) and Dense(10) read each image as 28 rows of 28 pixels; RMSprop, batch 128. "
        f"After {read.epochs} epochs: test accuracy {read.test_accuracy:.4f}, test loss {read.test_loss:.4f}, "
        f"in {read.seconds:.0f} seconds."
    )
    page.picture(figures["mnist.png"], "Loss and accuracy over the epochs, training and test")
    page.picture(figures["mnist_mistakes.png"], "Ten test images that the network is sure and wrong about")
    page.heading("Figures")
    page.code(json.dumps(_results(written, well, read), indent=2))
    return page.to_html()
