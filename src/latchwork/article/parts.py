"""What `latchwork article` leaves behind: each program's pictures, model, figures and section of the report."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from matplotlib.figure import Figure

from latchwork.article.airline import AirlineResult, airline_figure
from latchwork.article.digits import Digits, DigitsResult, mistakes_figure
from latchwork.classification import SequenceClassifier
from latchwork.jsontext import json_text
from latchwork.pictures import save_figure
from latchwork.regression import SequenceRegressor
from latchwork.report import Report
from latchwork.storage import write_atomically


def what_it_means(written: AirlineResult) -> str:
    """The sentence that the article leaves out."""
    return (
        f'"Same as last month" scores {written.persistence_test_rmse:.2f} on the same months: '
        "this network has learned to repeat its input, and its forecast is the past shifted by one month."
    )


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
        {"airline.png": (picture, "Passengers, and the network's forecasts one month to the right of the truth")},
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
        {"airline_done_well.png": (picture, "Passengers and forecasts that follow the season")},
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
    for part in parts:
        page.heading(part.heading)
        for paragraph in part.paragraphs:
            page.paragraph(paragraph)
        for file, (figure, description) in part.pictures.items():
            save_figure(figure, out / file)
            page.picture(figure, description)
        part.model.save(out / f"{part.name}.latch")
    page.heading("All figures")
    page.code(json_text(results, indent=2))
    write_atomically(out / "results.json", [json_text(results, indent=2).encode()])
    write_atomically(out / "report.html", [page.to_html().encode()])
    return results
