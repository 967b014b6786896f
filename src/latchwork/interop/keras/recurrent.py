"""Keras's recurrent layers and what wraps them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, cast

import numpy as np
from numpy.typing import NDArray

from latchwork.core import spec
from latchwork.core.errors import InputError
from latchwork.interop.keras import activations
from latchwork.interop.keras.layers import (
    WEIGHTS,
    Activation,
    Dense,
    Dropout,
    Layer,
    LayerNormalization,
    features_last,
    whole,
)
from latchwork.interop.keras.weights import Slot

Array = NDArray[np.float32]
Shape = spec.Shape

RECURRENT: dict[str, Any] = {
    **WEIGHTS, "recurrent_initializer": "orthogonal", "recurrent_regularizer": None, "units": None,
    "activation": "tanh", "dropout": 0.0, "recurrent_dropout": 0.0, "seed": None, "return_sequences": False,
    "return_state": False, "go_backwards": False, "stateful": False, "zero_output_for_mask": False,
    "input_dim": None, "input_length": None,
}  # fmt: skip


class Recurrent(Layer):
    """What `SimpleRNN`, `GRU` and `LSTM` share."""

    options: ClassVar[dict[str, Any]] = RECURRENT
    positional: ClassVar[tuple[str, ...]] = ("units", "activation")
    states: ClassVar[int] = 1

    def setup(self) -> None:
        """Check the arguments; Keras 1's `input_dim` and `input_length` say the input's shape."""
        kind, given = type(self).__name__, self.given
        whole(self, "units")
        self.left: tuple[Array, ...] | None = None  # a stateful layer's states after its last batch; None for zeros
        self.activation = activations.named(kind, given["activation"])
        if self.activation not in ("tanh", "relu"):
            raise InputError(f"{kind}: no activation {given['activation']!r}: there are 'tanh' and 'relu'")
        gates = activations.named(kind, given.get("recurrent_activation", "sigmoid"))
        if gates != "sigmoid":
            raise InputError(f"{kind}: no recurrent_activation {gates!r}: gates are sigmoids")
        if given["go_backwards"] and given["return_sequences"]:
            raise InputError(
                f"{kind}: go_backwards with return_sequences gives the steps in reading order, which is not here: "
                f"use Bidirectional({kind}(...)), or turn the inputs round with NumPy (x[:, ::-1])"
            )
        if given["go_backwards"] and given["stateful"]:
            raise InputError(f"{kind}: go_backwards with stateful is not here: turn the inputs round with NumPy")
        if given["input_dim"] is not None and given["input_shape"] is None:
            given["input_shape"] = (given["input_length"], given["input_dim"])

    @property
    def stateful(self) -> bool:
        """Whether it goes on with each batch where the one before ended."""
        return bool(self.given["stateful"])

    def shared(self) -> dict[str, Any]:
        """What all cells' descriptions take."""
        given = self.given
        return {
            "units": whole(self, "units"),
            "return_sequences": bool(given["return_sequences"]),
            "reverse": bool(given["go_backwards"]),
            "dropout": float(given["dropout"]),
            "recurrent_dropout": float(given["recurrent_dropout"]),
            "activation": self.activation,
        }

    def reset_states(self, states: Any = None) -> None:
        """Let the next batch of a stateful layer begin with zeros."""
        if states is not None:
            raise InputError(f"{self.name}.reset_states: no states: it begins with zeros")
        self.left = None

    reset_state = reset_states


class SimpleRNN(Recurrent):
    """h' = activation(x W + h U + b)."""

    def described(self, shape: Shape) -> list[spec.Layer]:
        """The same layer here."""
        return [spec.SimpleRNN(**self.shared())]


class GRU(Recurrent):
    """Gated recurrent unit."""

    options: ClassVar[dict[str, Any]] = RECURRENT | {"recurrent_activation": "sigmoid", "reset_after": True}

    def described(self, shape: Shape) -> list[spec.Layer]:
        """The same layer here; with `reset_after=False` one that the kernels do not have."""
        kind = spec.GRU if self.given["reset_after"] else spec.ResetFirstGRU
        return [kind(**self.shared())]


class LSTM(Recurrent):
    """Long short-term memory."""

    options: ClassVar[dict[str, Any]] = RECURRENT | {"recurrent_activation": "sigmoid", "unit_forget_bias": True}
    states: ClassVar[int] = 2

    def described(self, shape: Shape) -> list[spec.Layer]:
        """The same layer here."""
        return [spec.LSTM(**self.shared())]

    def finish_arrays(self) -> None:
        """The forget gate's bias is 1, as the initializer is not asked for it."""
        if self.given["unit_forget_bias"] and self.uses_bias:
            units = whole(self, "units")
            self.arrays["bias"][units : 2 * units] = 1


class Bidirectional(Layer):
    """A recurrent layer and a copy of it that reads backwards."""

    options: ClassVar[dict[str, Any]] = {
        "layer": None, "merge_mode": "concat", "weights": None, "backward_layer": None,
    }  # fmt: skip
    positional: ClassVar[tuple[str, ...]] = ("layer", "merge_mode")

    def setup(self) -> None:
        """Refuse anything but a forward recurrent layer."""
        inner = self.given["layer"]
        if not isinstance(inner, Recurrent):
            raise InputError(f"Bidirectional takes LSTM(...), GRU(...) or SimpleRNN(...), got {inner!r}")
        if self.given["backward_layer"] is not None:
            raise InputError("Bidirectional: no backward_layer: the backward layer is a copy of the forward one")
        if self.given["weights"] is not None:
            raise InputError("Bidirectional: no weights: call set_weights once the model is built")
        if self.given["merge_mode"] is None:
            raise InputError("Bidirectional: merge_mode=None gives two outputs, a branch: use concat, sum, mul or ave")
        for option in ("return_state", "stateful", "go_backwards"):
            if inner.given[option]:
                raise InputError(f"Bidirectional: its layer cannot have {option}=True here")
        if self.given["input_shape"] is None and self.given["batch_input_shape"] is None:
            self.given |= {key: inner.given[key] for key in ("input_shape", "batch_input_shape")}
        self.inner = inner

    def described(self, shape: Shape) -> list[spec.Layer]:
        """The same layer here."""
        (layer,) = self.inner.described(shape)
        return [spec.Bidirectional(cast("spec.Recurrent", layer), self.given["merge_mode"])]

    @property
    def uses_bias(self) -> bool:
        """As its layer."""
        return self.inner.uses_bias

    def initializer_of(self, slot: Slot) -> Callable[[tuple[int, ...]], Array]:
        """Its layer's."""
        return self.inner.initializer_of(slot)

    def regularizer_of(self, slot: Slot) -> Any:
        """Its layer's."""
        return self.inner.regularizer_of(slot)

    def finish_arrays(self) -> None:
        """As of its layer, in both ways."""
        if isinstance(self.inner, LSTM) and self.inner.given["unit_forget_bias"] and self.uses_bias:
            units = whole(self.inner, "units")
            for way in ("forward", "backward"):
                self.arrays[f"{way}.bias"][units : 2 * units] = 1


class TimeDistributed(Layer):
    """A layer at every step: here all layers of vectors do that by themselves."""

    options: ClassVar[dict[str, Any]] = {"layer": None}
    positional: ClassVar[tuple[str, ...]] = ("layer",)

    def setup(self) -> None:
        """Refuse layers that are of whole sequences."""
        inner = self.given["layer"]
        if not isinstance(inner, Dense | Activation | Dropout | LayerNormalization):
            raise InputError(
                f"TimeDistributed takes Dense, Activation, Dropout or LayerNormalization, got {inner!r}: "
                "sequences of sequences and of images are not here"
            )
        self.inner = inner

    def described(self, shape: Shape) -> list[spec.Layer]:
        """Its layer's."""
        if len(shape) != 2:
            raise InputError(
                f"TimeDistributed takes sequences (batch, time, features), got (batch, {spec.shape_text(shape)}); "
                "let the layer before give every step with return_sequences=True"
            )
        return self.inner.described(shape)

    @property
    def uses_bias(self) -> bool:
        """As its layer."""
        return self.inner.uses_bias

    def initializer_of(self, slot: Slot) -> Callable[[tuple[int, ...]], Array]:
        """Its layer's."""
        return self.inner.initializer_of(slot)

    def regularizer_of(self, slot: Slot) -> Any:
        """Its layer's."""
        return self.inner.regularizer_of(slot)


class GlobalAveragePooling1D(Layer):
    """A sequence's mean over its real steps."""

    options: ClassVar[dict[str, Any]] = {"data_format": None, "keepdims": False}
    kind: ClassVar[str] = "mean"

    def setup(self) -> None:
        """Refuse what is not done."""
        if self.given["keepdims"]:
            raise InputError(f"{type(self).__name__}: no keepdims: it gives a vector")
        features_last(self)

    def described(self, shape: Shape) -> list[spec.Layer]:
        """A pooling here."""
        return [spec.Pooling((self.kind,))]


class GlobalMaxPooling1D(GlobalAveragePooling1D):
    """A sequence's largest numbers."""

    kind: ClassVar[str] = "max"


GlobalAvgPool1D, GlobalMaxPool1D = GlobalAveragePooling1D, GlobalMaxPooling1D
