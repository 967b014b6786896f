"""What every layer's description is made of: its base, the words of shapes, the checks of its arguments."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, ClassVar, Self, TypeVar, dataclass_transform

from latchwork.core import hints
from latchwork.core.errors import InputError

Shape = tuple[int | None, ...]
ParameterShapes = dict[str, tuple[int, ...]]
Described = TypeVar("Described", bound="type[Layer]")


@dataclass_transform(frozen_default=True)
def described(layer: Described) -> Described:
    """Make a class the description of a layer: its annotated fields are its arguments, fixed once they are given.

    `Layer` compares and prints for all of them: methods written for each class anew are half of what importing costs.
    """
    return dataclass(frozen=True, eq=False, repr=False)(layer)


@dataclass(frozen=True, eq=False, repr=False)
class Layer:
    """One layer's description; each subclass says what it turns a shape into and which parameters it learns."""

    foreign: ClassVar[dict[str, str]] = hints.OF_ANY_LAYER
    """What arguments of other libraries are called here; a kind of layer adds its own to those of its base."""

    def __new__(cls, *_: Any, **keywords: Any) -> Self:
        """Tell those who come from another library how an argument is called here."""
        known = {field.name for field in dataclasses.fields(cls)}
        for name in keywords:
            if name not in known and name in cls.foreign:
                raise InputError(f"{cls.__name__} takes no {name}: {cls.foreign[name]}")
        return super().__new__(cls)

    def output_shape(self, shape: Shape) -> Shape:
        """The shape given for inputs of `shape`; raises `InputError` where the layer cannot take it."""
        raise NotImplementedError

    def parameter_shapes(self, shape: Shape) -> ParameterShapes:
        """Name and shape of each learned array, for inputs of `shape`."""
        del shape
        return {}

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data from which `layer_from_dict` makes an equal layer."""
        return {"kind": type(self).__name__} | {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}

    def __eq__(self, other: object) -> bool:
        """Whether the other is the same kind with the same arguments."""
        return type(self) is type(other) and self._arguments() == other._arguments()  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]

    def __hash__(self) -> int:
        """Equal descriptions have the same."""
        return hash((type(self), *self._arguments()))

    def _arguments(self) -> list[Any]:
        return [getattr(self, field.name) for field in dataclasses.fields(self)]

    def __repr__(self) -> str:
        """As one would write it: the size first, then only what differs from the default."""
        shown: list[str] = []
        for f in dataclasses.fields(self):
            value = getattr(self, f.name)
            if f.default is dataclasses.MISSING:
                shown.append(repr(value))
            elif value != f.default:
                shown.append(f"{f.name}={value!r}")
        return f"{type(self).__name__}({', '.join(shown)})"


def sequence_of(layer: Layer, shape: Shape) -> tuple[int | None, int]:
    """The time and the features of a sequence; raises `InputError` on any other shape."""
    if len(shape) != 2 or shape[1] is None:
        hint = "; let the layer before give every step with return_sequences=True" if len(shape) == 1 else ""
        raise InputError(f"{layer!r} takes sequences (batch, time, features), got (batch, {shape_text(shape)}){hint}")
    return shape[0], shape[1]


def features_of(layer: Layer, shape: Shape) -> int:
    """The features of a shape; raises `InputError` where they are not known."""
    if not shape or shape[-1] is None:
        raise InputError(f"{layer!r} takes a known number of features, got (batch, {shape_text(shape)})")
    return shape[-1]


def check_size(layer: Layer, name: str) -> None:
    """Raise `InputError` unless an argument is a whole number of at least 1."""
    value = getattr(layer, name)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 2**24:
        raise InputError(f"{type(layer).__name__}: {name} must be a whole number of at least 1, got {short(value)}")


def check_flag(layer: Layer, name: str) -> None:
    """Raise `InputError` unless an argument is True or False."""
    value = getattr(layer, name)
    if not isinstance(value, bool):
        kind = type(layer).__name__
        raise InputError(f"{kind} takes the units alone, as in {kind}(30): {name} is True or False, got {value!r}")


def check_rate(layer: Layer, name: str) -> None:
    """Raise `InputError` unless an argument lies in 0 <= rate < 1."""
    value = getattr(layer, name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1:
        raise InputError(f"{type(layer).__name__}: {name} must lie in 0 <= rate < 1, got {short(value)}")


def check_choice(layer: Layer, name: str, known: tuple[object, ...]) -> None:
    """Raise `InputError` unless an argument is one of those known."""
    value = getattr(layer, name)
    if value not in known:
        raise InputError(f"{type(layer).__name__}: {name} must be one of {known}, got {short(value)}")


def shape_text(shape: Shape) -> str:
    """A shape as an error message has it."""
    return ", ".join("time" if size is None else str(size) for size in shape)


def short(value: object) -> str:
    """A value as an error message has it: at most 60 characters."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
