"""Every job's model as an ONNX graph, and the commands: ONNX Runtime answers what the job's own model does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_models import LENGTHS, RATE, TEXT, X, sound, tokens_of, write_every_job

import latchwork as lw
from latchwork import runtime
from latchwork.cli.main import run
from latchwork.core.probabilities import log_softmax, softmax
from latchwork.estimators import recipe
from latchwork.forecasting.methods.corrector_inputs import corrector_inputs
from latchwork.interop.exporting import export_keras, export_onnx
from latchwork.interop.importing import import_model

pytest.importorskip("onnx")
ort = pytest.importorskip("onnxruntime")
ort.set_default_logger_severity(3)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("jobs")
    write_every_job(made)
    return made


def session(model: Any, folder: Path) -> Any:
    export_onnx(model, folder / "exported.onnx")
    return ort.InferenceSession(folder / "exported.onnx", providers=["CPUExecutionProvider"])


def facts(ran: Any) -> dict[str, Any]:
    return dict(ran.get_modelmeta().custom_metadata_map)


def test_a_classifier_of_each_step(folder: Path, tmp_path: Path):
    ran, model = session(folder / "classification.latch", tmp_path), runtime.load(folder / "classification.latch")
    for given in ({}, {"lengths": LENGTHS.astype(np.int32)}):
        probabilities, label = ran.run(["probabilities", "label"], {"inputs": X, **given})
        np.testing.assert_allclose(probabilities, model.predict_proba(X, *given.values()), atol=1e-5)
        assert label.tolist() == model.predict(X, *given.values()).tolist()
    assert json.loads(facts(ran)["labels"]) == ["a", "b", "c"]


def test_a_regressor_in_its_own_units(folder: Path, tmp_path: Path):
    ran, model = session(folder / "regression.latch", tmp_path), runtime.load(folder / "regression.latch")
    for given in ({}, {"lengths": LENGTHS.astype(np.int32)}):
        found = ran.run(["outputs"], {"inputs": X, **given})[0]
        np.testing.assert_allclose(found, model.predict(X, *given.values()), rtol=1e-5, atol=1e-5)


def test_an_estimator_and_its_recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    designs = dict(list(recipe.designs(2).items())[:1])
    monkeypatch.setattr(recipe, "designs", lambda outputs, one_way: designs)
    monkeypatch.setattr(recipe, "FEWEST_EPOCHS", 1)
    monkeypatch.setattr(recipe, "MOST_EPOCHS", 1)
    answers = X[:, 0, 0] > 0
    fitted = lw.SequenceClassifier(progress="none").fit(X.repeat(4, 0), answers.repeat(4))
    probabilities, label = session(fitted, tmp_path).run(["probabilities", "label"], {"inputs": X})
    np.testing.assert_allclose(probabilities, fitted.predict_proba(X), atol=1e-5)
    assert label.tolist() == fitted.predict(X).tolist()
    again = import_model(tmp_path / "exported.onnx")
    np.testing.assert_allclose(again.predict_proba(X), probabilities, atol=1e-5)

    one = lw.SequenceRegressor(lw.Sequential([lw.GRU(4), lw.Dense(1)]), epochs=1, progress="none").fit(
        X, 1e4 + X[:, 0, 0]
    )
    found = session(one, tmp_path).run(["outputs"], {"inputs": X})[0]
    assert found.shape == (len(X),)
    np.testing.assert_allclose(found, one.predict(X), rtol=1e-6)
    np.testing.assert_allclose(import_model(tmp_path / "exported.onnx").predict(X), one.predict(X), rtol=1e-6)


@pytest.mark.parametrize("name", ["text", "keyboard"])
def test_a_language_model_with_its_vocabulary(name: str, folder: Path, tmp_path: Path):
    ran, model = session(folder / f"{name}.latch", tmp_path), runtime.load(folder / f"{name}.latch")
    tokens = tokens_of(model)
    probabilities, scores = ran.run(["probabilities", "scores"], {"tokens": tokens})
    np.testing.assert_allclose(scores, model.predict(tokens), atol=1e-4, rtol=1e-5)
    np.testing.assert_allclose(probabilities, softmax(model.predict(tokens)), atol=1e-5)
    told = facts(ran)
    assert told["units"] == model.vocabulary.units
    assert json.loads(told["vocabulary"]) == model.vocabulary.to_dict() and TEXT
    states = {each.name.removesuffix("_next") for each in ran.get_outputs() if each.name.endswith("_next")}
    assert states == {"hidden_1", "cell_1"}  # a keyboard goes on token by token


def test_a_recogniser(folder: Path, tmp_path: Path):
    ran, model = session(folder / "speech.latch", tmp_path), runtime.load(folder / "speech.latch")
    steps = model.features.transform(sound(0))[None]
    found = ran.run(["log_probabilities"], {"inputs": steps})[0]
    from latchwork.runtime.model import Model

    np.testing.assert_allclose(found, log_softmax(Model("speech", model.data, model.scaler).outputs(steps)), atol=1e-5)
    assert json.loads(facts(ran)["spectrogram"])["rate"] == RATE


def test_a_forecaster_s_network(folder: Path, tmp_path: Path):
    forecaster = lw.load(folder / "forecasting.latch")
    ran, rows = session(forecaster, tmp_path), corrector_inputs(forecaster.result_.end)
    given = {
        "inputs": rows.past,
        "ahead": rows.future,
        "base": rows.base.astype("f4"),
        "spread": rows.spread.astype("f4"),
    }
    corrected = forecaster.result_.learned.network.correct(rows)
    np.testing.assert_allclose(ran.run(["forecast"], given)[0], corrected, rtol=1e-5)
    plain = lw.Forecaster(3, train=False, library=False).fit({"v": np.arange(40.0) % 5})
    with pytest.raises(lw.InputError, match="no network"):
        export_onnx(plain, tmp_path / "no.onnx")


def test_what_keras_has_no_layer_for_is_refused_by_name(folder: Path, tmp_path: Path):
    pytest.importorskip("h5py")
    with pytest.raises(lw.InputError, match=r"speech.*ONNX"):
        export_keras(folder / "speech.latch", tmp_path / "m.keras")
    export_keras(folder / "classification.latch", tmp_path / "m.keras")
    again, ours = import_model(tmp_path / "m.keras"), runtime.load(folder / "classification.latch")
    np.testing.assert_allclose(again.predict_proba(X), ours.predict_proba(X), atol=1e-5)


def test_the_commands(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    onnx, labels, scaler = tmp_path / "m.onnx", tmp_path / "labels.txt", tmp_path / "scaler.json"
    assert run(["export", str(folder / "classification.latch"), "--onnx", str(onnx), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["files"] == {str(onnx): onnx.stat().st_size}
    labels.write_text("x\ny\nz\n")
    scaler.write_text(json.dumps({"mean": [1, 1, 1, 1, 1], "scale": 2}))
    words = ["import", str(onnx), "--out", str(tmp_path / "m.latch"), "--labels", str(labels), "--scaler", str(scaler)]
    assert run([*words, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["job"], said["from"], said["file"]) == ("classification", "onnx", "m.onnx")
    model, before = lw.load(tmp_path / "m.latch"), runtime.load(folder / "classification.latch")
    np.testing.assert_allclose(model.predict_proba(1 + 2 * X), before.predict_proba(X), atol=1e-5)
    assert set(model.predict(X).ravel()) <= {"x", "y", "z"}
    assert run(["info", str(tmp_path / "m.latch")]) == 0
    assert run(["explain", str(tmp_path / "m.latch"), "--out", str(tmp_path / "page.html")]) == 0
    capsys.readouterr()
    for wrong, why in (
        (["export", str(tmp_path / "m.latch")], "--onnx"),
        (["export", str(tmp_path / "m.latch"), "--onnx", str(tmp_path / "m.latch")], "overwritten"),
        (["import", str(tmp_path / "m.latch"), "--out", str(tmp_path / "n.latch")], "already"),
        ([*words[:-2], "--scaler", str(labels)], "JSON"),
        ([*words[:4], "--labels", str(scaler)], "labels"),
        ([*words[:4], "--reads", "last"], "state dict"),
    ):
        assert run(wrong) == 2, wrong
        captured = capsys.readouterr()
        assert why in captured.err and captured.err.count("\n") == 1 and not captured.out


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ((5, 2), ([5, 5], [2, 2])),
        (([1, 2], [3, 4]), ([1, 2], [3, 4])),
        ({"min": [0, 1], "max": [2, 5]}, ([0, 1], [2, 4])),
        ({"mean": 1, "std": [2, 4]}, ([1, 1], [2, 4])),
    ],
)
def test_scalers_as_people_have_them(given: Any, expected: Any):
    from latchwork.interop.importing.given import as_scaler

    scaler = as_scaler(given, 2, "scaler")
    assert (scaler.offset.tolist(), scaler.scale.tolist()) == expected


def test_scalers_of_scikit_learn():
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    from latchwork.interop.importing.given import as_scaler

    rows = X[0] * 7 + 3
    for kind in (
        preprocessing.StandardScaler(),
        preprocessing.MinMaxScaler((-1, 1)),
        preprocessing.StandardScaler(with_mean=False),
    ):
        fitted = kind.fit(rows)
        np.testing.assert_allclose(as_scaler(fitted, 5, "scaler").transform(rows), fitted.transform(rows), atol=1e-5)
    for wrong, why in (
        ((1, 0), "zero"),
        ((np.nan, 1), "missing"),
        (([1, 2, 3], 1), "3 and 1 numbers"),
        ("x" * 5, "cannot read"),
        (7, "int"),
    ):
        with pytest.raises(lw.InputError, match=why):
            as_scaler(wrong, 5, "scaler")
