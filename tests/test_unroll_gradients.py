"""A cell over time: its gradients against finite differences in double, and both engines at their one door."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from marks import needs_kernels

from latchwork.core import spec
from latchwork.core.cells import Cell, SimpleRNNCell
from latchwork.core.table import CELLS
from latchwork.engines import native
from latchwork.engines.jax.cells import build_cell
from latchwork.engines.jax.unroll import unroll

BATCH, TIME, FEATURES, HIDDEN = 3, 6, 2, 4
STEP = 1e-5  # in double, halfway between what rounding and what the third derivative cost
AGREEMENT = 1e-7


def slope_agrees(function: Any, at: np.ndarray, direction: np.ndarray, claimed: float) -> bool:
    """Whether `claimed` is the function's slope along a direction, by central differences."""
    measured = (function(at + STEP * direction) - function(at - STEP * direction)) / (2 * STEP)
    return abs(measured - claimed) <= AGREEMENT * max(1.0, abs(measured))


def make_cell(layer: type[spec.Recurrent], rng: np.random.Generator, dtype: Any = jnp.float32) -> Cell[Any]:
    shapes = layer(HIDDEN).parameter_shapes((TIME, FEATURES))
    return build_cell(
        layer(HIDDEN), {name: jnp.asarray(rng.normal(size=shape), dtype) for name, shape in shapes.items()}
    )


def test_the_judge_tells_2_from_2_001() -> None:
    square = lambda x: float(x[0] ** 2)  # noqa: E731
    one = np.ones(1)
    assert slope_agrees(square, one, one, 2.0)
    assert not slope_agrees(square, one, one, 2.001)
    assert not slope_agrees(square, one, one, float("nan"))


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("layer", CELLS)
def test_the_gradient_through_the_scan_is_the_slope(layer: type[spec.Recurrent], reverse: bool) -> None:
    """By the weights, the inputs and the states; with a mask and lengths, one of them zero."""
    rng = np.random.default_rng(0)
    with jax.enable_x64(True):
        cell = make_cell(layer, rng, jnp.float64)
        inputs = jnp.asarray(rng.normal(size=(BATCH, TIME, FEATURES)))
        state = jax.tree.map(lambda a: jnp.asarray(rng.normal(size=a.shape)), cell.initial_state((BATCH,)))
        lengths = jnp.array([TIME, 0, 3])
        mask = jnp.asarray(rng.integers(0, 2, (BATCH, HIDDEN)) * 2.0)
        factors = [jnp.asarray(rng.normal(size=(BATCH, TIME, HIDDEN))), *(rng.normal(size=(2, BATCH, HIDDEN)))]

        @jax.jit
        def loss(arguments: Any) -> Any:
            outputs, final = unroll(*arguments, lengths, reverse=reverse, hidden_mask=mask, engine="scan")
            return sum(jnp.vdot(factor, part) for factor, part in zip(factors, (outputs, *final), strict=False))

        given = (cell, inputs, state)
        leaves, tree = jax.tree.flatten(given)
        gradients = jax.tree.leaves(jax.grad(loss)(given))
        for i, gradient in enumerate(gradients):
            direction = rng.normal(size=gradient.shape)
            direction /= np.linalg.norm(direction)

            def along(leaf: Any, i: int = i) -> float:
                return float(loss(tree.unflatten([*leaves[:i], jnp.asarray(leaf), *leaves[i + 1 :]])))

            slope = float(np.vdot(gradient, direction))
            assert slope_agrees(along, np.asarray(leaves[i]), direction, slope), f"leaf {i}"
            assert not slope_agrees(along, np.asarray(leaves[i]), direction, slope + 1e-3)


@needs_kernels
@pytest.mark.parametrize("dtype", [jnp.float16, jnp.bfloat16, jnp.float32])
@pytest.mark.parametrize("layer", [layer for layer in CELLS if CELLS[layer].kernel is not None])
def test_inputs_of_half_precision_run_fused_and_get_gradients_of_their_own_type(
    layer: type[spec.Recurrent], dtype: Any
) -> None:
    rng = np.random.default_rng(2)
    cell = make_cell(layer, rng)
    inputs = jnp.asarray(rng.normal(size=(BATCH, TIME, FEATURES)), dtype)

    def run(engine: Any, inputs: Any) -> tuple[Any, Any]:
        return jax.value_and_grad(lambda x: jnp.sum(unroll(cell, x, engine=engine)[0] ** 2))(inputs)

    fused, by_fused = run("fused", inputs)
    exact, by_exact = run("scan", inputs.astype(jnp.float32))
    assert by_fused.dtype == dtype
    assert fused == pytest.approx(float(exact), rel=1e-5)
    difference = np.linalg.norm(by_fused.astype(jnp.float32) - by_exact) / np.linalg.norm(by_exact)
    assert difference < max(1e-5, float(jnp.finfo(dtype).eps))


def test_double_precision_goes_through_the_scan() -> None:
    with jax.enable_x64(True):
        cell = make_cell(spec.LSTM, np.random.default_rng(3), jnp.float64)
        outputs, _ = unroll(cell, jnp.ones((1, 2, FEATURES), jnp.float64))
        assert outputs.dtype == jnp.float64


def test_every_rectifier_is_told_apart() -> None:
    cell = make_cell(spec.SimpleRNN, np.random.default_rng(4))
    assert isinstance(cell, SimpleRNNCell)
    rectified = dataclasses.replace(cell, activation="relu")
    inputs = jnp.asarray(np.random.default_rng(5).normal(size=(BATCH, TIME, FEATURES)), jnp.float32)
    for engine in ("scan", "fused") if native.available() else ("scan",):
        assert (unroll(rectified, inputs, engine=engine)[0] >= 0).all()
        assert (unroll(cell, inputs, engine=engine)[0] < 0).any()
