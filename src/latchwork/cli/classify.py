"""`latchwork classify`: train, test and use a classifier of sequences."""

from __future__ import annotations

import csv
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from latchwork.cli.common import JsonOption, ModelArgument, Output, QuietOption, SeedOption
from latchwork.cli.outputs import check_file, check_files
from latchwork.cli.sequences import (
    DataArgument,
    FeaturesOption,
    IgnoreOption,
    LabelOption,
    SeriesOption,
    TimeOption,
    asked_columns,
    columns_of,
    described,
)
from latchwork.core.errors import InputError
from latchwork.core.writing import replacing

if TYPE_CHECKING:
    from latchwork.core.spec import Recurrent, Sequential
    from latchwork.datasets.sequences import SequenceData
    from latchwork.estimators.classifier import SequenceClassifier
    from latchwork.runtime import Model
    from latchwork.transforms.labels import Labels

app = typer.Typer(no_args_is_help=True)

UNITS = 64  # of the layer of --cell


@app.command()
def train(
    data: DataArgument,
    out: Annotated[Path, typer.Option(metavar="M.latch", help="Where to save the model.")],
    label: LabelOption = None,
    series: SeriesOption = None,
    time_column: TimeOption = None,
    features: FeaturesOption = None,
    ignore: IgnoreOption = None,
    cell: Annotated[
        str | None, typer.Option(help="One layer of this cell (lstm, gru, rnn, ...), in place of the chosen recipe.")
    ] = None,
    units: Annotated[int | None, typer.Option(min=1, help="With --cell: units of that layer (64).")] = None,
    both_ways: Annotated[bool, typer.Option("--both-ways", help="With --cell: read in both directions.")] = False,
    dropout: Annotated[float | None, typer.Option(help="With --cell: share of the inputs dropped (0).")] = None,
    one_way: Annotated[bool, typer.Option("--one-way", help="Choose a network that can read a stream.")] = False,
    epochs: Annotated[int | None, typer.Option(min=1, help="Passes over the data.")] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Or: steps of the optimiser.")] = None,
    minutes: Annotated[
        float | None, typer.Option(help="Or: minutes; about one where nothing is said and no cell is given.")
    ] = None,
    batch_size: Annotated[int | None, typer.Option(min=1, help="Sequences in a step.")] = None,
    optimizer: Annotated[str | None, typer.Option(help="adam, adamw, rmsprop, sgd, momentum or adagrad.")] = None,
    rate: Annotated[float | None, typer.Option(help="Learning rate.")] = None,
    balanced: Annotated[
        bool, typer.Option("--balanced", help="Let rare classes count as much as common ones.")
    ] = False,
    validation: Annotated[float, typer.Option(help="Share of the rows to hold out and to report on.")] = 0.0,
    patience: Annotated[int | None, typer.Option(min=1, help="Stop after that many epochs without progress.")] = None,
    checkpoint: Annotated[Path | None, typer.Option(help="A folder from which a killed run goes on.")] = None,
    seed: SeedOption = 0,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Train a classifier on labelled sequences and save it.

    Without --cell a recipe is chosen on a validation part of the training rows, and what was chosen is said.
    """
    from latchwork import datasets
    from latchwork.estimators.base import fit_as_far_as_possible
    from latchwork.estimators.classifier import SequenceClassifier
    from latchwork.training import DivergedError

    output = Output(as_json=as_json, quiet=quiet)
    check_file(out, inputs=[data], kind="model")
    if checkpoint is not None:
        check_files(checkpoint, [])
    layer = _asked_layer(cell, units, dropout, both_ways=both_ways, one_way=one_way)
    rows = datasets.read(data, "train", columns=asked_columns(label, series, time_column, features, ignore))
    output.note(described(rows))
    classifier = SequenceClassifier(
        None if layer is None else _one_layer(layer, both_ways, rows),
        epochs=epochs,
        steps=steps,
        minutes=minutes,
        batch_size=batch_size,
        optimizer=optimizer,
        learning_rate=rate,
        class_weight="balanced" if balanced else None,
        validation_share=validation or (0.1 if patience else 0.0),
        patience=patience,
        checkpoint=checkpoint,
        progress=output.progress,
        random_state=seed,
        one_way=one_way,
    )
    started = time.monotonic()
    try:
        fit_as_far_as_possible(classifier, rows)
    except DivergedError as error:
        if error.kept is not None:
            classifier.save(out)
            output.note(f"saved to {out}")
        raise
    classifier.save(out)
    _report_training(classifier, out, time.monotonic() - started, output)


def _asked_layer(
    cell: str | None, units: int | None, dropout: float | None, *, both_ways: bool, one_way: bool
) -> Recurrent | None:
    """The layer of --cell, or None; raises `InputError` on options that would change nothing."""
    if cell is not None:
        if one_way:
            raise InputError("--one-way is for a recipe to be chosen: with --cell leave --both-ways out")
        return _described_cell(cell)(UNITS if units is None else units, dropout=dropout or 0.0)
    given = {"--units": units is not None, "--dropout": dropout is not None, "--both-ways": both_ways}
    if any(given.values()):
        names = ", ".join(name for name, is_given in given.items() if is_given)
        raise InputError(f"{names} without --cell changes nothing: add --cell lstm (or gru, rnn, ...), or leave it out")
    return None


def _one_layer(layer: Recurrent, both_ways: bool, rows: SequenceData) -> Sequential:
    """The network of that layer for the classes of the rows."""
    from latchwork.core import spec

    assert rows.labels is not None
    classes = len(set(rows.labels.tolist()))
    return spec.Sequential([spec.Bidirectional(layer) if both_ways else layer, spec.Dense(classes)])


def _described_cell(name: str) -> type[Recurrent]:
    """The cell of the table by its name, or by a part that no other name has: `rnn`, `peephole`."""
    from latchwork.core.table import CELLS

    cells = {description.__name__.lower(): description for description in CELLS}
    alike = [name.lower()] if name.lower() in cells else [full for full in cells if name.lower() in full]
    if len(alike) != 1:
        raise InputError(f"--cell {name}: expected one of {', '.join(cells)}")
    return cells[alike[0]]


def _report_training(classifier: SequenceClassifier, out: Path, seconds: float, output: Output) -> None:
    output.note(f"\n{classifier.model_.data.spec.summary()}\n")
    history = classifier.history_
    results = {
        "model": str(out),
        "recipe": list(classifier.recipe_.notes),
        "last_epoch": history.epochs[-1] if history.epochs else None,
        "epochs": len(history.epochs),
        "steps": history.steps,
        "stopped": history.stopped,
        "seconds": seconds,
    }
    output.result(f"Trained for {history.steps:,} steps in {seconds:.1f} s; saved to {out}", results)
    if history.stopped == "interrupted":
        raise KeyboardInterrupt


@app.command()
def test(
    model: ModelArgument,
    data: DataArgument,
    label: LabelOption = None,
    series: SeriesOption = None,
    time_column: TimeOption = None,
    ignore: IgnoreOption = None,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Test a saved classifier on labelled sequences: accuracy, loss, and each class on its own."""
    from latchwork import datasets
    from latchwork.runtime.metrics import class_figures, classification_figures

    output = Output(as_json=as_json, quiet=quiet)
    classifier, labels = _load(model)
    asked = asked_columns(label, series, time_column, None, ignore)
    rows = datasets.read(data, "test", columns=columns_of(classifier, asked))
    output.note(described(rows))
    started = time.monotonic()
    probabilities = classifier.predict_proba(rows)
    results: dict[str, Any] = classification_figures(labels, probabilities, rows.labels)
    seconds = time.monotonic() - started
    answers = labels.decode(probabilities.argmax(axis=1))
    classes = [class_figures(label, rows.labels, answers) for label in labels.classes]
    output.table(
        "Each class",
        ["class", "sequences", "recall", "precision"],
        [[str(row["class"]), str(row["n"]), _percent(row["recall"]), _percent(row["precision"])] for row in classes],
    )
    sentence = f"Accuracy {results['accuracy']:.4f}, loss {results['loss']:.4f} over {results['n']:,} sequences"
    output.result(sentence, results | {"classes": classes, "seconds": seconds})


@app.command()
def predict(
    model: ModelArgument,
    data: DataArgument,
    out: Annotated[Path | None, typer.Option(metavar="FILE.csv", help="Write the answers here.")] = None,
    series: SeriesOption = None,
    time_column: TimeOption = None,
    ignore: IgnoreOption = None,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Give each sequence its likeliest class, with the probability of it."""
    from latchwork import datasets

    output = Output(as_json=as_json, quiet=quiet)
    if out is not None:
        check_file(out, inputs=[model, data], kind="table")
    classifier, classes = _load(model)
    asked = asked_columns(None, series, time_column, None, ignore)
    rows = datasets.read(data, "test", labels_required=False, columns=columns_of(classifier, asked))
    probabilities = classifier.predict_proba(rows)
    labels = classes.decode(probabilities.argmax(axis=1)).tolist()
    best = probabilities.max(axis=1).tolist()
    answers = [
        {"sequence": name, "label": label, "probability": probability}
        for name, label, probability in zip(rows.names or range(len(rows)), labels, best, strict=True)
    ]
    if out is not None:
        _write(out, answers)
    lines = "\n".join(f"{row['sequence']}\t{row['label']}\t{row['probability']:.4f}" for row in answers)
    output.result(f"{len(answers)} answers written to {out}" if out else lines, {"predictions": answers})


def _write(out: Path, answers: list[dict[str, Any]]) -> None:
    with replacing(out) as beside, beside.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["sequence", "label", "probability"])
        writer.writeheader()
        writer.writerows(answers)


def _load(path: Path) -> tuple[Model, Labels]:
    """A saved classifier, in the runtime, and its classes."""
    from latchwork import runtime

    model: Model = runtime.load(path, "classification")
    if model.labels is None:
        raise InputError(f"{path}: this classifier names no classes")
    return model, model.labels


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"
