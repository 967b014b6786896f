"""What a network is, as plain data: layers, their arguments, the shapes of what they take, give and learn.

No arrays and no JAX here: the runtime, the file format and the pages read a network from this alone. A shape leaves
the batch out: `(time, features)` for sequences (`time` is None where it varies), `(features,)` for vectors, `(time,)`
for token numbers. The layers stand in `core.spec_recurrent` and `core.spec_layers`; all of them are names here too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import prod
from typing import Any, cast

from latchwork.core import hints, spec_layers, spec_recurrent
from latchwork.core.errors import InputError
from latchwork.core.layer import Layer, ParameterShapes, Shape, features_of, shape_text, short
from latchwork.core.spec_layers import *  # noqa: F403 - each of these modules says which layers it has
from latchwork.core.spec_layers import Dense, Embedding
from latchwork.core.spec_recurrent import *  # noqa: F403
from latchwork.core.spec_recurrent import Recurrent as Recurrent  # noqa: PLC0414 - the base, for all who ask what a layer is

__all__ = ["Sequential"]
__all__ += spec_layers.__all__
__all__ += spec_recurrent.__all__

# Every layer that a file may name: core.table has a row for each.
LAYERS: dict[str, type[Layer]] = {
    name: getattr(module, name) for module in (spec_recurrent, spec_layers) for name in module.__all__
}


@dataclass(frozen=True, repr=False)
class Sequential:
    """A network as a list of layers; sizes of the input are filled in when the data is seen.

    Example:
        >>> network = Sequential([LSTM(30), Dense(10)])
        >>> network
        Sequential([LSTM(30), Dense(10)])
        >>> network.with_input((28, 28)).parameter_count()
        7390
    """

    layers: tuple[Layer, ...]
    input_shape: Shape | None = field(default=None, kw_only=True)

    def __init__(self, layers: Iterable[Layer] = (), *, input_shape: Iterable[int | None] | None = None) -> None:
        """Check that there are layers and, where the input is known, that each takes what the one before gives."""
        layers = tuple(layers)
        wrong = next((layer for layer in layers if not isinstance(layer, Layer)), None)  # pyright: ignore[reportUnnecessaryIsInstance]
        if not layers or wrong is not None:
            given = "none" if wrong is None else f"{wrong!r} in it"
            raise InputError(f"Sequential takes a list of layers such as [LSTM(30), Dense(10)], got {given}")
        object.__setattr__(self, "layers", layers)
        object.__setattr__(self, "input_shape", None if input_shape is None else tuple(input_shape))
        if self.input_shape is not None:
            self.shapes()

    def __getattr__(self, name: str) -> Any:
        """Only for what is not there: say where another library's method is to be found."""
        hint = f": {hints.NETWORK_METHODS[name]}" if name in hints.NETWORK_METHODS else ""
        raise AttributeError(f"a Sequential describes a network and has no {name!r}{hint}", name=name, obj=self)

    def __repr__(self) -> str:
        """As one would write it."""
        return f"Sequential([{', '.join(map(repr, self.layers))}])"

    def with_input(self, shape: Iterable[int | None]) -> Sequential:
        """The same network for inputs of `shape` (batch left out)."""
        return Sequential(self.layers, input_shape=shape)

    def shapes(self) -> list[Shape]:
        """The input's shape, then each layer's output shape."""
        if self.input_shape is None:
            raise InputError("the network's input shape is not known yet: fit it, or call with_input((time, features))")
        shapes = [self.input_shape]
        for layer in self.layers:
            if isinstance(layer, Dense) and layer.tied:
                _check_tied(layer, self.layers[0], shapes[-1])
            shapes.append(layer.output_shape(shapes[-1]))
        return shapes

    def output_shape(self) -> Shape:
        """The last layer's output shape."""
        return self.shapes()[-1]

    def parameter_shapes(self) -> ParameterShapes:
        """Every learned array's name (`layers.0.input_weight`) and shape, in the order of the layers."""
        return {
            f"layers.{index}.{name}": size
            for index, (layer, shape) in enumerate(zip(self.layers, self.shapes(), strict=False))
            for name, size in layer.parameter_shapes(shape).items()
        }

    def parameter_count(self) -> int:
        """How many numbers the network learns."""
        return sum(prod(size) for size in self.parameter_shapes().values())

    def summary(self) -> str:
        """A table: each layer, its output shape and its number of parameters."""
        shapes = self.shapes()
        rows = [("Layer", "Output shape", "Parameters")]
        for layer, before, after in zip(self.layers, shapes, shapes[1:], strict=False):
            count = sum(map(prod, layer.parameter_shapes(before).values()))
            rows.append((repr(layer), f"(batch, {shape_text(after)})", f"{count:,}"))
        rows.append(("Total", "", f"{self.parameter_count():,}"))
        wide = [max(len(row[column]) for row in rows) for column in range(3)]
        lines = [f"{a:<{wide[0]}}  {b:<{wide[1]}}  {c:>{wide[2]}}" for a, b, c in rows]
        rule = "-" * len(lines[0])
        return "\n".join([lines[0], rule, *lines[1:-1], rule, lines[-1]])

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data from which `from_dict` makes an equal network."""
        shape = None if self.input_shape is None else list(self.input_shape)
        return {"input_shape": shape, "layers": [layer.to_dict() for layer in self.layers]}

    @classmethod
    def from_dict(cls, data: object) -> Sequential:
        """The network that `to_dict` described; raises `InputError` on anything else."""
        match data:
            case {"input_shape": shape, "layers": [*layers]} if _is_shape(shape):
                return cls(
                    [layer_from_dict(layer) for layer in layers],
                    input_shape=cast("list[int | None] | None", shape),
                )
            case _:
                raise InputError("not a network: expected {input_shape, layers}")


def check_parameters(network: Sequential, parameters: Mapping[str, Any]) -> None:
    """Raise `InputError` unless the names and shapes of these arrays are what the spec says, and all hold floats."""
    expected = network.parameter_shapes()
    if missing := expected.keys() - parameters.keys():
        raise InputError(f"the parameter {min(missing)} is missing")
    if unknown := parameters.keys() - expected.keys():
        raise InputError(f"the parameter {min(unknown)} belongs to no layer of {network!r}")
    for name, shape in expected.items():
        if parameters[name].shape != shape:
            raise InputError(f"the parameter {name} has shape {parameters[name].shape}, expected {shape}")
        if parameters[name].dtype.kind != "f":
            raise InputError(f"the parameter {name} has type {parameters[name].dtype}, expected floating numbers")


def layer_from_dict(data: object) -> Layer:
    """The layer that `Layer.to_dict` described; raises `InputError` on unknown kinds, fields and types."""
    if not isinstance(data, Mapping) or "kind" not in data:
        raise InputError(f"not a layer: expected an object with a kind, got {short(data)}")
    arguments = dict(cast("Mapping[str, Any]", data))
    kind = arguments.pop("kind")
    if not isinstance(kind, str) or kind not in LAYERS:
        raise InputError(f"unknown layer {short(kind)}: this version knows {', '.join(LAYERS)}")
    if "layer" in arguments:
        arguments["layer"] = layer_from_dict(arguments["layer"])
    try:
        return LAYERS[kind](**arguments)
    except TypeError as error:
        raise InputError(f"layer {kind} takes other fields than {short(sorted(arguments))}") from error


def _check_tied(layer: Dense, first: Layer, shape: Shape) -> None:
    if not isinstance(first, Embedding):
        raise InputError(f"{layer!r} uses an embedding's vectors: begin the network with Embedding({layer.units}, ...)")
    if layer.units != first.tokens:
        raise InputError(f"{layer!r} scores each token: {first!r} has {first.tokens}, so give it that many units")
    if features_of(layer, shape) != first.units:
        raise InputError(
            f"{layer!r} uses the vectors of {first!r} and is given {features_of(layer, shape)} numbers: "
            f"put Dense({first.units}) before it"
        )


def _is_shape(shape: object) -> bool:
    if shape is None:
        return True
    sizes = cast("list[object]", shape) if isinstance(shape, list) else []
    valid = all(size is None or (type(size) is int and size >= 1) for size in sizes)
    return len(sizes) in (1, 2) and valid
