"""The fused engine on NumPy arrays, without JAX, and what is known of the engine: whether it was built, and for what.

Example:
    >>> from latchwork.engines import native
    >>> native.engine_info().available
    True
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
State = tuple[Array, ...]
Kind = Literal["simple_rnn", "gru", "lstm", "peephole_lstm", "coupled_lstm"]


@dataclass(frozen=True)
class EngineInfo:
    """Which engine runs.

    Attributes:
        available: whether the compiled kernels are there.
        build: the instruction set of the build that this processor runs: `avx512`, `avx2` or `baseline`; "" without.
        register_width: floats in a register of that build; 0 without.
        threads: how many threads a call may use (`LATCHWORK_THREADS`, or the processors that this process may use).
        reason: why the kernels are not there; "" where they are.
    """

    available: bool
    build: str = ""
    register_width: int = 0
    threads: int = 1
    reason: str = ""

    def __str__(self) -> str:
        """One line for `latchwork info --engine`."""
        if not self.available:
            return f"scan: the fused kernels are not there ({self.reason})"
        return f"fused: {self.build}, {self.register_width} floats a register, {self.threads} threads"


def _load() -> tuple[ModuleType | None, str]:
    try:
        return import_module("latchwork.engines.native._native"), ""
    except ModuleNotFoundError:
        return None, "the package was installed without a C++ compiler"
    except ImportError as error:
        return None, f"the compiled module does not load: {error}"


_native, _reason = _load()


def available() -> bool:
    """Whether the compiled kernels are there."""
    return _native is not None


def engine_info() -> EngineInfo:
    """Which build of the kernels runs, or why there is none."""
    if _native is None:
        return EngineInfo(available=False, reason=_reason)
    return EngineInfo(True, _native.build(), _native.register_width(), _native.threads())


def module() -> ModuleType:
    """The compiled module, for this package's own use.

    Raises:
        RuntimeError: where it is not there.
    """
    if _native is None:
        raise RuntimeError(f"the fused kernels are not there: {_reason}")
    return _native


KINDS: dict[tuple[str, str], int] = {
    ("simple_rnn", "tanh"): 0,
    ("simple_rnn", "relu"): 1,
    ("gru", "tanh"): 2,
    ("lstm", "tanh"): 3,
    ("peephole_lstm", "tanh"): 4,
    ("coupled_lstm", "tanh"): 5,
}
"""Each kind and activation that the kernels know, by its number in csrc/recurrence/problem.h."""

KINDS_WITH_CELL = frozenset({3, 4, 5})
"""The kinds whose state is `(hidden, cell)`; the others' is `(hidden,)`."""


_GATES = {"simple_rnn": 1, "gru": 3, "lstm": 4, "peephole_lstm": 4, "coupled_lstm": 3}


class FusedCell:
    """A cell's weights in the kernels' order, packed once for any number of calls.

    It changes nothing in itself and lets go of the interpreter while it computes, so threads may share one.

    Args:
        kind: the cell.
        weights: its arrays by their names in `latchwork.core.cells`.
        activation: of a simple RNN: `tanh` or `relu`.

    Raises:
        RuntimeError: the compiled kernels are not there.
        ValueError: the weights' shapes do not fit together.

    Example:
        >>> ones = np.ones((3, 12), np.float32)
        >>> cell = FusedCell("lstm", {"input_weight": ones, "hidden_weight": ones, "bias": ones[0]})
        >>> outputs, state = cell.run(np.ones((1, 5, 3), np.float32))
        >>> outputs.shape
        (1, 5, 3)
    """

    def __init__(self, kind: Kind, weights: Mapping[str, Array], activation: str = "tanh") -> None:
        """Pack the weights."""
        self._weights: Any = module().Weights(*weight_arguments(kind, weights, activation))
        self._hidden = int(weights["hidden_weight"].shape[0])
        self._parts = 2 if KINDS[(kind, activation)] in KINDS_WITH_CELL else 1

    def initial_state(self, batch: int) -> State:
        """Zeros `[batch, hidden]`, once for each part of the state."""
        return tuple(np.zeros((batch, self._hidden), np.float32) for _ in range(self._parts))

    def run(
        self, inputs: Array, state: State | None = None, lengths: Array | None = None, *, reverse: bool = False
    ) -> tuple[Array, State]:
        """Run over whole sequences.

        Args:
            inputs: `[batch, time, features]`, right-padded where sequences differ in length.
            state: before the first step; zeros where left out.
            lengths: how many steps of each sequence are real; all where left out.
            reverse: read from each sequence's last real step to its first.

        Returns:
            Every step's output `[batch, time, hidden]`, zero past a length, and the state after the last step read.
        """
        inputs = _floats(inputs)
        batch, time, _ = inputs.shape
        outputs = np.empty((batch, time, self._hidden), np.float32)
        final = tuple(np.empty((batch, self._hidden), np.float32) for _ in range(self._parts))
        before = (None, None) if state is None else tuple(map(_floats, state))
        self._weights.run(
            inputs,
            before[0],
            before[1] if self._parts == 2 else None,
            None if lengths is None else np.ascontiguousarray(lengths, np.int32),
            reverse,
            outputs,
            final[0],
            final[1] if self._parts == 2 else None,
        )
        return outputs, final

    def step(self, inputs: Array, state: State) -> State:
        """One step from inputs `[batch, features]`: the new state, whose first part is the output."""
        hidden = np.empty_like(state[0])
        if self._parts == 1:
            self._weights.step(_floats(inputs), state[0], None, hidden, None)
            return (hidden,)
        cell = np.empty_like(state[1])
        self._weights.step(_floats(inputs), state[0], state[1], hidden, cell)
        return hidden, cell


def weight_arguments(kind: Kind, weights: Mapping[str, Array], activation: str = "tanh") -> list[Any]:
    """A cell's number and its arrays, in the order in which the compiled module takes them."""
    names = ("input_weight", "hidden_weight", "input_bias" if kind == "gru" else "bias", "hidden_bias")
    peepholes = ("input_peephole", "forget_peephole", "output_peephole")
    arrays = [weights.get(name) for name in (*names, *peepholes)]
    return [KINDS[(kind, activation)], *(None if array is None else _floats(array) for array in arrays)]


def _floats(array: Array) -> Array:
    """The array itself where it is float32 and dense already."""
    return np.ascontiguousarray(array, np.float32)


def unroll(
    kind: Kind,
    weights: Mapping[str, NDArray[np.float32]],
    inputs: NDArray[np.float32],
    state: tuple[NDArray[np.float32], ...],
    lengths: NDArray[np.integer] | None = None,
    *,
    reverse: bool = False,
    activation: Literal["tanh", "relu"] = "tanh",
) -> tuple[NDArray[np.float32], tuple[NDArray[np.float32], ...]]:
    """Run a known cell over the time axis, on NumPy arrays and without Python's lock; forward only.

    Args:
        kind: the cell.
        weights: its arrays by their names in `latchwork.core.cells`, float32.
        inputs: `[batch, time, features]`, right-padded where sequences differ in length.
        state: before the first step: `(hidden,)`, or `(hidden, cell)` for the LSTMs, each `[batch, hidden]`.
        lengths: how many steps of each sequence are real, 1 to time; all where left out.
        reverse: read from each sequence's last real step to its first.
        activation: of a simple RNN.

    Returns:
        Every step's output `[batch, time, hidden]`, zero past a length, and the state after the last step read.

    Raises:
        RuntimeError: the kernels are not there.
        ValueError: shapes that do not belong together.

    Example:
        >>> weights = {"input_weight": np.ones((2, 12)), "hidden_weight": np.ones((3, 12)), "bias": np.zeros(12)}
        >>> outputs, (hidden, cell) = unroll("lstm", weights, np.ones((1, 5, 2)), (np.zeros((1, 3)),) * 2)
        >>> outputs.shape, cell.shape
        ((1, 5, 3), (1, 3))
    """
    batch, time, features = inputs.shape
    if not batch or not time:
        raise ValueError(f"there is nothing in inputs of shape {inputs.shape}")
    hidden = len(weights["hidden_weight"])
    width = _GATES[kind] * hidden
    # The kernels read memory by these shapes alone, so nothing unchecked may reach them.
    expected = {"input_weight": (features, width), "hidden_weight": (hidden, width)}
    expected |= {"input_bias": (width,), "hidden_bias": (width,)} if kind == "gru" else {"bias": (width,)}
    if kind == "peephole_lstm":
        expected |= dict.fromkeys(("input_peephole", "forget_peephole", "output_peephole"), (hidden,))
    given = {name: _dense(name, weights[name], shape) for name, shape in expected.items()}
    parts = 2 if KINDS[kind, activation] in KINDS_WITH_CELL else 1
    if len(state) != parts:
        raise ValueError(f"the state of a {kind} has {parts} parts, got {len(state)}")
    before = tuple(_dense("a state", part, (batch, hidden)) for part in state)
    if lengths is not None:
        lengths = np.ascontiguousarray(lengths, np.int32)
        if lengths.shape != (batch,) or lengths.min(initial=0) < 0 or lengths.max(initial=0) > time:
            raise ValueError(f"lengths must be {batch} numbers from 0 to {time}")
    return FusedCell(kind, given, activation).run(inputs, before, lengths, reverse=reverse)


def _dense(name: str, array: Any, shape: tuple[int, ...]) -> NDArray[np.float32]:
    dense = np.ascontiguousarray(array, np.float32)
    if dense.shape != shape:
        raise ValueError(f"{name} has shape {dense.shape}, expected {shape}")
    return dense
