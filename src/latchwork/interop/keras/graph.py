"""The functional way to write a network: symbols that remember which layer gave them, a chain without branches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from latchwork.core import spec
from latchwork.core.errors import InputError

_BRANCH = "networks here are chains of layers, without branches"


class Symbol:
    """What a layer gives, before there is data.

    Attributes:
        layer: that gives it.
        parent: what the layer is given; None of an `Input`.
        shape: with the batch, as Keras has it.
        part: 0 of the outputs; 1, 2 of the states that `return_state` gives besides.
    """

    def __init__(
        self, layer: Any, parent: Symbol | None, shape: spec.Shape, *, part: int = 0, batch_size: int | None = None
    ) -> None:
        """See the class."""
        self.layer, self.parent, self.inner_shape, self.part, self.batch_size = layer, parent, shape, part, batch_size

    @property
    def shape(self) -> spec.Shape:
        """With the batch."""
        return (self.batch_size, *self.inner_shape)

    def _refuse(self, *_: Any) -> Any:
        raise InputError(f"arithmetic with a layer's output is a branch: {_BRANCH}")

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __getitem__ = _refuse


def apply(layer: Any, inputs: Any, options: Mapping[str, Any]) -> Any:
    """A layer called with symbols or with an array.

    Raises:
        InputError: several inputs, an initial state, or a mask: all are branches.
    """
    for name, value in options.items():
        if name not in ("training", "initial_state", "mask"):
            raise InputError(f"{layer.name} is called with inputs alone, got {name!r}")
        if value is not None and name != "training":
            hint = "; an encoder's answer reaches a decoder by RepeatVector" if name == "initial_state" else ""
            raise InputError(f"{layer.name}: {name} is a branch: {_BRANCH}{hint}")
    if isinstance(inputs, list | tuple):
        several: list[Any] = list(inputs)
        if any(isinstance(one, Symbol) for one in several):
            if len(several) > 1:
                raise InputError(f"{layer.name} was given {len(several)} inputs: {_BRANCH}")
            inputs = several[0]
    if not isinstance(inputs, Symbol):
        return _run(layer, inputs)
    if inputs.part:
        raise InputError(f"{layer.name} was given a state: {_BRANCH}; states can be a Model's outputs")
    outputs = Symbol(layer, inputs, layer.build(inputs.inner_shape), batch_size=inputs.batch_size)
    if not layer.given.get("return_state"):
        return outputs
    units = (int(layer.given["units"]),)
    parts = range(1, layer.states + 1)
    states = [Symbol(layer, inputs, units, part=part, batch_size=inputs.batch_size) for part in parts]
    return [outputs, *states]


def _run(layer: Any, inputs: Any) -> Any:
    """One layer's output for an array; nothing is dropped."""
    from latchwork.engines.plain.server import PlainServer

    array = np.asarray(inputs)
    layer.build(tuple(array.shape[1:]))
    described = layer.described(tuple(array.shape[1:]))
    if not described:
        return array
    network = spec.Sequential(described, input_shape=array.shape[1:])
    return PlainServer(network, {f"layers.0.{name}": own for name, own in layer.arrays.items()}).run(array)


def chain(inputs: Any, outputs: Any) -> tuple[list[Any], list[Symbol]]:
    """The layers from an input to the outputs, and the outputs.

    Args:
        inputs: a symbol.
        outputs: a symbol, or several that one layer gives (its outputs and states).

    Raises:
        InputError: branches, or outputs that do not come of the inputs.
    """
    first, several = _one(inputs), [outputs] if isinstance(outputs, Symbol) else list(outputs)
    if not several or any(not isinstance(one, Symbol) for one in several):
        raise InputError("Model takes what Input and layers gave: Model(inputs=inputs, outputs=outputs)")
    if any(one.layer is not several[0].layer for one in several):
        raise InputError(f"Model's outputs come of several layers: {_BRANCH}; make a Model for each")
    layers: list[Any] = []
    at: Symbol | None = several[0]
    while at is not None and at is not first:
        layers.insert(0, at.layer)
        at = at.parent
    if at is None:
        raise InputError("Model's outputs do not come of its inputs")
    return [first.layer, *layers] if first.parent is None else layers, several


def _one(inputs: Any) -> Symbol:
    if isinstance(inputs, Sequence) and len(inputs) == 1:
        inputs = inputs[0]
    if not isinstance(inputs, Symbol):
        count = f"{len(inputs)} inputs" if isinstance(inputs, list | tuple) else repr(inputs)
        raise InputError(f"Model takes one Input, got {count}: {_BRANCH}")
    return inputs
