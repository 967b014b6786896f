"""A cell over time with every gate kept: `unroll` for those who want to look inside, with the same two engines."""

from __future__ import annotations

from typing import Any, cast

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from latchwork.core.cells import Cell, Hidden
from latchwork.engines import native
from latchwork.engines.jax.fused import fused_trace
from latchwork.engines.jax.unroll import Engine, chosen_engine, kernel_of

Lengths = Int[Array, " batch"] | None


class TracedCell(eqx.Module):
    """What a cell computed.

    Attributes:
        layer: its name.
        names: of the arrays: each gate, then each state, `hidden` last.
        arrays: side by side, zero past a length; one array, since each that leaves compiled code costs time.
    """

    layer: str = eqx.field(static=True)
    names: tuple[str, ...] = eqx.field(static=True)
    arrays: Float[Array, "names batch time hidden"]


def trace_cell(
    cell: Cell[Any],
    inputs: Float[Array, "batch time features"],
    lengths: Lengths = None,
    *,
    reverse: bool = False,
    layer: str = "",
    engine: Engine | None = None,
) -> tuple[TracedCell, Hidden]:
    """Run a cell from zeros over the time axis and keep all that it computes, under the name `layer`; else as `unroll`.

    Returns:
        What it computed, and the hidden state after the last step read `[batch, hidden]`.
    """
    if chosen_engine(cell, inputs, engine) == "scan":
        return _scan(cell, inputs, lengths, reverse, layer)
    state = cell.initial_state(inputs.shape[:1])
    kind = native.kinds()[cast("str", kernel_of(cell))]
    arrays, final = fused_trace(kind.name, cell.weights(), inputs, state, lengths, reverse=reverse)
    hidden, *others = kind.states
    return TracedCell(layer, (*kind.gates, *others, hidden), arrays), final[0]


def _scan(cell: Cell[Any], inputs: Array, lengths: Lengths, reverse: bool, layer: str) -> tuple[TracedCell, Hidden]:
    """Any cell: one pass keeps the states, then all gates are one product over all steps."""
    start = cell.initial_state(inputs.shape[:1])

    def step(state: Any, at: tuple[Array, Array]) -> tuple[Any, tuple[Any, Any]]:
        projected, time = at
        _, new = cell.step(projected, state)
        if lengths is not None:
            real = (time < lengths)[:, None]
            new = jax.tree.map(lambda after, before: jnp.where(real, after, before), new, state)
        return new, (state, new)

    projected = jnp.swapaxes(cell.project(inputs), 0, 1)
    final, states = jax.lax.scan(step, start, (projected, jnp.arange(inputs.shape[1])), reverse=reverse)
    before, after = jax.tree.map(lambda array: jnp.swapaxes(array, 0, 1), states)
    named = {**cell.gates(inputs, before)._asdict(), **after._asdict()}  # pyright: ignore[reportAttributeAccessIssue]
    named["hidden"] = named.pop("hidden")  # last: it is what the layer shows
    arrays = jnp.stack(list(named.values()))
    if lengths is not None:
        arrays = jnp.where((jnp.arange(inputs.shape[1]) < lengths[:, None])[..., None], arrays, 0)
    return TracedCell(layer, tuple(named), arrays), final.hidden
