"""The table: one row a layer, one a cell. Every engine, test and page goes by it.

A new cell is its description (`core.spec`), its equation (`core.cells`) and a row here; it then runs in NumPy and JAX,
trains, is saved, traced and tested. With a kernel of its own (`csrc/recurrence/cells.h`) it runs natively too, and with
a step in the page's engine (`web/engine/cells.js`) it opens in the explorer.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latchwork.core import cells, initial_values, layers, spec
from latchwork.core.cells import Cell
from latchwork.core.errors import InputError

Settings = dict[str, Any]
FirstValue = Callable[[Any, str, tuple[int, ...], Any], NDArray[np.float32]]
"""Of a description, an array's name and size, and a `np.random.Generator`, whose module no answer should load."""


@dataclass(frozen=True, eq=False, repr=False)
class CellRow:
    """A cell.

    Attributes:
        description: the layer that runs it over time.
        cell: its equation.
        kernel: the kernels' name for it, given anything with its settings: the description, or the cell. None where
            the kernels have none.
        first_value: what its arrays begin with.
    """

    description: type[spec.Recurrent]
    cell: type[Cell[Any]]
    kernel: Callable[[Any], str] | None = None
    first_value: FirstValue = initial_values.of_cell

    @property
    def gates(self) -> tuple[str, ...]:
        """What a step computes, by name, as traces and pages show it; without what is a state as well."""
        return tuple(name for name in self.cell.Gates._fields if name not in self.states)

    @property
    def states(self) -> tuple[str, ...]:
        """What is carried from step to step; `hidden`, which the layer shows, is the first."""
        return self.cell.State._fields

    @property
    def traced(self) -> tuple[str, ...]:
        """What a trace has of the cell: its gates, then its states, `hidden` last."""
        return (*self.gates, *self.states[1:], "hidden")

    def build(self, layer: spec.Recurrent, arrays: Mapping[str, Any]) -> Cell[Any]:
        """The cell around its arrays, with the description's settings."""
        fields = dataclasses.fields(self.cell)  # pyright: ignore[reportArgumentType] - every cell is a dataclass
        own = {field.name for field in fields if field.metadata.get("static")}
        return self.cell(**arrays, **{name: getattr(layer, name) for name in own})


@dataclass(frozen=True, eq=False, repr=False)
class LayerRow:
    """A layer without a cell.

    Attributes:
        description: what it is.
        apply: what it computes of a batch, over the array namespace; with `lengths` where `takes_lengths`, with the
            side input `ahead` where `takes_ahead`.
        native: its settings as the kernels take them, by their names.
        first_value: what its arrays begin with.
        whole_sequences: whether it says nothing of one step alone.
        start, step: where steps must remember something: what is there before the first one, and one step. Any other
            layer treats every step alike.
    """

    description: type[spec.Layer]
    apply: Callable[..., Any]
    native: Callable[[Any], Settings]
    first_value: FirstValue = initial_values.of_weights
    takes_lengths: bool = False
    takes_ahead: bool = False
    whole_sequences: bool = False
    start: Callable[[Any, spec.Shape, int], Any] | None = None
    step: Callable[..., tuple[Any, Any]] | None = None


def _bent(kind: str, of: Any) -> str:
    """The kernel of a cell whose candidate goes through `activation`."""
    return kind if of.activation == "tanh" else f"{kind}_{of.activation}"


CELLS: dict[type[spec.Recurrent], CellRow] = {
    row.description: row
    for row in (
        CellRow(spec.SimpleRNN, cells.SimpleRNNCell, lambda of: f"simple_rnn_{of.activation}"),
        CellRow(spec.GRU, cells.GRUCell, lambda of: _bent("gru", of)),
        CellRow(spec.ResetFirstGRU, cells.ResetFirstGRUCell),
        CellRow(spec.LSTM, cells.LSTMCell, lambda of: _bent("lstm", of)),
        CellRow(spec.PeepholeLSTM, cells.PeepholeLSTMCell, lambda _: "peephole_lstm"),
        CellRow(spec.CoupledLSTM, cells.CoupledLSTMCell, lambda _: "coupled_lstm"),
        CellRow(spec.SLSTM, cells.SLSTMCell, lambda of: f"slstm_{of.forget_gate}"),
    )
}

LAYERS: dict[type[spec.Layer], LayerRow] = {
    row.description: row
    for row in (
        LayerRow(
            spec.Dense,
            layers.dense,
            lambda of: {"units": of.units, "activation": of.activation or "none", "tied": of.tied},
            initial_values.of_dense,
        ),
        LayerRow(
            spec.Embedding,
            layers.embedding,
            lambda of: {"tokens": of.tokens, "units": of.units},
            initial_values.of_embedding,
        ),
        LayerRow(spec.Dropout, layers.unchanged, lambda of: {"rate": of.rate}),
        LayerRow(spec.LayerNorm, layers.layer_norm, lambda of: {"epsilon": of.epsilon}, initial_values.of_norm),
        LayerRow(
            spec.Pooling,
            layers.pooling,
            lambda of: {"kinds": list(of.kinds)},
            takes_lengths=True,
            start=layers.pooling_start,
            step=layers.pooling_step,
        ),
        LayerRow(
            spec.Ahead,
            layers.ahead,
            lambda of: {"units": of.units, "features": of.features, "activation": of.activation or "none"},
            takes_ahead=True,
        ),
        LayerRow(spec.Activation, layers.activation, lambda of: {"kind": of.function}),
        LayerRow(spec.RepeatVector, layers.repeat_vector, lambda of: {"times": of.times}, whole_sequences=True),
        LayerRow(spec.Flatten, layers.flatten, lambda of: {"steps": of.steps}, whole_sequences=True),
        LayerRow(
            spec.Conv1D,
            layers.convolution,
            lambda of: {
                "units": of.units,
                "steps": of.steps,
                "before": of.before,
                "activation": of.activation or "none",
            },
            initial_values.of_convolution,
            takes_lengths=True,
            whole_sequences=True,
        ),
    )
}


def cell_row(layer: spec.Recurrent) -> CellRow:
    """The row of a recurrent layer's cell; raises `InputError` where there is none."""
    if type(layer) not in CELLS:
        raise InputError(f"the cell of {layer!r} has no row in the table: see latchwork.core.table.add")
    return CELLS[type(layer)]


def layer_row(layer: spec.Layer) -> LayerRow:
    """The row of a layer without a cell; raises `InputError` where there is none."""
    if type(layer) not in LAYERS:
        raise InputError(f"{layer!r} has no row in the table: see latchwork.core.table.add")
    return LAYERS[type(layer)]


def row_of_cell(cell: Cell[Any]) -> CellRow | None:
    """The row of a built cell; None for a cell that is in no row."""
    return next((row for row in CELLS.values() if row.cell is type(cell)), None)


def add(row: CellRow | LayerRow) -> None:
    """Add a cell or a layer of one's own: it can then be described, built, trained, saved and opened like any other."""
    if isinstance(row, CellRow):
        CELLS[row.description] = row
    else:
        LAYERS[row.description] = row
    spec.LAYERS[row.description.__name__] = row.description


@contextmanager
def added(row: CellRow | LayerRow) -> Generator[None]:
    """`add`, undone at the end."""
    add(row)
    try:
        yield
    finally:
        del spec.LAYERS[row.description.__name__]
        (CELLS if isinstance(row, CellRow) else LAYERS).pop(row.description)  # pyright: ignore[reportArgumentType, reportCallIssue]


def initial_parameters(network: spec.Sequential, seed: int) -> dict[str, NDArray[np.float32]]:
    """Every parameter by name (`layers.0.input_weight`), drawn from `seed`.

    Example:
        >>> network = spec.Sequential([spec.LSTM(3)], input_shape=(None, 2))
        >>> initial_parameters(network, seed=0)["layers.0.bias"]
        array([0., 0., 0., 1., 1., 1., 0., 0., 0., 0., 0., 0.], dtype=float32)
    """
    parameters: dict[str, NDArray[np.float32]] = {}
    for index, (layer, shape) in enumerate(zip(network.layers, network.shapes(), strict=False)):
        rng = np.random.default_rng([seed, index])
        for name, size in layer.parameter_shapes(shape).items():
            parameters[f"layers.{index}.{name}"] = _first_value(layer, name, size, rng)
    return parameters


def _first_value(layer: spec.Layer, name: str, size: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float32]:
    match layer:
        case spec.Bidirectional():
            return _first_value(layer.layer, name.partition(".")[2], size, rng)
        case spec.Recurrent():
            return cell_row(layer).first_value(layer, name, size, rng)
        case _:
            return layer_row(layer).first_value(layer, name, size, rng)


def under(prefix: str, arrays: Mapping[str, Any]) -> dict[str, Any]:
    """The arrays whose names begin with `prefix`, without it."""
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
