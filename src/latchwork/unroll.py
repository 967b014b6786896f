"""A cell over time: the one door to both engines.

`scan` runs any cell with `jax.lax.scan`, on every device and in every precision. `fused` runs the known cells in our
own C++ kernels, on a CPU in float32. Both give the same results to rounding. `LATCHWORK_ENGINE=scan|fused|auto`
chooses (default `auto`: fused where it can); a forced engine that cannot run a case says why.
"""

from __future__ import annotations

import os
from typing import Literal, cast, get_args

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from latchwork.cells import Cell, State
from latchwork.errors import InputError

Engine = Literal["auto", "scan", "fused"]


def unroll(
    cell: Cell[State],
    inputs: Float[Array, "batch time features"],
    state: State | None = None,
    lengths: Int[Array, " batch"] | None = None,
    *,
    reverse: bool = False,
    hidden_mask: Float[Array, "batch hidden"] | None = None,
    engine: Engine | None = None,
) -> tuple[Float[Array, "batch time hidden"], State]:
    """Run `cell` over the time axis of `inputs`.

    Args:
        cell: any cell of `latchwork.cells`, or one of your own.
        inputs: sequences, right-padded where they differ in length.
        state: the state before the first step; zeros where left out.
        lengths: how many steps of each sequence are real; all where left out.
        reverse: read from each sequence's last real step to its first.
        hidden_mask: multiplies the hidden state inside the recurrent product, the same at every step.
        engine: `scan`, `fused` or `auto`; the environment's `LATCHWORK_ENGINE` where left out.

    Returns:
        Every step's output, at its own position in time (zero past a length), and the state after the last step read.

    Raises:
        InputError: `engine="fused"` where the kernels cannot run the case.

    Example:
        >>> cell = LSTMCell(jnp.ones((2, 12)), jnp.ones((3, 12)), jnp.zeros(12))
        >>> outputs, state = unroll(cell, jnp.ones((1, 5, 2)))
        >>> outputs.shape, state.cell.shape
        ((1, 5, 3), (1, 3))
    """
    if state is None:
        state = cell.initial_state(inputs.shape[:1])
    if chosen_engine(cell, inputs, engine) == "fused":
        raise AssertionError("unreachable until the kernels are connected")
    return _scan(cell, inputs, state, lengths, reverse, hidden_mask)


def chosen_engine(cell: Cell[State], inputs: Array, engine: Engine | None = None) -> Literal["scan", "fused"]:
    """The engine that runs this case; raises `InputError` where a forced one cannot."""
    wanted = engine or cast("Engine", os.environ.get("LATCHWORK_ENGINE", "auto"))
    if wanted not in get_args(Engine):
        raise InputError(f"LATCHWORK_ENGINE={wanted!r}: expected one of {', '.join(get_args(Engine))}")
    if wanted == "scan":
        return "scan"
    if wanted == "fused":
        raise InputError("the fused engine cannot run this case: this version has no kernels")
    return "scan"


def _scan(
    cell: Cell[State],
    inputs: Float[Array, "batch time features"],
    state: State,
    lengths: Int[Array, " batch"] | None,
    reverse: bool,
    hidden_mask: Float[Array, "batch hidden"] | None,
) -> tuple[Float[Array, "batch time hidden"], State]:
    """The reference engine. A step past a sequence's length leaves its state as it is and gives zero."""
    projected = jnp.swapaxes(cell.project(inputs), 0, 1)
    steps = jnp.arange(inputs.shape[1])

    def step(state: State, at: tuple[Array, Array]) -> tuple[State, Array]:
        projected, time = at
        output, new_state = cell.step(projected, state, hidden_mask)
        if lengths is None:
            return new_state, output
        real = (time < lengths)[:, None]
        kept = cast("State", jax.tree.map(lambda new, old: jnp.where(real, new, old), new_state, state))
        return kept, jnp.where(real, output, 0)

    final, outputs = jax.lax.scan(step, state, (projected, steps), reverse=reverse)
    return jnp.swapaxes(outputs, 0, 1), final
