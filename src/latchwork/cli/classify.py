"""`latchwork classify`: train, test and use a classifier of sequences."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from latchwork.cli.common import JsonOption, ModelArgument, Output, QuietOption, SeedOption
from latchwork.cli.outputs import check_file
from latchwork.cli.sequences import (
    AnswersOption,
    BatchOption,
    BestOption,
    BothWaysOption,
    CellOption,
    CheckpointOption,
    DataArgument,
    DropoutOption,
    EpochsOption,
    FeaturesOption,
    IgnoreOption,
    LabelOption,
    MinutesOption,
    OneWayOption,
    OptimizerOption,
    OutOption,
    PatienceOption,
    RateOption,
    ReportOption,
    SeriesOption,
    StepsOption,
    TimeOption,
    UnitsOption,
    ValidationOption,
    asked_columns,
    asked_layer,
    check_outputs,
    columns_of,
    described,
    fit_and_save,
    one_layer,
    write_answers,
)  # fmt: skip
from latchwork.core.errors import InputError

if TYPE_CHECKING:
    from latchwork.runtime import Model
    from latchwork.transforms.labels import Labels

app = typer.Typer(no_args_is_help=True)


@app.command()
def train(
    data: DataArgument,
    out: OutOption,
    label: LabelOption = None,
    series: SeriesOption = None,
    time_column: TimeOption = None,
    features: FeaturesOption = None,
    ignore: IgnoreOption = None,
    cell: CellOption = None,
    units: UnitsOption = None,
    both_ways: BothWaysOption = False,
    dropout: DropoutOption = None,
    one_way: OneWayOption = False,
    best: BestOption = False,
    epochs: EpochsOption = None,
    steps: StepsOption = None,
    minutes: MinutesOption = None,
    batch_size: BatchOption = None,
    optimizer: OptimizerOption = None,
    rate: RateOption = None,
    balanced: Annotated[
        bool, typer.Option("--balanced", help="Let rare classes count as much as common ones.")
    ] = False,
    validation: ValidationOption = 0.0,
    patience: PatienceOption = None,
    checkpoint: CheckpointOption = None,
    report: ReportOption = None,
    seed: SeedOption = 0,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Train a classifier on labelled sequences, beside the simple methods, and save it.

    Without --cell a recipe is chosen on held-out training rows, where simple methods show what it is worth. With --cell
    they do so on the rows of --validation.
    """
    from latchwork import datasets
    from latchwork.estimators.classifier import SequenceClassifier

    output = Output(as_json=as_json, quiet=quiet)
    page = check_outputs(out, data, checkpoint, report)
    layer = asked_layer(cell, units, dropout, both_ways=both_ways, one_way=one_way)
    rows = datasets.read(data, "train", columns=asked_columns(label, series, time_column, features, ignore))
    output.note(described(rows))
    assert rows.labels is not None
    share = validation or (0.1 if patience else 0.2 if best and cell else 0.0)
    classifier = SequenceClassifier(
        one_layer(layer, both_ways, len(set(rows.labels.tolist()))),
        epochs=epochs,
        steps=steps,
        minutes=minutes,
        batch_size=batch_size,
        optimizer=optimizer,
        learning_rate=rate,
        class_weight="balanced" if balanced else None,
        validation_share=share,
        patience=patience,
        checkpoint=checkpoint,
        progress=output.progress,
        random_state=seed,
        one_way=one_way,
        compare=True if share else None,
        best=best,
    )
    fit_and_save(classifier, rows, out, page, output)


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
    out: AnswersOption = None,
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
        write_answers(out, answers)
    lines = "\n".join(f"{row['sequence']}\t{row['label']}\t{row['probability']:.4f}" for row in answers)
    output.result(f"{len(answers)} answers written to {out}" if out else lines, {"predictions": answers})


def _load(path: Path) -> tuple[Model, Labels]:
    """A saved classifier, in the runtime, and its classes."""
    from latchwork import runtime

    model: Model = runtime.load(path, "classification")
    if model.labels is None:
        raise InputError(f"{path}: this classifier names no classes")
    return model, model.labels


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"
