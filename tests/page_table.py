"""What the explorer's page knows of each cell and layer, read from its source without Node.

`web/engine/cells.js` and `web/engine/layers.js` begin every row with the lines that are read here, in one form:

    LSTM: {
      gates: ["input", "forget", "candidate", "output"],
      states: ["hidden", "cell"],
      parameters: { input_weight: ["inputs", "4 units"], ... },

`tests/web/table.test.mjs` holds this reading against the tables as they run.
"""

import json
import re
from dataclasses import dataclass
from math import prod
from pathlib import Path

ENGINE = Path(__file__).resolve().parents[1] / "web" / "engine"

ROW = re.compile(
    r"^  (?P<kind>\w+): \{\n"
    r"(?:    gates: (?P<gates>\[[^\]]*\]),\n    states: (?P<states>\[[^\]]*\]),\n)?"
    r"    parameters: (?P<parameters>\{[^}]*\}),\n",
    re.MULTILINE,
)


@dataclass(frozen=True)
class PageRow:
    """A cell or layer of the page: names as traces and files have them; a layer without a cell has no gates or states.

    `parameters` has each array's sizes as text: "4 units" is four times the description's `units`, "inputs" the number
    of features that come in, and what follows a stroke divides.
    """

    gates: tuple[str, ...]
    states: tuple[str, ...]
    parameters: dict[str, tuple[str, ...]]

    def shapes(self, **sizes: int) -> dict[str, tuple[int, ...]]:
        """The arrays' shapes for these `inputs`, `units` and further numbers of the description."""
        return {name: tuple(_size(text, sizes) for text in shape) for name, shape in self.parameters.items()}


def page_cells() -> dict[str, PageRow]:
    """The rows of `CELLS` in cells.js, by the names of `core.spec`."""
    return _rows(ENGINE / "cells.js")


def page_layers() -> dict[str, PageRow]:
    """The rows of `LAYERS` in layers.js: every layer that has no cell, `Bidirectional` aside, which has no arrays."""
    return _rows(ENGINE / "layers.js")


def _rows(path: Path) -> dict[str, PageRow]:
    return {
        match["kind"]: PageRow(
            tuple(_json(match["gates"] or "[]")),
            tuple(_json(match["states"] or "[]")),
            {name: tuple(shape) for name, shape in _json(match["parameters"]).items()},
        )
        for match in ROW.finditer(path.read_text("utf-8"))
    }


def _json(text: str):
    quoted = re.sub(r"(\w+):", r'"\1":', text)  # no string in these lines has a colon
    return json.loads(re.sub(r",(\s*[\]}])", r"\1", quoted))


def _size(text: str, sizes: dict[str, int]) -> int:
    over, _, under = text.partition(" / ")

    def product(words: str) -> int:
        return prod(int(word) if word.isdigit() else sizes[word] for word in words.split())

    return product(over) // product(under)
