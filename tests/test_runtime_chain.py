"""A small network in one call: the answers of its layers one by one, whatever the arrays look like."""

import dataclasses
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from marks import needs_kernels

from latchwork.core import spec, table
from latchwork.core.errors import InputError
from latchwork.core.network import NetworkData
from latchwork.core.spec import GRU, LSTM, CoupledLSTM, Dense, Dropout, PeepholeLSTM, Sequential, SimpleRNN
from latchwork.engines.plain.server import PlainServer
from latchwork.runtime.model import Model
from latchwork.runtime.server import make_server
from latchwork.transforms.labels import Labels
from latchwork.transforms.scaling import Scaler

pytestmark = needs_kernels

X = np.random.default_rng(0).normal(size=(3, 6, 2)).astype("float32")
SCALER = Scaler(np.array([0.5, -1.0]), np.array([2.0, 0.25]))
NETWORKS = {
    "simple": [SimpleRNN(5, activation="relu"), Dense(3)],
    "gru": [GRU(17, return_sequences=True), Dense(3, activation="tanh")],
    "lstm": [LSTM(5), Dropout(0.5), Dense(20, activation="relu"), Dense(3)],
    "peepholes": [PeepholeLSTM(5, return_sequences=True), LSTM(33), Dense(3, activation="sigmoid")],
    "coupled": [CoupledLSTM(3)],
}


def network_of(layers: list[spec.Layer]) -> NetworkData:
    data = NetworkData.build(Sequential(layers), (None, 2), seed=0)
    generator = np.random.default_rng(1)
    moved = {name: a + generator.normal(0, 0.3, a.shape).astype("float32") for name, a in data.parameters.items()}
    return NetworkData(data.spec, moved)


def plain(data: NetworkData, inputs: np.ndarray, lengths: np.ndarray | None = None) -> np.ndarray:
    return PlainServer(data.spec, data.parameters).run(inputs, lengths)


def model_of(data: NetworkData, scaler: Scaler | None = None, labels: Labels | None = None) -> Model:
    return Model("classification" if labels else "other", data, scaler, labels)


@pytest.mark.parametrize("scaler", [None, SCALER])
@pytest.mark.parametrize("name", NETWORKS)
def test_it_gives_what_the_layers_give(name: str, scaler: Scaler | None):
    data = network_of(NETWORKS[name])
    expected = plain(data, X if scaler is None else scaler.transform(X))
    outputs = make_server(data, scaler).run(X)
    np.testing.assert_allclose(outputs, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("reverse", [False, True])
def test_ragged_and_reversed(reverse: bool):
    data = network_of([LSTM(5, reverse=reverse, return_sequences=True), GRU(4, reverse=reverse)])
    lengths = np.array([6, 1, 4], np.int32)
    np.testing.assert_allclose(make_server(data).run(X, lengths), plain(data, X, lengths), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", NETWORKS)
def test_step_by_step_it_gives_the_whole_sequence(name: str):
    model = model_of(network_of(NETWORKS[name]), SCALER)
    state = model.initial_state(3)
    for time in range(6):
        outputs, state = model.step(X[:, time], state)
        expected = plain(model.data, SCALER.transform(X[:, : time + 1]))
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


def test_what_the_kernels_do_not_know_runs_in_numpy(monkeypatch: pytest.MonkeyPatch):
    """And by its own equation; where the kernels are asked for, their reason is told."""
    row = dataclasses.replace(table.CELLS[GRU], kernel=None)
    monkeypatch.setitem(table.CELLS, GRU, row)
    data = network_of([GRU(4), Dense(3)])
    np.testing.assert_array_equal(make_server(data).run(X), plain(data, X))
    monkeypatch.setenv("LATCHWORK_ENGINE", "native")
    with pytest.raises(InputError, match=r"LATCHWORK_ENGINE=native: the kernels have no cell for GRU\(4\)"):
        make_server(data)


def test_threads_share_it():
    model = model_of(network_of(NETWORKS["peepholes"]))
    expected = model.outputs(X)
    with ThreadPoolExecutor(8) as pool:
        for outputs in pool.map(lambda _: model.outputs(X), range(400)):
            assert (outputs == expected).all()
