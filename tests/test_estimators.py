"""The estimators: scikit-learn's conventions on three-dimensional input, and the same answers from a saved file."""

from __future__ import annotations

import dataclasses
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.utils import estimator_checks

import latchwork as lw
from latchwork.core import storage
from latchwork.core.errors import InputError
from latchwork.estimators import recipe, trials

ROWS, TIME = 48, 6
CLASSIFIER = lw.Sequential([lw.GRU(4), lw.Dense(2)])
REGRESSOR = lw.Sequential([lw.GRU(4), lw.Dense(1)])
OPTIONS: dict[str, Any] = {"epochs": 12, "batch_size": 8, "learning_rate": 0.02, "progress": "none"}


def sequences(count: int = ROWS, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, TIME, 2))


X = sequences()
Y = (X[:, -1, 0] > 0).astype(int)  # the sign of the last step
NUMBERS = 100 + 10 * X[:, -1, 0]


def classifier(**options: Any) -> lw.SequenceClassifier:
    return lw.SequenceClassifier(CLASSIFIER, **OPTIONS | options)


def regressor(**options: Any) -> lw.SequenceRegressor:
    return lw.SequenceRegressor(REGRESSOR, **OPTIONS | options)


@pytest.fixture(scope="module")
def fitted() -> dict[str, Any]:
    return {"classifier": classifier().fit(X, Y), "regressor": regressor().fit(X, NUMBERS)}


KINDS = pytest.mark.parametrize(("make", "answers"), [(classifier, Y), (regressor, NUMBERS)])


@KINDS
def test_arguments_are_stored_as_given_and_cloned(make: Any, answers: np.ndarray):
    given = {
        "epochs": 3,
        "callbacks": [print],
        "optimizer": lw.Optimizer("sgd"),
        "random_state": 5,
        "scaling": "minmax",
    }
    model = make(**given)
    parameters = model.get_params()
    assert all(parameters[name] is value for name, value in given.items())
    copy = clone(model)
    assert copy is not model and copy.get_params().keys() == parameters.keys()
    assert repr(copy.set_params(callbacks=())) == repr(model.set_params(callbacks=()))
    assert make().set_params(epochs=2).epochs == 2
    with pytest.raises(InputError, match="no parameter 'epoch': it has network, epochs"):
        model.set_params(epoch=2)


@KINDS
def test_fit_gives_itself_and_changes_no_argument(make: Any, answers: np.ndarray):
    model = make(epochs=1)
    before = dict(model.get_params())
    inputs, targets = X.copy(), answers.copy()
    with pytest.raises(InputError, match="not fitted yet: call fit"):
        model.predict(X)
    assert model.fit(inputs, targets) is model
    assert model.get_params() == before
    np.testing.assert_array_equal(inputs, X)
    np.testing.assert_array_equal(targets, answers)
    assert model.n_features_in_ == 2
    assert model.predict(X).shape == answers.shape


def test_scikit_learn_knows_what_they_are():
    assert is_classifier(classifier()) and is_regressor(regressor())
    assert not is_regressor(classifier()) and not is_classifier(regressor())


@dataclass(eq=False, repr=False)
class Flat(lw.SequenceRegressor):
    """Takes the tables that scikit-learn's checks bring: each row a sequence of one step."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:  # pyright: ignore
        return super().fit(self._deep(X), y, sample_weight=sample_weight)

    def predict(self, X: Any) -> Any:  # pyright: ignore
        return super().predict(self._deep(X))

    def _deep(self, X: Any) -> Any:
        X = np.asarray(X)
        return X[:, None] if X.ndim == 2 else X


# scikit-learn's own checks, but for those whose words or tables make no sense for sequences.
OF_ANY = ["cloneable", "tags_renamed", "repr"]
OF_ARGUMENTS = [
    "check_no_attributes_set_in_init",
    "check_do_not_raise_errors_in_init_or_set_params",
    "check_mixin_order",
    "check_parameters_default_constructible",
    "check_get_params_invariance",
    "check_set_params",
    "check_valid_tag_types",
    "check_estimators_unfitted",
]
OF_TABLES = [
    "check_estimators_overwrite_params",
    "check_dont_overwrite_parameters",
    "check_estimators_fit_returns_self",
    "check_readonly_memmap_input",
    "check_estimators_dtypes",
    "check_sample_weights_list",
    "check_sample_weights_not_an_array",
    "check_all_zero_sample_weights_error",
    "check_sample_weights_shape",
    "check_sample_weights_not_overwritten",
    "check_estimators_pickle",
    "check_f_contiguous_array_estimator",
    "check_regressor_data_not_an_array",
    "check_supervised_y_no_nan",
    "check_regressors_int",
    "check_methods_sample_order_invariance",
    "check_methods_subset_invariance",
    "check_fit2d_1sample",
    "check_fit2d_1feature",
    "check_dict_unchanged",
    "check_fit_idempotent",
    "check_fit_check_is_fitted",
    "check_fit1d",
    "check_requires_y_none",
]


@pytest.mark.parametrize("name", [f"check_estimator_{name}" for name in OF_ANY] + OF_ARGUMENTS + OF_TABLES)
def test_scikit_learns_own_checks(name: str):
    network = lw.Sequential([lw.LSTM(2), lw.Dense(1)])
    flat = Flat(network, epochs=1, batch_size=64, progress="none")
    for model in (classifier(), regressor(), flat)[2 if name in OF_TABLES else 0 :]:
        getattr(estimator_checks, name)(type(model).__name__, clone(model))


def test_they_learn(fitted: dict[str, Any]):
    fresh = sequences(200, seed=9)
    assert fitted["classifier"].score(fresh, (fresh[:, -1, 0] > 0).astype(int)) > 0.85
    assert fitted["regressor"].score(fresh, 100 + 10 * fresh[:, -1, 0]) > 0.8


def test_figures_are_those_of_the_predictions(fitted: dict[str, Any]):
    figures = fitted["classifier"].evaluate(X, Y)
    probabilities = fitted["classifier"].predict_proba(X)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    assert figures["n"] == ROWS and figures["accuracy"] == (fitted["classifier"].predict(X) == Y).mean()
    assert figures["loss"] == pytest.approx(-np.log(probabilities[np.arange(ROWS), Y]).mean())
    figures, error = fitted["regressor"].evaluate(X, NUMBERS), fitted["regressor"].predict(X) - NUMBERS
    assert figures["rmse"] == pytest.approx(np.sqrt((error**2).mean()))
    assert figures["mae"] == pytest.approx(abs(error).mean())
    assert figures["r2"] == pytest.approx(1 - (error**2).sum() / ((NUMBERS - NUMBERS.mean()) ** 2).sum())


@KINDS
def test_cross_validation_and_grid_search(make: Any, answers: np.ndarray):
    scores = cross_val_score(make(), X, answers, cv=2)
    assert scores.shape == (2,) and np.isfinite(scores).all()
    search = GridSearchCV(make(epochs=2), {"learning_rate": [1e-5, 0.02]}, cv=2).fit(X, answers)
    assert search.best_params_ == {"learning_rate": 0.02}
    assert search.predict(X).shape == answers.shape


def test_a_pipeline_ends_in_an_estimator():
    model = make_pipeline("passthrough", classifier(epochs=1)).fit(X, Y)
    assert model.predict(X).shape == (ROWS,)


@pytest.mark.parametrize("kind", ["classifier", "regressor"])
def test_pickles_and_files_answer_alike(fitted: dict[str, Any], tmp_path: Path, kind: str):
    model = fitted[kind]
    model.save(tmp_path / "model.latch")
    fresh = sequences(30, seed=3)
    for copy in (pickle.loads(pickle.dumps(model)), lw.load(tmp_path / "model.latch")):
        assert type(copy) is type(model)
        np.testing.assert_array_equal(copy.predict(fresh), model.predict(fresh))
        assert copy.evaluate(X, Y if kind == "classifier" else NUMBERS) == model.evaluate(
            X, Y if kind == "classifier" else NUMBERS
        )
        assert copy.history_ == model.history_ and copy.n_features_in_ == 2
    lw.load(tmp_path / "model.latch").save(tmp_path / "again.latch")
    first, again = (storage.load(tmp_path / name) for name in ("model.latch", "again.latch"))
    assert first.document["network"] == again.document["network"]
    assert first.document["fitted"] == again.document["fitted"]
    assert all(np.array_equal(first.tensors[name], again.tensors[name]) for name in first.tensors | again.tensors)


@pytest.mark.parametrize(
    "names",
    [("no", "yes"), (3, 7), (-1, 1), (False, True), (np.bytes_(b"no"), np.bytes_(b"yes")), (2.0, 4.0)],
    ids=repr,
)
def test_labels_of_every_kind_come_back(tmp_path: Path, names: tuple[Any, Any]):
    answers = np.array(names)[Y]
    model = classifier().fit(X, answers)
    expected = answers.astype(str) if answers.dtype.kind == "S" else answers
    assert model.score(X, answers) > 0.8
    assert (model.predict(X) == expected).mean() == model.score(X, answers)
    assert model.classes_.tolist() == sorted(set(expected.tolist()))
    model.save(tmp_path / "model.latch")
    loaded = lw.load(tmp_path / "model.latch")
    assert loaded.classes_.dtype == model.classes_.dtype
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))


def test_an_unseen_label_is_named(fitted: dict[str, Any]):
    with pytest.raises(InputError, match="the label 2 was not in the training set, which had 0, 1"):
        fitted["classifier"].evaluate(X, np.full(ROWS, 2))


def test_ragged_lists_and_padded_arrays_are_the_same():
    lengths = np.random.default_rng(0).integers(2, TIME + 1, ROWS)
    ragged = [row[:length] for row, length in zip(X, lengths, strict=True)]
    answers = np.array([row[-1, 0] > 0 for row in ragged])
    poisoned = X.copy()
    poisoned[np.arange(TIME) >= lengths[:, None]] = np.nan  # past a length anything may stand
    padded = np.pad(poisoned, ((0, 0), (0, 2), (0, 0)))  # lists are padded to a multiple of eight
    from_list, from_array = classifier().fit(ragged, answers), classifier().fit(padded, answers, lengths)
    assert from_list.score(ragged, answers) > 0.8
    np.testing.assert_array_equal(from_list.predict_proba(ragged), from_array.predict_proba(padded, lengths))
    one_by_one = np.concatenate([from_list.predict_proba([row]) for row in ragged[:5]])
    np.testing.assert_allclose(one_by_one, from_list.predict_proba(ragged)[:5], rtol=1e-4, atol=1e-6)


def test_predictions_do_not_depend_on_their_company(fitted: dict[str, Any], monkeypatch: pytest.MonkeyPatch):
    many = sequences(70, seed=5)
    whole = fitted["classifier"].predict_proba(many)
    monkeypatch.setattr("latchwork.runtime.model.ROWS", 32)
    np.testing.assert_allclose(fitted["classifier"].predict_proba(many), whole, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(fitted["classifier"].predict_proba(many[:3]), whole[:3], rtol=1e-5, atol=1e-7)


def test_weights_of_classes_and_of_rows():
    """Nothing can be told from the inputs, so the answer is the heavier class."""
    blank, answers = np.zeros((40, TIME, 2)), np.repeat(["common", "rare"], [30, 10])
    plain = classifier().fit(blank, answers).predict_proba(blank[:1])[0]
    np.testing.assert_allclose(plain, [0.75, 0.25], atol=0.06)
    even = classifier(class_weight="balanced").fit(blank, answers).predict_proba(blank[:1])[0]
    np.testing.assert_allclose(even, [0.5, 0.5], atol=0.06)
    turned = classifier(class_weight={"rare": 9.0}).fit(blank, answers).predict_proba(blank[:1])[0]
    np.testing.assert_allclose(turned, [0.25, 0.75], atol=0.06)
    weight = np.where(answers == "rare", 9.0, 1.0)
    by_row = classifier().fit(blank, answers, sample_weight=weight).predict_proba(blank[:1])[0]
    np.testing.assert_array_equal(by_row, turned)


@pytest.mark.parametrize("scaling", ["standard", "minmax", None])
def test_scaling_is_learned_from_the_training_rows_alone(scaling: str | None):
    shifted = X * 5 + 40
    model = regressor(scaling=scaling, validation_share=0.25, epochs=1).fit(shifted, NUMBERS)
    if scaling is None:
        assert model.scaler_ is None
        return
    held = np.random.default_rng([0, 1]).permutation(ROWS)[:12]
    training = np.delete(shifted, held, axis=0).reshape(-1, 2).astype(np.float32)
    expected = training.mean(axis=0) if scaling == "standard" else training.min(axis=0)
    np.testing.assert_allclose(model.scaler_.offset, expected, rtol=1e-5)


def test_validation_rows_are_reported():
    model = classifier(epochs=3).fit(X, Y, validation_data=(sequences(20, seed=1), Y[:20]))
    assert len(model.history_.column("val_accuracy")) == 3
    lengths = np.full(20, 3)
    ragged = classifier(epochs=3).fit(X, Y, validation_data=(sequences(20, seed=1), Y[:20], lengths))
    assert ragged.history_.column("val_loss") != model.history_.column("val_loss")


def test_several_numbers_for_each_sequence(tmp_path: Path):
    targets = np.stack([NUMBERS, -1e-3 * NUMBERS], axis=1)
    model = lw.SequenceRegressor(lw.Sequential([lw.GRU(4), lw.Dense(2)]), **OPTIONS).fit(X, targets)
    assert model.predict(X).shape == (ROWS, 2)
    assert model.evaluate(X, targets)["r2"] < 1
    for column in range(2):  # each in its own units
        error = model.predict(X)[:, column] - targets[:, column]
        assert np.sqrt((error**2).mean()) < 0.8 * targets[:, column].std()
    model.save(tmp_path / "model.latch")
    np.testing.assert_array_equal(lw.load(tmp_path / "model.latch").predict(X), model.predict(X))


@pytest.mark.parametrize("answers", [NUMBERS[:, None], NUMBERS[:-1], [["a"]] * ROWS, np.full(ROWS, np.nan)])
def test_a_regressor_is_not_measured_against_answers_of_another_shape(fitted: dict[str, Any], answers: Any):
    with pytest.raises(InputError):
        fitted["regressor"].evaluate(X, answers)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"network": lw.Sequential([lw.GRU(4), lw.Dense(3)])}, "gives 3 values, the data needs 2"),
        ({"network": lw.Sequential([lw.GRU(4, return_sequences=True), lw.Dense(2)])}, "answers at every step"),
        ({"network": [lw.GRU(4), lw.Dense(2)]}, "network must be"),
        ({"scaling": "robust"}, "unknown scaling 'robust'"),
        ({"validation_share": 1.5}, "validation_share"),
        ({"validation_share": -0.5}, "validation_share"),
        ({"class_weight": "even"}, "class_weight must be"),
        ({"class_weight": {5: 1.0}}, "no class of the data"),
        ({"epochs": 0}, "above 0"),
        ({"steps": 4}, "one of epochs, steps and minutes"),
        ({"batch_size": 0}, "above 0"),
        ({"random_state": -1}, "random_state"),
        ({"random_state": "0"}, "random_state"),
        ({"epochs": 2.5}, "epochs must be a whole number above 0, got 2.5"),
        ({"batch_size": True}, "batch_size must be a whole number"),
        ({"learning_rate": float("nan")}, "learning_rate must be a number above 0"),
        ({"patience": 1.5}, "patience must be"),
        ({"keep_best": "yes"}, "keep_best must be"),
        ({"progress": "loud"}, "progress must be"),
        ({"callbacks": [3]}, "callbacks must be"),
        ({"label_smoothing": 1.0}, "label_smoothing must be"),
        ({"class_weight": {0: -1.0}}, "class_weight of 0 must be a number of at least 0, got -1.0"),
        ({"class_weight": {0: 0, 1: 0}}, "class_weight is 0 for every class"),
        ({"class_weight": {0: "x"}}, "class_weight of 0 must be"),
        ({"optimizer": "nadam"}, "unknown optimizer"),
        ({"patience": 2}, "validation"),
    ],
)
def test_parameters_that_mean_nothing_are_refused(options: dict, words: str):
    with pytest.raises(InputError, match=words) as caught:
        classifier().set_params(**options).fit(X, Y)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((X[..., 0], Y), r"got X of shape \(48, 6\).*X\[..., None\]"),
        ((X, Y[:-1]), "48 sequences and 47 answers"),
        ((X, np.zeros(ROWS)), "one class only"),
        ((np.where(X > 2, np.nan, X), Y), r"X\[\d+, \d, \d\] is missing"),
        ((X.astype(str), Y), "where numbers belong"),
        ((X, Y, np.full(ROWS, 9)), "expected 1 to 6"),
        ((X, Y[:, None]), "labels of shape"),
    ],
)
def test_data_that_cannot_be_used_is_refused(arguments: tuple, words: str):
    with pytest.raises(InputError, match=words):
        classifier().fit(*arguments)


def test_weights_that_mean_nothing_are_refused():
    for weight in (np.ones(3), np.full(ROWS, -1.0), np.full(ROWS, np.nan), ["heavy"] * ROWS, np.zeros(ROWS)):
        with pytest.raises(InputError, match="sample_weight"):
            classifier().fit(X, Y, sample_weight=weight)


def test_other_features_than_in_training_are_refused(fitted: dict[str, Any]):
    with pytest.raises(InputError, match="expected 2 features as in training"):
        fitted["classifier"].predict(X[..., :1])
    with pytest.raises(InputError, match="expected 2 features"):
        classifier().fit(X, Y, validation_data=(X[..., :1], Y))


def test_ctrl_c_while_the_recipe_is_chosen_ends_it_all(monkeypatch: pytest.MonkeyPatch):
    """There is nothing to keep yet, and a shorter trial must not decide."""
    import signal

    from latchwork.training.trainer import Trainer

    train_block = Trainer.train_block

    def press(self: Trainer, run: Any, *, joined: bool) -> Any:
        signal.raise_signal(signal.SIGINT)
        return train_block(self, run, joined=joined)

    monkeypatch.setattr(Trainer, "train_block", press)
    with pytest.raises(KeyboardInterrupt):
        lw.SequenceClassifier(progress="none").fit(X, Y)


def test_what_is_told_goes_for_a_chosen_recipe_too(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    few = dict(list(recipe.designs(2).items())[:1])
    monkeypatch.setattr(recipe, "designs", lambda outputs, one_way: few)
    model = lw.SequenceClassifier(epochs=1, batch_size=5, learning_rate=0.02, progress="lines").fit(X, Y)
    assert model.recipe_.optimizer == dataclasses.replace(recipe.OPTIMIZER, learning_rate=0.02)
    assert (model.recipe_.epochs, model.recipe_.batch_size) == (1, 5)
    said = capsys.readouterr().err
    name = next(iter(few))
    assert f"  {name}: loss " in said and f"chosen: {name}; adamw, rate 0.02 falling as a cosine, batch 5" in said


@pytest.mark.parametrize(
    ("losses", "epochs", "smoothing"),
    [((1.0, 2.0, 2.0), 30, 0.0), ((1.0, 0.9, 2.0), 80, 0.0), ((1.0, 0.9, 0.8), 80, 0.1)],
)
def test_held_out_rows_choose_how_long_and_how_hard_labels_are(monkeypatch, losses, epochs, smoothing):
    """The first design, then it for longer, then for longer with smoothed labels."""
    few = dict(list(recipe.designs(2).items())[:1])
    monkeypatch.setattr(recipe, "designs", lambda outputs, one_way: few)
    monkeypatch.setattr(recipe, "WARPED_SET", 0)
    monkeypatch.setattr(trials.Trials, "seconds_per_epoch", lambda *_: 1e-9)  # on however busy a machine
    said = iter(losses)
    monkeypatch.setattr(trials.Trials, "run", lambda *_: trials.Trial(next(said), (), 0.01))
    model = lw.SequenceClassifier(steps=1, compare=False, progress="none").fit(X, Y)
    assert next(said, None) is None
    assert model.recipe_.epochs == epochs
    assert model.recipe_.objective.loss.label_smoothing == smoothing


FORGERIES = {
    "missing": lambda tensors: tensors.pop("network.layers.0.hidden_weight"),
    "of another shape": lambda tensors: tensors.update({"network.layers.1.bias": np.zeros(3, np.float32)}),
    "of another type": lambda tensors: tensors.update({"network.layers.1.bias": np.zeros(2, np.int64)}),
    "too many": lambda tensors: tensors.update({"network.layers.7.bias": np.zeros(2, np.float32)}),
    "scaler of another width": lambda tensors: tensors.update({"fitted.scaler.offset": np.zeros(5)}),
    "half a scaler": lambda tensors: tensors.pop("fitted.scaler.scale"),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_file_whose_tensors_do_not_fit_is_refused_in_one_line(fitted: dict[str, Any], tmp_path: Path, forgery: str):
    path = tmp_path / "model.latch"
    fitted["classifier"].save(path)
    document, tensors = storage.load(path)
    FORGERIES[forgery](tensors)
    storage.save(path, document, tensors)
    with pytest.raises(InputError) as caught:
        lw.load(path)
    assert "\n" not in str(caught.value) and str(path) in str(caught.value)
