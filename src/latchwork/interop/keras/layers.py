"""Keras's layers: each checks its arguments, says which layers of ours it is, and holds its arrays."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, cast

import numpy as np
from numpy.typing import NDArray

from latchwork.core import spec
from latchwork.core.errors import InputError
from latchwork.interop.keras import activations, initializers, regularizers
from latchwork.interop.keras.graph import Symbol, apply
from latchwork.interop.keras.naming import unique_name
from latchwork.interop.keras.refusals import arguments, missing
from latchwork.interop.keras.weights import Slot, slots_of

Array = NDArray[np.float32]
Shape = spec.Shape

COMMON: dict[str, Any] = {
    "name": None, "trainable": True, "dtype": None, "input_shape": None, "batch_input_shape": None,
}  # fmt: skip


class Layer:
    """What all layers share: a name, an input shape that may be given, and arrays once that is known.

    Attributes:
        name: as `summary` and `get_layer` have it.
        trainable: whether `fit` changes its arrays; a change counts from the next `compile` on.
        arrays: ours by name, once it is built.
        slots: Keras's arrays that they make up, in its order.
        penalties: of each of ours that has one, its regularizer.
    """

    options: ClassVar[dict[str, Any]] = {}
    positional: ClassVar[tuple[str, ...]] = ()
    input_types: ClassVar[tuple[Any, ...]] = ()

    def __init__(self, *places: Any, **given: Any) -> None:
        """Take the arguments by place or by name, old names among them."""
        kind = type(self).__name__
        if len(places) > len(self.positional):
            raise InputError(f"{kind} takes {len(self.positional)} arguments by place, got {len(places)}")
        named = dict(zip(self.positional, places, strict=False)) | given
        self.given = arguments(kind, named, self.options | COMMON)
        kinds = (None, "float32", np.float32, *self.input_types)
        if self.given["dtype"] not in kinds:
            raise InputError(f"{kind}: dtype {self.given['dtype']!r}: numbers are float32")
        self.name: str = self.given["name"] or unique_name(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", kind).lower())
        self.trainable: bool = bool(self.given["trainable"])
        self.arrays: dict[str, Array] = {}
        self.slots: tuple[Slot, ...] = ()
        self.frozen: frozenset[str] = frozenset()  # of a bias that is not there, whatever `trainable` says
        self.penalties: dict[str, regularizers.Regularizer] = {}
        self.version = 0  # counts changes of its arrays
        self.input_shape_here: Shape | None = None
        self.input: Symbol | None = None  # in the model that was asked for its layers last
        self.output: Symbol | None = None
        self.setup()

    def setup(self) -> None:
        """Check what is the layer's own."""

    def described(self, shape: Shape) -> list[spec.Layer]:
        """The layers of ours that it is, for inputs of a shape; the first alone has arrays."""
        del shape
        return []

    def initializer_of(self, slot: Slot) -> Callable[[tuple[int, ...]], Array]:
        """What one of Keras's arrays begins with."""
        return initializers.get(self.given[f"{slot.kind}_initializer"])

    def regularizer_of(self, slot: Slot) -> Any:
        """What is added to the loss for one of Keras's arrays; None for nothing."""
        return self.given.get(f"{slot.kind}_regularizer")

    @property
    def uses_bias(self) -> bool:
        """Whether it has a bias."""
        return bool(self.given.get("use_bias", True))

    def build(self, shape: Shape) -> Shape:
        """Make the arrays for inputs of a shape (batch left out), unless it is done; gives the outputs' shape."""
        layers = self.described(shape)
        if layers and (not self.built or not self.arrays):
            sizes = layers[0].parameter_shapes(shape)
            self.slots = slots_of(layers[0], bias=self.uses_bias)
            self.arrays = {name: np.zeros(size, np.float32) for name, size in sizes.items()}
            for slot in self.slots:
                first = self.initializer_of(slot)(slot.to_keras(self.arrays).shape)
                self.arrays |= slot.from_keras(np.asarray(first, np.float32))
                regularizer = regularizers.get(self.regularizer_of(slot))
                self.penalties |= {} if regularizer is None else dict.fromkeys(slot.ours, regularizer)
            known = {name for slot in self.slots for name in slot.ours}
            self.frozen = frozenset(sizes.keys() - known)
            self.finish_arrays()
        elif layers:
            expected = layers[0].parameter_shapes(shape)
            if any(self.arrays[name].shape != size for name, size in expected.items()):
                raise InputError(f"the layer {self.name!r} was built for inputs of another shape than {shape}")
        self.input_shape_here = shape
        for layer in layers:
            shape = layer.output_shape(shape)
        return shape

    def finish_arrays(self) -> None:
        """What no initializer says."""

    @property
    def built(self) -> bool:
        """Whether its arrays are there."""
        return self.input_shape_here is not None

    @property
    def given_shape(self) -> Shape | None:
        """The input's shape as it was given, batch left out; None where it was not."""
        if self.given["batch_input_shape"] is not None:
            return tuple(self.given["batch_input_shape"][1:])
        shape = self.given["input_shape"]
        if shape is None:
            return None
        return tuple(shape) if isinstance(shape, Sequence) else (int(shape),)

    @property
    def batch_size(self) -> int | None:
        """Rows of every batch, where `batch_input_shape` says so."""
        shape = self.given["batch_input_shape"]
        return None if shape is None else shape[0]

    def __call__(self, inputs: Any, **options: Any) -> Any:
        """What it gives of symbols (`Input`), or of an array."""
        return apply(self, inputs, options)

    def change(self, arrays: dict[str, Array]) -> None:
        """Put other arrays in the place of its own."""
        self.arrays = self.arrays | arrays
        self.version += 1

    def get_weights(self) -> list[Array]:
        """Copies of its arrays in Keras's order and layout."""
        return [slot.to_keras(self.arrays) for slot in self.slots]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Take arrays in Keras's order and layout; raises `InputError` where they are others."""
        if not self.built:
            raise InputError(f"the layer {self.name!r} has no weights yet: give the model its input shape first")
        given = [np.asarray(one, np.float32) for one in weights]
        expected = [one.shape for one in self.get_weights()]
        if [one.shape for one in given] != expected:
            raise InputError(f"{self.name}: weights of shapes {expected} expected, got {[one.shape for one in given]}")
        for slot, array in zip(self.slots, given, strict=True):
            self.change(slot.from_keras(array.copy()))

    @property
    def weights(self) -> list[Array]:
        """As `get_weights`."""
        return self.get_weights()

    def count_params(self) -> int:
        """How many numbers it has."""
        return sum(array.size for array in self.get_weights())

    def get_config(self) -> dict[str, Any]:
        """Its arguments."""
        return dict(self.given) | {"name": self.name}

    def __repr__(self) -> str:
        """Its kind and its name."""
        return f"<{type(self).__name__} name={self.name}>"


class InputLayer(Layer):
    """Says the input's shape and does nothing."""

    options: ClassVar[dict[str, Any]] = {"shape": None, "batch_size": None, "sparse": False, "tensor": None}
    positional: ClassVar[tuple[str, ...]] = ("input_shape",)
    input_types: ClassVar[tuple[Any, ...]] = ("int32", "int64", "float64", np.int32, np.int64)

    def setup(self) -> None:
        """Bring all ways to say a shape into one."""
        if self.given["sparse"] or self.given["tensor"] is not None:
            raise InputError("InputLayer: sparse and tensor are not here: inputs are dense arrays")
        shape = self.given["shape"] if self.given["shape"] is not None else self.given["input_shape"]
        if self.given["batch_input_shape"] is None:
            if shape is None:
                raise InputError("Input takes a shape without the batch, such as Input(shape=(28, 28))")
            shape = tuple(shape) if isinstance(shape, Sequence) else (int(shape),)
            self.given["batch_input_shape"] = (self.given["batch_size"], *shape)


def Input(shape: Any = None, batch_size: int | None = None, **given: Any) -> Symbol:  # noqa: N802 - Keras's name
    """The beginning of a functional model; in a `Sequential` list it says the input's shape."""
    layer = InputLayer(**{"shape": shape, "batch_size": batch_size, **given})
    batch, *rest = layer.given["batch_input_shape"]
    return Symbol(layer, None, tuple(rest), batch_size=batch)


WEIGHTS: dict[str, Any] = {
    "use_bias": True, "kernel_initializer": "glorot_uniform", "bias_initializer": "zeros", "kernel_regularizer": None,
    "bias_regularizer": None,
}  # fmt: skip


class Dense(Layer):
    """activation(x W + b) on the last axis, at every step of a sequence."""

    options: ClassVar[dict[str, Any]] = {"units": None, "activation": None, "input_dim": None, **WEIGHTS}
    positional: ClassVar[tuple[str, ...]] = ("units", "activation")

    def setup(self) -> None:
        """Take `input_dim` for the input's shape."""
        self.given["units"] = whole(self, "units")
        self.activation = activations.named("Dense", self.given["activation"])
        if self.given["input_dim"] is not None and self.given["input_shape"] is None:
            self.given["input_shape"] = (self.given["input_dim"],)

    def described(self, shape: Shape) -> list[spec.Layer]:
        """With an activation that Dense has not, a layer for that."""
        if self.activation in (None, "tanh", "relu", "sigmoid"):
            return [spec.Dense(self.given["units"], cast(Any, self.activation))]
        return [spec.Dense(self.given["units"]), spec.Activation(self.activation)]


class Activation(Layer):
    """A function of each number, or of each step's vector."""

    options: ClassVar[dict[str, Any]] = {"activation": None}
    positional: ClassVar[tuple[str, ...]] = ("activation",)

    def setup(self) -> None:
        """The function's name."""
        self.activation = activations.named("Activation", self.given["activation"])

    def described(self, shape: Shape) -> list[spec.Layer]:
        """Nothing where it is linear."""
        return [] if self.activation is None else [spec.Activation(self.activation)]


def _activation_layer(function: str) -> type[Activation]:
    class Fixed(Activation):
        def setup(self) -> None:
            self.activation = function

    return Fixed


ReLU, Softmax, ELU = (_activation_layer(name) for name in ("relu", "softmax", "elu"))
ReLU.__name__, Softmax.__name__, ELU.__name__ = "ReLU", "Softmax", "ELU"


class Dropout(Layer):
    """Drops a share of the features while training."""

    options: ClassVar[dict[str, Any]] = {"rate": None, "noise_shape": None, "seed": None}
    positional: ClassVar[tuple[str, ...]] = ("rate",)

    def setup(self) -> None:
        """Refuse what is not done."""
        if self.given["noise_shape"] is not None:
            raise InputError("Dropout: no noise_shape: for the same features at all steps use LSTM(dropout=...)")

    def described(self, shape: Shape) -> list[spec.Layer]:
        """The same layer here."""
        return [spec.Dropout(float(self.given["rate"]))]


class Flatten(Layer):
    """A sequence as one vector."""

    options: ClassVar[dict[str, Any]] = {"data_format": None}

    def setup(self) -> None:
        """Refuse another order of axes."""
        features_last(self)

    def described(self, shape: Shape) -> list[spec.Layer]:
        """Nothing where it is a vector already."""
        if len(shape) == 1:
            return []
        if shape[0] is None:
            raise InputError("Flatten takes sequences of a known number of steps: give input_shape=(steps, features)")
        return [spec.Flatten(shape[0])]


class RepeatVector(Layer):
    """A vector at each of n steps."""

    options: ClassVar[dict[str, Any]] = {"n": None}
    positional: ClassVar[tuple[str, ...]] = ("n",)

    def described(self, shape: Shape) -> list[spec.Layer]:
        """The same layer here."""
        return [spec.RepeatVector(whole(self, "n"))]


class Masking(Layer):
    """Steps of which every feature is `mask_value` are left out by all layers that follow."""

    options: ClassVar[dict[str, Any]] = {"mask_value": 0.0}
    positional: ClassVar[tuple[str, ...]] = ("mask_value",)


class LayerNormalization(Layer):
    """Each step's features with mean 0 and variance 1, then scaled and shifted."""

    options: ClassVar[dict[str, Any]] = {
        "axis": -1, "epsilon": 1e-3, "center": True, "scale": True, "beta_initializer": "zeros",
        "gamma_initializer": "ones", "beta_regularizer": None, "gamma_regularizer": None, "rms_scaling": False,
    }  # fmt: skip
    positional: ClassVar[tuple[str, ...]] = ("axis", "epsilon")

    def setup(self) -> None:
        """Refuse what is not done."""
        if self.given["axis"] not in (-1, [-1], (-1,)):
            raise InputError(f"LayerNormalization: axis {self.given['axis']}: it is of the features, axis=-1")
        if self.given["rms_scaling"]:
            raise InputError("LayerNormalization: no rms_scaling: leave it out")

    def described(self, shape: Shape) -> list[spec.Layer]:
        """The same layer here."""
        return [spec.LayerNorm(float(self.given["epsilon"]))]

    def finish_arrays(self) -> None:
        """Without `scale` or `center` the array is not there in Keras, and stays as it is here."""
        left = {name for name, key in (("scale", "scale"), ("offset", "center")) if not self.given[key]}
        self.slots = tuple(slot for slot in self.slots if not left & set(slot.ours))
        self.frozen = self.frozen | left


class Embedding(Layer):
    """A vector for each of `input_dim` whole numbers; with `mask_zero` steps of number 0 are left out."""

    options: ClassVar[dict[str, Any]] = {
        "input_dim": None, "output_dim": None, "embeddings_initializer": "uniform", "embeddings_regularizer": None,
        "mask_zero": False, "weights": None, "input_length": None,
    }  # fmt: skip
    positional: ClassVar[tuple[str, ...]] = ("input_dim", "output_dim")

    def setup(self) -> None:
        """Take `input_length` for the input's shape."""
        for name in ("input_dim", "output_dim"):
            whole(self, name)
        if self.given["input_shape"] is None and self.given["input_length"] is not None:
            self.given["input_shape"] = (self.given["input_length"],)

    def described(self, shape: Shape) -> list[spec.Layer]:
        """The same layer here."""
        return [spec.Embedding(whole(self, "input_dim"), whole(self, "output_dim"))]

    def finish_arrays(self) -> None:
        """Vectors that were given."""
        if self.given["weights"] is not None:
            given = self.given["weights"][0] if isinstance(self.given["weights"], list) else self.given["weights"]
            vectors = np.asarray(given, np.float32)
            if vectors.shape != self.arrays["weight"].shape:
                raise InputError(f"Embedding: weights of shape {vectors.shape}, expected {self.arrays['weight'].shape}")
            self.arrays["weight"] = vectors


def whole(layer: Layer, name: str) -> int:
    """An argument that is a whole number of at least 1."""
    value = layer.given[name]
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise InputError(f"{type(layer).__name__}: {name} must be a whole number of at least 1, got {value!r}")
    return int(value)


def features_last(layer: Layer) -> None:
    """Raise `InputError` where `data_format` says that features come before time."""
    if layer.given["data_format"] not in (None, "channels_last"):
        raise InputError(f"{type(layer).__name__}: no data_format: arrays are (batch, time, features)")


def __getattr__(name: str) -> Any:
    missing(name)
