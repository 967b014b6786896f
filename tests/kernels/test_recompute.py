"""Recomputing in place of keeping: the same outputs, states and gradients, from less memory."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from every_cell import LAYERS, UNITS, kernel_name, random_cell

from latchwork import LSTM, Sequential
from latchwork.core.errors import InputError
from latchwork.engines import native
from latchwork.engines.jax.unroll import unroll

BATCH, TIME, FEATURES, HIDDEN = 4, 11, 3, UNITS
ENGINES = ["scan", *(["fused"] if native.available() else [])]


@partial(jax.jit, static_argnums=(0, 1, 2))
def results_and_gradients(engine, reverse, every, cell, inputs, state, lengths, mask):
    def run(cell, inputs, state):
        return unroll(
            cell, inputs, state, lengths, reverse=reverse, hidden_mask=mask, recompute_every=every, engine=engine
        )

    results, pull = jax.vjp(run, cell, inputs, state)
    return results, pull(jax.tree.map(jnp.sin, results))


def check(kind, engine, reverse, ragged, every):
    rng = np.random.default_rng(0)
    cell = random_cell(LAYERS[kind], FEATURES)
    inputs, mask = (jnp.asarray(rng.normal(size=(BATCH, *rest)), jnp.float32) for rest in ((TIME, FEATURES), (HIDDEN,)))
    state = jax.tree.map(
        lambda zero: jnp.asarray(rng.normal(size=zero.shape), jnp.float32), cell.initial_state((BATCH,))
    )
    arguments = (cell, inputs, state, jnp.array([0, 3, TIME, 8]) if ragged else None, mask)
    kept = results_and_gradients(engine, reverse, 0, *arguments)
    again = results_and_gradients(engine, reverse, every, *arguments)
    for a, b in zip(jax.tree.leaves(kept), jax.tree.leaves(again), strict=True):
        assert np.linalg.norm(a - b) <= 1e-5 * np.linalg.norm(a)


@pytest.mark.parametrize("ragged", [False, True])
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("engine", ENGINES)
def test_the_same_results_and_gradients(engine, reverse, ragged):
    kind = {(False, False): "LSTM", (False, True): "GRU", (True, False): "PeepholeLSTM", (True, True): "SimpleRNN"}
    check(kind[reverse, ragged], engine, reverse, ragged, 4)


@pytest.mark.proof
@pytest.mark.parametrize("every", [1, 3, 4, 10, 11, 12])
@pytest.mark.parametrize("kind", LAYERS)
def test_the_same_for_every_cell_and_length_of_part(kind, every):
    for engine in ENGINES if kernel_name(LAYERS[kind]) else ("scan",):
        for reverse in (False, True):
            for ragged in (False, True):
                check(kind, engine, reverse, ragged, every)


def test_a_gradient_holds_less_memory():
    cell = random_cell(LAYERS["LSTM"], FEATURES)
    inputs = jnp.zeros((8, 1000, FEATURES))

    def temporary_bytes(every):
        loss = lambda cell: unroll(cell, inputs, recompute_every=every)[1].hidden.sum()  # noqa: E731
        return jax.jit(jax.grad(loss)).lower(cell).compile().memory_analysis().temp_size_in_bytes

    assert temporary_bytes(50) < temporary_bytes(0) / 3


def test_a_layer_takes_it_and_a_description_keeps_it():
    network = Sequential([LSTM(4, recompute_every=7)], input_shape=(None, 3))
    assert Sequential.from_dict(network.to_dict()) == network
    with pytest.raises(InputError, match="recompute_every"):
        LSTM(4, recompute_every=-1)
