"""The descriptions of layers that run a cell over time; see `core.spec`."""

from __future__ import annotations

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
    sequence_of,
)

__all__ = [
    "GRU",
    "LSTM",
    "SLSTM",
    "Bidirectional",
    "CoupledLSTM",
    "PeepholeLSTM",
    "ResetFirstGRU",
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
