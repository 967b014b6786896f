"""What a value of an ONNX graph stands for while the graph is read: a number, a shape, or the network's own signal."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from latchwork.core import spec
from latchwork.core.errors import InputError
from latchwork.interop.importing.files import SMALL
from latchwork.interop.importing.imported import Arrays, Chain
from latchwork.interop.importing.onnx_file import Node

Size = int | str | None
"""A size that is known, that has a name (`batch`, `time`), or neither."""


@dataclass(frozen=True)
class Const:
    """Numbers that the file has, or that follow from them."""

    array: NDArray[Any]


@dataclass(frozen=True)
class Filled:
    """One number everywhere, in a shape that does not matter."""

    value: float


@dataclass(frozen=True)
class Sizes:
    """Sizes of other values; `scalar` where it is one without an axis."""

    entries: tuple[Size, ...]
    scalar: bool = False


@dataclass(frozen=True)
class Mark:
    """Numbers about the steps of a sequence.

    `counts` (how many are real), `steps` (0, 1, 2, ...), `real` and `last` (whether a step is that), `padded` (whether
    it is the padding's `value`), `place` and `order` (where the real steps are), `state` (given by the caller).
    """

    what: str
    value: float | None = None


@dataclass(frozen=True)
class Unknown:
    """Something that no signal may depend on."""

    why: str


@dataclass(frozen=True)
class Signal:
    """What the network computes.

    Attributes:
        axes: of `batch`, `time`, `directions`, `features`, `one` (of size 1) and `rows` (batch and time as one).
        width: how many features, all directions together.
        after: how many layers stand before it.
        kind: `plain`; `sequence` or `final` of the recurrent layer before it; `masked` or `pooled` over time;
            `probabilities`; `label`.
        parts: of a recurrent layer's outputs, the directions that they are, in this order.
        pooled: of what is pooled, the kinds, in this order.
        mark: of what is masked, the steps that are left, and what stands in the others.
        order: of `rows`, the axes that they were.
        merge: how both directions became one: `concat`, `sum`, `mul`, `ave`.
    """

    axes: tuple[str, ...]
    width: int
    after: int
    kind: str = "plain"
    parts: tuple[tuple[int, int], ...] = ()
    pooled: tuple[str, ...] = ()
    mark: tuple[str, float] = ("", 0.0)
    order: tuple[str, ...] = ()
    merge: str = "concat"

    def but(self, **changes: Any) -> Signal:
        """The same with other fields."""
        return dataclasses.replace(self, **changes)

    def size(self, axis: str) -> Size:
        """The size of one of its axes."""
        match axis:
            case "features":
                return self.width
            case "directions":
                return len(self.parts)
            case "one":
                return 1
            case _:
                return axis

    def axis(self, number: int, node: Node) -> str:
        """The name of an axis by its number, from the end where it is negative."""
        if not -len(self.axes) <= number < len(self.axes):
            raise InputError(f"damaged: {node} names the axis {number} of {len(self.axes)}")
        return self.axes[number]


Value = Const | Filled | Sizes | Mark | Unknown | Signal


class OtherAxesFirst(Exception):  # noqa: N818 - no error: the input is read again, time first
    """The first axis of the input is time."""


@dataclass
class Reading:
    """What was read so far.

    Attributes:
        chain: the layers.
        tokens: whether the input is token numbers.
        offset, scale: of the inputs, where the graph begins with them.
        padding: the value whose steps are passed over.
        time: the number of steps, where the graph is for one number alone.
        budget: bytes that may still be computed out of the file's own.
        labels: the classes, where the graph names them.
        notes: for the user.
    """

    tokens: bool
    time: int | None = None
    budget: int = SMALL
    chain: Chain = field(default_factory=Chain)
    offset: NDArray[np.float64] | None = None
    scale: NDArray[np.float64] | None = None
    padding: float | None = None
    labels: list[Any] = field(default_factory=list[Any])
    notes: list[str] = field(default_factory=list[str])

    def grant(self, node: Node, size: int) -> None:
        """Raise `InputError` where a node would make more bytes than a file of this size can mean."""
        self.budget -= size
        if self.budget < 0:
            raise InputError(f"{node} makes an array that is larger than any that the file's own weights need")

    def add(self, layer: spec.Layer, arrays: Arrays, node: Node) -> int:
        """One more layer; gives how many there are."""
        self.chain.add(layer, arrays, node.name or node.operator)
        return len(self.chain.layers)

    def settle(self, value: Value, node: Node) -> Signal:
        """A signal as the next layer takes it, the layer before it told what of it is wanted.

        Raises:
            InputError: it is no signal, or one that layers have gone on from already: a branch.
        """
        if not isinstance(value, Signal):
            raise InputError(f"{node} takes a {_word(value)} where the network's own values are expected")
        if value.after != len(self.chain.layers):
            raise InputError(
                f"{node} takes a value that other nodes have gone on from: graphs without branches are read"
            )
        match value.kind:
            case "plain":
                return value
            case "sequence" | "final":
                self._choose(value, node)
                return value.but(kind="plain", parts=(), merge="concat")
            case "pooled":
                if value.parts:
                    self._choose(value.but(kind="sequence"), node)
                layer = self.chain.layers[-1] if self.chain.layers else None
                if value.pooled == ("last",) and _ends_forward(layer):
                    self.chain.replace_last(dataclasses.replace(cast("spec.Recurrent", layer), return_sequences=False))
                    return value.but(kind="plain", pooled=(), parts=(), merge="concat")
                after = self.add(spec.Pooling(value.pooled), {}, node)
                return value.but(kind="plain", pooled=(), parts=(), merge="concat", after=after)
            case "probabilities":
                after = self.add(spec.Activation("softmax"), {}, node)
                return value.but(kind="plain", after=after)
            case _:
                raise InputError(f"{node} comes after {value.kind}, which are read as a model's last step alone")

    def _choose(self, value: Signal, node: Node) -> None:
        layer = self.chain.layers[-1]
        ways = 2 if isinstance(layer, spec.Bidirectional) else 1
        if "directions" in value.axes or value.parts != tuple((value.after, way) for way in range(ways)):
            raise InputError(f"{node} takes some of the directions of {self.chain.names[-1]!r} alone, or in another "
                             "order: both, forward first, are read")  # fmt: skip
        whole = value.kind == "sequence"
        if isinstance(layer, spec.Bidirectional):
            inner = dataclasses.replace(layer.layer, return_sequences=whole)
            self.chain.replace_last(spec.Bidirectional(inner, cast("Any", value.merge)))
        else:
            self.chain.replace_last(dataclasses.replace(cast("spec.Recurrent", layer), return_sequences=whole))


def _ends_forward(layer: spec.Layer | None) -> bool:
    """Whether a layer's outputs at the last step are its final state."""
    return isinstance(layer, spec.Recurrent) and not layer.reverse


def _word(value: Value) -> str:
    match value:
        case Const() | Filled():
            return "constant"
        case Sizes():
            return "size"
        case Unknown():
            return value.why
        case _:
            return "number of steps"


def sizes_of(value: Value | None) -> tuple[Size, ...] | None:
    """Sizes out of a shape or of whole numbers; None where it is neither."""
    if isinstance(value, Sizes):
        return value.entries
    if isinstance(value, Const) and value.array.dtype.kind in "iu" and value.array.size <= 64 and value.array.ndim < 2:
        return tuple(int(each) for each in value.array.reshape(-1))
    return None


def whole_numbers(value: Value | None, node: Node) -> tuple[int, ...]:
    """Numbers that must be known; raises `InputError` where they are not."""
    sizes = sizes_of(value)
    if sizes is None or not all(isinstance(size, int) for size in sizes):
        raise InputError(f"{node} goes by numbers that are not known until it runs")
    return cast("tuple[int, ...]", sizes)


def const(value: Value | None, node: Node) -> NDArray[Any]:
    """A constant's numbers; raises `InputError` where it is none."""
    if isinstance(value, Filled):
        return np.array(value.value, np.float32)
    if not isinstance(value, Const):
        raise InputError(f"{node} takes weights that are not known until it runs")
    return value.array


def refuse(node: Node, why: str) -> InputError:
    """The error of a node that is not read."""
    return InputError(f"{node} {why}")


Inputs = Sequence[Value | None]
