"""`latchwork info`: what a saved model is, and which engine this machine runs."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated, Any

import typer

from latchwork.cli.common import JsonOption, Output, QuietOption
from latchwork.core.errors import InputError


def info(
    model: Annotated[Path | None, typer.Argument(metavar="[M.latch]", help="A saved model.")] = None,
    engine: Annotated[bool, typer.Option("--engine", help="Say which engine runs recurrent layers here.")] = False,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """What a saved model is, and which engine this machine runs."""
    output = Output(as_json=as_json, quiet=quiet)
    if model is None and not engine:
        raise InputError("give a model, M.latch, or --engine")
    results: dict[str, Any] = {}
    if engine:
        results["engine"] = _describe_engine(output)
    if model is not None:
        results |= _describe_model(model, output)
    output.result("", results) if as_json else None


def _describe_engine(output: Output) -> dict[str, Any]:
    from latchwork.engines import native

    engine = native.engine_info()
    output.note(f"Engine: {engine}")
    return dataclasses.asdict(engine)


def _describe_model(path: Path, output: Output) -> dict[str, Any]:
    """A model's job, layers and training record, printed and as data."""
    from latchwork.core import storage
    from latchwork.core.spec import Sequential

    document, tensors = storage.load_model(path)
    results: dict[str, Any] = {
        "job": document["job"],
        "format": document["format"],
        "bytes": path.stat().st_size,
        "parameters": sum(array.size for name, array in tensors.items() if name.startswith("network.")),
        "network": document.get("network"),
        "data": document.get("data"),
    }
    output.note(f"{path}: {document['job']}, {results['parameters']:,} parameters, {results['bytes']:,} bytes")
    if document.get("network"):
        output.note(f"\n{Sequential.from_dict(document['network']).summary()}")
    try:
        results |= _describe_training(document["training"].get("history") or {}, output)
    except (LookupError, TypeError, ValueError, AttributeError):
        raise InputError(f"{path}: its training record cannot be read") from None
    if data := document["data"]:
        output.note(f"Data: {data.get('rows', '?')} rows, fingerprint {str(data.get('fingerprint'))[:16]}")
    return results


def _describe_training(history: dict[str, Any], output: Output) -> dict[str, Any]:
    """The figures of the last epoch, printed and as data."""
    if not history.get("epochs"):
        return {}
    last = history["epochs"][-1]
    figures = {name: value for name, value in last.items() if name not in ("epoch", "step", "seconds")}
    line = ", ".join(f"{name} {value:.4g}" for name, value in figures.items())
    output.note(f"\nTrained for {len(history['epochs'])} epochs in {history['seconds']:.1f} s: {line}")
    return {"last_epoch": last}
