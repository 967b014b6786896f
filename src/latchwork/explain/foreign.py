"""Networks in JAX: as plain data where a description says all of one, in JAX where a cell is its user's own."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from latchwork.core import spec
from latchwork.core.errors import InputError
from latchwork.core.network import NetworkData
from latchwork.engines.jax.layers import BidirectionalLayer, BuiltLayer, RecurrentLayer
from latchwork.engines.jax.network import Network, apply_layers
from latchwork.explain.passes import DescribedPasses, Passes, Traced

Array = NDArray[Any]
Lengths = NDArray[np.int32] | None


def passes_of_jax(network: Network) -> Passes:
    """What runs a network in JAX: as plain data where its description says all."""
    data = _described(network)
    return JaxPasses(network) if data is None else DescribedPasses(data)


def _described(network: Network) -> NetworkData | None:
    """The network as plain data; None where one of its layers is not what its description says."""
    try:
        data = network.data()
    except (AttributeError, LookupError, InputError):
        return None
    rebuilt = Network.from_data(data)
    return data if jax.tree.structure(rebuilt) == jax.tree.structure(network) else None


class JaxPasses:
    """A network some of whose layers are its user's own; see `Passes`."""

    def __init__(self, network: Network) -> None:
        """Nothing is computed yet."""
        self.network = network

    @property
    def spec(self) -> spec.Sequential:
        """See `Passes`."""
        return self.network.spec

    def answers(self, inputs: Array, lengths: Lengths = None) -> Array:
        """See `Passes`."""
        return np.asarray(_apply(self.network.layers, jnp.asarray(inputs), lengths))

    def trace(self, inputs: Array, lengths: Lengths = None) -> tuple[Traced, Array]:
        """See `Passes`."""
        found, outputs = _trace(self.network.layers, jnp.asarray(inputs), lengths)
        return jax.tree.map(np.asarray, found), np.asarray(outputs)

    def gradient(self, inputs: Array, by_outputs: Array) -> tuple[Array, Array]:
        """See `Passes`."""
        outputs, back = _gradient(self.network.layers, jnp.asarray(inputs), jnp.asarray(by_outputs))
        return np.asarray(outputs), np.asarray(back)

    def precise(self) -> None:
        """There is none: float64 would be a setting of the whole process."""
        return

    def after_embedding(self) -> tuple[JaxPasses, Array]:
        """See `Passes`."""
        first, *layers = self.network.layers
        described = spec.Sequential(self.spec.layers[1:], input_shape=(None, first.weight.shape[-1]))
        return JaxPasses(Network(tuple(layers), described)), np.asarray(first.weight)


@jax.jit
def _apply(layers: tuple[BuiltLayer, ...], inputs: jax.Array, lengths: Any) -> jax.Array:
    return apply_layers(layers, inputs, lengths)


@jax.jit
def _gradient(layers: tuple[BuiltLayer, ...], inputs: jax.Array, by_outputs: jax.Array) -> tuple[jax.Array, jax.Array]:
    outputs, back = jax.vjp(lambda inputs: apply_layers(layers, inputs), inputs)
    return outputs, back(by_outputs)[0]


@jax.jit
def _trace(
    layers: tuple[BuiltLayer, ...], inputs: jax.Array, lengths: Any
) -> tuple[dict[str, dict[str, jax.Array]], jax.Array]:
    found: dict[str, dict[str, jax.Array]] = {}
    for index, layer in enumerate(layers):
        if not isinstance(layer, RecurrentLayer | BidirectionalLayer):
            inputs = layer(inputs, lengths)
            continue
        shown: list[jax.Array] = []
        for name, way in _ways(f"layers.{index}", layer).items():
            found[name], final = _trace_cell(way, inputs, lengths)
            shown.append(found[name]["hidden"] if way.return_sequences else final)
        inputs = jnp.concatenate(shown, axis=-1)
    return found, inputs


def _ways(name: str, layer: RecurrentLayer[Any] | BidirectionalLayer) -> dict[str, RecurrentLayer[Any]]:
    if isinstance(layer, RecurrentLayer):
        return {name: layer}
    return {f"{name}.forward": layer.forward, f"{name}.backward": layer.backward}


def _trace_cell(layer: RecurrentLayer[Any], inputs: jax.Array, lengths: Any) -> tuple[dict[str, jax.Array], jax.Array]:
    """One pass keeps the states, then all gates are one product over all steps."""
    cell = layer.cell

    def step(state: Any, at: tuple[jax.Array, jax.Array]) -> tuple[Any, tuple[Any, Any]]:
        projected, time = at
        _, new = cell.step(projected, state)
        if lengths is not None:
            real = (time < lengths)[:, None]
            new = jax.tree.map(lambda after, before: jnp.where(real, after, before), new, state)
        return new, (state, new)

    steps = jnp.arange(inputs.shape[1])
    projected = jnp.swapaxes(cell.project(inputs), 0, 1)
    start = cell.initial_state(inputs.shape[:1])
    final, states = jax.lax.scan(step, start, (projected, steps), reverse=layer.reverse)
    before, after = jax.tree.map(lambda array: jnp.swapaxes(array, 0, 1), states)
    named = cell.gates(inputs, before)._asdict() | after._asdict()
    named["hidden"] = named.pop("hidden")  # last: it is what the layer shows
    if lengths is not None:
        real = (steps < lengths[:, None])[..., None]
        named = {name: jnp.where(real, array, 0) for name, array in named.items()}
    return named, final.hidden
