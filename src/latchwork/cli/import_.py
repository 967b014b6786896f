"""`latchwork import`: a model of Keras, PyTorch or ONNX as a `.latch` file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from latchwork.cli.common import JsonOption, Output, QuietOption
from latchwork.cli.outputs import check_file


def import_(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A .keras, .h5, .pt, .safetensors or .onnx file.", show_default=False)
    ],
    out: Annotated[Path, typer.Option("--out", metavar="M.latch", help="The model to write.", show_default=False)],
    labels: Annotated[
        Path | None, typer.Option("--labels", help="The classes, one a line, in the order of the outputs.")
    ] = None,
    scaler: Annotated[
        Path | None,
        typer.Option("--scaler", help="What inputs went through: JSON, mean and scale, or min and max."),
    ] = None,
    target_scaler: Annotated[
        Path | None, typer.Option("--target-scaler", help="The same for a regressor's answers.")
    ] = None,
    reads: Annotated[
        str | None,
        typer.Option("--reads", help="Of a state dict, what its head is given: final, last, mean, max, every."),
    ] = None,
    activation: Annotated[
        str | None,
        typer.Option("--activation", help="Of a state dict, what stands between linear layers: relu, tanh, ..."),
    ] = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Read a model of Keras, PyTorch or ONNX as data, and write it as a .latch file with the same outputs."""
    from latchwork.interop.importing import import_model

    check_file(out, inputs=(file, labels, scaler, target_scaler), kind="model")
    output = Output(as_json=as_json, quiet=quiet)
    model = import_model(
        file, labels=labels, scaler=scaler, target_scaler=target_scaler, reads=reads, activation=activation
    )
    model.save(out)
    imported = model.document["training"]["imported"]
    output.note(model.data.spec.summary())
    for note in imported["notes"]:
        output.note(f"Note: {note}")
    parameters = model.data.spec.parameter_count()
    output.result(
        f"{out}: {model.job}, {parameters:,} parameters from {imported['from']}",
        {"model": str(out), "job": model.job, "parameters": parameters, "size": out.stat().st_size, **imported},
    )
