import numpy as np
import pytest
from marks import needs_kernels

import latchwork as lw
from latchwork.core.errors import InputError
from latchwork.core.network import NetworkData
from latchwork.engines.plain.server import PlainServer
from latchwork.explain.influence import influence
from latchwork.explain.trace import by_behaviour, trace

TIME, FEATURES, UNITS = 7, 3, 4


def build(*layers, shape=(None, FEATURES)):
    network = NetworkData.build(lw.Sequential(layers), shape, seed=1)
    random = np.random.default_rng(0)
    bigger = {name: random.normal(0, 0.8, array.shape).astype(np.float32) for name, array in network.parameters.items()}
    return NetworkData(network.spec, bigger)


@pytest.fixture(scope="module")
def sequence():
    return np.random.default_rng(5).normal(size=(TIME, FEATURES)).astype(np.float32)


@pytest.fixture(scope="module")
def lstm():
    return build(lw.LSTM(UNITS), lw.Dense(2))


def sigmoid(total):
    return 1 / (1 + np.exp(-total))


def simple_rnn_by_hand(w, x, state):
    hidden = np.tanh(x @ w["input_weight"] + state["hidden"] @ w["hidden_weight"] + w["bias"])
    return {"hidden": hidden}


def gru_by_hand(w, x, state):
    x_r, x_z, x_n = np.split(x @ w["input_weight"] + w["input_bias"], 3)
    h_r, h_z, h_n = np.split(state["hidden"] @ w["hidden_weight"] + w["hidden_bias"], 3)
    r, z = sigmoid(x_r + h_r), sigmoid(x_z + h_z)
    n = np.tanh(x_n + r * h_n)
    return {"reset": r, "update": z, "candidate": n, "hidden": (1 - z) * n + z * state["hidden"]}


def lstm_by_hand(w, x, state):
    """With peepholes where there are some, and with i = 1 - f where there are three gates."""
    p_i, p_f, p_o = (w.get(f"{gate}_peephole", 0) for gate in ("input", "forget", "output"))
    parts = np.split(x @ w["input_weight"] + state["hidden"] @ w["hidden_weight"] + w["bias"], len(w["bias"]) // UNITS)
    f, g, o = parts[-3:]
    f = sigmoid(f + p_f * state["cell"])
    i = sigmoid(parts[0] + p_i * state["cell"]) if len(parts) == 4 else 1 - f
    g = np.tanh(g)
    c = f * state["cell"] + i * g
    o = sigmoid(o + p_o * c)
    return {"input": i, "forget": f, "candidate": g, "output": o, "cell": c, "hidden": o * np.tanh(c)}


BY_HAND = {
    lw.SimpleRNN: simple_rnn_by_hand,
    lw.GRU: gru_by_hand,
    lw.LSTM: lstm_by_hand,
    lw.PeepholeLSTM: lstm_by_hand,
    lw.CoupledLSTM: lstm_by_hand,
}
ENGINES = [
    "plain",
    pytest.param("native", marks=needs_kernels),
]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("layer", BY_HAND)
def test_the_trace_equals_a_cell_computed_by_hand(layer, reverse, engine, monkeypatch):
    monkeypatch.setenv("LATCHWORK_ENGINE", engine)
    network = build(layer(UNITS, reverse=reverse), lw.Dense(2))
    weights = {name.removeprefix("layers.0."): array.astype(float) for name, array in network.parameters.items()}
    batch = np.random.default_rng(3).normal(size=(3, TIME, FEATURES)).astype(np.float32)
    lengths = np.array([TIME, 1, 4])
    found = trace(network, batch, lengths)
    for row, length in enumerate(lengths):
        state = {"hidden": np.zeros(UNITS), "cell": np.zeros(UNITS)}
        order = range(length - 1, -1, -1) if reverse else range(length)
        for step in order:
            by_hand = BY_HAND[layer](weights, batch[row, step].astype(float), state)
            assert list(found.layers["layers.0"]) == list(by_hand)
            for name, values in by_hand.items():
                np.testing.assert_allclose(found[name][row, step], values, atol=1e-6, err_msg=f"{name} at {step}")
            state = by_hand
        answer = state["hidden"] @ network.parameters["layers.1.weight"].astype(float)
        np.testing.assert_allclose(found.output[row], answer + network.parameters["layers.1.bias"], atol=3e-6)


# One chunk of rows, several, threads that share columns, and arrays of more than 4 MB, which come in large pages.
SIZES = [(layer, batch, units) for layer in BY_HAND for batch, units in [(1, 33), (50, 7), (13, 40)]]


@needs_kernels
@pytest.mark.parametrize(("layer", "batch", "units"), [*SIZES, (lw.LSTM, 4, 300), (lw.LSTM, 70, 300)])
def test_both_engines_trace_alike(layer, batch, units, monkeypatch):
    random = np.random.default_rng(0)
    inputs = random.normal(size=(batch, 9, 3)).astype(np.float32)
    for reverse, lengths in ((False, None), (True, random.integers(1, 10, batch))):
        network = NetworkData.build(lw.Sequential([layer(units, reverse=reverse), lw.Dense(2)]), (None, 3), seed=2)
        traces = []
        for engine in ("plain", "native"):
            monkeypatch.setenv("LATCHWORK_ENGINE", engine)
            traces.append(trace(network, inputs, lengths))
        expected, found = traces
        assert list(found.layers["layers.0"]) == list(expected.layers["layers.0"])
        for name, array in expected.layers["layers.0"].items():
            np.testing.assert_allclose(found[name], array, atol=3e-6, err_msg=name)
        np.testing.assert_allclose(found.output, expected.output, atol=3e-6)


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
    lengths = np.array([TIME, 4])
    found = trace(network, batch, lengths)
    expected = PlainServer(network.spec, network.parameters).run(batch, lengths)
    np.testing.assert_allclose(found.output, expected, atol=1e-6)
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
    with pytest.raises(InputError, match=r"got inputs of shape \(7, 2\): the network reads \(time, 3\)"):
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
