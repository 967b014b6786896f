"""`latchwork export`: a saved model for others: an ONNX graph, or a Keras file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from latchwork.cli.common import JsonOption, ModelArgument, Output, QuietOption
from latchwork.cli.outputs import check_file
from latchwork.core.errors import InputError


def export(
    model: ModelArgument,
    onnx: Annotated[Path | None, typer.Option("--onnx", metavar="F.onnx", help="Write an ONNX graph.")] = None,
    keras: Annotated[Path | None, typer.Option("--keras", metavar="F.keras", help="Write a Keras file.")] = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Write a saved model for other runtimes, with the same answers."""
    from latchwork.interop.exporting import export_keras, export_onnx, subject_of

    targets = [target for target in (onnx, keras) if target is not None]
    if not targets:
        raise InputError("give --onnx F.onnx, --keras F.keras, or both")
    for target in targets:
        check_file(target, inputs=(model,), kind="table")
    subject = subject_of(model)
    if onnx is not None:
        export_onnx(subject, onnx)
    if keras is not None:
        export_keras(subject, keras)
    sizes = {str(target): target.stat().st_size for target in targets}
    sentence = "\n".join(f"{target}: {size:,} bytes, {subject.job}" for target, size in sizes.items())
    Output(as_json=as_json, quiet=quiet).result(sentence, {"job": subject.job, "files": sizes})
