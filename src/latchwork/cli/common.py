"""What all commands share: their common options, and where their output goes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from latchwork.core.jsontext import json_text

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout, all else on stderr.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Print results only.")]
SeedOption = Annotated[int, typer.Option("--seed", min=0, max=2**32 - 1, help="Seed of everything that is drawn.")]
ModelArgument = Annotated[Path, typer.Argument(metavar="M.latch", help="A saved model.", show_default=False)]


class Output:
    """Where a command's words go: stdout for people, stderr under `--json`, nowhere under `--quiet`."""

    def __init__(self, *, as_json: bool, quiet: bool) -> None:
        """Remember the options."""
        self.as_json, self.quiet = as_json, quiet

    @property
    def progress(self) -> Literal["none", "auto"]:
        """The kind of progress that training should show."""
        return "none" if self.quiet else "auto"

    def note(self, text: str = "") -> None:
        """Something worth reading on the way."""
        if not self.quiet:
            print(text, file=sys.stderr if self.as_json else sys.stdout, flush=True)

    def table(self, title: str, columns: list[str], rows: list[list[str]]) -> None:
        """A table, the first column to the left and figures to the right; nothing under `--quiet` or `--json`."""
        if self.quiet or self.as_json:
            return
        from rich.console import Console
        from rich.table import Table

        table = Table(title=title, title_justify="left", title_style="bold")
        for index, column in enumerate(columns):
            table.add_column(column, justify="left" if index == 0 else "right")
        for row in rows:
            table.add_row(*row)
        Console().print(table)

    def result(self, sentence: str, data: dict[str, Any]) -> None:
        """The answer: the sentence for people, the data under `--json`."""
        print(json_text(data) if self.as_json else sentence, flush=True)
