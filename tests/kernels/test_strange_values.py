"""Denormal, huge and missing numbers, forward and backward: each stays in the rows that it concerns."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from marks import needs_kernels
from test_fused import KINDS, Case, check, results_and_gradients

pytestmark = needs_kernels

# A rectifier has no bound, and its slope at NaN is zero, as in JAX: no derivative shows what is missing.
BOUNDED = [kind for kind in KINDS if not kind.endswith("_relu")]
BATCH, TIME, FEATURES, HIDDEN = 8, 6, 5, 20
TINY, HUGE, STRANGE = 1, 2, 3  # rows
AT = 2  # the step with the missing number


def case_of(kind: str, reverse: bool = False, lengths: np.ndarray | None = None) -> Case:
    rng = np.random.default_rng(7)
    made = Case.random(rng, kind, batch=BATCH, time=TIME, features=FEATURES, hidden=HIDDEN)
    return dataclasses.replace(made, reverse=reverse, lengths=lengths, mask=None, dtype="float32")


def run(case: Case) -> tuple:
    """Outputs, final states, then the gradients by weights, inputs and states, as NumPy arrays."""
    arguments, cotangents = jax.tree.map(
        lambda array: jnp.asarray(array, jnp.float32), (case.arguments(jnp.float32), case.cotangents)
    )
    return jax.tree.map(np.asarray, results_and_gradients(case.fused, arguments, cotangents))


@pytest.mark.parametrize("kind", BOUNDED)
def test_denormal_and_huge_rows_agree_with_a_float64_scan(kind):
    """One row's numbers are 1e-40, where the kernels see zeros, and another's are 1e30, where every gate is shut."""
    case = case_of(kind, reverse=kind in ("gru", "peephole_lstm"))
    outputs, states = case.cotangents
    scale = np.ones(BATCH)
    scale[TINY], scale[HUGE] = 1e-40, 1e30
    small = np.where(scale < 1, scale, 1.0)
    check(
        dataclasses.replace(
            case,
            inputs=case.inputs * scale[:, None, None],
            state=tuple(
                part if name == "normalizer" else part * small[:, None]  # which is zero before the first step alone
                for name, part in zip(KINDS[kind].states, case.state, strict=True)
            ),
            cotangents=(outputs * small[:, None, None], tuple(part * small[:, None] for part in states)),
        )
    )


def test_denormal_weights_count_as_zero():
    case = case_of("lstm")
    zero, tiny = (
        run(dataclasses.replace(case, weights=case.weights | {"hidden_weight": case.weights["hidden_weight"] * scale}))
        for scale in (0.0, 1e-41)
    )
    jax.tree.map(np.testing.assert_array_equal, tiny, zero)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("kind", BOUNDED)
def test_a_missing_number_stays_in_its_row_and_in_the_steps_that_read_it(kind, reverse):
    case = case_of(kind, reverse)
    clean = run(case)
    inputs = case.inputs.copy()
    inputs[STRANGE, AT, 1] = np.nan
    (outputs, final), (by_weights, by_inputs, by_state) = run(dataclasses.replace(case, inputs=inputs))
    after = slice(None, AT + 1) if reverse else slice(AT, None)
    before = slice(AT + 1, None) if reverse else slice(None, AT)
    assert np.isnan(outputs[STRANGE, after]).all()
    np.testing.assert_array_equal(outputs[STRANGE, before], clean[0][0][STRANGE, before])
    seen = (by_inputs, *by_state)
    for part in (*final, *seen):
        assert np.isnan(part[STRANGE]).all()  # whoever trains on it must see it
    others = np.delete(np.arange(BATCH), STRANGE)
    for got, expected in zip(
        jax.tree.leaves((outputs, final, by_inputs, by_state)), jax.tree.leaves((clean[0], clean[1][1:])), strict=True
    ):
        np.testing.assert_array_equal(got[others], expected[others])
    assert all(np.isnan(part).any() for part in jax.tree.leaves(by_weights))


@pytest.mark.parametrize("kind", KINDS)
def test_a_missing_cotangent_stays_in_its_row(kind):
    case = case_of(kind)
    clean = run(case)[1]
    outputs, states = case.cotangents
    outputs = outputs.copy()
    outputs[STRANGE, AT, 3] = np.nan
    _, by_inputs, by_state = run(dataclasses.replace(case, cotangents=(outputs, states)))[1]
    assert np.isnan(by_inputs[STRANGE, : AT + 1]).all()
    np.testing.assert_array_equal(by_inputs[STRANGE, AT + 1 :], clean[1][STRANGE, AT + 1 :])
    others = np.delete(np.arange(BATCH), STRANGE)
    np.testing.assert_array_equal(by_inputs[others], clean[1][others])
    for got, expected in zip(by_state, clean[2], strict=True):
        np.testing.assert_array_equal(got[others], expected[others])


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_past_a_length_is_read(kind, reverse):
    """Padding may hold anything at all, and so may the cotangents of outputs that are not there."""
    lengths = np.array([TIME, 0, 3, 1, TIME, 2, 5, 4])
    case = case_of(kind, reverse, lengths)
    clean = run(case)
    inputs, (outputs, states) = case.inputs.copy(), case.cotangents
    outputs = outputs.copy()
    for row, length in enumerate(lengths):
        inputs[row, length:], outputs[row, length:] = np.nan, np.inf
    strange = run(dataclasses.replace(case, inputs=inputs, cotangents=(outputs, states)))
    jax.tree.map(np.testing.assert_array_equal, strange, clean)
