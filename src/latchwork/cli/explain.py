"""`latchwork explain`: a saved model, open, as one self-contained page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from latchwork.cli.common import JsonOption, ModelArgument, Output, QuietOption
from latchwork.cli.outputs import check_file


def explain(
    model: ModelArgument,
    out: Annotated[Path, typer.Option("--out", help="The page to write.")] = Path("explained.html"),
    example: Annotated[
        Path | None, typer.Option("--input", help="What it should read first: a text, or numbers, one step a line.")
    ] = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Write the explorer with a model opened in it: one file that works from disk, with no network."""
    from latchwork.explain.page import write_page

    check_file(out, inputs=[model, example], kind="page")
    size = write_page(model, out, example)
    Output(as_json=as_json, quiet=quiet).result(
        f"{out}: {size / 1e6:.2f} MB, opens in any browser", {"page": str(out), "bytes": size}
    )
