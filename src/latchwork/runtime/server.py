"""The engine of a fitted network, packed once: for whole batches, or one step at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from latchwork.core.network import NetworkData
from latchwork.core.probabilities import softmax
from latchwork.runtime.chain import Chain, chainable, make_chain
from latchwork.runtime.interim import Layers
from latchwork.transforms.scaling import Scaler

Array = NDArray[np.float32]
Lengths = NDArray[np.int32] | None
State = Any
"""What a network remembers between two steps. It is never changed: one may go on from it twice."""


class Server(Protocol):
    """A network and the scaler before it. It changes nothing in itself: any number of threads may use one."""

    def run(self, inputs: Any, lengths: Lengths = None, /) -> Array | None:
        """The network's outputs for `[batch, time, features]`, or token numbers `[batch, time]`.

        None where the inputs are not finite dense float32 and this engine minds.
        """
        ...

    def initial_state(self, batch: int, /) -> State:
        """The state before the first step; raises `InputError` where a layer reads backwards."""
        ...

    def step(self, inputs: Any, state: State, /) -> tuple[Array, State] | None:
        """One step from `[batch, features]` or token numbers `[batch]`, and the new state; None as in `run`."""
        ...


def make_server(data: NetworkData, scaler: Scaler | None = None, *, scores: bool = False) -> Server:
    """Pack a network for its answers: in the kernels where they know all its layers, else in plain NumPy.

    Args:
        data: the network.
        scaler: what the inputs go through first.
        scores: whether `step` turns its outputs into probabilities.

    Raises:
        InputError: `LATCHWORK_ENGINE` asks for an engine that is not there, or cannot run this network.
    """
    from latchwork.core import spec

    layers, embedding, above = Layers(data.spec, data.parameters), None, data
    if isinstance(first := data.spec.layers[0], spec.Embedding) and len(data.spec.layers) > 1:
        embedding = np.ascontiguousarray(data.parameters["layers.0.weight"], np.float32)
        arrays: dict[str, Array] = {}
        for name, array in data.parameters.items():
            _, index, own = name.split(".", 2)
            if index != "0":
                arrays[f"layers.{int(index) - 1}.{own}"] = np.ascontiguousarray(array, np.float32)
        above = NetworkData(spec.Sequential(data.spec.layers[1:]).with_input((None, first.units)), arrays)
    upper = Layers(above.spec, above.parameters)
    chain = make_chain(upper, scaler, scores=scores) if chainable(upper) else None
    return _Interim(layers, chain, scaler, scores, embedding)


@dataclass(frozen=True)
class _Interim:
    layers: Layers
    chain: Chain | None
    scaler: Scaler | None
    scores: bool
    embedding: Array | None

    def run(self, inputs: Any, lengths: Lengths = None, /) -> Array | None:
        if self.chain is not None and lengths is None and self.embedding is None:
            outputs = self.chain.run(inputs, None)
            if outputs is not None:
                return outputs
        if not isinstance(inputs, np.ndarray) or inputs.dtype not in (np.float32, np.int64, np.int32):
            return None
        if inputs.dtype == np.float32 and not np.isfinite(inputs).all():
            return None
        return self.layers(inputs if self.scaler is None else self.scaler.transform(inputs, lengths), lengths)

    def initial_state(self, batch: int, /) -> State:
        state = self.layers.initial_state(batch)
        return state if self.chain is None else self.chain.initial_state(batch)

    def step(self, inputs: Any, state: State, /) -> tuple[Array, State] | None:
        if self.chain is not None:
            return self.chain.step(inputs if self.embedding is None else self.embedding[inputs], state)
        if not isinstance(inputs, np.ndarray) or inputs.dtype not in (np.float32, np.int64, np.int32):
            return None
        now = inputs if self.scaler is None else self.scaler.transform(inputs[:, None])[:, 0]
        outputs, after = self.layers.step(now, state)
        return softmax(outputs) if self.scores else outputs, after
