"""`latchwork classify`: train, test and use a classifier of sequences."""

from __future__ import annotations

import time
from collections.abc import Iterator
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
    from latchwork.datasets.sequences import SequenceData
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
    targets: Annotated[
        str,
        typer.Option(help="What the labels are of: a sequence, its steps (one at each), or several labels."),
    ] = "sequence",
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
    columns = asked_columns(label, series, time_column, features, ignore)
    rows = datasets.read(data, "train", columns=columns, target=_target(targets))
    output.note(described(rows))
    assert rows.labels is not None
    share = validation or (0.1 if patience else 0.2 if best and cell else 0.0)
    classifier = SequenceClassifier(
        one_layer(layer, both_ways, _outputs(rows.labels, targets), at_every_step=targets == "steps"),
        targets=None if targets == "sequence" else targets,  # pyright: ignore[reportArgumentType]
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
        compare=True if share and targets == "sequence" else None,
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
    targets = getattr(classifier, "targets", "sequence")
    rows = datasets.read(data, "test", columns=columns_of(classifier, asked), target=_target(targets))
    output.note(described(rows))
    started = time.monotonic()
    if targets != "sequence":
        figures = classifier.evaluate(rows, rows.labels)
        unit = "steps" if targets == "steps" else "sequences"
        sentence = f"Accuracy {figures['accuracy']:.4f}, loss {figures['loss']:.4f} over {figures['n']:,} {unit}"
        output.result(sentence, figures | {"seconds": time.monotonic() - started})
        return
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
    targets = getattr(classifier, "targets", "sequence")
    columns = columns_of(classifier, asked)
    rows = datasets.read(data, "test", labels_required=False, columns=columns, target=_target(targets))
    answers = list(_answers(rows, classifier.predict_proba(rows), classes, targets))
    if out is not None:
        write_answers(out, answers)
    texts = [[f"{value:.4f}" if isinstance(value, float) else str(value) for value in row.values()] for row in answers]
    lines = "\n".join("\t".join(row) for row in texts)
    output.result(f"{len(answers)} answers written to {out}" if out else lines, {"predictions": answers})


def _answers(rows: SequenceData, given: Any, classes: Labels, targets: str) -> Iterator[dict[str, Any]]:
    """The answers as rows of a table: one a sequence, one a step, or one a label of each sequence."""
    for at, (name, row) in enumerate(zip(rows.names or range(len(rows)), given.tolist(), strict=True)):
        if targets == "labels":
            for label, probability in zip(classes.classes, row, strict=True):
                yield {"sequence": name, "label": label, "probability": probability}
            continue
        steps = [row] if targets == "sequence" else row if rows.lengths is None else row[: int(rows.lengths[at])]
        for step, probabilities in enumerate(steps):
            best = max(range(len(probabilities)), key=probabilities.__getitem__)
            where = {"sequence": name} | ({"step": step} if targets == "steps" else {})
            yield where | {"label": classes.classes[best], "probability": probabilities[best]}


def _target(targets: str) -> Any:
    """What the reader is to expect; raises `InputError` on another word."""
    known = {"sequence": "class", "steps": "steps", "labels": "labels"}
    if targets not in known:
        raise InputError(f"--targets {targets}: expected one of {', '.join(known)}")
    return known[targets]


def _outputs(labels: Any, targets: str) -> int:
    """How many values the network is to give."""
    from latchwork.runtime.answers import fit_step_labels

    if targets == "labels":
        return labels.shape[1]
    return len(fit_step_labels(labels).classes if targets == "steps" else set(labels.tolist()))


def _load(path: Path) -> tuple[Model, Labels]:
    """A saved classifier, in the runtime, and its classes."""
    from latchwork import runtime

    model: Model = runtime.load(path, "classification")
    if model.labels is None:
        raise InputError(f"{path}: this classifier names no classes")
    return model, model.labels


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"
