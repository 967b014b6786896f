"""Activations by name or by function, as layers and `layers.Activation` take them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from latchwork.core.errors import InputError
from latchwork.core.layers import FUNCTIONS
from latchwork.interop.keras.refusals import missing

ALIASES = {"linear": None, "swish": "silu"}


def _function(name: str) -> Callable[[Any], Any]:
    def function(x: Any) -> Any:
        return FUNCTIONS[name](np.asarray(x, np.float32))

    function.__name__ = name
    function.__doc__ = f"{name} of each number, or of each vector."
    return function


tanh, relu, sigmoid, softmax, elu, selu, softplus, softsign, silu, exponential = map(_function, FUNCTIONS)
swish = silu


def linear(x: Any) -> Any:
    """The number itself."""
    return x


def named(kind: str, activation: Any) -> str | None:
    """An activation's name here; None for the linear one. Raises `InputError` on any other.

    Args:
        kind: the layer that it is of.
        activation: None, a name, or a function of this module.
    """
    name = getattr(activation, "__name__", None) if callable(activation) else activation
    if name is None and activation is None:
        return None
    name = ALIASES.get(str(name), str(name))
    if name is None or name in FUNCTIONS:
        return name
    hint = "hard_sigmoid was Keras's default until 2.2.4; sigmoid is now" if name == "hard_sigmoid" else ""
    hint = hint or f"there are linear, {', '.join(FUNCTIONS)}"
    raise InputError(f"{kind}: no activation {name!r}: {hint}")


def get(identifier: Any) -> Callable[[Any], Any]:
    """The function of that name."""
    name = named("activations", identifier)
    return linear if name is None else globals()[name]


def __getattr__(name: str) -> Any:
    missing(name)
