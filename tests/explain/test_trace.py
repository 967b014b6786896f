import jax.numpy as jnp
import numpy as np
import pytest

import latchwork as lw
from latchwork.errors import InputError
from latchwork.explain.influence import influence
from latchwork.explain.trace import by_behaviour, trace
from latchwork.network import Network

TIME, FEATURES, UNITS = 7, 3, 4


def build(*layers, shape=(None, FEATURES)):
    network = Network.build(lw.Sequential(layers), shape, seed=1)
    random = np.random.default_rng(0)
    bigger = {
        name: random.normal(0, 0.8, array.shape).astype(np.float32) for name, array in network.parameters().items()
    }
    return Network.from_parameters(network.spec, bigger)


@pytest.fixture(scope="module")
def sequence():
    return np.random.default_rng(5).normal(size=(TIME, FEATURES)).astype(np.float32)


@pytest.fixture(scope="module")
def lstm():
    return build(lw.LSTM(UNITS), lw.Dense(2))


def test_the_trace_equals_an_lstm_computed_by_hand(lstm, sequence):
    parameters = {name.removeprefix("layers.0."): array.astype(float) for name, array in lstm.parameters().items()}
    found = trace(lstm, sequence)
    hidden, cell = np.zeros(UNITS), np.zeros(UNITS)
    for step, x in enumerate(sequence.astype(float)):
        total = x @ parameters["input_weight"] + hidden @ parameters["hidden_weight"] + parameters["bias"]
        i, f, g, o = np.split(total, 4)
        i, f, o = (1 / (1 + np.exp(-gate)) for gate in (i, f, o))
        g = np.tanh(g)
        cell = f * cell + i * g
        hidden = o * np.tanh(cell)
        by_hand = {"input": i, "forget": f, "candidate": g, "output": o, "cell": cell, "hidden": hidden}
        for name, values in by_hand.items():
            np.testing.assert_allclose(found[name][step], values, atol=1e-6, err_msg=f"{name} at {step}")


@pytest.mark.parametrize(
    "layers",
    [
        (lw.GRU(UNITS, return_sequences=True), lw.PeepholeLSTM(3), lw.Dense(2)),
        (lw.Bidirectional(lw.CoupledLSTM(3)), lw.Dense(2)),
        (lw.SimpleRNN(UNITS, reverse=True), lw.Dense(2)),
    ],
)
def test_tracing_changes_no_answer_and_its_states_are_the_networks(layers, sequence):
    network = build(*layers)
    batch = np.stack([sequence, sequence[::-1]])
    lengths = jnp.array([TIME, 4], jnp.int32)
    found = trace(network, batch, lengths)
    np.testing.assert_allclose(found.output, network(jnp.asarray(batch), lengths), atol=1e-6)
    for arrays in found.layers.values():
        assert not arrays["hidden"][1, 4:].any()


def test_a_trace_as_frame_and_as_picture(lstm, sequence):
    found = trace(lstm, sequence)
    frame = found.to_frame()
    assert list(frame.columns) == ["step", "unit", "input", "forget", "candidate", "output", "cell", "hidden"]
    assert frame.query("step == 3 and unit == 2")["forget"].item() == pytest.approx(float(found["forget"][3, 2]))
    assert len([axes for axes in found.plot().axes if axes.get_ylabel() in found.layers["layers.0"]]) == 6


def test_units_that_behave_alike_stand_side_by_side():
    time = np.arange(20)
    values = np.stack([np.sin(time), time / 20, np.sin(time) + 0.01, time / 20 + 0.01], axis=1).astype(np.float32)
    order = by_behaviour(values).tolist()
    assert abs(order.index(0) - order.index(2)) == 1
    assert abs(order.index(1) - order.index(3)) == 1


def test_wrong_questions_are_answered_in_one_line(lstm, sequence):
    with pytest.raises(InputError, match="the first recurrent layer has input, forget"):
        trace(lstm, sequence)["reset"]
    with pytest.raises(InputError, match="the network reads sequences of shape"):
        trace(lstm, sequence[:, :2])
    with pytest.raises(InputError, match="numbers 0 to 1"):
        influence(lstm, sequence, output=2)


@pytest.mark.parametrize(
    "layers",
    [
        (lw.LSTM(UNITS), lw.Dense(2)),
        (lw.GRU(UNITS, return_sequences=True), lw.LayerNorm(), lw.Dense(2)),
        (lw.SimpleRNN(UNITS, activation="relu"), lw.Dense(2)),
    ],
)
def test_integrated_gradients_are_complete(layers, sequence):
    found = influence(build(*layers), sequence, output=1)
    assert found.completeness_error < 0.01
    assert "completeness error" in repr(found)


def test_gradient_times_input_is_exact_where_the_network_is_linear(sequence):
    network = build(lw.Dense(3), lw.Pooling(("last",)), lw.Dense(2))
    found = influence(network, sequence, output=0, method="gradient")
    assert found.completeness_error < 1e-5
    np.testing.assert_allclose(found.steps[:-1], 0, atol=1e-7)


def test_a_token_network_is_explained_by_its_vectors():
    network = build(lw.Embedding(6, 3), lw.LSTM(UNITS, return_sequences=True), lw.Dense(6), shape=(None,))
    found = influence(network, np.array([0, 3, 5, 1]), output=2, step=2)
    assert found.completeness_error < 0.01
    assert found.steps[3] == 0  # what comes later had no part in it
