"""Keras's arrays of a layer, in its order and layout, out of ours and back.

Of a cell both have the gates side by side in the columns. An LSTM's order is the same in both (i, f, g, o); a GRU's is
z, r, n in Keras and r, z, n here, and its two biases are the rows of one array there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latchwork.core import spec

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Slot:
    """One of Keras's arrays.

    Attributes:
        name: Keras's: `kernel`, `recurrent_kernel`, `bias` ...
        ours: the parameters that it is made of, by their names in the layer; of a GRU's bias there are two.
        gates: how many blocks of columns there are, where the first two change places; else 0.
    """

    name: str
    ours: tuple[str, ...]
    gates: int = 0

    @property
    def kind(self) -> str:
        """What its initializer and regularizer are called after."""
        name = self.name.removeprefix("forward_").removeprefix("backward_")
        return "recurrent" if name == "recurrent_kernel" else name

    def to_keras(self, arrays: Mapping[str, NDArray[Any]]) -> Array:
        """Keras's array out of ours."""
        parts = [self._swapped(np.asarray(arrays[name], np.float32)) for name in self.ours]
        return parts[0].copy() if len(parts) == 1 else np.stack(parts)

    def from_keras(self, array: Array) -> dict[str, Array]:
        """Ours by name out of Keras's."""
        parts = [array] if len(self.ours) == 1 else list(array)
        return {name: self._swapped(part) for name, part in zip(self.ours, parts, strict=True)}

    def _swapped(self, array: Array) -> Array:
        if not self.gates:
            return array
        blocks = np.split(array, self.gates, axis=-1)
        return np.concatenate([blocks[1], blocks[0], *blocks[2:]], axis=-1)


def slots_of(layer: spec.Layer, *, bias: bool = True) -> tuple[Slot, ...]:
    """Keras's arrays of a layer in Keras's order.

    Args:
        layer: the layer that has arrays.
        bias: whether its bias is one of them (`use_bias`).
    """
    match layer:
        case spec.Bidirectional():
            inner = slots_of(layer.layer, bias=bias)
            ways = ("forward", "backward")
            return tuple(
                Slot(f"{way}_{slot.name}", tuple(f"{way}.{name}" for name in slot.ours), slot.gates)
                for way in ways
                for slot in inner
            )
        case spec.Recurrent():
            gates = 3 if isinstance(layer, spec.GRU | spec.ResetFirstGRU) else 0
            biases = ("input_bias", "hidden_bias") if isinstance(layer, spec.GRU) else ("bias",)
            weights = (Slot("kernel", ("input_weight",), gates), Slot("recurrent_kernel", ("hidden_weight",), gates))
            return (*weights, *((Slot("bias", biases, gates),) if bias else ()))
        case spec.Dense():
            return (Slot("kernel", ("weight",)), *((Slot("bias", ("bias",)),) if bias else ()))
        case spec.Embedding():
            return (Slot("embeddings", ("weight",)),)
        case spec.LayerNorm():
            return Slot("gamma", ("scale",)), Slot("beta", ("offset",))
        case _:
            return ()
