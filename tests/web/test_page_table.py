"""The page's tables of cells and layers against themselves (in Node) and against Python's, row by row."""

import dataclasses
import json
import os

import pytest
from page_table import PageRow, page_cells, page_layers

from latchwork.core import spec
from latchwork.core.table import CELLS, LAYERS

EXAMPLES: dict[str, spec.Layer] = {
    "Embedding": spec.Embedding(7, 4),
    "Dense": spec.Dense(4),
    "Dropout": spec.Dropout(0.5),
    "LayerNorm": spec.LayerNorm(),
    "Pooling": spec.Pooling(),
    "Ahead": spec.Ahead(4, 2),
    "Activation": spec.Activation("softmax"),
    "RepeatVector": spec.RepeatVector(3),
    "Flatten": spec.Flatten(5),
    "Conv1D": spec.Conv1D(4, 3),
}


def shapes_of(layer: spec.Layer, row: PageRow, inputs: int) -> dict[str, tuple[int, ...]]:
    numbers = {f.name: getattr(layer, f.name) for f in dataclasses.fields(layer)}
    return row.shapes(inputs=inputs, **{name: value for name, value in numbers.items() if isinstance(value, int)})


def test_the_pages_tables_are_whole_and_their_gradients_slopes(run_node):
    tables = {"cells": page_cells(), "layers": page_layers()}
    read = {name: {kind: dataclasses.asdict(row) for kind, row in rows.items()} for name, rows in tables.items()}
    run_node("table.test.mjs", PATH=os.environ["PATH"], PAGE_TABLE=json.dumps(read))


@pytest.mark.parametrize("description", CELLS, ids=lambda kind: kind.__name__)
def test_the_page_knows_every_cell_as_python_does(description):
    row, page = CELLS[description], page_cells().get(description.__name__)
    assert page is not None, f"web/engine/cells.js has no row {description.__name__}"
    assert (page.gates, page.states) == (row.gates, row.states)
    layer = description(6)
    assert shapes_of(layer, page, 3) == layer.parameter_shapes((None, 3))


@pytest.mark.parametrize("description", LAYERS, ids=lambda kind: kind.__name__)
def test_the_page_knows_every_layer_as_python_does(description):
    page = page_layers().get(description.__name__)
    assert page is not None, f"web/engine/layers.js has no row {description.__name__}"
    layer = EXAMPLES[description.__name__]
    given = {"Embedding": (None,), "Ahead": (3,), "RepeatVector": (3,), "Flatten": (5, 3)}.get(
        description.__name__, (None, 3)
    )
    assert shapes_of(layer, page, 3) == layer.parameter_shapes(given)


def test_the_page_knows_no_cell_or_layer_that_python_does_not():
    assert page_cells().keys() | page_layers().keys() <= spec.LAYERS.keys()
