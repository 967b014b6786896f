"""The fused engine on NumPy arrays, without JAX, and what is known of the engine: whether it was built, and for what.

Example:
    >>> from latchwork.engines import native
    >>> native.engine_info().available
    True
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latchwork.core import settings
from latchwork.core.errors import InputError

Array = NDArray[Any]
State = tuple[Array, ...]


@dataclass(frozen=True)
class EngineInfo:
    """Which engine runs.

    Attributes:
        available: whether the compiled kernels are there.
        build: the instruction set of the build that this processor runs: `avx512`, `avx2` or `baseline`; "" without.
        register_width: floats in a register of that build; 0 without.
        threads: how many threads a call may use.
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
    """Which build of the kernels runs, or why there is none.

    Raises:
        InputError: `LATCHWORK_BUILD` asks for a build that this processor cannot run.
    """
    if _native is None:
        return EngineInfo(available=False, reason=_reason)
    kernels = module()
    return EngineInfo(True, kernels.build(), kernels.register_width(), kernels.threads())


@cache
def module() -> ModuleType:
    """The compiled module, for this package's own use; the first call chooses its build and its threads.

    Raises:
        RuntimeError: where it is not there.
        InputError: `LATCHWORK_BUILD` asks for a build that this processor cannot run.
    """
    if _native is None:
        raise RuntimeError(f"the fused kernels are not there: {_reason}")
    threads = settings.threads()
    try:
        _native.use(settings.build(), threads)
    except ValueError as error:
        raise InputError(f"LATCHWORK_BUILD={error}") from None
    return _native


@dataclass(frozen=True)
class Kind:
    """A kind of cell, as csrc/recurrence/kinds.h describes it.

    Attributes:
        name, number: what it is called, in Python and in a compiled program.
        columns: of its weights, each as wide as it has units.
        gates: what a trace shows besides the states.
        states: `hidden` first.
        has_hidden_bias: a second bias, in the recurrent product.
        has_peepholes: weights from its cell state to its gates.
    """

    name: str
    number: int
    columns: int
    gates: tuple[str, ...]
    states: tuple[str, ...]
    has_hidden_bias: bool
    has_peepholes: bool


@cache
def kinds() -> Mapping[str, Kind]:
    """Each kind of cell that the kernels know, by its name."""
    names = [field.name for field in fields(Kind)]
    return {kind.name: Kind(*(getattr(kind, name) for name in names)) for kind in module().kinds()}


_PEEPHOLES = ("input_peephole", "forget_peephole", "output_peephole")


def weight_shapes(kind: str, features: int, hidden: int, heads: int = 1) -> dict[str, tuple[int, ...]]:
    """The arrays that a kind of cell takes, by their names in `latchwork.core.cells`.

    Of several heads, each `hidden / heads` units that read their own hidden states alone, a row of `hidden_weight` has
    columns for its own head's units, gate by gate.
    """
    known = kinds()[kind]
    columns = known.columns * hidden
    shapes: dict[str, tuple[int, ...]] = {
        "input_weight": (features, columns),
        "hidden_weight": (hidden, columns // heads),
    }
    shapes |= dict.fromkeys(("input_bias", "hidden_bias") if known.has_hidden_bias else ("bias",), (columns,))
    return shapes | dict.fromkeys(_PEEPHOLES if known.has_peepholes else (), (hidden,))


class FusedCell:
    """A cell's weights in the kernels' order, packed once for any number of calls.

    It changes nothing in itself and lets go of the interpreter while it computes, so threads may share one.

    Args:
        kind: the cell's name in `kinds()`.
        weights: its arrays by their names in `latchwork.core.cells`.

    Raises:
        RuntimeError: the compiled kernels are not there.
        ValueError: no such kind, or the weights' shapes do not fit together.

    Example:
        >>> ones = np.ones((3, 12), np.float32)
        >>> cell = FusedCell("lstm", {"input_weight": ones, "hidden_weight": ones, "bias": ones[0]})
        >>> outputs, state = cell.run(np.ones((1, 5, 3), np.float32))
        >>> outputs.shape
        (1, 5, 3)
    """

    def __init__(self, kind: str, weights: Mapping[str, Array]) -> None:
        """Pack the weights."""
        self._weights: Any = module().Weights(*weight_arguments(kind, weights))
        self._hidden = int(weights["hidden_weight"].shape[0])
        self._parts = len(kinds()[kind].states)

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
        before = None if state is None else [_floats(part) for part in state]
        lengths = None if lengths is None else np.ascontiguousarray(lengths, np.int32)
        self._weights.run(inputs, before, lengths, reverse, outputs, final)
        return outputs, final

    def step(self, inputs: Array, state: State) -> State:
        """One step from inputs `[batch, features]`: the new state, whose first part is the output."""
        after = tuple([np.empty_like(part) for part in state])  # a generator would cost a tenth of the step
        self._weights.step(_floats(inputs), state, after)
        return after


def weight_arguments(kind: str, weights: Mapping[str, Array]) -> list[Any]:
    """A cell's kind and its arrays, in the order in which the compiled module takes them."""
    names = ("input_weight", "hidden_weight", "input_bias" if "input_bias" in weights else "bias", "hidden_bias")
    arrays = [weights.get(name) for name in (*names, *_PEEPHOLES)]
    return [kind, *(None if array is None else _floats(array) for array in arrays)]


def _floats(array: Array) -> Array:
    """The array itself where it is float32 and dense already."""
    return np.ascontiguousarray(array, np.float32)


def unroll(
    kind: str,
    weights: Mapping[str, NDArray[np.float32]],
    inputs: NDArray[np.float32],
    state: tuple[NDArray[np.float32], ...],
    lengths: NDArray[np.integer] | None = None,
    *,
    reverse: bool = False,
) -> tuple[NDArray[np.float32], tuple[NDArray[np.float32], ...]]:
    """Run a known cell over the time axis, on NumPy arrays and without Python's lock; forward only.

    Args:
        kind: the cell's name in `kinds()`.
        weights: its arrays by their names in `latchwork.core.cells`, float32.
        inputs: `[batch, time, features]`, right-padded where sequences differ in length.
        state: before the first step, as the kind names its parts (an LSTM's `hidden, cell`), each `[batch, hidden]`.
        lengths: how many steps of each sequence are real, 1 to time; all where left out.
        reverse: read from each sequence's last real step to its first.

    Returns:
        Every step's output `[batch, time, hidden]`, zero past a length, and the state after the last step read.

    Raises:
        RuntimeError: the kernels are not there.
        ValueError: no such kind, or shapes that do not belong together.

    Example:
        >>> weights = {"input_weight": np.ones((2, 12)), "hidden_weight": np.ones((3, 12)), "bias": np.zeros(12)}
        >>> outputs, (hidden, cell) = unroll("lstm", weights, np.ones((1, 5, 2)), (np.zeros((1, 3)),) * 2)
        >>> outputs.shape, cell.shape
        ((1, 5, 3), (1, 3))
    """
    batch, time, features = inputs.shape
    if not batch or not time:
        raise ValueError(f"there is nothing in inputs of shape {inputs.shape}")
    if kind not in kinds():
        raise ValueError(f"the kernels know no {kind}: they know {', '.join(kinds())}")
    known = kinds()[kind]
    hidden = len(weights["hidden_weight"])
    # The kernels read memory by these shapes alone, so nothing unchecked may reach them.
    heads = max(1, kinds()[kind].columns * hidden // max(1, np.shape(weights["hidden_weight"])[-1]))
    expected = weight_shapes(kind, features, hidden, heads)
    given = {name: _dense(name, weights[name], shape) for name, shape in expected.items()}
    if len(state) != len(known.states):
        raise ValueError(f"the state of a {kind} has {len(known.states)} parts, got {len(state)}")
    before = tuple(_dense("a state", part, (batch, hidden)) for part in state)
    if lengths is not None:
        lengths = np.ascontiguousarray(lengths, np.int32)
        if lengths.shape != (batch,) or lengths.min(initial=0) < 0 or lengths.max(initial=0) > time:
            raise ValueError(f"lengths must be {batch} numbers from 0 to {time}")
    return FusedCell(kind, given).run(inputs, before, lengths, reverse=reverse)


def _dense(name: str, array: Any, shape: tuple[int, ...]) -> NDArray[np.float32]:
    dense = np.ascontiguousarray(array, np.float32)
    if dense.shape != shape:
        raise ValueError(f"{name} has shape {dense.shape}, expected {shape}")
    return dense
