"""Everything that a network's recurrent layers compute on the way to an answer, as named arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int
from numpy.typing import ArrayLike, NDArray

from latchwork.cells import Cell
from latchwork.errors import InputError
from latchwork.layers import BidirectionalLayer, BuiltLayer, EmbeddingLayer, RecurrentLayer
from latchwork.network import Network

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Frames = Literal["pandas", "polars", "pyarrow"]
Values = NDArray[np.float32]
Named = list[tuple[str, Array]]  # not a dict: JAX would sort its names


@dataclass(frozen=True)
class Trace:
    """What each recurrent layer computed.

    Attributes:
        layers: for each recurrent layer, by name (`layers.0`, or `layers.0.forward` of a bidirectional one), its
            arrays by name, each `[time, units]` (`[batch, time, units]` for a batch): the gates of its cell (an
            LSTM's are `input`, `forget`, `candidate`, `output`), then its states (`hidden`, and an LSTM's `cell`).
        output: the network's answer.
    """

    layers: dict[str, dict[str, Values]]
    output: Values

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
        """Heat maps over time, one for each gate and state, units that behave alike side by side."""
        from matplotlib.figure import Figure

        arrays = self._one(layer, row)
        order = by_behaviour(arrays.get("cell", arrays["hidden"]))
        figure = Figure(figsize=(9, 1.5 * len(arrays) + 0.6), layout="constrained")
        for axes, (name, values) in zip(
            figure.subplots(len(arrays), 1, sharex=True, squeeze=False)[:, 0], arrays.items(), strict=True
        ):
            signed = name in {"candidate", "cell", "hidden"}
            limits = {"vmin": -1, "vmax": 1, "cmap": "PuOr_r"} if signed else {"vmin": 0, "vmax": 1, "cmap": "Greens"}
            picture = axes.imshow(values[:, order].T, aspect="auto", interpolation="nearest", **limits)
            axes.set_ylabel(name)
            axes.set_yticks([])
            figure.colorbar(picture, ax=axes, pad=0.01)
        figure.axes[len(arrays) - 1].set_xlabel("step")
        return figure

    def _one(self, layer: str | None, row: int) -> dict[str, Values]:
        if layer is not None and layer not in self.layers:
            raise InputError(f"got the layer {layer!r}: the recurrent ones are {', '.join(self.layers)}")
        arrays = self.layers[layer or next(iter(self.layers))]
        return {name: values[row] if values.ndim == 3 else values for name, values in arrays.items()}


def trace(network: Network, inputs: ArrayLike, lengths: ArrayLike | None = None) -> Trace:
    """Run a network and keep everything that its recurrent layers compute.

    Args:
        network: a built network, such as a fitted estimator's `network_`.
        inputs: one sequence `[time, features]` (or token numbers `[time]`), or a batch of them. As the network reads
            them: an estimator with `scaling` scales first.
        lengths: real steps of each sequence of a batch.

    Returns:
        The trace; without the batch axis if one sequence was given.

    Raises:
        InputError: the network has no recurrent layer, or the inputs have another shape than it reads.

    Example:
        >>> network = Network.build(lw.Sequential([lw.LSTM(4), lw.Dense(1)]), (None, 2), seed=0)
        >>> trace(network, np.ones((6, 2)))["forget"].shape
        (6, 4)
    """
    batch, single = as_batch(network, inputs)
    counts = None if lengths is None else jnp.asarray(lengths, jnp.int32)
    layers, output = _trace(network.layers, batch, counts)
    if not layers:
        raise InputError(f"{network.spec!r} has no recurrent layer to trace")
    take = (lambda array: np.asarray(array)[0]) if single else np.asarray
    return Trace({name: {key: take(values) for key, values in arrays} for name, arrays in layers}, take(output))


def as_batch(network: Network, inputs: ArrayLike) -> tuple[Array, bool]:
    """Inputs with a batch axis, and whether it was added; raises `InputError` where the network cannot read them."""
    tokens = isinstance(network.layers[0], EmbeddingLayer)
    array = np.asarray(inputs, np.int32 if tokens else np.float32)
    shape = network.spec.input_shape or ()
    dimensions = 1 if tokens else 2
    if array.ndim not in (dimensions, dimensions + 1) or (not tokens and array.shape[-1:] != shape[-1:]):
        raise InputError(f"got inputs of shape {array.shape}: the network reads sequences of shape {shape}")
    single = array.ndim == dimensions
    return jnp.asarray(array[None] if single else array), single


@eqx.filter_jit
def _trace(
    layers: tuple[BuiltLayer, ...], inputs: Array, lengths: Int[Array, " batch"] | None
) -> tuple[list[tuple[str, Named]], Array]:
    found: list[tuple[str, Named]] = []
    for index, layer in enumerate(layers):
        match layer:
            case RecurrentLayer():
                inputs, arrays = _trace_layer(layer, inputs, lengths)
                found.append((f"layers.{index}", arrays))
            case BidirectionalLayer():
                forward, there = _trace_layer(layer.forward, inputs, lengths)
                backward, back = _trace_layer(layer.backward, inputs, lengths)
                found += [(f"layers.{index}.forward", there), (f"layers.{index}.backward", back)]
                inputs = jnp.concatenate([forward, backward], axis=-1)
            case _:
                inputs = layer(inputs, lengths)
    return found, inputs


def _trace_layer(
    layer: RecurrentLayer[Any], inputs: Array, lengths: Int[Array, " batch"] | None
) -> tuple[Array, Named]:
    """The layer's output and its arrays: one pass keeps the states, then all gates are one product over all steps."""
    cell: Cell[Any] = layer.cell
    start = cell.initial_state(inputs.shape[:1])

    def step(state: Any, at: tuple[Array, Array]) -> tuple[Any, tuple[Any, Any]]:
        projected, time = at
        _, new = cell.step(projected, state)
        if lengths is not None:
            real = (time < lengths)[:, None]
            new = jax.tree.map(lambda after, before: jnp.where(real, after, before), new, state)
        return new, (state, new)

    times = jnp.arange(inputs.shape[1])
    projected = jnp.swapaxes(cell.project(inputs), 0, 1)
    final, (before, after) = jax.lax.scan(step, start, (projected, times), reverse=layer.reverse)
    before, after = jax.tree.map(lambda array: jnp.swapaxes(array, 0, 1), (before, after))
    arrays: dict[str, Array] = {**cell.gates(inputs, before)._asdict(), **_states(after)}  # pyright: ignore
    if lengths is not None:
        real = (times < lengths[:, None])[..., None]
        arrays = {name: jnp.where(real, array, 0) for name, array in arrays.items()}
    return arrays["hidden"] if layer.return_sequences else final.hidden, list(arrays.items())


def _states(state: Any) -> Mapping[str, Array]:
    """The hidden state last: it is what the layer shows."""
    named = state._asdict()
    return {name: named[name] for name in sorted(named, key=lambda name: name == "hidden")}


def by_behaviour(values: Values) -> NDArray[np.int64]:
    """An order of the units of `[time, units]` in which each stands next to one that behaves like it."""
    left = list(range(values.shape[1]))
    order = [left.pop(int(values.var(axis=0).argmin()))]
    while left:
        distances = np.square(values[:, left] - values[:, [order[-1]]]).sum(axis=0)
        order.append(left.pop(int(distances.argmin())))
    return np.array(order)
