"""A cell over time, on both engines, for every cell: outputs, final states and gradients.

The kernels are compared with a float64 scan in tests/kernels; here is what `unroll` promises, whichever engine runs.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from every_cell import ENGINES, LAYERS, UNITS, assert_close, kernel_name, random_cell, random_state
from hypothesis import given, settings
from hypothesis import strategies as st
from marks import needs_kernels

from latchwork.core.cells import Cell, SimpleRNNCell
from latchwork.core.errors import InputError
from latchwork.engines.jax.compilation import COMPILE_FAST
from latchwork.engines.jax.unroll import engine_of, unroll

BATCH, TIME, FEATURES = 3, 6, 4
INPUTS = jnp.asarray(np.random.default_rng(0).normal(size=(BATCH, TIME, FEATURES)), jnp.float32)
LENGTHS = jnp.array([4, 6, 1])
TOLERANCE = 2e-5  # single precision through some steps, forward and backward

CASES = [
    (name, engine) for name, layer in LAYERS.items() for engine in ENGINES if engine == "scan" or kernel_name(layer)
]
every = pytest.mark.parametrize(("name", "engine"), CASES, ids=list(map(" ".join, CASES)))


def results_and_gradients(run: Callable[..., Any], *arguments: Any) -> Any:
    """What `run` gives, and the gradients of a sum of all of it, each number weighed differently."""

    def loss(*arguments: Any) -> tuple[Any, Any]:
        results = run(*arguments)
        weighed = [jnp.cos(jnp.arange(leaf.size)).reshape(leaf.shape) * leaf for leaf in jax.tree.leaves(results)]
        return sum(leaf.sum() for leaf in weighed), results

    both = jax.value_and_grad(loss, argnums=tuple(range(len(arguments))), has_aux=True)
    (_, results), gradients = jax.jit(both, compiler_options=dict(COMPILE_FAST))(*arguments)
    return results, gradients


@cache
def case(name: str) -> tuple[Cell[Any], Any]:
    cell = random_cell(LAYERS[name], FEATURES)
    return cell, random_state(cell, BATCH)


@every
def test_step_by_step_is_the_whole_sequence(name: str, engine: Any):
    cell, first = case(name)

    def whole(cell: Any, inputs: Any, state: Any) -> Any:
        return unroll(cell, inputs, state, engine=engine)

    def by_steps(cell: Any, inputs: Any, state: Any) -> Any:
        outputs = []
        for time in range(TIME):
            output, state = cell(inputs[:, time], state)
            outputs.append(output)
        return jnp.stack(outputs, axis=1), state

    assert_close(
        results_and_gradients(whole, cell, INPUTS, first),
        results_and_gradients(by_steps, cell, INPUTS, first),
        TOLERANCE,
    )


@every
def test_ragged_is_one_by_one(name: str, engine: Any):
    """Whatever stands past a length changes nothing, its outputs are zero, and so is its gradient."""
    cell, first = case(name)
    past = jnp.arange(TIME)[:, None] >= LENGTHS[:, None, None]

    def together(cell: Any, inputs: Any, state: Any) -> Any:
        return unroll(cell, jnp.where(past, inputs + 7, inputs), state, LENGTHS, engine=engine)

    def alone(cell: Any, inputs: Any, state: Any) -> Any:
        parts = []
        for row, length in enumerate(LENGTHS.tolist()):
            one = jax.tree.map(lambda array: array[row : row + 1], state)  # noqa: B023
            outputs, final = unroll(cell, inputs[row : row + 1, :length], one, engine=engine)
            parts.append((jnp.pad(outputs, ((0, 0), (0, TIME - length), (0, 0))), final))
        return jax.tree.map(lambda *rows: jnp.concatenate(rows), *parts)

    found = results_and_gradients(together, cell, INPUTS, first)
    assert_close(found, results_and_gradients(alone, cell, INPUTS, first), TOLERANCE)
    assert not np.asarray(found[0][0])[np.asarray(past)[..., 0]].any()
    assert not np.asarray(found[1][1])[np.asarray(past)[..., 0]].any()


@every
def test_reverse_reads_from_the_last_real_step(name: str, engine: Any):
    cell, first = case(name)

    def turned(inputs: Any) -> Any:
        """Each sequence's real steps, last to first."""
        at = jnp.where(jnp.arange(TIME) < LENGTHS[:, None], LENGTHS[:, None] - 1 - jnp.arange(TIME), jnp.arange(TIME))
        return jnp.take_along_axis(inputs, at[..., None], axis=1)

    def backwards(cell: Any, inputs: Any, state: Any) -> Any:
        return unroll(cell, inputs, state, LENGTHS, reverse=True, engine=engine)

    def forwards(cell: Any, inputs: Any, state: Any) -> Any:
        outputs, final = unroll(cell, turned(inputs), state, LENGTHS, engine=engine)
        return turned(outputs), final

    assert_close(
        results_and_gradients(backwards, cell, INPUTS, first),
        results_and_gradients(forwards, cell, INPUTS, first),
        TOLERANCE,
    )


@every
def test_a_state_goes_on_where_another_call_ended(name: str, engine: Any):
    cell, first = case(name)
    whole, final = unroll(cell, INPUTS, first, engine=engine)
    before, between = unroll(cell, INPUTS[:, :2], first, engine=engine)
    after, last = unroll(cell, INPUTS[:, 2:], between, engine=engine)
    assert_close((jnp.concatenate([before, after], axis=1), last), (whole, final), 1e-6)
    zeros = unroll(cell, INPUTS, cell.initial_state((BATCH,)), engine=engine)
    assert_close(unroll(cell, INPUTS, engine=engine), zeros, 0)


@every
def test_a_mask_holds_for_all_steps(name: str, engine: Any):
    cell, first = case(name)
    mask = jnp.asarray(np.random.default_rng(5).integers(0, 2, (BATCH, UNITS)) * 2.0, jnp.float32)

    def whole(cell: Any, inputs: Any, state: Any) -> Any:
        return unroll(cell, inputs, state, hidden_mask=mask, engine=engine)

    def by_steps(cell: Any, inputs: Any, state: Any) -> Any:
        outputs = []
        for time in range(TIME):
            output, state = cell(inputs[:, time], state, mask)
            outputs.append(output)
        return jnp.stack(outputs, axis=1), state

    assert_close(
        results_and_gradients(whole, cell, INPUTS, first),
        results_and_gradients(by_steps, cell, INPUTS, first),
        TOLERANCE,
    )


@needs_kernels
@settings(max_examples=8)
@given(
    st.sampled_from(sorted(name for name, layer in LAYERS.items() if kernel_name(layer))),
    st.integers(1, 9),
    st.integers(1, 7),
    st.integers(1, 20),
    st.booleans(),
    st.data(),
)
def test_both_engines_agree_on_any_shape(
    name: str, batch: int, time: int, features: int, reverse: bool, data: st.DataObject
):
    cell = random_cell(LAYERS[name], features)
    inputs = jnp.asarray(np.random.default_rng(batch).normal(size=(batch, time, features)), jnp.float32)
    lengths = data.draw(st.none() | st.lists(st.integers(0, time), min_size=batch, max_size=batch))
    steps = None if lengths is None else jnp.array(lengths)
    fused, scan = (
        unroll(cell, inputs, random_state(cell, batch), steps, reverse=reverse, engine=engine)
        for engine in ("fused", "scan")
    )
    assert_close(fused, scan, 5e-6)


def test_engines_by_environment_and_their_refusals(monkeypatch: pytest.MonkeyPatch):
    cell, _ = case("LSTM")
    monkeypatch.setenv("LATCHWORK_ENGINE", "scan")
    assert engine_of(cell, INPUTS) == "scan"
    monkeypatch.setenv("LATCHWORK_ENGINE", "quick")
    with pytest.raises(InputError, match="expected one of auto, native, plain"):
        unroll(cell, INPUTS)
    monkeypatch.delenv("LATCHWORK_ENGINE")
    assert engine_of(cell, INPUTS) == ENGINES[-1]

    class OwnCell(SimpleRNNCell):
        """A cell that the kernels do not know."""

    own = OwnCell(jnp.ones((FEATURES, 2)), jnp.ones((2, 2)), jnp.zeros(2))
    assert engine_of(own, INPUTS) == "scan"
    assert unroll(own, INPUTS)[0].shape == (BATCH, TIME, 2)
    with pytest.raises(InputError, match="do not know the cell OwnCell"):
        unroll(own, INPUTS, engine="fused")


@needs_kernels
def test_a_forced_engine_says_why_it_cannot_run_a_precision():
    with jax.enable_x64(True):
        cell = random_cell(LAYERS["LSTM"], FEATURES, dtype=jnp.float64)
        inputs = jnp.zeros((1, 2, FEATURES), jnp.float64)
        assert engine_of(cell, inputs) == "scan"
        with pytest.raises(InputError, match="float32, the inputs are float64"):
            unroll(cell, inputs, engine="fused")
