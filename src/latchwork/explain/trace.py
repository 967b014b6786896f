"""Everything that a network's recurrent layers compute on the way to an answer, as named arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latchwork.core.errors import InputError
from latchwork.explain.reading import Model, read, tokens_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Frames = Literal["pandas", "polars", "pyarrow"]
Values = NDArray[np.float32]


@dataclass(frozen=True)
class Trace:
    """What each recurrent layer computed.

    Attributes:
        layers: for each recurrent layer, by name (`layers.0`, or `layers.0.forward` of a bidirectional one), its
            arrays by name, each `[time, units]` (`[batch, time, units]` for a batch): the gates of its cell (an
            LSTM's are `input`, `forget`, `candidate`, `output`), then its states (`hidden`, and an LSTM's `cell`).
        output: the network's answer.
        tokens: what was read at each step, where a text was given.
    """

    layers: dict[str, dict[str, Values]]
    output: Values
    tokens: Sequence[str] | None = None

    def __getitem__(self, name: str) -> Values:
        """The first recurrent layer's array of that name: `trace["forget"]`."""
        first = next(iter(self.layers.values()))
        if name not in first:
            raise InputError(f"got {name!r}: the first recurrent layer has {', '.join(first)}")
        return first[name]

    def to_frame(self, layer: str | None = None, row: int = 0, backend: Frames = "pandas") -> Any:
        """One layer's arrays as a table with a row for each step and unit.

        Args:
            layer: the layer's name; the first one where None.
            row: which sequence of a batch.
            backend: `pandas`, `polars` or `pyarrow`, which must be installed.

        Returns:
            A native frame with the columns `step`, `unit` and the arrays' names.
        """
        import narwhals as nw

        arrays = self._one(layer, row)
        steps, units = next(iter(arrays.values())).shape
        columns: dict[str, Any] = {
            "step": np.repeat(np.arange(steps), units),
            "unit": np.tile(np.arange(units), steps),
        }
        columns |= {name: values.reshape(-1) for name, values in arrays.items()}
        return nw.from_dict(columns, backend=backend).to_native()

    def plot(self, layer: str | None = None, row: int = 0) -> Figure:
        """Heat maps over time, one for each gate and state, units that behave alike side by side.

        Args:
            layer: the layer's name; the first one where None.
            row: which sequence of a batch.
        """
        from latchwork.show.steps import draw_heat_maps

        arrays = self._one(layer, row)
        order = by_behaviour(arrays.get("cell", arrays["hidden"]))
        return draw_heat_maps(arrays, order, layer or next(iter(self.layers)), self.tokens)

    def _one(self, layer: str | None, row: int) -> dict[str, Values]:
        if layer is not None and layer not in self.layers:
            raise InputError(f"got the layer {layer!r}: the recurrent ones are {', '.join(self.layers)}")
        arrays = self.layers[layer or next(iter(self.layers))]
        rows = next(iter(arrays.values())).shape[0] if next(iter(arrays.values())).ndim == 3 else 1
        if not -rows <= row < rows:
            raise InputError(f"got row {row}: the trace is of {rows} sequences")
        return {name: values[row] if values.ndim == 3 else values for name, values in arrays.items()}


def trace(model: Model, inputs: ArrayLike | str, lengths: ArrayLike | None = None) -> Trace:
    """Run a network and keep everything that its recurrent layers compute.

    Args:
        model: a network as plain data or in JAX, which is given what it reads; or a fitted estimator or what the
            runtime opened, which scale or encode their inputs as they do to predict.
        inputs: one sequence `[time, features]` or a batch of them; token numbers, or a text, for a language model.
        lengths: real steps of each sequence of a batch; the arrays are zero past them.

    Returns:
        The trace; without the batch axis if one sequence was given.

    Raises:
        InputError: the network has no recurrent layer, or cannot read the inputs.

    Example:
        >>> network = NetworkData.build(lw.Sequential([lw.LSTM(4), lw.Dense(1)]), (None, 2))
        >>> trace(network, np.ones((6, 2)))["forget"].shape
        (6, 4)
    """
    passes, batch, counts, single = read(model, inputs, lengths)
    found, output = passes.trace(batch, counts)
    if not found:
        raise InputError(f"{passes.spec!r} has no recurrent layer to trace")
    layers = {
        layer: {name: array[0] if single else array for name, array in arrays.items()}
        for layer, arrays in found.items()
    }
    tokens = tokens_of(model, inputs) if isinstance(inputs, str) else None
    return Trace(layers, output[0] if single else output, tokens)


def by_behaviour(values: Values) -> NDArray[np.int64]:
    """An order of the units of `[time, units]` in which each stands next to one that behaves like it."""
    left = list(range(values.shape[1]))
    order = [left.pop(int(values.var(axis=0).argmin()))]
    while left:
        distances = np.square(values[:, left] - values[:, [order[-1]]]).sum(axis=0)
        order.append(left.pop(int(distances.argmin())))
    return np.array(order)
