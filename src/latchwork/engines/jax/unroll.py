"""A cell over time: the one door to both engines.

`scan` runs any cell with `jax.lax.scan`, on every device and in every precision. `fused` runs the cells that have a
kernel in our own C++, on a CPU in float32. Both give the same results to rounding. `LATCHWORK_ENGINE=plain|native|auto`
chooses (default `auto`: fused where it can); a forced engine that cannot run a case says why.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable
from functools import cache
from typing import Literal, cast

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from latchwork.core import settings
from latchwork.core.cells import Cell, State
from latchwork.core.errors import InputError
from latchwork.core.table import row_of_cell
from latchwork.engines import native
from latchwork.engines.jax.cells import register
from latchwork.engines.jax.fused import fused_supported, fused_unroll

Engine = Literal["auto", "scan", "fused", "plain", "native"]


def unroll(
    cell: Cell[State],
    inputs: Float[Array, "batch time features"],
    state: State | None = None,
    lengths: Int[Array, " batch"] | None = None,
    *,
    reverse: bool = False,
    hidden_mask: Float[Array, "batch hidden"] | None = None,
    recompute_every: int = 0,
    engine: Engine | None = None,
) -> tuple[Float[Array, "batch time hidden"], State]:
    """Run `cell` over the time axis of `inputs`.

    Args:
        cell: any cell of `latchwork.core.cells`, or one of your own.
        inputs: sequences, right-padded where they differ in length.
        state: the state before the first step; zeros where left out.
        lengths: how many steps of each sequence are real; all where left out.
        reverse: read from each sequence's last real step to its first.
        hidden_mask: multiplies the hidden state inside the recurrent product, the same at every step.
        recompute_every: where above 0, a gradient keeps the state every so many steps alone and computes the gates
            between again: memory for that many steps and for `time / recompute_every` states, one forward pass more.
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
    if dataclasses.is_dataclass(cell):
        register(type(cell))
    if state is None:
        state = cell.initial_state(inputs.shape[:1])
    run = _fused if engine_of(cell, inputs, engine) == "fused" else _scan
    if 0 < recompute_every < inputs.shape[1]:
        return _in_parts(run, recompute_every, cell, inputs, state, lengths, reverse, hidden_mask)
    return run(cell, inputs, state, lengths, reverse, hidden_mask)


def engine_of(cell: Cell[State], inputs: Array, engine: Engine | None = None) -> Literal["scan", "fused"]:
    """The engine that runs this case; raises `InputError` where a forced one cannot."""
    wanted = settings.engine() if engine is None else settings.checked_engine(engine, "engine")
    if wanted == "plain":
        return "scan"
    reason = _why_not_fused(cell, inputs)
    if reason is None:
        return "fused"
    if wanted == "native":
        raise InputError(f"the kernels cannot run this case: {reason}")
    return "scan"


def kernel_of(cell: Cell[State]) -> str | None:
    """The kernels' name for a cell; None where they have none."""
    row = row_of_cell(cell)
    return None if row is None or row.kernel is None else row.kernel(cell)


def _why_not_fused(cell: Cell[State], inputs: Array) -> str | None:
    kernel = kernel_of(cell)
    if kernel is None:
        return f"the kernels do not know the cell {type(cell).__name__}"
    if not native.available():
        _say_once(str(native.engine_info()))
    return fused_supported(kernel, dtype=jnp.result_type(inputs, cell.hidden_weight))


@cache
def _say_once(line: str) -> None:
    """The slower engine gives the same results, so it is worth one line and no more."""
    logging.getLogger("latchwork").warning("latchwork runs on %s", line)


def _in_parts(
    run: Callable[..., tuple[Array, State]],
    steps: int,
    cell: Cell[State],
    inputs: Float[Array, "batch time features"],
    state: State,
    lengths: Int[Array, " batch"] | None,
    reverse: bool,
    hidden_mask: Float[Array, "batch hidden"] | None,
) -> tuple[Float[Array, "batch time hidden"], State]:
    """`run` over parts of `steps` steps, each of which keeps for its gradient what it was given and no more."""
    batch, time, _ = inputs.shape
    count = time // steps
    whole = count * steps  # the rest is one shorter part, the first one in reverse

    @jax.checkpoint
    def part(
        cell: Cell[State],
        inputs: Array,
        state: State,
        lengths: Array | None,
        hidden_mask: Array | None,
        start: Array | int,
    ) -> tuple[Array, State]:
        # A sequence that has no step in this part keeps its state.
        here = None if lengths is None else jnp.clip(lengths - start, 0, inputs.shape[1])
        return run(cell, inputs, state, here, reverse, hidden_mask)

    def whole_parts(state: State) -> tuple[Array, State]:
        def step(state: State, at: tuple[Array, Array]) -> tuple[State, Array]:
            outputs, state = part(cell, at[0], state, lengths, hidden_mask, at[1])
            return state, outputs

        parts = jnp.swapaxes(inputs[:, :whole].reshape(batch, count, steps, -1), 0, 1)
        final, outputs = jax.lax.scan(step, state, (parts, jnp.arange(count) * steps), reverse=reverse)
        return jnp.swapaxes(outputs, 0, 1).reshape(batch, whole, -1), final

    def rest(state: State) -> tuple[Array, State]:
        return part(cell, inputs[:, whole:], state, lengths, hidden_mask, whole)

    if whole == time:
        return whole_parts(state)
    if reverse:
        last, state = rest(state)
        first, state = whole_parts(state)
    else:
        first, state = whole_parts(state)
        last, state = rest(state)
    return jnp.concatenate([first, last], axis=1), state


def _fused(
    cell: Cell[State],
    inputs: Float[Array, "batch time features"],
    state: State,
    lengths: Int[Array, " batch"] | None,
    reverse: bool,
    hidden_mask: Float[Array, "batch hidden"] | None,
) -> tuple[Float[Array, "batch time hidden"], State]:
    """The kernels; see `latchwork.engines.jax.fused`."""
    # Half precision beside float32 promotes to it, as in the scan; the kernels take nothing else.
    weights, inputs, before = jax.tree.map(
        lambda array: array.astype(jnp.float32), (cell.weights(), inputs, tuple(state))
    )
    outputs, final = fused_unroll(
        cast("str", kernel_of(cell)),
        weights,
        inputs,
        before,
        lengths,
        reverse=reverse,
        hidden_mask=hidden_mask,
    )
    return outputs, type(state)(*final)


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
