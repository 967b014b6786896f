"""PyTorch's state dicts and graphs: read, and given back, with the same answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import goldens
import numpy as np
import pytest

import latchwork as lw
from latchwork.core.spec import Sequential
from latchwork.interop.importing import import_model, read_torch
from latchwork.interop.importing.torch_state import network_of_state

FILES, ANSWERS = goldens.read("interop_torch.zip")
STATES = [file for file in FILES if not file.endswith(".onnx")]
GRAPHS = [file for file in FILES if file.endswith(".onnx")]


def imported(file: str, folder: Path) -> Any:
    (folder / file).write_bytes(FILES[file])
    name = file.partition(".")[0]
    return import_model(folder / file, reads=name.rpartition("_")[2], activation="relu")


@pytest.mark.parametrize("file", STATES)
def test_a_state_dict_answers_as_its_module(file: str, tmp_path: Path):
    name = file.partition(".")[0]
    model = imported(file, tmp_path)
    np.testing.assert_allclose(model.predict(ANSWERS[f"{name}.x"]), ANSWERS[f"{name}.y"], atol=1e-5)


@pytest.mark.parametrize("file", GRAPHS)
def test_a_graph_answers_as_its_module(file: str, tmp_path: Path):
    pytest.importorskip("onnx")
    name = file.partition(".")[0]
    (tmp_path / file).write_bytes(FILES[file])
    model = import_model(tmp_path / file)
    np.testing.assert_allclose(model.predict(ANSWERS[f"{name}.x"]), ANSWERS[f"{name}.y"], atol=1e-5)


@pytest.mark.parametrize("file", STATES)
def test_pytorch_to_latchwork_to_pytorch(file: str, tmp_path: Path):
    """Where PyTorch is installed (it is not on the gate)."""
    torch = pytest.importorskip("torch")
    name = file.partition(".")[0]
    inputs, expected = ANSWERS[f"{name}.x"], ANSWERS[f"{name}.y"]
    module = lw.to_torch(imported(file, tmp_path))
    with torch.no_grad():
        np.testing.assert_allclose(module(torch.tensor(inputs)).numpy(), expected, atol=1e-5)
    # and once more by its own state dict
    torch.save(module.state_dict(), tmp_path / "again.pt")
    again = import_model(tmp_path / "again.pt", reads=name.rpartition("_")[2], activation="relu")
    np.testing.assert_allclose(again.predict(inputs), expected, atol=1e-5)


def test_a_module_respects_lengths_padding_scalers_and_ends():
    torch = pytest.importorskip("torch")
    from latchwork.core.network import NetworkData
    from latchwork.runtime.model import Model
    from latchwork.transforms.labels import Labels
    from latchwork.transforms.scaling import Scaler

    rng = np.random.default_rng(0)
    scaler = Scaler(np.array([5.0, 1.0, 0.0]), np.array([2.0, 1.0, 0.5]))
    for layers in (
        [lw.GRU(4, reverse=True, return_sequences=True), lw.Pooling(("first", "last", "mean", "max")), lw.Dense(2)],
        [
            lw.Bidirectional(lw.LSTM(4, return_sequences=True)),
            lw.LayerNorm(),
            lw.SimpleRNN(3, activation="relu"),
            lw.Dense(2),
        ],
    ):
        data = NetworkData.build(Sequential(layers), (None, 3), seed=1)
        inputs, lengths = rng.normal(size=(4, 6, 3)).astype(np.float32), np.array([6, 2, 3, 1], np.int32)
        for model in (
            Model("classification", data, scaler, labels=Labels(("a", "b"))),
            Model("regression", data, scaler, target_scaler=Scaler(np.array([1.0, 2.0]), np.array([3.0, 4.0]))),
        ):
            module = lw.to_torch(model)
            for given in ((), (lengths,)):
                expected = model.predict_proba(inputs, *given) if model.labels else model.predict(inputs, *given)
                found = module(torch.tensor(inputs), *map(torch.tensor, given)).detach().numpy()
                np.testing.assert_allclose(found, expected, atol=1e-5)
    for layer in (lw.PeepholeLSTM(3), lw.CoupledLSTM(3), lw.SLSTM(3)):
        with pytest.raises(lw.InputError, match=f"{type(layer).__name__}.*PyTorch"):
            lw.to_torch(NetworkData.build(Sequential([layer]), (None, 3)))


def test_keras_models_as_modules(tmp_path: Path):
    """Merges, masks, repeated vectors: what PyTorch has no layer of its own for."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("h5py")
    files, answers = goldens.read("interop_keras.zip")
    refused = set()
    for file in (file for file in files if file.endswith(".keras")):
        name = file.partition(".")[0]
        (tmp_path / file).write_bytes(files[file])
        try:
            module = lw.to_torch(import_model(tmp_path / file))
        except lw.InputError as error:
            refused.add((name, "relu" in str(error)))
            continue
        found = module(torch.tensor(answers[f"{name}.x"])).detach().numpy()
        np.testing.assert_allclose(found, answers[f"{name}.y"], atol=1e-5, err_msg=name)
    assert refused == {("lstm_relu", True), ("gru_relu", True)}


def state(**arrays: tuple[int, ...]) -> dict[str, np.ndarray]:
    return {name.replace("__", "."): np.ones(shape, np.float32) for name, shape in arrays.items()}


def lstm(features: int = 3, units: int = 4, prefix: str = "lstm", reverse: bool = False) -> dict[str, np.ndarray]:
    found = {}
    for way in ("", "_reverse") if reverse else ("",):
        found[f"{prefix}.weight_ih_l0{way}"] = np.ones((4 * units, features), np.float32)
        found[f"{prefix}.weight_hh_l0{way}"] = np.ones((4 * units, units), np.float32)
        found[f"{prefix}.bias_ih_l0{way}"] = found[f"{prefix}.bias_hh_l0{way}"] = np.ones(4 * units, np.float32)
    return found


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        (lstm() | {"lstm.weight_hr_l0": np.ones((2, 4))}, "proj_size"),
        (lstm(reverse=True) | state(fc__weight=(2, 8), fc__bias=(2,)), "give reads"),
        (lstm() | state(a__weight=(5, 4), a__bias=(5,), b__weight=(2, 5), b__bias=(2,)), "give activation"),
        (lstm() | state(fc__weight=(2, 7), fc__bias=(2,)), "do not fit together"),
        (lstm() | state(conv__weight=(2, 4, 3), conv__bias=(2,)), "'conv'.*convolution"),
        (lstm() | state(attention__in_proj_weight=(12, 4)), "'attention'.*attention"),
        (state(fc__weight=(2, 4), fc__bias=(2,)), "no nn.LSTM"),
        (state(cell__weight_ih=(16, 3), cell__weight_hh=(16, 4)), "LSTMCell"),
        (lstm() | {"lstm.weight_ih_l1": np.ones((16, 4))}, "missing or strange"),
        (lstm() | {"h0": np.ones((1, 1, 4))}, "of no kind that is read"),
    ],
)
def test_what_a_state_dict_leaves_open_is_asked_for(arrays: dict[str, np.ndarray], said: str):
    with pytest.raises(lw.InputError, match=said) as raised:
        network_of_state(arrays)
    assert "\n" not in str(raised.value)


def test_modules_are_put_in_order_by_what_fits():
    """safetensors sorts by name; so `fc` comes before `lstm`, and `lstm2` may before `lstm1`."""
    arrays = (
        state(fc__weight=(2, 6), fc__bias=(2,))
        | lstm(4, 6, "b_lstm")
        | lstm(3, 4, "c_lstm")
        | state(word__weight=(9, 3))
    )
    read = network_of_state(arrays)
    assert read.names == ("word", "c_lstm", "b_lstm", "fc")
    assert read.data.spec.layers[1:3] == (lw.LSTM(4, return_sequences=True), lw.LSTM(6))


def test_what_was_taken_for_granted_is_said(tmp_path: Path):
    file = next(file for file in STATES if file.startswith("rnn1_final"))
    (tmp_path / file).write_bytes(FILES[file])
    notes = read_torch(tmp_path / file, activation="relu").notes
    assert "rnn (SimpleRNN) -> its final hidden state -> fc1 (linear)" in notes[0]
    assert any("tanh, PyTorch's default" in note for note in notes)
    other = read_torch(tmp_path / file, activation="relu,rnn-relu").data.spec.layers[0]
    assert other == lw.SimpleRNN(5, activation="relu")
