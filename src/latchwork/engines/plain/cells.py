"""A cell over the time axis in NumPy, step after step: the equation of `core.cells`, run as it stands."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from latchwork.core.cells import Cell, State

Array = NDArray[Any]
Lengths = NDArray[np.integer] | None


def unroll(
    cell: Cell[State], inputs: Array, state: State | None = None, lengths: Lengths = None, *, reverse: bool = False
) -> tuple[Array, State]:
    """Run `cell` over the time axis of `inputs`.

    Args:
        cell: around arrays of NumPy.
        inputs: `[batch, time, features]`, right-padded where sequences differ in length.
        state: before the first step; zeros where left out.
        lengths: how many steps of each sequence are real; all where left out.
        reverse: read from each sequence's last real step to its first.

    Returns:
        Every step's output `[batch, time, hidden]`, zero past a length, and the state after the last step read.
    """
    batch, time, _ = inputs.shape
    state = cell.initial_state((batch,)) if state is None else state
    projected = cell.project(inputs)
    outputs = np.zeros((batch, time, cell.hidden_size), projected.dtype)
    for at in reversed(range(time)) if reverse else range(time):
        output, new = cell.step(projected[:, at], state)
        state = new if lengths is None else _kept(at < lengths, new, state)
        outputs[:, at] = output if lengths is None else np.where((at < lengths)[:, None], output, 0)
    return outputs, state


def trace(
    cell: Cell[State], inputs: Array, lengths: Lengths = None, *, reverse: bool = False
) -> tuple[dict[str, Array], Array]:
    """`unroll` from zeros with all that each step computes kept.

    Returns:
        By name, each `[batch, time, hidden]`, zero past a length: the gates, then the states, `hidden` last; and the
        hidden state after the last step read `[batch, hidden]`.
    """
    batch, time, _ = inputs.shape
    state: Any = cell.initial_state((batch,))
    steps: list[dict[str, Array]] = []
    for at in reversed(range(time)) if reverse else range(time):
        gates = cell.gates(inputs[:, at], state)._asdict()  # pyright: ignore[reportAttributeAccessIssue]
        _, new = cell(inputs[:, at], state)
        computed = gates | new._asdict()  # pyright: ignore[reportAttributeAccessIssue]
        computed["hidden"] = computed.pop("hidden")  # last: it is what the layer shows
        if lengths is None:
            state = new
        else:
            real = at < lengths
            state = _kept(real, new, state)
            computed = {name: np.where(real[:, None], array, 0) for name, array in computed.items()}
        steps.append(computed)
    ordered = steps[::-1] if reverse else steps
    return {name: np.stack([step[name] for step in ordered], axis=1) for name in ordered[0]}, state.hidden


def _kept(real: Array, new: State, old: State) -> State:
    """The new state, but past its length a sequence keeps the old one."""
    rows = real[:, None]
    parts = (np.where(rows, after, before) for after, before in zip(new, old, strict=True))
    return type(new)(*parts)  # pyright: ignore[reportArgumentType]
