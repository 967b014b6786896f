"""The kernels on NumPy arrays: steps and sequences, threads, strange values."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from marks import needs_kernels

from latchwork.engines import native
from latchwork.engines.native import FusedCell

pytestmark = needs_kernels

KINDS = native.kinds() if native.available() else {}


def random_cell(rng, kind, features, hidden) -> FusedCell:
    shapes = native.weight_shapes(kind, features, hidden)
    return FusedCell(kind, {name: 0.3 * rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()})


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("hidden", [3, 30])
def test_steps_give_the_sequence(kind, hidden):
    rng = np.random.default_rng(0)
    cell = random_cell(rng, kind, 5, hidden)
    inputs = rng.normal(size=(2, 9, 5)).astype(np.float32)
    outputs, final = cell.run(inputs)
    state = cell.initial_state(2)
    for time in range(9):
        state = cell.step(inputs[:, time], state)
        np.testing.assert_allclose(state[0], outputs[:, time], atol=1e-6)
    for part, expected in zip(state, final, strict=True):
        np.testing.assert_allclose(part, expected, atol=1e-6)


def test_a_ragged_batch_is_its_sequences_one_by_one():
    rng = np.random.default_rng(0)
    cell = random_cell(rng, "lstm", 4, 20)
    inputs, lengths = rng.normal(size=(40, 30, 4)).astype(np.float32), rng.integers(0, 31, 40)
    for reverse in (False, True):
        outputs, final = cell.run(inputs, lengths=lengths, reverse=reverse)
        for row, length in enumerate(lengths):
            alone, state = cell.run(inputs[row : row + 1, :length], reverse=reverse)
            np.testing.assert_allclose(outputs[row, :length], alone[0], atol=1e-6)
            assert not outputs[row, length:].any()
            np.testing.assert_allclose(final[1][row], state[1][0], atol=1e-6)


def test_many_threads_may_share_a_cell():
    rng = np.random.default_rng(0)
    cell = random_cell(rng, "gru", 8, 40)
    batches = [rng.normal(size=(20, 15, 8)).astype(np.float32) for _ in range(16)]
    expected = [cell.run(batch)[0] for batch in batches]
    with ThreadPoolExecutor(4) as pool:
        for got, want in zip(pool.map(lambda batch: cell.run(batch)[0], batches), expected, strict=True):
            np.testing.assert_array_equal(got, want)


def test_python_goes_on_while_the_kernels_compute():
    """Python is told never to switch threads by itself: this one can only go on where the other lets go of the lock."""
    cell = random_cell(np.random.default_rng(0), "lstm", 32, 128)
    inputs = np.zeros((64, 100, 32), np.float32)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1000)
    try:
        for _ in range(20):  # a call may be over before this thread wakes up, but not each time
            done: list[bool] = []
            other = threading.Thread(target=lambda done=done: (cell.run(inputs), done.append(True)))
            other.start()
            was_running = not done
            other.join()
            if was_running:
                return
    finally:
        sys.setswitchinterval(interval)
    raise AssertionError("the lock was held until the call was over, twenty times")


def test_nan_stays_in_its_row_and_large_inputs_saturate():
    rng = np.random.default_rng(0)
    for kind in KINDS:
        cell = random_cell(rng, kind, 4, 20)
        inputs = rng.normal(size=(8, 6, 4)).astype(np.float32)
        clean, _ = cell.run(inputs)
        inputs[3, 2, 1] = np.nan
        outputs, _ = cell.run(inputs)
        assert np.isnan(outputs[3, 2:]).all()
        np.testing.assert_array_equal(np.delete(outputs, 3, axis=0), np.delete(clean, 3, axis=0))
        large, _ = cell.run(np.full((1, 3, 4), 3e38, np.float32) * np.float32(0.1))
        assert kind.endswith("_relu") or (np.abs(large) <= 1).all()


def test_subnormal_numbers_are_flushed_and_the_flag_comes_back():
    cell = random_cell(np.random.default_rng(0), "lstm", 4, 20)
    cell.run(np.full((4, 3, 4), 1e-40, np.float32))
    tiny = np.array([1e-40], np.float32)
    assert (tiny * np.float32(0.5))[0] > 0


def test_sigmoid_and_tanh_are_accurate():
    # One unit whose gates are wide open shows tanh; an LSTM's input gate, sigmoid.
    x = np.linspace(-20, 20, 100_001, dtype=np.float32)
    one = np.ones((1, 1), np.float32)
    zero = np.zeros((1, 1), np.float32)
    shown, _ = FusedCell("simple_rnn_tanh", {"input_weight": one, "hidden_weight": zero, "bias": zero[0]}).run(
        x[:, None, None]
    )
    exact = np.tanh(x.astype(np.float64))
    assert np.max(np.abs(shown[:, 0, 0] - exact)[x != 0] / np.abs(exact[x != 0])) < 4 * 2.0**-23
    # z of a GRU with n = tanh(20) = 1 and h = 0: h' = 1 - z = sigmoid(-x).
    weights = np.array([[0, 1, 0]], np.float32)
    bias = np.array([0, 0, 20], np.float32)
    gru = {"input_weight": weights, "hidden_weight": 0 * weights, "input_bias": bias, "hidden_bias": 0 * bias}
    shown, _ = FusedCell("gru", gru).run(x[:, None, None])
    assert np.max(np.abs(shown[:, 0, 0] - 1 / (1 + np.exp(x.astype(np.float64))))) < 2 * 2.0**-23


HASH_OF_RESULTS = """
import hashlib, numpy as np, jax, jax.numpy as jnp
from latchwork.engines.jax.fused import fused_unroll
digest = hashlib.sha256()
for kind, gates, batch, time, features, hidden in [("lstm", 4, 64, 20, 28, 30), ("gru", 3, 50, 12, 64, 96),
                                                   ("lstm", 4, 40, 8, 300, 260)]:
    rng = np.random.default_rng(0)
    array = lambda *shape: jnp.asarray(0.1 * rng.normal(size=shape), jnp.float32)
    bias = {"input_bias": array(gates * hidden), "hidden_bias": array(gates * hidden), "bias": array(gates * hidden)}
    weights = {"input_weight": array(features, gates * hidden), "hidden_weight": array(hidden, gates * hidden), **bias}
    state = (array(batch, hidden), array(batch, hidden))[: 1 if kind == "gru" else 2]
    lengths = jnp.asarray(rng.integers(1, time + 1, batch))
    def loss(weights, inputs):
        outputs, final = fused_unroll(kind, weights, inputs, state, lengths)
        return (outputs ** 2).sum() + sum(part.sum() for part in final)
    value = jax.value_and_grad(loss, (0, 1))(weights, array(batch, time, features))
    for leaf in jax.tree.leaves(value):
        digest.update(np.asarray(leaf).tobytes())
print(digest.hexdigest())
"""


def test_the_number_of_threads_changes_no_bit():
    def digest(threads: str) -> str:
        environment = os.environ | {"LATCHWORK_THREADS": threads}
        done = subprocess.run(
            [sys.executable, "-c", HASH_OF_RESULTS], env=environment, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    assert len(digest("1")) == hashlib.sha256().digest_size * 2
    assert digest("1") == digest("2") == digest("3")
