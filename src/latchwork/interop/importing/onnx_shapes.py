"""The operators that move, cut and join axes, and those that compute with sizes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latchwork.core import spec
from latchwork.core.errors import InputError
from latchwork.interop.importing.onnx_file import Node
from latchwork.interop.importing.onnx_values import (
    Const,
    Filled,
    Inputs,
    Mark,
    Reading,
    Signal,
    Size,
    Sizes,
    Unknown,
    Value,
    refuse,
    sizes_of,
    whole_numbers,
)


def transpose(reading: Reading, node: Node, inputs: Inputs) -> list[Value]:
    """Axes in another order."""
    del reading
    value = inputs[0]
    match value:
        case Signal():
            perm = node.attributes.get("perm") or tuple(range(len(value.axes)))[::-1]
            if sorted(perm) != list(range(len(value.axes))):
                raise refuse(node, f"has perm {perm} for {len(value.axes)} axes")
            return [value.but(axes=tuple(value.axes[each] for each in perm))]
        case Const():
            return [Const(np.transpose(value.array, node.attributes.get("perm")))]
        case _:
            return [_passed(value, node)]


def squeeze(reading: Reading, node: Node, inputs: Inputs) -> list[Value]:
    """Axes of size 1 away."""
    del reading
    value = inputs[0]
    axes = _axes(node, inputs, 1)
    if isinstance(value, Signal):
        if axes is None:
            axes = tuple(at for at, axis in enumerate(value.axes) if value.size(axis) == 1 and axis != "features")
        return [_without(value, {at % len(value.axes) for at in axes}, node)]
    if isinstance(value, Const):
        return [Const(np.squeeze(value.array, axes))]
    if isinstance(value, Sizes):
        return [Sizes(value.entries, scalar=len(value.entries) == 1)]
    return [_passed(value, node)]


def _without(value: Signal, axes: set[int], node: Node) -> Signal:
    for at in axes:
        if value.axes[at] in ("batch", "time") or value.size(value.axes[at]) != 1:
            raise refuse(node, f"takes away the axis of {value.axes[at]}, which has more than one value")
    return value.but(axes=tuple(axis for at, axis in enumerate(value.axes) if at not in axes))


def unsqueeze(reading: Reading, node: Node, inputs: Inputs) -> list[Value]:
    """New axes of size 1."""
    del reading
    value, axes = inputs[0], _axes(node, inputs, 1) or ()
    match value:
        case Signal():
            rank = len(value.axes) + len(axes)
            new = {at % rank for at in axes}
            old = iter(value.axes)
            return [value.but(axes=tuple("one" if at in new else next(old) for at in range(rank)))]
        case Const():
            return [Const(np.expand_dims(value.array, axes))]
        case Sizes():
            return [Sizes(value.entries)]
        case _:
            return [_passed(value, node)]


def shape(reading: Reading, node: Node, inputs: Inputs) -> list[Value]:
    """The sizes of a value."""
    del reading
    value = inputs[0]
    match value:
        case Signal():
            entries: tuple[Size, ...] = tuple(value.size(axis) for axis in value.axes)
        case Const():
            entries = value.array.shape
        case _:
            return [Unknown("shape")]
    start, end = node.attributes.get("start", 0), node.attributes.get("end", len(entries))
    return [Sizes(entries[start:end])]


def gather(reading: Reading, node: Node, inputs: Inputs) -> list[Value]:
    """Some of a value along one axis; rows of a table by token numbers."""
    table, index = inputs[0], inputs[1]
    axis = node.attributes.get("axis", 0)
    if isinstance(index, Signal) and isinstance(table, Const):
        return [_embedding(reading, node, table.array, index)]
    if isinstance(table, Const) and isinstance(index, Const):
        return [Const(np.take(table.array, _checked(reading, index.array, table.array, axis, node), axis=axis))]
    if (sizes := sizes_of(table)) is not None:
        wanted = sizes_of(index)
        if wanted is None or not all(isinstance(at, int) and -len(sizes) <= at < len(sizes) for at in wanted):
            return [Unknown("size")]
        scalar = isinstance(index, Const) and index.array.ndim == 0
        return [Sizes(tuple(sizes[at] for at in wanted if isinstance(at, int)), scalar=scalar)]
    if isinstance(table, Signal):
        at = whole_numbers(index, node)
        scalar = isinstance(index, Const) and index.array.ndim == 0
        if len(at) != 1:
            raise refuse(node, f"takes {len(at)} places of an axis: one is read")
        return [_pick(table, axis, at[0], at[0] + 1 or None, node, keep=not scalar)]
    return [_passed(table, node)]


def _embedding(reading: Reading, node: Node, table: NDArray[Any], index: Signal) -> Signal:
    if not reading.tokens or index.after or table.ndim != 2 or node.attributes.get("axis", 0):
        raise refuse(node, "looks up what is no row of a table for a token")
    tokens, units = table.shape
    after = reading.add(spec.Embedding(tokens, units), {"weight": table}, node)
    return index.but(axes=(*index.axes, "features"), width=units, after=after)


def _checked(reading: Reading, index: NDArray[Any], table: NDArray[Any], axis: int, node: Node) -> NDArray[Any]:
    if not -table.ndim <= axis < table.ndim or index.dtype.kind not in "iu":
        raise refuse(node, "takes what is not there")
    size = table.shape[axis]
    if index.size and (index.min() < -size or index.max() >= size):
        raise refuse(node, "takes what is not there")
    reading.grant(node, table.nbytes // max(1, size) * index.size)
    return index


def cut(reading: Reading, node: Node, inputs: Inputs) -> list[Value]:
    """`Slice`: a range of places along axes."""
    del reading
    value = inputs[0]
    given = [node.attributes.get(name) for name in ("starts", "ends", "axes", "steps")]
    for number in range(1, len(inputs)):
        if inputs[number] is not None and not isinstance(value, Filled | Mark | Unknown):
            given[number - 1] = sizes_of(inputs[number])
    starts, ends, axes, steps = given
    if isinstance(value, Filled | Mark | Unknown) or value is None:
        return [_passed(value, node)]
    if not starts or not ends or not all(isinstance(each, int) for each in (*starts, *(steps or ()))):
        return [Unknown("part")] if not isinstance(value, Signal) else [_refused(node)]
    axes = axes or tuple(range(len(starts)))
    if any(step != 1 for step in steps or ()):
        raise refuse(node, "takes every second place, or reads backwards: whole ranges are read")
    if isinstance(value, Signal):
        for axis, start, end in zip(axes, starts, ends, strict=True):
            value = _pick(value, axis, start, end, node, keep=True)
        return [value]
    if not all(isinstance(end, int) for end in ends):
        return [Unknown("part")]
    if isinstance(value, Sizes):
        return [Sizes(value.entries[starts[0] : ends[0]])]
    index = [slice(None)] * value.array.ndim
    for axis, start, end in zip(axes, starts, ends, strict=True):
        index[axis] = slice(start, end)
    return [Const(value.array[tuple(index)])]


def _refused(node: Node) -> Value:
    raise refuse(node, "takes places that are not known until it runs")


def _pick(value: Signal, axis: int, start: int, end: Any, node: Node, *, keep: bool) -> Signal:
    """Places of one axis: a direction, or the first or last step."""
    name = value.axis(axis, node)
    at = axis % len(value.axes)
    axes = tuple("one" if number == at else each for number, each in enumerate(value.axes))
    if not keep:
        axes = tuple(each for number, each in enumerate(value.axes) if number != at)
    if name == "directions":
        parts = value.parts[start:end]
        if not parts:
            raise refuse(node, "takes a direction that is not there")
        after = max(layer for layer, _ in parts) if value.kind == "final" else value.after
        kept = axes if not keep else value.axes
        return value.but(axes=kept, parts=parts, width=value.width // len(value.parts) * len(parts), after=after)
    whole = start == 0 and (end is None or end == name or (isinstance(end, int) and end >= 2**31 - 1))
    if whole and keep:
        return value
    if name == "time":
        ends = end in (None, 0, "time") or (isinstance(end, int) and end >= 2**31 - 1)
        which = "first" if (start, end) == (0, 1) else "last" if start == -1 and ends else None
        if which is not None:
            return value.but(axes=axes, kind="pooled", pooled=(which,))
    if name == "one" and start in (0, -1):
        return value.but(axes=axes)
    raise refuse(node, f"takes some of the {name}: the first and the last step are read, and a network whose loop was "
                 "unrolled is not (export it with LSTM, GRU or RNN nodes)")  # fmt: skip


def concat(reading: Reading, node: Node, inputs: Inputs) -> list[Value]:
    """Values side by side along one axis."""
    axis = node.attributes.get("axis", 0)
    if all(isinstance(each, Signal) for each in inputs):
        return [_beside([each for each in inputs if isinstance(each, Signal)], axis, node)]
    if all(isinstance(each, Const) for each in inputs):
        arrays = [each.array for each in inputs if isinstance(each, Const)]
        reading.grant(node, sum(array.nbytes for array in arrays))
        return [Const(np.concatenate(arrays, axis))]
    parts = [sizes_of(each) for each in inputs]
    if all(part is not None for part in parts):
        return [Sizes(tuple(size for part in parts for size in part or ()))]
    if all(isinstance(each, Filled | Const) for each in inputs):
        filled = {each.value if isinstance(each, Filled) else None for each in inputs}
        return [Filled(filled.pop() or 0.0)] if len(filled) == 1 and None not in filled else [Unknown("constant")]
    if any(isinstance(each, Signal) for each in inputs):
        raise refuse(node, "puts the network's values beside constants")
    return [Unknown("size")]


def _beside(values: list[Signal], axis: int, node: Node) -> Signal:
    first = values[0]
    name = first.axis(axis, node)
    alike = all(each.axes == first.axes and each.kind == first.kind for each in values)
    width = sum(each.width for each in values)
    if alike and name == "features" and first.kind == "pooled" and all(each.after == first.after for each in values):
        return first.but(width=width, pooled=tuple(kind for each in values for kind in each.pooled))
    joins = (name == "directions" or (name == "one" and first.parts)) or (
        name == "features" and "directions" not in first.axes
    )
    if alike and joins and first.kind in ("sequence", "final") and all(each.parts for each in values):
        parts = tuple(part for each in values for part in each.parts)
        axes = tuple("directions" if each == "one" and name == "one" else each for each in first.axes)
        return first.but(axes=axes, width=width, parts=parts, after=max(each.after for each in values))
    raise refuse(node, "joins branches: graphs without branches are read")


def divide(reading: Reading, node: Node, inputs: Inputs) -> list[Value]:
    """`Split`: the directions one by one, or equal parts of a constant."""
    del reading
    value, axis, count = inputs[0], node.attributes.get("axis", 0), len(node.outputs)
    if isinstance(value, Signal) and value.axis(axis, node) == "directions" and len(value.parts) == count:
        return [_pick(value, axis, at, at + 1, node, keep=True) for at in range(count)]
    if isinstance(value, Const) and value.array.ndim and value.array.shape[axis] % count == 0:
        return [Const(part) for part in np.split(value.array, count, axis)]
    raise refuse(node, "divides the features: each layer takes all of them")


def reshape(reading: Reading, node: Node, inputs: Inputs) -> list[Value]:
    """Axes joined or taken away."""
    value = inputs[0]
    target = sizes_of(inputs[1]) if len(inputs) > 1 else node.attributes.get("shape")
    if isinstance(value, Const):
        sizes: tuple[int, ...] = whole_numbers(inputs[1], node) if len(inputs) > 1 else node.attributes.get("shape", ())
        return [
            Const(value.array.reshape([value.array.shape[at] if size == 0 else size for at, size in enumerate(sizes)]))
        ]
    if isinstance(value, Sizes):
        return [Sizes(value.entries, scalar=target == ())]
    if not isinstance(value, Signal):
        return [_passed(value, node)]
    if target is None:
        raise refuse(node, "gives a shape that is not known until it runs")
    found = _reshaped(value, target) or _flattened(reading, node, value, target[-1] if len(target) == 2 else None)
    if found is None:
        raise refuse(node, f"gives {value.axes} the shape {target}, which is none of those that are read")
    return [found]


def _reshaped(value: Signal, target: tuple[Size, ...]) -> Signal | None:
    axes, rank = value.axes, len(target)
    if rank == len(axes):
        same = all(
            size in (0, -1, None, value.size(axis)) or value.size(axis) == axis
            for axis, size in zip(axes, target, strict=True)
        )
        return value if same else None
    if rank == len(axes) - 1:
        single = next(
            (at for at, axis in enumerate(axes) if axis in ("directions", "one") and value.size(axis) == 1), None
        )
        if single is not None:
            return value.but(axes=(*axes[:single], *axes[single + 1 :]))
        if axes[-2:] == ("directions", "features"):
            return value.but(axes=(*axes[:-2], "features"))
        if set(axes[:2]) == {"batch", "time"} and axes[2:] == ("features",) and target[-1] == value.width:
            return value.but(axes=("rows", "features"), order=axes[:2])
        return None
    if rank == len(axes) + 1 and axes[0] == "rows":
        return value.but(axes=(*value.order, *axes[1:]), order=())
    return None


def flatten(reading: Reading, node: Node, inputs: Inputs) -> list[Value]:
    """A vector as it is, or all steps as one."""
    value = inputs[0]
    if not isinstance(value, Signal):
        return [_passed(value, node)]
    kept = tuple(axis for axis in value.axes if value.size(axis) != 1 or axis == "features")
    if kept == ("batch", "features") and node.attributes.get("axis", 1) == 1:
        return [value.but(axes=kept)]
    found = _flattened(reading, node, value, -1) if node.attributes.get("axis", 1) == 1 else None
    if found is None:
        raise refuse(node, "makes one vector of all steps, whose number must be known")
    return [found]


def _flattened(reading: Reading, node: Node, value: Signal, size: Size) -> Signal | None:
    """All steps of a sequence as one vector; None where their number is not known."""
    if value.axes != ("batch", "time", "features"):
        return None
    repeated = [layer.times for layer in reading.chain.layers if isinstance(layer, spec.RepeatVector)]
    known = repeated[-1] if repeated else reading.time
    steps = size // value.width if isinstance(size, int) and size > 0 and size % value.width == 0 else known
    if steps is None or (known is not None and steps != known) or size not in (-1, steps * value.width):
        return None
    settled = reading.settle(value, node)
    if not repeated:
        reading.time = steps
    after = reading.add(spec.Flatten(steps), {}, node)
    return settled.but(axes=("batch", "features"), width=steps * value.width, after=after)


def tile(reading: Reading, node: Node, inputs: Inputs) -> list[Value]:
    """A vector at each of so many steps."""
    value = inputs[0]
    if isinstance(value, Signal):
        return [_repeated(reading, node, value, sizes_of(inputs[1]))]
    return [Filled(value.value) if isinstance(value, Filled) else Unknown("constant")]


def _repeated(reading: Reading, node: Node, value: Signal, sizes: tuple[Size, ...] | None) -> Signal:
    at = value.axes.index("one") if value.axes.count("one") == 1 else None
    times = sizes[at] if sizes is not None and at is not None and len(sizes) == len(value.axes) else None
    if at is None or not isinstance(times, int) or sorted(value.axes) != ["batch", "features", "one"] or times < 1:
        raise refuse(node, "repeats the network's values, and not one vector for a known number of steps")
    settled = reading.settle(value, node)
    after = reading.add(spec.RepeatVector(times), {}, node)
    return settled.but(axes=tuple("time" if axis == "one" else axis for axis in value.axes), after=after)


def expand(reading: Reading, node: Node, inputs: Inputs) -> list[Value]:
    """The same numbers in a larger shape."""
    value = inputs[0]
    if isinstance(value, Const):
        flat = value.array.reshape(-1)
        if flat.size and flat.dtype.kind in "fiu" and (flat == flat[0]).all():
            return [Filled(float(flat[0]))]
        return [Unknown("constant")]
    if isinstance(value, Sizes):
        return [Mark("counts")]  # the number of steps, for every sequence
    if isinstance(value, Signal):
        return [_repeated(reading, node, value, sizes_of(inputs[1]))]
    return [_passed(value, node)]


def constant_of_shape(reading: Reading, node: Node, inputs: Inputs) -> list[Value]:
    """One number in a shape that is given."""
    del reading, inputs
    value = node.attributes.get("value")
    return [Filled(0.0 if value is None else float(np.asarray(value).reshape(-1)[0]))]


def compute(operation: Callable[[Any, Any], Any]) -> Callable[[Reading, Node, Inputs], list[Value]]:
    """Two constants or sizes, number by number."""

    def run(reading: Reading, node: Node, inputs: Inputs) -> list[Value]:
        one, two = inputs[0], inputs[1]
        if isinstance(one, Const) and isinstance(two, Const):
            reading.grant(node, 8 * math.prod(np.broadcast_shapes(one.array.shape, two.array.shape)))
            with np.errstate(all="ignore"):
                result = np.asarray(operation(one.array, two.array))
            return [Const(result.astype(one.array.dtype) if result.dtype.kind != "b" else result)]
        first, second = sizes_of(one), sizes_of(two)
        if first is not None and second is not None:
            return [Sizes((None,) * max(len(first), len(second)), scalar=len(first) == len(second) == 1)]
        return [Unknown("number")]

    return run


def product(reading: Reading, node: Node, inputs: Inputs) -> list[Value]:
    """`ReduceProd` of sizes."""
    del reading
    if isinstance(inputs[0], Signal):
        raise refuse(node, "multiplies the network's values with one another")
    sizes = sizes_of(inputs[0]) or (None,)
    known = [size for size in sizes if isinstance(size, int)]
    result = math.prod(known) if len(known) == len(sizes) else None
    return [Sizes((result,), scalar=not node.attributes.get("keepdims", 1))]


def _axes(node: Node, inputs: Inputs, at: int) -> tuple[int, ...] | None:
    if "axes" in node.attributes:
        return node.attributes["axes"]
    return whole_numbers(inputs[at], node) if len(inputs) > at and inputs[at] is not None else None


def _passed(value: Value | None, node: Node) -> Value:
    """What such operators leave as it is."""
    if value is None or isinstance(value, Signal):
        raise InputError(f"damaged: {node} lacks an input")
    return value
