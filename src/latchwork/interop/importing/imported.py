"""What an importer gives: a network, and what the original did around it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latchwork.core.errors import InputError
from latchwork.core.network import NetworkData
from latchwork.core.spec import Layer, Sequential
from latchwork.transforms.scaling import Scaler

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Imported:
    """A network read from elsewhere.

    Attributes:
        data: its layers and their arrays.
        names: of each layer, its name in the original.
        softmax: whether the original's outputs are the softmax of the network's.
        scaler: what the original's inputs go through first, or None.
        target_scaler: what its outputs go through last, backwards, or None.
        padding: the value whose steps the original passes over (`mask_zero`, `Masking`), or None.
        document: what the file itself says of it: labels, units.
        notes: sentences for the user: what the file does not say and how it was read.
    """

    data: NetworkData
    names: tuple[str, ...]
    softmax: bool = False
    scaler: Scaler | None = None
    target_scaler: Scaler | None = None
    padding: float | None = None
    document: Mapping[str, Any] = field(default_factory=dict[str, Any])
    notes: tuple[str, ...] = ()


@dataclass
class Chain:
    """Layers as they are read one after the other, with their arrays and their names in the original."""

    layers: list[Layer] = field(default_factory=list[Layer])
    arrays: list[Arrays] = field(default_factory=list[Arrays])
    names: list[str] = field(default_factory=list[str])

    def add(self, layer: Layer, arrays: Arrays, name: str) -> None:
        """One more layer."""
        self.layers.append(layer)
        self.arrays.append(arrays)
        self.names.append(name)

    def replace_last(self, layer: Layer, arrays: Arrays | None = None) -> None:
        """Another description of the last layer, with its arrays or others."""
        self.layers[-1] = layer
        if arrays is not None:
            self.arrays[-1] = arrays

    def data(self, input_shape: Iterable[int | None]) -> NetworkData:
        """The network; raises `InputError` where an array is not what its layer needs, or not finite."""
        if not self.layers:
            raise InputError("it has no layer that learned anything")
        parameters = {
            f"layers.{index}.{name}": np.ascontiguousarray(array, np.float32)
            for index, arrays in enumerate(self.arrays)
            for name, array in arrays.items()
        }
        for name, array in parameters.items():
            if not np.isfinite(array).all():
                raise InputError(f"its weights hold numbers that are missing or infinite ({name}): it did not train")
        return NetworkData(Sequential(self.layers).with_input(input_shape), parameters)
