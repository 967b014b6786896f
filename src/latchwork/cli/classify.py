"""`latchwork classify`: train, test and use a classifier of sequences."""

from __future__ import annotations

import csv
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from latchwork.cli.common import JsonOption, ModelArgument, Output, QuietOption, SeedOption
from latchwork.cli.outputs import check_file, check_files
from latchwork.core.errors import InputError
from latchwork.core.writing import replacing

if TYPE_CHECKING:
    from latchwork.core.spec import Recurrent, Sequential
    from latchwork.datasets.sequences import SequenceData
    from latchwork.estimators.classifier import SequenceClassifier
    from latchwork.runtime import Model
    from latchwork.transforms.labels import Labels

app = typer.Typer(no_args_is_help=True)

DataArgument = Annotated[
    Path,
    typer.Argument(
        metavar="DATA",
        help="A folder of idx files, .npz, X.npy beside y.npy, .ts, a long CSV, or a folder of CSV files a class.",
        show_default=False,
    ),
]


@app.command()
def train(
    data: DataArgument,
    out: Annotated[Path, typer.Option(metavar="M.latch", help="Where to save the model.")],
    cell: Annotated[
        str | None, typer.Option(help="One layer of this cell (lstm, gru, rnn, ...), in place of the chosen recipe.")
    ] = None,
    units: Annotated[int, typer.Option(min=1, help="Units of that layer.")] = 64,
    both_ways: Annotated[bool, typer.Option("--both-ways", help="Read each sequence in both directions.")] = False,
    dropout: Annotated[float, typer.Option(help="Share of the inputs dropped while training.")] = 0.0,
    epochs: Annotated[int | None, typer.Option(min=1, help="Passes over the data.")] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Or: steps of the optimiser.")] = None,
    minutes: Annotated[float | None, typer.Option(help="Or: minutes, turned into steps by a short timing.")] = None,
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
    from latchwork.estimators.classifier import SequenceClassifier

    output = Output(as_json=as_json, quiet=quiet)
    check_file(out, inputs=[data], kind="model")
    if checkpoint is not None:
        check_files(checkpoint, [])
    layer = None if cell is None else _described_cell(cell)(units, dropout=dropout)
    rows = datasets.read(data, "train")
    output.note(_described(rows))
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
    )
    started = time.monotonic()
    classifier.fit(rows.inputs, rows.labels, rows.lengths)
    classifier.save(out)
    _report_training(classifier, out, time.monotonic() - started, output)


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
def test(model: ModelArgument, data: DataArgument, quiet: QuietOption = False, as_json: JsonOption = False) -> None:
    """Test a saved classifier on labelled sequences: accuracy, loss, and each class on its own."""
    from latchwork import datasets
    from latchwork.runtime.metrics import class_figures, classification_figures

    output = Output(as_json=as_json, quiet=quiet)
    classifier, labels = _load(model)
    rows = datasets.read(data, "test")
    output.note(_described(rows))
    started = time.monotonic()
    probabilities = classifier.predict_proba(rows.inputs, rows.lengths)
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
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Give each sequence its likeliest class, with the probability of it."""
    from latchwork import datasets

    output = Output(as_json=as_json, quiet=quiet)
    if out is not None:
        check_file(out, inputs=[model, data], kind="table")
    classifier, classes = _load(model)
    rows = datasets.read(data, "test", labels_required=False)
    probabilities = classifier.predict_proba(rows.inputs, rows.lengths)
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


def _described(rows: SequenceData) -> str:
    _, time, features = rows.inputs.shape
    steps = f"{time} steps" if rows.lengths is None else f"{rows.lengths.min()} to {rows.lengths.max()} steps"
    lines = [f"{rows.source}: {len(rows):,} sequences of {steps}, {features} features", *rows.notes]
    return "\n".join(lines)


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"
