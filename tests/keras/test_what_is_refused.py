"""What Keras has and this has not fails at once, by name, and says what to use; no argument is taken and ignored."""

# ruff: noqa: PLW0108 - a name that is not there is an error where it stands

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest
from latchwork.keras.layers import LSTM, Dense, Embedding, Input, Masking
from latchwork.keras.models import Model, Sequential

from latchwork import keras
from latchwork.core.errors import InputError
from latchwork.interop.keras.layers import Layer
from latchwork.interop.keras.refusals import MISSING
from latchwork.keras import callbacks, layers, losses, models, optimizers, utils

REFUSED: list[tuple[Any, str]] = [
    (lambda: layers.Conv1D(8, 3), "Conv1D: latchwork is about sequences"),
    (lambda: layers.Lambda(len), "Lambda: code in a layer"),
    (lambda: layers.Concatenate(), "Concatenate: networks here are chains"),
    (lambda: layers.BatchNormalization(), "use LayerNormalization"),
    (lambda: optimizers.Nadam(), "Nadam: use Adam"),
    (lambda: callbacks.TensorBoard(), "TensorBoard: use CSVLogger"),
    (lambda: keras.applications, "applications"),
    (lambda: keras.datasets.imdb, "imdb: the reviews do not ship"),
    (lambda: models.model_from_yaml(""), "model_from_yaml: load_model"),
    (lambda: models.model_from_json("{}"), "no Keras model"),
    (lambda: LSTM(4, surprise=1), "LSTM takes no 'surprise'"),
    (lambda: LSTM(4, 5, 6), "LSTM takes 2 arguments by place"),
    (lambda: LSTM(0), "units must be a whole number"),
    (lambda: LSTM(4, activation="selu"), "no activation 'selu'"),
    (lambda: LSTM(4, recurrent_activation="hard_sigmoid"), "sigmoid is now"),
    (lambda: LSTM(4, time_major=True), "arrays are"),
    (lambda: LSTM(4, kernel_constraint="max_norm"), "no kernel_constraint"),
    (lambda: LSTM(4, dtype="float16"), "numbers are float32"),
    (lambda: LSTM(4, go_backwards=True, return_sequences=True), "use Bidirectional"),
    (lambda: LSTM(3)(Input((4, 2)), initial_state=[1]), "initial_state is a branch"),
    (lambda: layers.Bidirectional(Dense(3)), "Bidirectional takes LSTM"),
    (lambda: layers.Bidirectional(LSTM(3), merge_mode=None), "two outputs, a branch"),
    (lambda: layers.TimeDistributed(LSTM(3)), "TimeDistributed takes Dense"),
    (lambda: Dense(3, activation="gelu"), "no activation 'gelu'"),
    (lambda: Dense(3, kernel_initializer="magic"), None),
    (lambda: optimizers.Adam(amsgrad=True), "no amsgrad"),
    (lambda: optimizers.Adam(clipnorm=1, clipvalue=1), "give one of"),
    (lambda: optimizers.SGD(learning_rate=-1), "at least 0"),
    (lambda: losses.get("hinge"), "no loss 'hinge'"),
    (lambda: losses.get(lambda a, b: a), "a loss of one's own"),
    (lambda: losses.MeanSquaredError(reduction="sum"), "losses are means"),
    (lambda: Model(), "subclasses of Model are not here"),
    (lambda: Sequential([LSTM]), "Sequential takes layers such as"),
    (lambda: Input((3, 1)) + 1, "arithmetic with a layer's output"),
    (lambda: Sequential([Dense(3, input_dim=2), Masking()]), "has to be the first layer"),
    (lambda: utils.to_categorical([3], num_classes=2), "not below num_classes"),
    (lambda: callbacks.LambdaCallback(on_dream=print), "takes no 'on_dream'"),
]  # fmt: skip


@pytest.mark.parametrize(("act", "words"), [pair for pair in REFUSED if pair[1]])
def test_it_is_said(act: Any, words: str):
    with pytest.raises(InputError, match=words) as found:
        act()
    assert "\n" not in str(found.value)


def small() -> Any:
    model = Sequential([LSTM(3, input_shape=(4, 2)), Dense(1)])
    model.compile(loss="mse", optimizer="adam")
    return model


X, Y = np.zeros((6, 4, 2)), np.zeros(6)
HOLED = np.where(np.arange(2) == 1, np.nan, X)
WRONG: list[tuple[Any, str]] = [
    (lambda: small().fit(X, Y, surprise=1), "fit takes no 'surprise'"),
    (lambda: small().fit(X[..., 0], Y), r"x\[..., None\]"),
    (lambda: small().fit(X, Y[:5]), "x has 6 rows and y has 5"),
    (lambda: small().fit(X, np.zeros((6, 2))), r"y has shape \(6, 2\), and the model gives \(6, 1\)"),
    (lambda: small().fit(HOLED, Y), "missing or infinite"),
    (lambda: small().fit(X, np.full_like(Y, np.inf)), "missing or infinite"),
    (lambda: small().fit(X), "y is missing"),
    (lambda: small().fit([X, X], Y), "one input and one output"),
    (lambda: small().fit(X, Y, sample_weight=np.ones((6, 4))), "one number for each row"),
    (lambda: small().fit(X, Y, validation_split=0.99), "leaves 0 to train on"),
    (lambda: small().fit(X, Y, callbacks=[callbacks.EarlyStopping()]), "need validation_data"),
    (lambda: small().fit(iter([]), epochs=1), "give steps_per_epoch"),
    (lambda: small().compile("adam"), "compile needs a loss"),
    (lambda: small().compile("adam", "mse", loss_weights=[1]), "no loss_weights"),
    (lambda: small().compile("adam", "categorical_crossentropy"), "activation='softmax'"),
    (lambda: small().compile("adam", "binary_crossentropy"), "activation='sigmoid'"),
    (lambda: small().set_weights([]), "the model has 5 arrays"),
    (lambda: small().get_layer("gone"), "no layer 'gone'"),
    (lambda: small().to_yaml(), "Model.to_yaml"),
    (lambda: Sequential([LSTM(3), Dense(1)]).predict_on_batch("text"), None),
    (lambda: Sequential([LSTM(3, input_shape=(4, 2))]).fit(X, Y), "is not compiled"),
    (lambda: Sequential([Embedding(5, 2), LSTM(3)]).predict(np.full((2, 3), 5)), "knows 0 to 4"),
    (lambda: Sequential([Embedding(5, 2), LSTM(3)]).predict(np.full((2, 3), 1.5)), "takes whole numbers"),
    (lambda: Sequential([Masking(input_shape=(4, 2)), LSTM(3)]).predict(X), "row 0 of x has not one step"),
]


@pytest.mark.parametrize(("act", "words"), [pair for pair in WRONG if pair[1]])
def test_data_that_do_not_fit_are_refused(act: Any, words: str):
    with pytest.raises(InputError, match=words):
        act()


def test_every_hint_is_one_line_and_what_it_names_is_not_there():
    for name, hint in MISSING.items():
        assert hint and "\n" not in hint
        assert name not in vars(layers) and name not in vars(optimizers) and name not in vars(callbacks), name


def test_no_layer_takes_an_option_that_it_never_looks_at():
    """Each option's name stands in the code of the class, of its bases or of what makes and saves its arrays."""
    import latchwork.interop.keras.chained as three
    import latchwork.interop.keras.layers as one
    import latchwork.interop.keras.recurrent as two

    source = "".join(map(inspect.getsource, (one, two, three)))
    named_by_slots = ("_initializer", "_regularizer")
    without_effect = {"seed", "zero_output_for_mask"}  # the page says so
    kinds = [kind for module in (one, two) for kind in vars(module).values() if inspect.isclass(kind)]
    for kind in kinds:
        for option in getattr(kind, "options", {}) if issubclass(kind, Layer) else ():
            if option.endswith(named_by_slots) or option in without_effect:
                continue
            assert source.count(f'"{option}"') > 1, f"{kind.__name__}: {option}"
