"""`latchwork regress`: train, test and use a model that gives sequences a number."""

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
)

if TYPE_CHECKING:
    from latchwork.runtime import Model

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
    loss: Annotated[str, typer.Option(help="mean_squared_error, mean_absolute_error or huber.")] = "mean_squared_error",
    epochs: EpochsOption = None,
    steps: StepsOption = None,
    minutes: MinutesOption = None,
    batch_size: BatchOption = None,
    optimizer: OptimizerOption = None,
    rate: RateOption = None,
    validation: ValidationOption = 0.0,
    patience: PatienceOption = None,
    checkpoint: CheckpointOption = None,
    report: ReportOption = None,
    seed: SeedOption = 0,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Train a model that gives each sequence a number, beside the simple methods, and save it.

    Errors on held-out rows become the intervals of `predict`: of a recipe's trials, or with --cell of --validation.
    """
    from latchwork import datasets
    from latchwork.estimators.regressor import SequenceRegressor

    output = Output(as_json=as_json, quiet=quiet)
    page = check_outputs(out, data, checkpoint, report)
    layer = asked_layer(cell, units, dropout, both_ways=both_ways, one_way=one_way)
    columns = asked_columns(label, series, time_column, features, ignore)
    rows = datasets.read(data, "train", target="number", columns=columns)
    output.note(described(rows))
    share = validation or (0.1 if patience else 0.2 if best and cell else 0.0)
    regressor = SequenceRegressor(
        one_layer(layer, both_ways, 1),
        loss=loss,
        epochs=epochs,
        steps=steps,
        minutes=minutes,
        batch_size=batch_size,
        optimizer=optimizer,
        learning_rate=rate,
        validation_share=share,
        patience=patience,
        checkpoint=checkpoint,
        progress=output.progress,
        random_state=seed,
        one_way=one_way,
        compare=True if share else None,
        best=best,
    )
    fit_and_save(regressor, rows, out, page, output)


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
    """Test a saved regressor on sequences with known numbers: errors, R squared, and what its intervals covered."""
    from latchwork import datasets
    from latchwork.runtime.intervals import interval, levels_of
    from latchwork.runtime.metrics import regression_figures

    output = Output(as_json=as_json, quiet=quiet)
    regressor = _load(model)
    asked = asked_columns(label, series, time_column, None, ignore)
    rows = datasets.read(data, "test", target="number", columns=columns_of(regressor, asked))
    output.note(described(rows))
    started = time.monotonic()
    answers = regressor.predict(rows)
    results: dict[str, Any] = regression_figures(answers, rows.labels)
    results["seconds"] = time.monotonic() - started
    results["coverage"] = {}
    for level in levels_of(regressor):
        low, high = interval(regressor, answers, level)
        inside = (low <= rows.labels) & (rows.labels <= high)
        results["coverage"][f"{level:g}"] = round(100 * float(inside.mean()), 1)
    covered = "".join(f"; the {level} % interval covered {share:g} %" for level, share in results["coverage"].items())
    output.result(
        f"Root mean squared error {results['rmse']:.5g}, mean absolute error {results['mae']:.5g}, R squared "
        f"{results['r2']:.3f} over {results['n']:,} sequences{covered}",
        results,
    )


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
    """Give each sequence its number, with intervals where rows were held out in training."""
    from latchwork import datasets
    from latchwork.runtime.intervals import interval, levels_of

    output = Output(as_json=as_json, quiet=quiet)
    if out is not None:
        check_file(out, inputs=[model, data], kind="table")
    regressor = _load(model)
    asked = asked_columns(None, series, time_column, None, ignore)
    columns = columns_of(regressor, asked)
    rows = datasets.read(data, "test", labels_required=False, target="number", columns=columns)
    values = regressor.predict(rows)
    answers: list[dict[str, Any]] = [
        {"sequence": name, "value": value}
        for name, value in zip(rows.names or range(len(rows)), values.tolist(), strict=True)
    ]
    for level in levels_of(regressor):
        low, high = interval(regressor, values, level)
        for row, least, most in zip(answers, low.tolist(), high.tolist(), strict=True):
            row |= {f"lo{level:g}": least, f"hi{level:g}": most}
    if out is not None:
        write_answers(out, answers)
    lines = "\n".join(
        "\t".join([str(row["sequence"]), *(f"{v:.6g}" for v in list(row.values())[1:])]) for row in answers
    )
    output.result(f"{len(answers)} answers written to {out}" if out else lines, {"predictions": answers})


def _load(path: Path) -> Model:
    """A saved regressor, in the runtime."""
    from latchwork import runtime

    model: Model = runtime.load(path, "regression")
    return model
