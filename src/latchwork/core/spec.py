"""What a network is, as plain data: layers, their arguments, the shapes of what they take, give and learn.

No arrays and no JAX here: the runtime, the file format and the pages read a network from this alone. A shape leaves
the batch out: `(time, features)` for sequences (`time` is None where it varies), `(features,)` for vectors, `(time,)`
for token numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import prod
from typing import Any, ClassVar, Literal, cast

from latchwork.core import hints
from latchwork.core.errors import InputError
from latchwork.core.layer import (
    Layer,
    ParameterShapes,
    Shape,
    check_choice,
    check_flag,
    check_rate,
    check_size,
    described,
    features_of,
    sequence_of,
    shape_text,
    short,
)

__all__ = [
    "GRU",
    "LSTM",
    "SLSTM",
    "Activation",
    "Ahead",
    "Bidirectional",
    "Conv1D",
    "CoupledLSTM",
    "Dense",
    "Dropout",
    "Embedding",
    "Flatten",
    "LayerNorm",
    "PeepholeLSTM",
    "Pooling",
    "RepeatVector",
    "ResetFirstGRU",
    "Sequential",
    "SimpleRNN",
]  # fmt: skip


@described
class Recurrent(Layer):
    """A cell run over time. Use one of the named layers: `SimpleRNN`, `GRU`, `LSTM`, `PeepholeLSTM`, `CoupledLSTM`.

    Args:
        units: size of the hidden state.
        return_sequences: give every step's output `(time, units)`, not the last one `(units,)`.
        reverse: read from each sequence's last step to its first; outputs stay at their own position in time.
        dropout: share of the inputs dropped, the same ones at every step of a sequence (Gal & Ghahramani, 2016).
        recurrent_dropout: share of the hidden state dropped inside the recurrent product, likewise constant in time.
        recompute_every: for sequences whose training does not fit in memory: keep the state every so many steps alone
            and compute the gates between again for the gradient, which costs a forward pass; 0 keeps all.
    """

    units: int
    return_sequences: bool = False
    reverse: bool = False
    dropout: float = 0.0
    recurrent_dropout: float = 0.0
    recompute_every: int = 0

    foreign: ClassVar[dict[str, str]] = Layer.foreign | hints.OF_RECURRENT
    gates: ClassVar[tuple[str, ...]] = ()
    """In the order of the weights' columns."""
    heads: ClassVar[int] = 1
    """Groups of units, each with recurrent weights of its own; where a cell has several, a field of its description."""

    def __post_init__(self) -> None:
        """Refuse sizes and rates that mean nothing."""
        check_size(self, "units")
        check_flag(self, "return_sequences")
        check_flag(self, "reverse")
        check_rate(self, "dropout")
        check_rate(self, "recurrent_dropout")
        if self.recompute_every:
            check_size(self, "recompute_every")

    def output_shape(self, shape: Shape) -> Shape:
        """`(time, units)`, or `(units,)` without `return_sequences`."""
        time, _ = sequence_of(self, shape)
        return (time, self.units) if self.return_sequences else (self.units,)

    def parameter_shapes(self, shape: Shape) -> ParameterShapes:
        """`input_weight [features, gates*units]`, `hidden_weight [units, gates*units/heads]`, `bias [gates*units]`."""
        _, features = sequence_of(self, shape)
        width = len(self.gates) * self.units
        return {"input_weight": (features, width), "hidden_weight": (self.units, width // self.heads), "bias": (width,)}


@described
class SimpleRNN(Recurrent):
    """h' = activation(x W + h U + b), activation `tanh` or `relu` (Elman, 1990)."""

    activation: Literal["tanh", "relu"] = "tanh"
    gates: ClassVar[tuple[str, ...]] = ("hidden",)

    def __post_init__(self) -> None:
        """Refuse sizes, rates and activations that mean nothing."""
        super().__post_init__()
        check_choice(self, "activation", ("tanh", "relu"))


@described
class LSTM(Recurrent):
    """Long short-term memory with forget gate (Hochreiter & Schmidhuber, 1997; Gers et al., 2000). Gates i, f, g, o.

    Args:
        activation: of the candidate, and of the cell state as it is shown: `tanh`, or `relu` as many tutorials have it.
    """

    activation: Literal["tanh", "relu"] = "tanh"
    gates: ClassVar[tuple[str, ...]] = ("input", "forget", "candidate", "output")

    def __post_init__(self) -> None:
        """Refuse sizes, rates and activations that mean nothing."""
        super().__post_init__()
        check_choice(self, "activation", ("tanh", "relu"))


@described
class PeepholeLSTM(Recurrent):
    """LSTM whose gates also see the cell state (Gers & Schmidhuber, 2000; Graves, 2013). Gates i, f, g, o."""

    gates: ClassVar[tuple[str, ...]] = ("input", "forget", "candidate", "output")

    def parameter_shapes(self, shape: Shape) -> ParameterShapes:
        """The LSTM's, and one `[units]` vector for each of the input, forget and output gates."""
        peepholes = ("input_peephole", "forget_peephole", "output_peephole")
        return super().parameter_shapes(shape) | dict.fromkeys(peepholes, (self.units,))


@described
class CoupledLSTM(Recurrent):
    """LSTM that writes just where it forgets: i = 1 - f (Greff et al., 2015, "CIFG"). Gates f, g, o."""

    gates: ClassVar[tuple[str, ...]] = ("forget", "candidate", "output")


@described
class SLSTM(Recurrent):
    """LSTM with exponential gating, a normaliser and memory mixing in heads (Beck et al., 2024). Gates i, f, g, o.

    Args:
        heads: groups of units that mix their memories among themselves alone; a divisor of `units`.
        forget_gate: `sigmoid` or `exponential`.
    """

    heads: int = 1  # pyright: ignore[reportIncompatibleVariableOverride] - a field here
    forget_gate: Literal["sigmoid", "exponential"] = "sigmoid"
    gates: ClassVar[tuple[str, ...]] = ("input", "forget", "candidate", "output")

    def __post_init__(self) -> None:
        """Refuse sizes, rates and choices that mean nothing."""
        super().__post_init__()
        check_size(self, "heads")
        if self.units % self.heads:
            raise InputError(f"SLSTM: heads must divide the units, got {self.heads} heads for {self.units} units")
        check_choice(self, "forget_gate", ("sigmoid", "exponential"))


@described
class GRU(Recurrent):
    """Gated recurrent unit (Cho et al., 2014), reset after the product as in PyTorch and Keras. Gates r, z, n.

    Args:
        activation: of the candidate: `tanh` or `relu`.
    """

    activation: Literal["tanh", "relu"] = "tanh"
    gates: ClassVar[tuple[str, ...]] = ("reset", "update", "candidate")

    def __post_init__(self) -> None:
        """Refuse sizes, rates and activations that mean nothing."""
        super().__post_init__()
        check_choice(self, "activation", ("tanh", "relu"))

    def parameter_shapes(self, shape: Shape) -> ParameterShapes:
        """Two biases in place of one, since the reset gate multiplies the recurrent product with its bias."""
        shapes = super().parameter_shapes(shape)
        width = shapes.pop("bias")
        return shapes | {"input_bias": width, "hidden_bias": width}


@described
class ResetFirstGRU(Recurrent):
    """Gated recurrent unit whose reset comes before the recurrent product (Cho et al., 2014). Gates r, z, n.

    Keras's `GRU(reset_after=False)`. Its candidate waits for the reset, so that no kernel has it: it runs and trains in
    NumPy, or through JAX.

    Args:
        activation: of the candidate: `tanh` or `relu`.
    """

    activation: Literal["tanh", "relu"] = "tanh"
    gates: ClassVar[tuple[str, ...]] = ("reset", "update", "candidate")

    def __post_init__(self) -> None:
        """Refuse sizes, rates and activations that mean nothing."""
        super().__post_init__()
        check_choice(self, "activation", ("tanh", "relu"))


@described
class Bidirectional(Layer):
    """Two copies of a recurrent layer, one reading each way, their outputs side by side (Schuster & Paliwal, 1997).

    Args:
        layer: what reads, forwards.
        merge: `concat`: outputs side by side; or number by number their `sum`, product `mul` or mean `ave`.

    Example:
        >>> Bidirectional(LSTM(8, return_sequences=True)).output_shape((28, 3))
        (28, 16)
    """

    layer: Recurrent
    merge: Literal["concat", "sum", "mul", "ave"] = "concat"

    foreign: ClassVar[dict[str, str]] = Layer.foreign | {
        "merge_mode": "it is called merge: 'concat', 'sum', 'mul' or 'ave'",
        "backward_layer": "both ways are the same layer, each with weights of its own",
    }

    def __post_init__(self) -> None:
        """Refuse anything but a forward recurrent layer, and unknown ways to merge."""
        check_choice(self, "merge", ("concat", "sum", "mul", "ave"))
        if not isinstance(self.layer, Recurrent):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InputError(f"Bidirectional takes a recurrent layer such as LSTM(30), got {self.layer!r}")
        if self.layer.reverse:
            raise InputError("Bidirectional reads both ways already: leave out reverse=True in its layer")

    def output_shape(self, shape: Shape) -> Shape:
        """Twice the layer's features where they are side by side, else as many."""
        *time, features = self.layer.output_shape(shape)
        return (*time, cast(int, features) * (2 if self.merge == "concat" else 1))

    def parameter_shapes(self, shape: Shape) -> ParameterShapes:
        """The layer's own, once under `forward.` and once under `backward.`."""
        inner = self.layer.parameter_shapes(shape)
        return {f"{way}.{name}": size for way in ("forward", "backward") for name, size in inner.items()}

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data, the inner layer nested."""
        merge = {} if self.merge == "concat" else {"merge": self.merge}  # as files have it since their first format
        return {"kind": "Bidirectional", "layer": self.layer.to_dict()} | merge


@described
class Embedding(Layer):
    """A learned vector of `units` for each of `tokens` symbols; takes whole numbers `[batch, time]`."""

    tokens: int
    units: int

    foreign: ClassVar[dict[str, str]] = Layer.foreign | {
        "input_dim": "it is called tokens: Embedding(tokens, units)",
        "num_embeddings": "it is called tokens: Embedding(tokens, units)",
        "embedding_dim": "it is called units: Embedding(tokens, units)",
        "mask_zero": "give lengths to fit and predict, or a list of sequences",
        "padding_idx": "give lengths to fit and predict, or a list of sequences",
    }

    def __post_init__(self) -> None:
        """Refuse sizes that mean nothing."""
        check_size(self, "tokens")
        check_size(self, "units")

    def output_shape(self, shape: Shape) -> Shape:
        """`(time, units)`."""
        if len(shape) != 1:
            raise InputError(f"{self!r} takes token numbers of shape (batch, time), got (batch, {shape_text(shape)})")
        return (shape[0], self.units)

    def parameter_shapes(self, shape: Shape) -> ParameterShapes:
        """`weight [tokens, units]`."""
        del shape
        return {"weight": (self.tokens, self.units)}


@described
class Dense(Layer):
    """activation(x W + b) on the last axis; on a sequence, at every step. The losses take a linear last layer.

    Args:
        units: how many outputs.
        activation: of each.
        tied: W is the matrix of the embedding that the network begins with, transposed, and learned once for both
            (Press & Wolf, 2017): there is an output for each token, and the layer before gives as many numbers as a
            token's vector has.
        zeros: W begins with zeros, so that all outputs do: for a head that corrects what is known already.
    """

    units: int
    activation: Literal["tanh", "relu", "sigmoid"] | None = None
    tied: bool = False
    zeros: bool = False

    def __post_init__(self) -> None:
        """Refuse sizes and activations that mean nothing."""
        check_size(self, "units")
        for name in ("tied", "zeros"):
            if not isinstance(value := getattr(self, name), bool):
                raise InputError(f"Dense: {name} is True or False, got {value!r}")
        if cast(str, self.activation) == "softmax":
            raise InputError(
                f"Dense({self.units}, activation='softmax'): the classifier applies the softmax itself, "
                f"inside its loss; write Dense({self.units})"
            )
        check_choice(self, "activation", (None, "tanh", "relu", "sigmoid"))

    def output_shape(self, shape: Shape) -> Shape:
        """The same with `units` features."""
        features_of(self, shape)
        return (*shape[:-1], self.units)

    def parameter_shapes(self, shape: Shape) -> ParameterShapes:
        """`weight [features, units]`, `bias [units]`; where it is tied, the bias alone."""
        weight = {} if self.tied else {"weight": (features_of(self, shape), self.units)}
        return weight | {"bias": (self.units,)}

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data; what is neither tied nor begins with zeros says nothing of it: earlier versions read it."""
        return {name: value for name, value in super().to_dict().items() if value or name not in ("tied", "zeros")}


@described
class Dropout(Layer):
    """Drops a share `rate` of the features while training and scales the rest up (Srivastava et al., 2014)."""

    rate: float

    def __post_init__(self) -> None:
        """Refuse rates that mean nothing."""
        check_rate(self, "rate")

    def output_shape(self, shape: Shape) -> Shape:
        """Unchanged."""
        features_of(self, shape)
        return shape


@described
class LayerNorm(Layer):
    """Normalises the features of each step to mean 0, variance 1, then scales and shifts (Ba et al., 2016).

    Args:
        epsilon: added to the variance, so that a constant vector stays finite: PyTorch's; Keras has 1e-3.
    """

    epsilon: float = 1e-5

    def __post_init__(self) -> None:
        """Refuse what would divide by zero."""
        if type(self.epsilon) not in (int, float) or not 0 < self.epsilon < 1:
            raise InputError(f"LayerNorm: epsilon is a number above 0 and below 1, got {self.epsilon!r}")

    def output_shape(self, shape: Shape) -> Shape:
        """Unchanged."""
        features_of(self, shape)
        return shape

    def parameter_shapes(self, shape: Shape) -> ParameterShapes:
        """`scale [features]`, `offset [features]`."""
        size = (features_of(self, shape),)
        return {"scale": size, "offset": size}


@described
class Pooling(Layer):
    """Turns a sequence into one vector: its `first`, `last`, `mean` and `max` over the real steps, side by side."""

    kinds: tuple[str, ...] = ("last", "mean")

    def __post_init__(self) -> None:
        """Take any iterable of known kinds."""
        kinds = (self.kinds,) if isinstance(self.kinds, str) else tuple(self.kinds)
        known = ("first", "last", "mean", "max")
        if not kinds or any(kind not in known for kind in kinds):
            raise InputError(f"Pooling takes one or more of {', '.join(known)}, got {self.kinds!r}")
        object.__setattr__(self, "kinds", kinds)

    def output_shape(self, shape: Shape) -> Shape:
        """`(features * number of kinds,)`."""
        _, features = sequence_of(self, shape)
        return (features * len(self.kinds),)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data."""
        return {"kind": "Pooling", "kinds": list(self.kinds)}


@described
class Ahead(Layer):
    """activation(h W + s S + b) at each step ahead: h is what was read so far, s what is known of that step in advance.

    The side input `ahead [batch, horizon, features]` comes with each row (a calendar, a price, another forecast).
    """

    units: int
    features: int
    activation: Literal["tanh", "relu", "sigmoid"] | None = None

    def __post_init__(self) -> None:
        """Refuse sizes and activations that mean nothing."""
        check_size(self, "units")
        check_size(self, "features")
        check_choice(self, "activation", (None, "tanh", "relu", "sigmoid"))

    def output_shape(self, shape: Shape) -> Shape:
        """`(horizon, units)`; the horizon is the side input's."""
        if len(shape) != 1 or shape[0] is None:
            raise InputError(
                f"{self!r} takes one vector a sequence (batch, features), got (batch, {shape_text(shape)})"
            )
        return (None, self.units)

    def parameter_shapes(self, shape: Shape) -> ParameterShapes:
        """`weight [hidden, units]`, `ahead_weight [features, units]`, `bias [units]`."""
        return {
            "weight": (features_of(self, shape), self.units),
            "ahead_weight": (self.features, self.units),
            "bias": (self.units,),
        }


@described
class Activation(Layer):
    """A function of each number, or of each step's vector (`softmax`), where a layer has none of that name itself."""

    function: str

    FUNCTIONS: ClassVar[tuple[str, ...]] = (
        "tanh", "relu", "sigmoid", "softmax", "elu", "selu", "softplus", "softsign", "silu", "exponential",
    )  # fmt: skip

    def __post_init__(self) -> None:
        """Refuse functions that are not known."""
        check_choice(self, "function", self.FUNCTIONS)

    def output_shape(self, shape: Shape) -> Shape:
        """Unchanged."""
        features_of(self, shape)
        return shape


@described
class RepeatVector(Layer):
    """A vector at each of `times` steps: what a decoder reads of its encoder."""

    times: int

    def __post_init__(self) -> None:
        """Refuse sizes that mean nothing."""
        check_size(self, "times")

    def output_shape(self, shape: Shape) -> Shape:
        """`(times, features)`."""
        if len(shape) != 1 or shape[0] is None:
            raise InputError(
                f"{self!r} takes one vector a sequence (batch, features), got (batch, {shape_text(shape)})"
            )
        return (self.times, shape[0])


@described
class Flatten(Layer):
    """A sequence of just `steps` steps as one vector, step after step."""

    steps: int

    def __post_init__(self) -> None:
        """Refuse sizes that mean nothing."""
        check_size(self, "steps")

    def output_shape(self, shape: Shape) -> Shape:
        """`(steps * features,)`."""
        time, features = sequence_of(self, shape)
        if time != self.steps:
            raise InputError(f"{self!r} takes sequences of {self.steps} steps, got (batch, {shape_text(shape)})")
        return (self.steps * features,)


@described
class Conv1D(Layer):
    """activation(W_0 x_(t-b) + ... + W_(k-1) x_(t-b+k-1) + c) at each step t: `steps` = k neighbours at a time.

    What lies outside of the sequence, past its length too, is zero. Outputs are of the same number of steps.

    Args:
        units: how many outputs a step has (Keras's `filters`).
        steps: how many neighbouring steps each output sees (Keras's `kernel_size`).
        padding: `same`, about as many steps before as behind, or `causal`, none behind.
        activation: of each.

    Example:
        >>> network = Sequential([Conv1D(128, 8, activation="relu"), Pooling("mean"), Dense(5)])
        >>> network.with_input((90, 3)).parameter_count()
        3845
    """

    units: int
    steps: int
    padding: Literal["same", "causal"] = "same"
    activation: Literal["tanh", "relu", "sigmoid"] | None = None

    def __post_init__(self) -> None:
        """Refuse sizes and choices that mean nothing."""
        check_size(self, "units")
        check_size(self, "steps")
        check_choice(self, "padding", ("same", "causal"))
        check_choice(self, "activation", (None, "tanh", "relu", "sigmoid"))

    @property
    def before(self) -> int:
        """How many steps before its own an output sees."""
        return self.steps - 1 if self.padding == "causal" else (self.steps - 1) // 2

    def output_shape(self, shape: Shape) -> Shape:
        """`(time, units)`."""
        time, _ = sequence_of(self, shape)
        return (time, self.units)

    def parameter_shapes(self, shape: Shape) -> ParameterShapes:
        """`weight [steps, features, units]`, `bias [units]`."""
        _, features = sequence_of(self, shape)
        return {"weight": (self.steps, features, self.units), "bias": (self.units,)}


# Every layer that a file may name: core.table has a row for each.
LAYERS: dict[str, type[Layer]] = {
    kind.__name__: kind
    for kind in (
        SimpleRNN, GRU, ResetFirstGRU, LSTM, PeepholeLSTM, CoupledLSTM, SLSTM, Bidirectional, Embedding, Dense, Dropout,
        LayerNorm, Pooling, Ahead, Activation, RepeatVector, Flatten, Conv1D,
    )
}  # fmt: skip


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
