"""A model's layers in their order: shapes, names, and the arrays that they learn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latchwork.core import spec
from latchwork.core.errors import InputError
from latchwork.core.network import NetworkData
from latchwork.interop.keras.data import Reader
from latchwork.interop.keras.graph import Symbol
from latchwork.interop.keras.layers import Embedding, Flatten, InputLayer, Layer, Masking
from latchwork.interop.keras.printing import summary_text
from latchwork.interop.keras.refusals import arguments

Array = NDArray[Any]


class Chain:
    """What `Model` and `Sequential` share besides training: layers one after the other."""

    name: str
    _layers: list[Layer]
    _network: spec.Sequential | None
    _places: list[tuple[int, Layer]]
    _chain: list[Symbol]

    @property
    def layers(self) -> list[Layer]:
        """Its layers; a `Sequential` has its input's shape in the first one."""
        return self._with_symbols()

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """A layer by its name or its place."""
        if index is not None:
            return self.layers[index]
        for layer in self._layers:
            if layer.name == name:
                return layer
        known = ", ".join(layer.name for layer in self._layers)
        raise InputError(f"the model has no layer {name!r}: it has {known}")

    def build(self, input_shape: Any = None) -> None:
        """Make the layers' arrays for inputs of a shape (with the batch); without one, for that of the first layer."""
        shape = self._start() if input_shape is None else tuple(input_shape)[1:]
        if shape is None:
            raise InputError("the model's input shape is not known: give the first layer input_shape=(steps, features)")
        described: list[spec.Layer] = []
        start, self._places = shape, list[tuple[int, Layer]]()
        for layer in self._layers:
            own = layer.described(shape)
            shape = layer.build(shape)
            if layer.arrays:
                self._places.append((len(described), layer))  # the first of its layers has the arrays
            described += own
        if not described:
            raise InputError("the model has no layer that computes anything")
        self._network = spec.Sequential(described, input_shape=start)
        self._check_masking()

    def _check_masking(self) -> None:
        """A mask reaches all layers from the one that makes it on; what is before it must leave steps as they are."""
        masking = [at for at, layer in enumerate(self._layers) if isinstance(layer, Masking) or _masks_zero(layer)]
        before = [layer for at, layer in enumerate(self._layers) if masking and at < masking[-1]]
        if any(not isinstance(layer, InputLayer) for layer in before):
            raise InputError("Masking, or Embedding(mask_zero=True), has to be the first layer: it looks at the inputs")
        if masking and any(isinstance(layer, spec.Flatten) for layer in self.network.layers):
            raise InputError("Flatten after masking would mix what is masked with what is not: leave the masking out")
        if masking and spec.Pooling(("max",)) in self.network.layers:
            raise InputError("GlobalMaxPooling1D knows no mask in Keras: use GlobalAveragePooling1D, or leave it out")

    def _start(self) -> spec.Shape | None:
        """The input's shape where the first layer says it, or was built for one."""
        if not self._layers:
            return None
        first = self._layers[0]
        return first.given_shape if first.given_shape is not None else first.input_shape_here

    @property
    def network(self) -> spec.Sequential:
        """The layers of ours; raises `InputError` before the input's shape is known."""
        if self._network is None:
            self.build()
        assert self._network is not None
        return self._network

    @property
    def fixed_batch_size(self) -> int | None:
        """Rows of every batch, where the first layer says so."""
        return self._layers[0].batch_size if self._layers else None

    @property
    def stateful(self) -> bool:
        """Whether a layer goes on with each batch where the one before ended."""
        return any(layer.given.get("stateful") for layer in self._layers)

    @property
    def built(self) -> bool:
        """Whether the layers have their arrays."""
        return self._network is not None

    @property
    def input_shape(self) -> tuple[int | None, ...]:
        """With the batch."""
        return (self._layers[0].batch_size, *(self.network.input_shape or ()))

    @property
    def output_shape(self) -> tuple[int | None, ...]:
        """With the batch."""
        return (self._layers[0].batch_size, *self.network.output_shape())

    @property
    def input(self) -> Symbol:
        """Where a `Model` of some of its layers begins."""
        return self._symbols()[0]

    inputs = input

    @property
    def output(self) -> Symbol:
        """Where a further layer can go on."""
        return self._symbols()[-1]

    def _with_symbols(self) -> list[Layer]:
        """All layers, each with its `input` and `output` where they are known."""
        if self.built:
            self._symbols()
        return list(self._layers)

    def _symbols(self) -> list[Symbol]:
        """One for each layer, made once."""
        if not hasattr(self, "_chain"):
            shape = self._start() or self.network.input_shape or ()
            at = Symbol(self._layers[0], None, shape, batch_size=self._layers[0].batch_size)
            if not isinstance(self._layers[0], InputLayer):
                at = Symbol(InputLayer(batch_input_shape=at.shape), None, shape, batch_size=at.batch_size)
            self._chain = [at]
            for layer in self._layers:
                if not isinstance(layer, InputLayer):
                    at = Symbol(layer, at, layer.build(at.inner_shape), batch_size=at.batch_size)
                    self._chain.append(at)
                layer.input, layer.output = at.parent or at, at
        return self._chain

    def summary(self, line_length: int = 65, **given: Any) -> None:
        """Print the layers, their outputs' shapes and the number of their parameters."""
        known = {"print_fn": print, "positions": None, "expand_nested": False, "show_trainable": False}
        rows: list[tuple[str, str, int]] = []
        shape = self.network.input_shape or ()
        batch = self._layers[0].batch_size
        for layer in self._layers:
            shape = layer.build(shape)
            rows.append((f"{layer.name} ({type(layer).__name__})", str((batch, *shape)), layer.count_params()))
        frozen = sum(layer.count_params() for layer in self._layers if not layer.trainable)
        arguments("summary", given, known).get("print_fn", print)(summary_text(self.name, rows, frozen, line_length))

    def count_params(self) -> int:
        """How many numbers all layers have."""
        return self.network.parameter_count() - sum(self._arrays()[name].size for name in self._never_there())

    # Arrays

    def _arrays(self) -> dict[str, Array]:
        """Every array by its name in the network."""
        self.network  # noqa: B018 - builds
        found: dict[str, Array] = {}
        for place, layer in self._places:
            found |= {f"layers.{place}.{name}": array for name, array in layer.arrays.items()}
        return found

    def _never_there(self) -> set[str]:
        """Arrays that Keras has not: biases that were left out."""
        self.network  # noqa: B018 - builds
        return {f"layers.{place}.{name}" for place, layer in self._places for name in layer.frozen}

    def current_parameters(self) -> dict[str, Array]:
        """Every array by its name in the network."""
        return self._arrays()

    def take_parameters(self, parameters: Mapping[str, Array]) -> None:
        """Put trained arrays into the layers."""
        for place, layer in self._places:
            layer.change({name: parameters[f"layers.{place}.{name}"] for name in layer.arrays})

    def get_weights(self) -> list[Array]:
        """All arrays in Keras's order and layout."""
        self.network  # noqa: B018 - builds
        return [array for layer in self._layers for array in layer.get_weights()]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Take arrays in Keras's order and layout."""
        expected = self.get_weights()
        if len(weights) != len(expected):
            raise InputError(f"the model has {len(expected)} arrays, got {len(weights)}")
        at = 0
        for layer in self._layers:
            count = len(layer.slots)
            layer.set_weights(weights[at : at + count])
            at += count

    @property
    def weights(self) -> list[Array]:
        """As `get_weights`."""
        return self.get_weights()

    @property
    def trainable_weights(self) -> list[Array]:
        """Those of layers that are trained."""
        return [array for layer in self._layers if layer.trainable for array in layer.get_weights()]

    @property
    def trainable(self) -> bool:
        """Whether any layer is trained; setting it sets every layer's."""
        return any(layer.trainable for layer in self._layers)

    @trainable.setter
    def trainable(self, value: bool) -> None:
        for layer in self._layers:
            layer.trainable = bool(value)

    def data(self) -> NetworkData:
        """The network as plain data: what is saved, and what latchwork's own functions take."""
        return NetworkData(self.network, self._arrays())

    def reader(self) -> Reader:
        """How its inputs are read."""
        masks = [layer for layer in self._layers if isinstance(layer, Masking)]
        value = float(masks[0].given["mask_value"]) if masks else None
        return Reader(self.network, value, any(_masks_zero(layer) for layer in self._layers))

    def see(self, x: Any) -> None:
        """A model without an input shape takes that of its first data."""
        if not self.built:
            if self._start() is not None:
                return self.build()
            array = np.asarray(x[0] if isinstance(x, list | tuple) and np.ndim(x[0]) > 1 else x)
            steps_vary = array.ndim > 2 or isinstance(self._layers[0], Embedding)
            if steps_vary and not any(isinstance(layer, Flatten) for layer in self._layers):
                self.build((None, None, *array.shape[2:]))  # later data may have more steps, or fewer
            else:
                self.build((None, *array.shape[1:]))
        return None


def _masks_zero(layer: Layer) -> bool:
    return isinstance(layer, Embedding) and bool(layer.given["mask_zero"])
