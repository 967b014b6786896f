"""What `fit`, `evaluate` and `predict` do beside the steps: data of every kind, validation, callbacks, states."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from latchwork.keras.models import Model, Sequential
from latchwork.keras.preprocessing.sequence import TimeseriesGenerator, pad_sequences
from latchwork.keras.preprocessing.text import Tokenizer
from latchwork.keras.utils import timeseries_dataset_from_array, to_categorical
from marks import needs_kernels

from latchwork import keras
from latchwork.keras import callbacks, layers

pytestmark = needs_kernels
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(40, 5, 2)), RNG.normal(size=40)


def model_of(**compiled: Any) -> Any:
    model = Sequential([layers.Input((5, 2)), layers.LSTM(6), layers.Dense(1)])
    model.compile(**{"loss": "mse", "optimizer": "adam"} | compiled)
    return model


def test_the_history_has_every_figure_of_every_epoch():
    model = model_of(metrics=["mae", keras.metrics.RootMeanSquaredError()])
    history = model.fit(X, Y, epochs=5, initial_epoch=2, validation_split=0.25, validation_freq=2, verbose=0)
    assert history.epoch == [2, 3, 4] and model.history is history
    figures = history.history
    assert list(figures) == ["loss", "mae", "root_mean_squared_error", "val_loss", "val_mae",
                             "val_root_mean_squared_error"]  # fmt: skip
    assert len(figures["loss"]) == 3 and len(figures["val_loss"]) == 1
    np.testing.assert_allclose(np.square(figures["root_mean_squared_error"]), figures["loss"])
    named = model.evaluate(X, Y, verbose=0, return_dict=True)
    assert list(named) == model.metrics_names and list(named.values()) == model.evaluate(X, Y, verbose=0)
    error = model.predict(X)[:, 0] - Y
    assert named["mae"] == pytest.approx(np.abs(error).mean(), rel=1e-5)


def test_the_last_rows_validate_and_are_never_trained_on():
    far = np.where(np.arange(40) < 30, Y, 1e6)
    history = model_of().fit(X, far, validation_split=0.25, verbose=0)
    assert history.history["loss"][0] < 10 and history.history["val_loss"][0] > 1e11


def test_weights_of_rows_and_classes_count_in_the_loss_alone():
    model = Sequential([layers.Input((5, 2)), layers.LSTM(3), layers.Dense(2, activation="softmax")])
    model.compile(keras.optimizers.SGD(1e-9), "sparse_categorical_crossentropy", metrics=["accuracy"])
    labels = (Y > 0).astype(int)
    loss, accuracy = model.evaluate(X, labels, verbose=0)
    right = model.predict(X)[np.arange(40), labels]
    weights = np.where(labels == 1, 3.0, 0.0)
    expected = (-np.log(right) * weights).sum() / 40
    for given in ({"sample_weight": weights}, {"class_weight": {0: 0.0, 1: 3.0}}):
        history = model.fit(X, labels, batch_size=40, verbose=0, **given).history
        assert history["loss"][0] == pytest.approx(expected, rel=1e-5)
        assert history["accuracy"][0] == pytest.approx(accuracy)
    assert model.evaluate(X, labels, sample_weight=weights, verbose=0)[0] == pytest.approx(expected, rel=1e-5)
    assert loss != pytest.approx(expected, rel=1e-2)


def test_lines_are_keras_own(capsys: pytest.CaptureFixture[str]):
    model = model_of()
    model.fit(X, Y, epochs=2, batch_size=16, verbose=2)
    one, two, *_ = capsys.readouterr().out.splitlines()
    assert one == "Epoch 1/2" and two.startswith("3/3 - 0s - loss: ")
    model.fit(X, Y, batch_size=16)
    assert capsys.readouterr().out.splitlines()[1].startswith(f"3/3 [{'=' * 30}] - 0s ")
    model.evaluate(X, Y)
    assert capsys.readouterr().out.startswith(f"2/2 [{'=' * 30}] - 0s ")
    model.fit(X, Y, verbose=0)
    model.predict(X)
    assert capsys.readouterr().out == ""


def test_batches_of_a_generator_are_those_of_the_arrays():
    windows = TimeseriesGenerator(X[:, 0], Y, length=5, batch_size=8)
    x, y = np.concatenate([windows[at][0] for at in range(len(windows))]), Y[5:]
    assert x.shape == (35, 5, 2) and len(windows) == 5
    one, other = model_of(), model_of()
    other.set_weights(one.get_weights())
    by_batches = one.fit(windows, epochs=2, verbose=0).history["loss"]
    by_arrays = other.fit(x, y, batch_size=8, epochs=2, shuffle=False, verbose=0).history["loss"]
    np.testing.assert_allclose(by_batches, by_arrays, rtol=1e-6)
    np.testing.assert_allclose(one.predict(windows), other.predict(x), atol=1e-6)
    assert one.evaluate(windows, verbose=0) == pytest.approx(other.evaluate(x, y, batch_size=8, verbose=0))
    dataset = timeseries_dataset_from_array(X[:, 0], Y[4:], sequence_length=5, batch_size=8)
    assert sum(len(batch) for batch, _ in dataset) == 36
    one.fit(dataset, epochs=1, verbose=0, validation_data=dataset)


def test_callbacks_are_called_in_order_and_may_stop():
    seen: list[Any] = []

    class Watch(callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append((batch, logs["loss"]))

        def on_epoch_end(self, epoch, logs=None):
            seen.append("epoch")
            self.model.stop_training = epoch == 1

    model = model_of()
    history = model.fit(X, Y, batch_size=16, epochs=9, verbose=0, callbacks=[Watch()])
    assert [one if one == "epoch" else one[0] for one in seen] == [0, 1, 2, "epoch"] * 2
    assert history.epoch == [0, 1] and seen[2][1] == pytest.approx(history.history["loss"][0])


def test_the_best_weights_come_back_and_the_rate_falls(capsys: pytest.CaptureFixture[str]):
    model = model_of(optimizer=keras.optimizers.SGD(0.4))
    watching = [
        callbacks.EarlyStopping(monitor="loss", patience=3, restore_best_weights=True, verbose=1),
        callbacks.ReduceLROnPlateau(monitor="loss", factor=0.5, patience=1, min_delta=1e9, min_lr=0.1),
    ]
    history = model.fit(X, 100 * Y, epochs=30, verbose=0, callbacks=watching)
    assert float(model.optimizer.learning_rate) == pytest.approx(0.1)
    if len(history.epoch) < 30:
        assert "early stopping" in capsys.readouterr().out
    set_rates: list[float] = []
    note = callbacks.LambdaCallback(on_epoch_end=lambda *_: set_rates.append(float(model.optimizer.lr)))
    plan = callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
    model.fit(X, Y, epochs=2, verbose=0, callbacks=[plan, note])
    np.testing.assert_allclose(set_rates, [0.05, 0.025])


def test_masked_steps_change_nothing_wherever_they_stand():
    model = Sequential([layers.Input((None, 2)), layers.Masking(-9.0), layers.Bidirectional(layers.GRU(4)),
                        layers.Dense(1)])  # fmt: skip
    short = X[:3, :3].astype(np.float32)
    long = np.full((3, 6, 2), -9.0, np.float32)
    long[:, [1, 3, 4]] = short
    np.testing.assert_allclose(model.predict(long), model.predict(short), atol=1e-6)
    words = Sequential([layers.Embedding(9, 3, mask_zero=True), layers.LSTM(4, return_sequences=True)])
    padded = pad_sequences([[3, 1, 4], [2, 7]], maxlen=5)
    answers = words.predict(padded)
    np.testing.assert_allclose(answers[0, 2:], words.predict(np.array([[3, 1, 4]]))[0], atol=1e-6)
    assert not answers[0, :2].any() and not answers[1, :3].any()


def test_states_go_on_until_they_are_put_back():
    model = Sequential([layers.Input(batch_shape=(2, 3, 1)), layers.LSTM(4, stateful=True), layers.Dense(1)])
    plain = Sequential([layers.Input((6, 1)), layers.LSTM(4), layers.Dense(1)])
    plain.set_weights(model.get_weights())
    x = X[:2, :, :1].repeat(2, axis=1)[:, :6]
    model.predict(x[:, :3])
    np.testing.assert_allclose(model.predict(x[:, 3:]), plain.predict(x), atol=1e-6)
    model.layers[0].reset_states()
    first = Sequential([layers.Input((3, 1)), *plain.layers])  # the same layers for three steps
    np.testing.assert_allclose(model.predict(x[:, :3]), first.predict(x[:, :3]), atol=1e-6)


def test_states_are_outputs_where_a_model_asks_for_them():
    inputs = layers.Input((5, 2))
    every, hidden, cell = layers.LSTM(4, return_sequences=True, return_state=True)(inputs)
    outputs = Model(inputs, [every, hidden, cell]).predict(X)
    assert [one.shape for one in outputs] == [(40, 5, 4), (40, 4), (40, 4)]
    np.testing.assert_allclose(outputs[0][:, -1], outputs[1], atol=1e-6)
    assert Model(inputs, cell).predict(X).shape == (40, 4)


def test_texts_become_numbers():
    tokenizer = Tokenizer(num_words=4, oov_token="?")
    tokenizer.fit_on_texts(["The cat, the dog.", "the CAT"])
    assert tokenizer.word_index == {"?": 1, "the": 2, "cat": 3, "dog": 4}
    assert tokenizer.texts_to_sequences(["the dog flew", "cat"]) == [[2, 1, 1], [3]]
    assert tokenizer.sequences_to_texts([[2, 3]]) == ["the cat"]
    assert tokenizer.texts_to_matrix(["the the"], mode="count").tolist() == [[0, 0, 2, 0]]
    assert to_categorical([1, 0], 3).tolist() == [[0, 1, 0], [1, 0, 0]]
    assert pad_sequences([[1, 2, 3]], maxlen=2, truncating="post").tolist() == [[1, 2]]


def test_a_seed_of_numpy_repeats_a_run():
    def run(seed: int) -> list[float]:
        np.random.seed(seed)
        return model_of().fit(X, Y, epochs=2, verbose=0).history["loss"]

    assert run(7) == run(7) != run(8)
    keras.utils.set_random_seed(7)
    assert model_of().fit(X, Y, epochs=2, verbose=0).history["loss"] == run(7)


SPREADS = {
    "glorot_uniform": (2 / 700) ** 0.5, "glorot_normal": (2 / 700) ** 0.5, "he_normal": (2 / 400) ** 0.5,
    "lecun_normal": (1 / 400) ** 0.5, "orthogonal": (1 / 400) ** 0.5, "identity": (1 / 400) ** 0.5, "ones": 1.0,
    "random_normal": 0.05, "truncated_normal": 0.05 * 0.8796, "random_uniform": 0.1 / 12**0.5,
}  # fmt: skip


@pytest.mark.parametrize("name", SPREADS)
def test_first_values_have_the_spread_that_keras_gives(name: str):
    numbers = keras.initializers.get(name)((400, 300))
    assert np.sqrt(np.square(numbers).mean()) == pytest.approx(SPREADS[name], rel=0.02)
