"""What the commands over labelled sequences share: the data, and which of its columns is what."""

from __future__ import annotations

import csv
import shlex
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from latchwork.cli.common import Output
from latchwork.cli.outputs import check_file, check_files
from latchwork.core.errors import InputError

if TYPE_CHECKING:
    from latchwork.core.spec import Recurrent, Sequential
    from latchwork.datasets.roles import Columns
    from latchwork.datasets.sequences import SequenceData
    from latchwork.estimators.sequence import SequenceEstimator

UNITS = 64  # of the layer of --cell

DataArgument = Annotated[
    Path,
    typer.Argument(
        metavar="DATA",
        help="A folder of idx files, .npz, X.npy beside y.npy, .ts, a long CSV, or a folder of CSV files a class.",
        show_default=False,
    ),
]
LabelOption = Annotated[str | None, typer.Option(help="Of a table: the column to be predicted.", show_default=False)]
SeriesOption = Annotated[
    str | None, typer.Option(help="Of a table: the column that says which rows belong together.", show_default=False)
]
TimeOption = Annotated[
    str | None, typer.Option("--time", help="Of a table: the column that puts rows in order.", show_default=False)
]
FeaturesOption = Annotated[
    str | None,
    typer.Option(metavar="A,B", help="Of a table: the columns to read; all others where nothing is said."),
]
IgnoreOption = Annotated[str | None, typer.Option(metavar="A,B", help="Of a table: columns to leave out.")]

CellOption = Annotated[
    str | None, typer.Option(help="One layer of this cell (lstm, gru, rnn, ...), in place of the chosen recipe.")
]
UnitsOption = Annotated[int | None, typer.Option(min=1, help="With --cell: units of that layer (64).")]
BothWaysOption = Annotated[bool, typer.Option("--both-ways", help="With --cell: read in both directions.")]
DropoutOption = Annotated[float | None, typer.Option(help="With --cell: share of the inputs dropped (0).")]
OneWayOption = Annotated[bool, typer.Option("--one-way", help="Choose a network that can read a stream.")]
BestOption = Annotated[bool, typer.Option("--best", help="Use whatever wins on held-out rows, however simple.")]
EpochsOption = Annotated[int | None, typer.Option(min=1, help="Passes over the data.")]
StepsOption = Annotated[int | None, typer.Option(min=1, help="Or: steps of the optimiser.")]
MinutesOption = Annotated[
    float | None, typer.Option(help="Or: minutes; about one where nothing is said and no cell is given.")
]
BatchOption = Annotated[int | None, typer.Option(min=1, help="Sequences in a step.")]
OptimizerOption = Annotated[str | None, typer.Option(help="adam, adamw, rmsprop, sgd, momentum or adagrad.")]
RateOption = Annotated[float | None, typer.Option(help="Learning rate.")]
ValidationOption = Annotated[float, typer.Option(help="Share of the rows to hold out and to report on.")]
PatienceOption = Annotated[int | None, typer.Option(min=1, help="Stop after that many epochs without progress.")]
CheckpointOption = Annotated[Path | None, typer.Option(help="A folder from which a killed run goes on.")]
OutOption = Annotated[Path, typer.Option(metavar="M.latch", help="Where to save the model.")]
AnswersOption = Annotated[Path | None, typer.Option(metavar="FILE.csv", help="Write the answers here.")]
ReportOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE.html",
        help="The page of what was compared; where nothing is said, latchwork-out/NAME/report.html.",
        show_default=False,
    ),
]


def check_outputs(out: Path, data: Path, checkpoint: Path | None, report: Path | None) -> Path:
    """Refuse, before any work, what cannot be written or would be lost; gives where the page goes."""
    check_file(out, inputs=[data], kind="model")
    if checkpoint is not None:
        check_files(checkpoint, [])
    page = report or Path("latchwork-out") / data.name.partition(".")[0] / "report.html"
    if report is not None:
        check_file(report, inputs=[data], kind="page")
    else:
        check_files(page.parent, [page.name], inputs=[data])
    return page


def asked_layer(
    cell: str | None, units: int | None, dropout: float | None, *, both_ways: bool, one_way: bool
) -> Recurrent | None:
    """The layer of --cell, or None; raises `InputError` on options that would change nothing."""
    if cell is not None:
        if one_way:
            raise InputError("--one-way is for a recipe to be chosen: with --cell leave --both-ways out")
        return described_cell(cell)(UNITS if units is None else units, dropout=dropout or 0.0)
    given = {"--units": units is not None, "--dropout": dropout is not None, "--both-ways": both_ways}
    if any(given.values()):
        names = ", ".join(name for name, is_given in given.items() if is_given)
        raise InputError(f"{names} without --cell changes nothing: add --cell lstm (or gru, rnn, ...), or leave it out")
    return None


def described_cell(name: str) -> type[Recurrent]:
    """The cell of the table by its name, or by a part that no other name has: `rnn`, `peephole`."""
    from latchwork.core.table import CELLS

    cells = {description.__name__.lower(): description for description in CELLS}
    alike = [name.lower()] if name.lower() in cells else [full for full in cells if name.lower() in full]
    if len(alike) != 1:
        raise InputError(f"--cell {name}: expected one of {', '.join(cells)}")
    return cells[alike[0]]


def one_layer(
    layer: Recurrent | None, both_ways: bool, outputs: int, *, at_every_step: bool = False
) -> Sequential | None:
    """The network of that layer with so many outputs; None where a recipe is to be chosen."""
    from latchwork.core import spec

    if layer is None:
        return None
    layer = replace(layer, return_sequences=at_every_step)
    return spec.Sequential([spec.Bidirectional(layer) if both_ways else layer, spec.Dense(outputs)])


def fit_and_save(estimator: SequenceEstimator, rows: SequenceData, out: Path, page: Path, output: Output) -> None:
    """Train, save, tell what was found; raises `KeyboardInterrupt` at the end where Ctrl-C ended the training."""
    from latchwork.estimators.base import fit_as_far_as_possible
    from latchwork.training import DivergedError

    started = time.monotonic()
    try:
        fit_as_far_as_possible(estimator, rows)
    except DivergedError as error:
        if error.kept is not None:
            estimator.save(out)
            output.note(f"saved to {out}")
        raise
    estimator.save(out)
    _tell_result(estimator, rows, out, page, time.monotonic() - started, output)
    if estimator.history_.stopped == "interrupted":
        raise KeyboardInterrupt


def _tell_result(
    estimator: SequenceEstimator, rows: SequenceData, out: Path, page: Path, seconds: float, output: Output
) -> None:
    history, comparison = estimator.history_, estimator.comparison_
    is_simple = history.stopped == "not trained" or (estimator.best and comparison and comparison.winner != "network")
    simple_name: str = getattr(estimator.model_, "name", "")
    if not is_simple:
        output.note(f"\n{estimator.model_.data.spec.summary()}\n")
    results: dict[str, Any] = {
        "model": str(out),
        "recipe": list(estimator.recipe_.notes),
        "chosen": simple_name if is_simple else estimator.recipe_.name,
        "verdict": None,
        "winner": None,
        "baselines": {},
        "last_epoch": history.epochs[-1] if history.epochs else None,
        "epochs": len(history.epochs),
        "steps": history.steps,
        "stopped": history.stopped,
        "seconds": seconds,
    }
    sentence = f"Trained for {history.steps:,} steps in {seconds:.1f} s; saved to {out}"
    if is_simple:
        sentence = f"Fitted {simple_name} in {seconds:.1f} s; saved to {out}"
    if comparison is not None:
        results |= {
            "verdict": comparison.verdict, "winner": comparison.winner, "baselines": comparison.baselines,
            "network": comparison.figures["network"], "held_out": comparison.rows, "report": str(page),
            "calibration": comparison.calibration, "confusion": comparison.confusion,
        }  # fmt: skip
        _show_comparison(estimator, output)
        _write_page(estimator, rows, page)
        sentence += f"\n{comparison.verdict}\nReport: {page}"
    output.result(sentence, results)


def _show_comparison(estimator: SequenceEstimator, output: Output) -> None:
    from latchwork.estimators.report import scores

    assert estimator.comparison_ is not None
    columns, lines = scores(estimator.comparison_)
    output.table(f"Over {estimator.comparison_.rows:,} held-out rows", columns, lines)


def _write_page(estimator: SequenceEstimator, rows: SequenceData, page: Path) -> None:
    from latchwork.estimators.report import write_report

    assert estimator.comparison_ is not None
    page.parent.mkdir(parents=True, exist_ok=True)
    write_report(
        page,
        estimator.model_,
        estimator.comparison_,
        rows.inputs,
        rows.lengths,
        used=getattr(estimator.model_, "name", "network"),
        source=described(rows).partition("\n")[0],
        command=shlex.join(["latchwork", *sys.argv[1:]]),
        notes=estimator.recipe_.notes,
    )


def asked_columns(
    label: str | None, series: str | None, time: str | None, features: str | None, ignore: str | None
) -> Columns:
    """The options as data."""
    from latchwork.datasets.roles import Columns

    return Columns(label, series, time, _names(features) or None, _names(ignore))


def columns_of(model: Any, asked: Columns) -> Columns:
    """The columns as a model had them in training; what is asked for now goes first."""
    from latchwork.datasets.roles import Columns

    kept = Columns.of_model(model.document.get("data", {}).get("columns") or {}, model.features)
    return replace(
        kept,
        label=asked.label or kept.label,
        series=asked.series or kept.series,
        time=asked.time or kept.time,
        ignore=(*kept.ignore, *asked.ignore),
    )


def described(rows: SequenceData) -> str:
    """What was read, and what was used as what."""
    _, time, features = rows.inputs.shape
    steps = f"{time} steps" if rows.lengths is None else f"{rows.lengths.min()} to {rows.lengths.max()} steps"
    return "\n".join([f"{rows.source}: {len(rows):,} sequences of {steps}, {features} features", *rows.notes])


def _names(text: str | None) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip()) if text else ()


def write_answers(out: Path, answers: list[dict[str, Any]]) -> None:
    """Answers as a table, a row each."""
    from latchwork.core.writing import replacing

    with replacing(out) as beside, beside.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(answers[0]))
        writer.writeheader()
        writer.writerows(answers)
