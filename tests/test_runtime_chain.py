"""A small network in one call: the answers of its layers one by one, whatever the arrays look like."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from latchwork.core import spec
from latchwork.core.errors import InputError
from latchwork.core.network import NetworkData
from latchwork.core.spec import GRU, LSTM, CoupledLSTM, Dense, Dropout, PeepholeLSTM, Pooling, Sequential, SimpleRNN
from latchwork.core.table import initial_parameters
from latchwork.engines import native
from latchwork.runtime.chain import chainable, make_chain
from latchwork.runtime.interim import Layers as NumpyNetwork
from latchwork.runtime.model import Model
from latchwork.transforms.labels import Labels
from latchwork.transforms.scaling import Scaler

pytestmark = pytest.mark.skipif(not native.available(), reason=native.engine_info().reason)

X = np.random.default_rng(0).normal(size=(3, 6, 2)).astype("float32")
SCALER = Scaler(np.array([0.5, -1.0]), np.array([2.0, 0.25]))
NETWORKS = {
    "simple": [SimpleRNN(5, activation="relu"), Dense(3)],
    "gru": [GRU(17, return_sequences=True), Dense(3, activation="tanh")],
    "lstm": [LSTM(5), Dropout(0.5), Dense(20, activation="relu"), Dense(3)],
    "peepholes": [PeepholeLSTM(5, return_sequences=True), LSTM(33), Dense(3, activation="sigmoid")],
    "coupled": [CoupledLSTM(3)],
}


def network_of(layers: list[spec.Layer]) -> NumpyNetwork:
    described = Sequential(layers).with_input((None, 2))
    generator = np.random.default_rng(1)
    parameters = {
        name: array + generator.normal(0, 0.3, array.shape).astype("float32")
        for name, array in initial_parameters(described, 0).items()
    }
    return NumpyNetwork(described, parameters)


def model_of(network: NumpyNetwork, scaler: Scaler | None = None, labels: Labels | None = None) -> Model:
    parameters = {f"layers.{i}.{name}": a for i, own in enumerate(network.layer_parameters) for name, a in own.items()}
    return Model("classification" if labels else "other", NetworkData(network.spec, parameters), scaler, labels)


@pytest.mark.parametrize("scaler", [None, SCALER])
@pytest.mark.parametrize("name", NETWORKS)
def test_it_gives_what_the_layers_give(name: str, scaler: Scaler | None):
    network = network_of(NETWORKS[name])
    assert chainable(network)
    expected = network(X if scaler is None else scaler.transform(X))
    outputs = make_chain(network, scaler, scores=False).run(X, None)
    assert outputs is not None
    np.testing.assert_allclose(outputs, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("reverse", [False, True])
def test_ragged_and_reversed(reverse: bool):
    network = network_of([LSTM(5, reverse=reverse, return_sequences=True), GRU(4, reverse=reverse)])
    lengths = np.array([6, 1, 4], np.int32)
    outputs = make_chain(network, None, scores=False).run(X, lengths)
    np.testing.assert_allclose(outputs, network(X, lengths), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", NETWORKS)
def test_step_by_step_it_gives_the_whole_sequence(name: str):
    model = model_of(network_of(NETWORKS[name]), SCALER)
    state = model.initial_state(3)
    for time in range(6):
        outputs, state = model.step(X[:, time], state)
        expected = model.network(SCALER.transform(X[:, : time + 1]))
        np.testing.assert_allclose(outputs, expected if expected.ndim == 2 else expected[:, -1], rtol=1e-5, atol=1e-6)


def test_a_classifier_gives_probabilities_at_each_step():
    model = model_of(network_of(NETWORKS["lstm"]), labels=Labels(np.array(["a", "b", "c"])))
    state = model.initial_state(3)
    for time in range(6):
        probabilities, state = model.step(X[:, time], state)
    np.testing.assert_allclose(probabilities, model.predict_proba(X), rtol=1e-5)


def test_a_state_is_not_used_up():
    model = model_of(network_of(NETWORKS["peepholes"]))
    _, state = model.step(X[:, 0], model.initial_state(3))
    first, _ = model.step(X[:, 1], state)
    model.step(X[:, 2], state)
    again, _ = model.step(X[:, 1], state)
    assert (first == again).all()


def test_any_array_of_numbers_will_do():
    model = model_of(network_of(NETWORKS["gru"]), SCALER)
    expected = model.outputs(X)
    for given in (X.astype("float64"), np.asfortranarray(X), np.repeat(X, 2, axis=1)[:, ::2]):
        np.testing.assert_allclose(model.outputs(given), expected, rtol=1e-5, atol=1e-6)
        outputs, _ = model.step(given[:, 0], model.initial_state(3))
        np.testing.assert_allclose(outputs, expected[:, 0], rtol=1e-5, atol=1e-6)


def test_bad_inputs_are_refused():
    model = model_of(network_of(NETWORKS["lstm"]))
    state = model.initial_state(3)
    nan = X[:, 0].copy()
    nan[1, 1] = np.nan
    for inputs, words in [
        (nan, "is missing"),
        (X[:, 0] * np.float32(np.inf), "missing|infinite"),
        (X[:2, 0], "2 sequences and a state of 3"),
        (X[:, 0, :1], "expected 2 features"),
        (X, "a step is"),
        (np.array([["a", "b"]] * 3), "where numbers belong"),
    ]:
        with pytest.raises(InputError, match=words):
            model.step(inputs, state)
    for inputs, words in [(X[..., :1], "expected 2 features"), (X[:0], "nothing in it"), (X[0], "batch of sequences")]:
        with pytest.raises(InputError, match=words):
            model.outputs(inputs)
    with pytest.raises(InputError, match="length"):
        model.outputs(X, np.array([6, 7, 1], np.int32))


def test_large_calls_go_layer_by_layer_and_give_the_same():
    model = model_of(network_of(NETWORKS["lstm"]))
    many = np.tile(X, (2000, 1, 1))
    np.testing.assert_allclose(model.outputs(many)[:3], model.outputs(X), rtol=1e-5, atol=1e-6)


def test_layers_that_it_does_not_know_are_left_alone():
    assert not chainable(network_of([LSTM(4, return_sequences=True), Pooling()]))


def test_threads_share_it():
    model = model_of(network_of(NETWORKS["peepholes"]))
    expected = model.outputs(X)
    with ThreadPoolExecutor(8) as pool:
        for outputs in pool.map(lambda _: model.outputs(X), range(400)):
            assert (outputs == expected).all()
