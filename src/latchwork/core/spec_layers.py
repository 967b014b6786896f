"""The descriptions of layers without a cell; see `core.spec`."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, cast

from latchwork.core.errors import InputError
from latchwork.core.layer import (
    Layer,
    ParameterShapes,
    Shape,
    check_choice,
    check_rate,
    check_size,
    described,
    features_of,
    sequence_of,
    shape_text,
)

__all__ = [
    "Activation",
    "Ahead",
    "Conv1D",
    "Dense",
    "Dropout",
    "Embedding",
    "Flatten",
    "LayerNorm",
    "Pooling",
    "RepeatVector",
]  # fmt: skip


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
