"""The runtime: the same answers as the networks that were trained, without JAX, from any thread."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
from marks import needs_kernels

from latchwork import SequenceClassifier, runtime
from latchwork.core import spec, storage
from latchwork.core.errors import InputError
from latchwork.core.spec import (
    GRU,
    LSTM,
    Bidirectional,
    CoupledLSTM,
    Dense,
    Dropout,
    Embedding,
    LayerNorm,
    PeepholeLSTM,
    Pooling,
    Sequential,
    SimpleRNN,
)  # fmt: skip
from latchwork.engines import native
from latchwork.engines.jax.network import Network

CELLS = [SimpleRNN(5), SimpleRNN(5, activation="relu"), GRU(5), LSTM(5), PeepholeLSTM(5), CoupledLSTM(5)]
X = np.random.default_rng(0).normal(size=(4, 7, 3)).astype("float32")
TOKENS = np.random.default_rng(1).integers(0, 9, (4, 7))
LENGTHS = np.array([7, 1, 4, 6], np.int32)

ONE_WAY = {
    **{repr(cell): [cell, Dense(2)] for cell in CELLS},
    "stack": [
        LSTM(5, return_sequences=True, dropout=0.5), LayerNorm(), Dropout(0.5), GRU(4), Dense(3, activation="relu"),
        Dense(2, activation="sigmoid"),
    ],
    "every step": [GRU(4, return_sequences=True), Dense(2, activation="tanh")],
    "pooling": [LSTM(4, return_sequences=True), Pooling(("first", "last", "mean", "max"))],
    "tokens": [Embedding(9, 3), LSTM(4), Dense(9)],
}  # fmt: skip
BOTH_WAYS = {
    "reverse": [PeepholeLSTM(4, reverse=True, return_sequences=True), CoupledLSTM(3, reverse=True)],
    "bidirectional": [Bidirectional(LSTM(4, return_sequences=True)), Bidirectional(GRU(3)), Dense(2)],
}


@pytest.fixture(params=["scan", "fused"])
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "fused" and not native.available():
        pytest.skip(native.engine_info().reason)
    monkeypatch.setenv("LATCHWORK_ENGINE", request.param)
    return request.param


def built(layers: list[spec.Layer]) -> tuple[Network, runtime.NumpyNetwork, np.ndarray]:
    """The network in JAX and in NumPy, its biases away from zero, and inputs for it."""
    tokens = isinstance(layers[0], Embedding)
    first = Network.build(Sequential(layers), (None,) if tokens else (None, 3), seed=1)
    generator = np.random.default_rng(2)
    parameters = {
        name: array + generator.normal(0, 0.3, array.shape).astype("float32")
        for name, array in first.parameters().items()
    }
    network = Network.from_parameters(first.spec, parameters)
    return network, runtime.NumpyNetwork(network.spec, parameters), TOKENS if tokens else X


@cache
def jax_outputs(name: str, ragged: bool) -> np.ndarray:
    """What the network gives in JAX, by its scan engine."""
    network, _, inputs = built((ONE_WAY | BOTH_WAYS)[name])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LATCHWORK_ENGINE", "scan")
        return np.asarray(network(jnp.asarray(inputs), jnp.asarray(LENGTHS) if ragged else None))


@pytest.mark.parametrize("name", [*ONE_WAY, *BOTH_WAYS])
@pytest.mark.parametrize("ragged", [False, True], ids=["full", "ragged"])
def test_outputs_are_those_of_the_trained_network(name: str, ragged: bool, engine: str):
    _, ours, inputs = built((ONE_WAY | BOTH_WAYS)[name])
    expected = jax_outputs(name, ragged)
    found = ours(inputs, LENGTHS if ragged else None)
    assert found.dtype == np.float32 and found.shape == expected.shape
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("name", ONE_WAY)
def test_step_by_step_is_the_whole_sequence(name: str, engine: str):
    _, ours, inputs = built(ONE_WAY[name])
    state = ours.initial_state(len(inputs))
    every_step = len(ours.spec.output_shape()) == 2
    for at in range(inputs.shape[1]):
        output, state = ours.step(inputs[:, at], state)
        whole = ours(inputs[:, : at + 1])
        np.testing.assert_allclose(output, whole[:, -1] if every_step else whole, atol=1e-6)


@pytest.mark.parametrize("name", BOTH_WAYS)
def test_a_network_that_reads_backwards_cannot_go_step_by_step(name: str):
    with pytest.raises(InputError, match="cannot go step by step"):
        built(BOTH_WAYS[name])[1].initial_state(1)


def saved_classifier(path: Path, **changes) -> Path:
    network, _, _ = built([LSTM(5), Dense(3)])
    document = {"job": "classification", "network": network.spec.to_dict(), "fitted": {"classes": ["a", "b", "c"]}}
    tensors = {f"network.{name}": array for name, array in network.parameters().items()}
    tensors |= {"fitted.scaler.offset": np.array([1.0, 2, 3]), "fitted.scaler.scale": np.array([2.0, 1, 4])}
    tensors |= dict(changes.pop("tensors", {}).items())
    document |= changes
    storage.save(path, document, {name: array for name, array in tensors.items() if array is not None})
    return path


def test_a_classifier_answers_in_labels_and_probabilities(tmp_path: Path):
    model = runtime.load(saved_classifier(tmp_path / "m.latch"))
    inputs = (X - [1, 2, 3]) / [2, 1, 4]
    logits = model.network(np.where(np.arange(7)[:, None] < LENGTHS[:, None, None], inputs, 0).astype("f4"), LENGTHS)
    probabilities = model.predict_proba(X, LENGTHS)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(np.log(probabilities[:, :1] / probabilities), logits[:, :1] - logits, atol=1e-5)
    assert model.predict(X, LENGTHS).tolist() == [["a", "b", "c"][k] for k in logits.argmax(axis=1)]
    state = model.initial_state(4)
    for at in range(7):
        answer, state = model.step(X[:, at], state)
    np.testing.assert_allclose(answer, model.predict_proba(X), atol=1e-6)


def test_a_trained_classifier_answers_alike_from_its_file(tmp_path: Path):
    generator = np.random.default_rng(0)
    rows = [generator.normal(3, 2, (length, 2)) for length in generator.integers(2, 9, 40)]
    labels = np.where([row[0, 0] > 3 for row in rows], "high", "low")
    trained = SequenceClassifier(Sequential([GRU(4), Dense(2)]), epochs=2, progress="none").fit(rows, labels)
    trained.save(tmp_path / "m.latch")
    model = runtime.load(tmp_path / "m.latch")
    np.testing.assert_allclose(model.predict_proba(rows), trained.predict_proba(rows), atol=1e-5)
    assert model.predict(rows).tolist() == trained.predict(rows).tolist()


def test_many_sequences_give_what_few_give(tmp_path: Path):
    model = runtime.load(saved_classifier(tmp_path / "m.latch"))
    many = np.concatenate([X] * 300)
    np.testing.assert_allclose(model.predict_proba(many), np.concatenate([model.predict_proba(X)] * 300), atol=1e-6)


def test_a_regressor_answers_in_its_own_units(tmp_path: Path):
    network, ours, _ = built([GRU(4), Dense(1)])
    tensors = {f"network.{name}": array for name, array in network.parameters().items()}
    tensors |= {"fitted.target_scaler.offset": np.array([100.0]), "fitted.target_scaler.scale": np.array([7.0])}
    document = {"job": "regression", "network": network.spec.to_dict(), "fitted": {"vector": True}}
    storage.save(tmp_path / "m.latch", document, tensors)
    model = runtime.load(tmp_path / "m.latch")
    np.testing.assert_allclose(model.predict(X), ours(X)[:, 0] * 7.0 + 100, rtol=1e-6)
    with pytest.raises(InputError, match="only a classifier has probabilities"):
        model.predict_proba(X)


def test_threads_share_a_model(tmp_path: Path):
    model = runtime.load(saved_classifier(tmp_path / "m.latch"))
    batches = [np.random.default_rng(seed).normal(size=(9, 5, 3)) for seed in range(32)]
    alone = [model.predict_proba(batch) for batch in batches]
    with ThreadPoolExecutor(8) as pool:
        for expected, found in zip(alone, pool.map(model.predict_proba, batches), strict=True):
            np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"network": None}, "model without a network"),
        ({"network": 3}, "not a network"),
        ({"network": {"input_shape": [None, 3], "layers": [{"kind": "Attention"}]}}, "unknown layer"),
        ({"network": Sequential([LSTM(6), Dense(3)], input_shape=(None, 3)).to_dict()}, "has shape"),
        ({"network": Sequential([LSTM(5)], input_shape=(None, 3)).to_dict()}, "belongs to no layer"),
        ({"network": Sequential([LSTM(5), Dense(3)]).to_dict()}, "input shape is not known"),
        ({"tensors": {"network.layers.1.bias": None}}, "layers.1.bias is missing"),
        ({"tensors": {"fitted.scaler.offset": np.zeros(4)}}, "its scaler is for"),
        ({"tensors": {"fitted.scaler.scale": None}}, "its scaler has the arrays"),
        ({"fitted": {"classes": ["a", "b"]}}, "its network has 3 outputs"),
        ({"fitted": 3}, "'fitted' is not an object"),
        ({"fitted": {"classes": 3}}, "its classes are 3"),
        ({"job": None}, "names no job"),
    ],
)
def test_a_sound_file_that_is_no_model_is_refused(tmp_path: Path, changes: dict, reason: str):
    path = saved_classifier(tmp_path / "m.latch", **changes)
    with pytest.raises(InputError, match=reason) as caught:
        runtime.load(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_bad_inputs_are_refused(tmp_path: Path):
    model = runtime.load(saved_classifier(tmp_path / "m.latch"))
    for bad, reason in [
        (X[..., :2], "expected 3 features"),
        (X[0], "for one feature use"),
        (np.full_like(X, np.nan), "missing"),
    ]:
        with pytest.raises(InputError, match=reason):
            model.predict(bad)
    with pytest.raises(InputError, match=r"a step is \(batch, features\)"):
        model.step(X, model.initial_state(4))


def test_token_numbers_are_checked(tmp_path: Path):
    network, ours, _ = built(ONE_WAY["tokens"])
    tensors = {f"network.{name}": array for name, array in network.parameters().items()}
    storage.save(tmp_path / "m.latch", {"job": "tokens", "network": network.spec.to_dict()}, tensors)
    model = runtime.load(tmp_path / "m.latch")
    np.testing.assert_array_equal(model.predict(TOKENS, LENGTHS), ours(TOKENS, LENGTHS))
    for bad in (TOKENS + 1, TOKENS - 9, TOKENS[0], TOKENS * 1.0):
        with pytest.raises(InputError, match="token numbers"):
            model.predict(bad)


def test_the_runtime_imports_no_jax(tmp_path: Path):
    path = saved_classifier(tmp_path / "m.latch")
    code = f"""
import sys
import numpy as np
from latchwork import runtime
print(runtime.load({str(path)!r}).predict(np.zeros((2, 5, 3))).shape)
heavy = {{"jax", "jaxlib", "equinox", "optax", "typer", "matplotlib", "rich", "jaxtyping", "narwhals"}}
print(sorted(heavy & {{name.partition(".")[0] for name in sys.modules}}))
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout == "(2,)\n[]\n"


def test_an_engine_that_is_not_known_or_not_there_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LATCHWORK_ENGINE", "warp")
    with pytest.raises(InputError, match="expected one of auto, native, plain"):
        built(ONE_WAY["stack"])
    monkeypatch.setenv("LATCHWORK_ENGINE", "fused")
    monkeypatch.setattr(native, "available", lambda: False)
    with pytest.raises(InputError, match="LATCHWORK_ENGINE=native: "):
        built(ONE_WAY["stack"])


@needs_kernels
def test_nothing_of_a_wrong_shape_reaches_the_kernels():
    weights = {"input_weight": np.ones((3, 8)), "hidden_weight": np.ones((2, 8)), "bias": np.zeros(8)}
    state = (np.zeros((4, 2)), np.zeros((4, 2)))
    outputs, _ = native.unroll("lstm", weights, X, state)
    assert outputs.shape == (4, 7, 2)
    wrong = [
        ({**weights, "bias": np.zeros(7)}, X, state, None),
        ({**weights, "hidden_weight": np.ones((3, 8))}, X, state, None),
        (weights, X[..., :2], state, None),
        (weights, X, state[:1], None),
        (weights, X, (state[0], state[1][:3]), None),
        (weights, X, state, [1, 2, 3]),
        (weights, X, state, [1, 2, 3, 8]),
        (weights, X, state, [1, 2, 3, -1]),
        (weights, X[:, :0], state, None),
    ]
    for case in wrong:
        with pytest.raises(ValueError, match=r"shape|state|lengths"):
            native.unroll("lstm", *case)
