"""A dense layer tied to the embedding: in a spec, in a file, and for whoever answers."""

from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from latchwork.core.errors import InputError
from latchwork.core.network import NetworkData
from latchwork.core.spec import LSTM, Dense, Embedding, Sequential
from latchwork.core.tying import untied
from latchwork.engines.jax.network import Network
from latchwork.engines.native import available, program
from latchwork.engines.plain.gradient import gradient
from latchwork.engines.plain.server import PlainServer
from latchwork.runtime.model import Model

TIED = Sequential([Embedding(11, 6), LSTM(8, return_sequences=True), Dense(6, "tanh"), Dense(11, tied=True)])
TOKENS = np.random.default_rng(0).integers(0, 11, (3, 5))
DATA = NetworkData.build(TIED, (None,), seed=2)


def answers(data: NetworkData) -> dict[str, np.ndarray]:
    """Of everybody who answers."""
    found = {
        "plain": PlainServer(data.spec, data.parameters).run(TOKENS),
        "jax": np.asarray(Network.from_data(data)(jnp.asarray(TOKENS))),
    }
    if available():
        found["native"] = program.serve(data.spec, data.parameters).run(TOKENS)
        found["traced"] = program.trace(data.spec, data.parameters, TOKENS)[1]
    return found


def test_it_answers_as_one_with_a_matrix_of_its_own():
    assert sorted(DATA.parameters) == sorted(NetworkData(TIED.with_input((None,)), DATA.parameters).parameters)
    assert "layers.3.weight" not in DATA.parameters
    spec, parameters = untied(DATA.spec, DATA.parameters)
    np.testing.assert_array_equal(parameters["layers.3.weight"], DATA.parameters["layers.0.weight"].T)
    expected = PlainServer(spec, parameters).run(TOKENS)
    for who, found in answers(DATA).items():
        np.testing.assert_allclose(found, expected, atol=1e-6, err_msg=who)
    again = NetworkData(spec, {name: np.asarray(array) for name, array in parameters.items()})
    assert untied(again.spec, again.parameters) == (again.spec, again.parameters)


def test_other_formats_have_the_matrix_twice(tmp_path: Path):
    onnxruntime = pytest.importorskip("onnxruntime")
    from latchwork.interop.exporting.onnx_model import export_onnx

    export_onnx(DATA, tmp_path / "tied.onnx")
    session = onnxruntime.InferenceSession(str(tmp_path / "tied.onnx"))
    (found,) = session.run(None, {session.get_inputs()[0].name: TOKENS})[:1]
    np.testing.assert_allclose(found, Model("test", DATA).predict(TOKENS), atol=1e-5)


def test_members_have_their_own():
    stacked = NetworkData.stacked([DATA, NetworkData.build(TIED, (None,), seed=3)])
    for place in range(2):
        one, other = stacked.untied().member(place), stacked.member(place).untied()
        for name, array in one.parameters.items():
            np.testing.assert_array_equal(array, other.parameters[name])


def test_it_goes_step_by_step():
    model = Model("test", DATA)
    whole, state = model.predict(TOKENS), model.initial_state(3)
    for step in range(TOKENS.shape[1]):
        scores, state = model.step(TOKENS[:, step], state)
        np.testing.assert_allclose(scores, whole[:, step], atol=1e-6)


def test_the_kernels_gradient_by_the_vectors_is_numpys():
    if not available():
        pytest.skip("the kernels were not built")
    inputs = np.random.default_rng(1).normal(size=(2, 4, 6)).astype(np.float32)
    weights = np.random.default_rng(2).normal(size=(2, 4, 11)).astype(np.float32)
    _, ours = program.gradient(DATA.spec, DATA.parameters, inputs, weights)
    rest = Sequential([LSTM(8, return_sequences=True), Dense(6, "tanh"), Dense(11)], input_shape=(None, 6))
    _, all_of_them = untied(DATA.spec, DATA.parameters)
    own = {f"layers.{int(name[7]) - 1}{name[8:]}": array for name, array in all_of_them.items() if name[7] != "0"}
    np.testing.assert_allclose(ours, gradient(rest, own, inputs, weights)[1], atol=1e-5)


def test_a_spec_keeps_it_and_says_nothing_where_it_is_not():
    assert repr(TIED.layers[-1]) == "Dense(11, tied=True)"
    assert Sequential.from_dict(TIED.to_dict()) == TIED
    assert Dense(3).to_dict() == {"kind": "Dense", "units": 3, "activation": None}
    assert TIED.with_input((None,)).parameter_shapes()["layers.3.bias"] == (11,)


def test_a_file_has_the_matrix_once(tmp_path: Path):
    from latchwork.bench.work import save_model
    from latchwork.core import storage

    path = save_model(DATA.spec, dict(DATA.parameters), tmp_path / "tied.latch")
    document, tensors = storage.load(path)
    assert "network.layers.3.weight" not in tensors and document["network"]["layers"][3]["tied"]


@pytest.mark.parametrize(
    ("layers", "words"),
    [
        ([LSTM(6, return_sequences=True), Dense(11, tied=True)], r"begin the network with Embedding\(11"),
        ([Embedding(12, 6), Dense(11, tied=True)], "has 12, so give it that many units"),
        ([Embedding(11, 6), LSTM(8, return_sequences=True), Dense(11, tied=True)], r"given 8 numbers: put Dense\(6\)"),
    ],
)
def test_what_cannot_be_tied_is_said(layers: list, words: str):
    with pytest.raises(InputError, match=words):
        Sequential(layers, input_shape=(None,) if isinstance(layers[0], Embedding) else (None, 6))


def test_it_is_tied_or_not():
    with pytest.raises(InputError, match="tied is True or False, got 'yes'"):
        Dense(11, tied="yes")  # pyright: ignore[reportArgumentType]
