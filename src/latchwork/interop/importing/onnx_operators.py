"""The operators that are layers of their own, and those that scale, activate and pool."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from latchwork.core import spec
from latchwork.interop.importing.onnx_file import Node
from latchwork.interop.importing.onnx_values import (
    Const,
    Inputs,
    Mark,
    Reading,
    Signal,
    Unknown,
    Value,
    const,
    refuse,
    whole_numbers,
)

Array = NDArray[Any]
MAX_DIAGONAL = 1024  # features that a layer may multiply one by one


USUAL = {"elu": {"alpha": 1.0}, "selu": {"alpha": 1.6732632, "gamma": 1.050701}}  # of Keras and of the table here


def matmul(reading: Reading, node: Node, inputs: Inputs) -> list[Value]:
    """x W: a Dense without bias, which an Add after it brings."""
    if isinstance(inputs[0], Const) and isinstance(inputs[1], Const):
        one, two = inputs[0].array, inputs[1].array
        reading.grant(node, 8 * int(np.prod(one.shape[:-1])) * two.shape[-1])
        return [Const(one @ two)]
    return [_dense(reading, node, inputs[0], const(inputs[1], node), None)]


def gemm(reading: Reading, node: Node, inputs: Inputs) -> list[Value]:
    """Alpha x W + beta b."""
    if node.attributes.get("transA"):
        raise refuse(node, "takes its input transposed")
    weight = const(inputs[1], node)
    weight = weight.T if node.attributes.get("transB") else weight
    bias = (
        const(inputs[2], node) * np.float32(node.attributes.get("beta", 1.0)) if len(inputs) > 2 and inputs[2] else None
    )
    return [_dense(reading, node, inputs[0], weight * np.float32(node.attributes.get("alpha", 1.0)), bias)]


def _dense(reading: Reading, node: Node, value: Value | None, weight: Array, bias: Array | None) -> Signal:
    taken = reading.settle(value or Unknown("nothing"), node)
    if taken.axes[-1] != "features" or "directions" in taken.axes or weight.ndim != 2 or len(weight) != taken.width:
        raise refuse(node, f"multiplies {taken.axes} of {taken.width} features by an array of {weight.shape}")
    units = weight.shape[1]
    zeros = np.zeros(units, np.float32)
    own = zeros if bias is None else _per_feature(node, bias, units)
    after = reading.add(spec.Dense(units), {"weight": weight, "bias": own}, node)
    return taken.but(width=units, after=after)


def _per_feature(node: Node, array: Array, features: int) -> Array:
    """A constant as one number for each feature."""
    if array.size not in (1, features) or (array.ndim and array.shape[-1] not in (1, features)):
        raise refuse(node, f"has an array of {array.shape} for {features} features")
    return np.broadcast_to(np.asarray(array, np.float64).reshape(-1), (features,))


def arithmetic(operator: Literal["Add", "Sub", "Mul", "Div"]) -> Callable[[Reading, Node, Inputs], list[Value]]:
    """A constant for each feature added, taken away, multiplied or divided by."""

    def run(reading: Reading, node: Node, inputs: Inputs) -> list[Value]:
        one, two = inputs[0], inputs[1]
        if isinstance(one, Signal) and isinstance(two, Signal):
            if (merged := _merged(operator, one, two)) is not None:
                return [merged]
            raise refuse(node, "joins two branches: graphs without branches are read")
        if isinstance(one, Mark) or isinstance(two, Mark):
            return [_of_marks(reading, node, operator, one, two)]
        signal, other = (one, two) if isinstance(one, Signal) else (two, one)
        if not isinstance(signal, Signal):
            return [Unknown("number")]
        if isinstance(other, Unknown):
            raise refuse(node, f"joins the network's values with a {other.why} that is not known until it runs")
        if signal is two and operator in ("Sub", "Div"):
            if operator == "Div":
                raise refuse(node, "divides a constant by the network's values")
            scale, shift = -1.0, const(other, node)
        else:
            number = const(other, node).astype(np.float64)
            if operator == "Div" and not number.all():
                raise refuse(node, "divides by zero")
            scale = {"Mul": number, "Div": 1 / np.where(number == 0, 1, number)}.get(operator, 1.0)
            shift = {"Add": number, "Sub": -number}.get(operator, 0.0)
        if signal.merge == "sum" and operator == "Mul" and np.all(np.asarray(scale) == 0.5):
            return [signal.but(merge="ave")]
        return [_affine(reading, node, signal, np.asarray(scale), np.asarray(shift))]

    return run


def _merged(operator: str, one: Signal, two: Signal) -> Signal | None:
    """Both directions of a layer as one, number by number; None where the two are anything else."""
    merge = {"Add": "sum", "Mul": "mul"}.get(operator)
    alike = (
        one.but(parts=()) == two.but(parts=()) and one.kind in ("sequence", "final") and "directions" not in one.axes
    )
    if merge is None or not alike or one.parts != ((one.after, 0),) or two.parts != ((one.after, 1),):
        return None
    return one.but(parts=one.parts + two.parts, merge=merge)


def _of_marks(reading: Reading, node: Node, operator: str, one: Value | None, two: Value | None) -> Value:
    """Sums over real steps divided by their number; places of steps."""
    if isinstance(one, Signal) and operator == "Div" and isinstance(two, Mark) and two.what == "counts":
        if one.kind == "pooled" and one.pooled == ("sum",):
            return one.but(pooled=("mean",))
        raise refuse(node, "divides by the lengths what is no sum over them")
    marks = {each.what for each in (one, two) if isinstance(each, Mark)}
    if operator == "Sub" and marks == {"counts"}:
        return Mark("last place")
    if operator == "Add" and "steps" in marks:
        return Mark("place")
    if isinstance(one, Signal) or isinstance(two, Signal):
        raise refuse(node, "joins the network's values with numbers of steps")
    del reading
    return Unknown("number")


def _affine(reading: Reading, node: Node, value: Signal, scale: Array, shift: Array) -> Signal:
    """Value * scale + shift for each feature: the scaler at the beginning, else part of a Dense."""
    if value.kind == "probabilities":
        raise refuse(node, "comes after probabilities, which are read as a model's last step alone")
    factor, offset = (_per_feature(node, each, value.width) for each in (scale, shift))
    if value.after == 0 and not reading.tokens:
        reading.grant(node, 8 * value.width)
        own = np.zeros(value.width) if reading.offset is None else reading.offset
        divisor = np.ones(value.width) if reading.scale is None else reading.scale
        if not factor.all():
            raise refuse(node, "multiplies the inputs by zero")
        # ((x - own) / divisor) factor + offset
        reading.scale = divisor / factor
        reading.offset = own - offset * reading.scale
        return value
    taken = reading.settle(value, node)
    last = reading.chain.layers[-1]
    if isinstance(last, spec.Dense) and last.activation is None:
        arrays = reading.chain.arrays[-1]
        weight = arrays["weight"] * factor
        reading.chain.replace_last(last, {"weight": weight, "bias": arrays["bias"] * factor + offset})
        return taken
    return _diagonal(reading, node, taken, factor, offset)


def _diagonal(reading: Reading, node: Node, value: Signal, factor: Array, offset: Array) -> Signal:
    """A Dense that treats each feature by itself."""
    if value.width > MAX_DIAGONAL or value.axes[-1] != "features":
        raise refuse(node, f"treats {value.width} features one by one: at most {MAX_DIAGONAL} are read")
    after = reading.add(spec.Dense(value.width), {"weight": np.diag(factor), "bias": offset}, node)
    return value.but(after=after)


def activation(name: str) -> Callable[[Reading, Node, Inputs], list[Value]]:
    """The activation of the Dense before it, or a layer of its own."""

    def run(reading: Reading, node: Node, inputs: Inputs) -> list[Value]:
        value = reading.settle(inputs[0] or Unknown("nothing"), node)
        last = reading.chain.layers[-1] if reading.chain.layers else None
        if name in ("relu", "tanh", "sigmoid") and isinstance(last, spec.Dense) and last.activation is None:
            reading.chain.replace_last(spec.Dense(last.units, activation=cast("Any", name)))
            return [value.but()]
        for setting, usual in USUAL.get(name, {}).items():
            if abs(node.attributes.get(setting, usual) - usual) > 1e-6:
                raise refuse(node, f"has {setting} {node.attributes[setting]:g}: {usual:g} is read")
        return [value.but(after=reading.add(spec.Activation(name), {}, node))]

    return run


def softmax(reading: Reading, node: Node, inputs: Inputs) -> list[Value]:
    """Probabilities, which only the output takes."""
    value = reading.settle(inputs[0] or Unknown("nothing"), node)
    if value.axis(node.attributes.get("axis", -1), node) != "features":
        raise refuse(node, "makes probabilities over another axis than the features")
    return [value.but(kind="probabilities" if node.operator == "Softmax" else "logarithms of probabilities")]


def label(reading: Reading, node: Node, inputs: Inputs) -> list[Value]:
    """The likeliest class's number, which the labels give here."""
    del reading, node, inputs
    return [Unknown("label")]


def named(reading: Reading, node: Node, inputs: Inputs) -> list[Value]:
    """`ZipMap`, as scikit-learn's exporter ends: each probability with its class."""
    for key in ("classlabels_strings", "classlabels_int64s"):
        reading.labels = list(node.attributes.get(key, reading.labels))
    return same(reading, node, inputs)


def layer_norm(reading: Reading, node: Node, inputs: Inputs) -> list[Value]:
    """Each step with mean 0 and variance 1, then scaled and shifted."""
    value = reading.settle(inputs[0] or Unknown("nothing"), node)
    epsilon = node.attributes.get("epsilon", 1e-5)
    if value.axis(node.attributes.get("axis", -1), node) != "features":
        raise refuse(node, "normalises over another axis than the features")
    scale = _per_feature(node, const(inputs[1], node), value.width)
    given = const(inputs[2], node) if len(inputs) > 2 and inputs[2] is not None else np.zeros(1)
    offset = _per_feature(node, given, value.width)
    after = reading.add(spec.LayerNorm(float(f"{epsilon:.6g}")), {"scale": scale, "offset": offset}, node)
    return [value.but(after=after)]


def batch_norm(reading: Reading, node: Node, inputs: Inputs) -> list[Value]:
    """After the training it multiplies and adds; over the second axis, which is the features' in a vector alone."""
    value = reading.settle(inputs[0] or Unknown("nothing"), node)
    if len(value.axes) < 2 or value.axes[1] != "features":
        raise refuse(node, "normalises over another axis than the features")
    scale, offset, mean, variance = (const(each, node).astype(np.float64) for each in inputs[1:5])
    factor = scale / np.sqrt(variance + node.attributes.get("epsilon", 1e-5))
    return [_affine(reading, node, value, factor, offset - mean * factor)]


def reduce(kind: Literal["mean", "max", "sum"]) -> Callable[[Reading, Node, Inputs], list[Value]]:
    """The mean, largest or sum over time."""

    def run(reading: Reading, node: Node, inputs: Inputs) -> list[Value]:
        del reading
        value = inputs[0]
        if isinstance(value, Mark):
            what = "counts" if kind == "sum" else value.what
            return [Mark(what, value.value)]
        if not isinstance(value, Signal):
            return [Unknown("number")]
        given = node.attributes.get("axes")
        if given is None and len(inputs) > 1 and inputs[1] is not None:
            given = whole_numbers(inputs[1], node)
        axes = [value.axis(at, node) for at in given or ()]
        if axes != ["time"]:
            raise refuse(node, f"takes the {kind} over {axes or 'everything'}: over time it is read")
        found = _reduced(node, value, kind)
        at = value.axes.index("time")
        kept = ("one",) if node.attributes.get("keepdims", 1) else ()
        return [
            value.but(
                axes=(*value.axes[:at], *kept, *value.axes[at + 1 :]), kind="pooled", pooled=(found,), mark=("", 0.0)
            )
        ]

    return run


def _reduced(node: Node, value: Signal, kind: str) -> str:
    match kind, value.kind, value.mark:
        case "sum", "masked", ("last", 0.0):
            return "last"
        case ("sum", "masked", ("real", 0.0)):
            return "sum"
        case "max", "masked", ("real", low) if low == -np.inf:
            return "max"
        case (("mean" | "max"), ("plain" | "sequence"), _):
            return kind
        case _:
            raise refuse(node, f"takes the {kind} over time of what is no plain sequence")


def where(reading: Reading, node: Node, inputs: Inputs) -> list[Value]:
    """A sequence with some steps left and a number in the others."""
    condition, one, two = inputs[0], inputs[1], inputs[2]
    if isinstance(one, Signal):
        if not isinstance(condition, Mark) or condition.what not in ("real", "last"):
            raise refuse(node, "chooses between values of the network: lengths alone are read as what chooses")
        fill = float(const(two, node).reshape(-1)[0])
        if reading.padding is not None and fill == 0 and one.kind in ("plain", "sequence"):
            return [one]  # what the padding's steps give is nothing
        return [one.but(kind="masked", mark=(condition.what, fill), pooled=(one.kind,))]
    if isinstance(two, Signal):
        raise refuse(node, "chooses between values of the network: lengths alone are read as what chooses")
    if isinstance(condition, Mark):
        return [Mark("place")]
    return [Unknown("number")]


def compare(operator: Literal["Less", "Equal"]) -> Callable[[Reading, Node, Inputs], list[Value]]:
    """Steps with lengths; inputs with the padding's value."""

    def run(reading: Reading, node: Node, inputs: Inputs) -> list[Value]:
        one, two = inputs[0], inputs[1]
        if isinstance(one, Signal) and operator == "Equal" and one.after == 0 and isinstance(two, Const):
            reading.padding = float(two.array.reshape(-1)[0])
            return [Mark("padded", reading.padding)]
        if isinstance(one, Signal) or isinstance(two, Signal):
            raise refuse(node, "compares values of the network")
        kinds = tuple(each.what if isinstance(each, Mark) else "" for each in (one, two))
        if operator == "Less" and kinds == ("steps", "counts"):
            return [Mark("real")]
        if operator == "Equal" and kinds == ("steps", "last place"):
            return [Mark("last")]
        return [Unknown("number")]

    return run


def inverted(reading: Reading, node: Node, inputs: Inputs) -> list[Value]:
    """`Not`: what is no padding is real."""
    del reading, node
    value = inputs[0]
    return [Mark("real", value.value) if isinstance(value, Mark) and value.what == "padded" else Unknown("number")]


def largest(reading: Reading, node: Node, inputs: Inputs) -> list[Value]:
    """`Min` and `Max` of lengths with the number of steps."""
    del reading, node
    return [Mark("counts") if any(isinstance(each, Mark) for each in inputs) else Unknown("number")]


def steps(reading: Reading, node: Node, inputs: Inputs) -> list[Value]:
    """`Range`: the numbers of the steps."""
    del reading, node, inputs
    return [Mark("steps")]


def order(reading: Reading, node: Node, inputs: Inputs) -> list[Value]:
    """`TopK` of places: where the real steps are."""
    del reading
    if not isinstance(inputs[0], Mark):
        raise refuse(node, "sorts values of the network")
    return [Mark("place"), Mark("order")]


def rearranged(reading: Reading, node: Node, inputs: Inputs) -> list[Value]:
    """`GatherElements`: the real steps before the others, and back at the end: the same to what passes over padding."""
    value, index = inputs[0], inputs[1]
    if not isinstance(value, Signal) or not isinstance(index, Mark) or reading.padding is None:
        raise refuse(node, "takes places of the network's values one by one")
    return [value]


def same(reading: Reading, node: Node, inputs: Inputs) -> list[Value]:
    """What a network that is not trained leaves as it is."""
    del reading
    value = inputs[0]
    if value is None:
        raise refuse(node, "lacks an input")
    return [value]


def cast_to(reading: Reading, node: Node, inputs: Inputs) -> list[Value]:
    """Numbers of another type; a signal stays one of float32."""
    value = inputs[0]
    if isinstance(value, Signal) and not reading.tokens and node.attributes.get("to") not in (1, 10, 11):
        raise refuse(node, "makes whole numbers of the network's values")
    if isinstance(value, Const):
        kinds = {1: "f4", 6: "i4", 7: "i8", 9: "?", 10: "f4", 11: "f4"}
        kind = kinds.get(node.attributes.get("to", 1))
        return [Const(value.array.astype(kind)) if kind and value.array.dtype.kind != "O" else Unknown("constant")]
    return same(reading, node, inputs)
