"""What `latchwork article` leaves behind: each program's pictures, model, figures and section of the report."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from matplotlib.figure import Figure

from latchwork.article.airline import AirlineResult, airline_figure
from latchwork.article.digits import Digits, DigitsResult, mistakes_figure
from latchwork.core.jsontext import json_text
from latchwork.core.writing import write_atomically
from latchwork.estimators.classifier import SequenceClassifier
from latchwork.estimators.regressor import SequenceRegressor
from latchwork.show.pictures import save_figure
from latchwork.show.report import Report


def what_it_means(written: AirlineResult) -> str:
    """The sentence that the article leaves out."""
    score, last_month, apart = written.test_rmse, written.persistence_test_rmse, written.distance_to_last_month
    told = f'"Same as last month" scores {last_month:.2f} on the same months'
    if score > 1.1 * last_month or score < 0.9 * last_month:
        return f"{told}, this network {score:.2f}."
    return (
        f"{told}: the network gains little on that, or nothing. Its forecasts lie {apart:.0f} thousand passengers from "
        f"last month's number and {score:.0f} from the month that they are for (root mean squares): in the main it "
        "has learned to repeat its input, and its curve is the past shifted by one month."
    )


PROGRAMS = ("airline", "airline_done_well", "mnist", "mnist_done_well")
FILES = (
    "results.json",
    "report.html",
    *(f"{name}.{kind}" for name in PROGRAMS for kind in ("latch", "png")),
    *(f"{name}_mistakes.png" for name in PROGRAMS[2:]),
)
"""What `write` may leave in the folder."""


class Part(NamedTuple):
    """One program's share of the folder: its name in files and figures, and its section of the report."""

    name: str
    heading: str
    model: SequenceClassifier | SequenceRegressor
    figures: dict[str, float]
    paragraphs: list[str]
    pictures: dict[str, tuple[Figure, str]]


def airline_part(written: AirlineResult) -> Part:
    """The airline LSTM as written."""
    picture = airline_figure(written, "As written: each month from the one before")
    return Part(
        "airline",
        "Airline passengers, as written",
        written.model,
        {
            "train_rmse": written.train_rmse,
            "test_rmse": written.test_rmse,
            "persistence_test_rmse": written.persistence_test_rmse,
            "seconds": written.seconds,
        },
        [
            "LSTM(4) and Dense(1), each month from the one before, Adam, 100 epochs, batch 1. All months were scaled "
            "together, so the network's scaler has seen the test part.",
            what_it_means(written),
        ],
        {"airline.png": (picture, "Each forecast at its month: the test forecasts run one month behind the truth")},
    )


def airline_well_part(well: AirlineResult) -> Part:
    """The airline forecast done well."""
    picture = airline_figure(well, "Done well: a year of history, logarithms, the season")
    return Part(
        "airline_done_well",
        "Airline passengers, done well",
        well.model,
        {
            "train_rmse": well.train_rmse,
            "test_rmse": well.test_rmse,
            "persistence_test_rmse": well.persistence_test_rmse,
            "epochs": well.epochs,
            "seconds": well.seconds,
        },
        [
            "The same months, one month ahead, with everything fitted on the first 96 months: in logarithms, the same "
            "month a year ago plus last month's growth over its own year before, corrected by the mean of five LSTM(8) "
            f"that read a year of growths. They trained for {well.epochs} epochs, chosen on the last two training "
            "years."
        ],
        {
            "airline_done_well.png": (
                picture,
                "The same months: the forecasts rise and fall with the season, not a month after it",
            )
        },
    )


def digits_part(read: DigitsResult, test: Digits) -> Part:
    """The digits' LSTM as written."""
    return _digits(
        "mnist",
        "Handwritten digits, as written",
        read,
        test,
        "LSTM(30) and Dense(10) read each image as 28 rows of 28 pixels; RMSprop, batch 128.",
    )


def digits_well_part(better: DigitsResult, test: Digits) -> Part:
    """The digits done well."""
    return _digits(
        "mnist_done_well",
        "Handwritten digits, done well",
        better,
        test,
        "The same rows, still by recurrent layers alone: two LSTM layers that read both ways, pooled over the rows; "
        "training images turned, slanted, stretched and moved a little. Everything was chosen on 5,000 held-out "
        "training images; the test images were looked at once.",
    )


def _digits(name: str, heading: str, result: DigitsResult, test: Digits, paragraph: str) -> Part:

    epochs = len(result.model.history_.epochs)
    figures = {
        "test_accuracy": result.test_accuracy,
        "test_loss": result.test_loss,
        "seconds": result.seconds,
        "epochs": epochs,
    }
    score = (
        f"After {epochs} epochs: test accuracy {result.test_accuracy:.4f}, test loss {result.test_loss:.4f}, "
        f"in {result.seconds:.0f} seconds."
    )
    pictures = {
        f"{name}.png": (result.model.history_.plot(), "Loss and accuracy over the epochs"),
        f"{name}_mistakes.png": (mistakes_figure(result, test), "Ten test images that it is sure and wrong about"),
    }
    return Part(name, heading, result.model, figures, [f"{paragraph} {score}"], pictures)


def write(out: Path, parts: list[Part]) -> dict[str, Any]:
    """Pictures, models, figures and the report; gives the figures."""
    results = {part.name: part.figures for part in parts}
    page = Report("Both programs of the article", "Trained on this machine, on the real data, beside simple methods.")
    page.table(("Program", "Test score", "Trained in"), _summary(results))
    for part in parts:
        page.heading(part.heading)
        for paragraph in part.paragraphs:
            page.paragraph(paragraph)
        for file, (figure, description) in part.pictures.items():
            save_figure(figure, out / file)
            page.picture(figure, description)
        part.model.save(out / f"{part.name}.latch")
    page.heading("In this folder")
    page.paragraph(
        "results.json has every figure in full, the pictures are there as PNG, and each network is a .latch file:"
    )
    page.code(
        "latchwork info mnist.latch                         what is in it\n"
        "latchwork explain mnist.latch --out mnist.html     every gate at every step, in the browser"
    )
    write_atomically(out / "results.json", [json_text(results, indent=2).encode()])
    write_atomically(out / "report.html", [page.to_html().encode()])
    return results


def _summary(results: dict[str, dict[str, float]]) -> list[tuple[str, str, str]]:
    """The figures that count, one row each, and what a simple method scores where there is one."""
    rows: list[tuple[str, str, str]] = []
    for name, program in (("airline", "Airline passengers"), ("mnist", "Handwritten digits")):
        simple = ""
        for key, how in ((name, "as written"), (f"{name}_done_well", "done well")):
            if key not in results:
                continue
            figures = results[key]
            seconds = f"{figures['seconds']:.3g} s"
            if "test_rmse" in figures:
                rows.append((f"{program}, {how}", f"RMSE {figures['test_rmse']:.2f}", seconds))
                simple = f"RMSE {figures['persistence_test_rmse']:.2f}"
            else:
                rows.append((f"{program}, {how}", f"{figures['test_accuracy']:.2%} right", seconds))
        if simple:
            rows.append((f"{program}, same as last month", simple, "-"))
    return rows
