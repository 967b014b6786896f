"""Twelve shapes that tutorials have, written over `keras`: Keras's own module, or `latchwork.keras`.

`scripts/make_keras_goldens.py` runs them with Keras and keeps what it gives; `test_steps.py` runs the same lines here.
Each case gives a compiled model and its rows; the first batches of `BATCH` rows, in their order, are the steps.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

BATCH, STEPS = 8, 10
ROWS = BATCH * STEPS


class Case(NamedTuple):
    model: Any
    x: np.ndarray
    y: np.ndarray


def numbers(name: str, *size: int) -> np.ndarray:
    rng = np.random.default_rng(list(name.encode()))
    return rng.normal(size=(ROWS, *size)).astype("float32")


def classes(name: str, count: int, *size: int) -> np.ndarray:
    return np.random.default_rng(list(name[::-1].encode())).integers(0, count, (ROWS, *size))


def many_to_one(keras: Any) -> Case:
    model = keras.models.Sequential()
    model.add(keras.layers.Input(shape=(6, 3)))
    model.add(keras.layers.LSTM(8))
    model.add(keras.layers.Dense(1))
    model.compile(loss="mean_squared_error", optimizer="adam", metrics=["mae"])
    x = numbers("many to one", 6, 3)
    return Case(model, x, x[:, :, 0].sum(axis=1, keepdims=True))


def a_label_at_every_step(keras: Any) -> Case:
    layers = keras.layers
    model = keras.Sequential(
        [
            layers.Input(shape=(5, 4)),
            layers.LSTM(7, return_sequences=True),
            layers.TimeDistributed(layers.Dense(3, activation="softmax")),
        ]
    )
    model.compile("rmsprop", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return Case(model, numbers("every step", 5, 4), classes("every step", 3, 5))


def stateful_batches(keras: Any) -> Case:
    layers = keras.layers
    model = keras.Sequential()
    model.add(layers.Input(batch_shape=(BATCH, 3, 2)))
    model.add(layers.LSTM(6, return_sequences=True, stateful=True))
    model.add(layers.GRU(5, stateful=True))
    model.add(layers.Dense(1))
    model.compile(loss="mse", optimizer=keras.optimizers.Adam(learning_rate=0.01))
    x = numbers("stateful", 3, 2)
    return Case(model, x, x[:, 0, :1])


def encoder_and_decoder(keras: Any) -> Case:
    layers = keras.layers
    model = keras.Sequential()
    model.add(layers.Input(shape=(4, 2)))
    model.add(layers.LSTM(10, activation="relu"))
    model.add(layers.RepeatVector(3))
    model.add(layers.LSTM(9, activation="relu", return_sequences=True))
    model.add(layers.TimeDistributed(layers.Dense(1)))
    model.compile(optimizer="adam", loss="mse")
    x = numbers("encoder", 4, 2)
    return Case(model, x, x[:, 1:, :1])


def stacked(keras: Any) -> Case:
    layers = keras.layers
    model = keras.Sequential()
    model.add(layers.Input(shape=(6, 2)))
    model.add(layers.GRU(6, return_sequences=True, activation="relu"))
    model.add(layers.LSTM(5))
    model.add(layers.Dense(4, activation="elu"))
    model.add(layers.Dense(1, activation="sigmoid"))
    optimizer = keras.optimizers.SGD(learning_rate=0.1, momentum=0.9, nesterov=True)
    model.compile(loss="binary_crossentropy", optimizer=optimizer, metrics=["accuracy"])
    return Case(model, numbers("stacked", 6, 2), classes("stacked", 2, 1).astype("float32"))


def bidirectional_with_masking(keras: Any) -> Case:
    layers = keras.layers
    model = keras.Sequential()
    model.add(layers.Input(shape=(7, 3)))
    model.add(layers.Masking(mask_value=-1.0))
    model.add(layers.Bidirectional(layers.LSTM(5, return_sequences=True)))
    model.add(layers.TimeDistributed(layers.Dense(4, activation="softmax")))
    model.compile("adam", "categorical_crossentropy")
    x = numbers("masking", 7, 3)
    gone = np.random.default_rng(5).uniform(size=x.shape[:2]) < 0.4
    gone[:, 3] = False
    x[gone] = -1.0  # in the front, in the middle and at the end
    return Case(model, x, np.eye(4, dtype="float32")[classes("masking", 4, 7)])


def text_with_one_hot_characters(keras: Any) -> Case:
    layers = keras.layers
    model = keras.Sequential([layers.Input(shape=(10, 12)), layers.LSTM(16), layers.Dense(12, activation="softmax")])
    optimizer = keras.optimizers.RMSprop(learning_rate=0.01)
    model.compile(loss="categorical_crossentropy", optimizer=optimizer)
    hot = np.eye(12, dtype="float32")
    text = classes("text", 12, 11)
    return Case(model, hot[text[:, :-1]], hot[text[:, -1]])


def embedded_words(keras: Any) -> Case:
    layers = keras.layers
    model = keras.Sequential()
    model.add(layers.Input(shape=(9,)))
    model.add(layers.Embedding(80, 8, mask_zero=True))
    model.add(layers.LSTM(6, kernel_regularizer=keras.regularizers.L2(0.01)))
    model.add(layers.Dense(1, activation="sigmoid", kernel_regularizer=keras.regularizers.L1(0.01)))
    model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])
    # No word twice in a batch: Keras on TensorFlow squares the gradient of each place by itself, not their sum.
    rng = np.random.default_rng(8)
    words = np.concatenate([rng.permutation(79)[:72].reshape(BATCH, 9) + 1 for _ in range(STEPS)])
    for row, length in enumerate(classes("lengths", 9)):
        words[row, :length] = 0  # padded in front, as pad_sequences does
    return Case(model, words, classes("mood", 2, 1).astype("float32"))


def windows_of_several_series(keras: Any) -> Case:
    layers = keras.layers
    model = keras.Sequential([layers.Input(shape=(5, 4)), layers.GRU(6, return_sequences=True)])
    model.add(layers.Flatten())
    model.add(layers.Dense(2))
    model.compile(optimizer=keras.optimizers.Adagrad(learning_rate=0.05), loss="mae", metrics=["mse"])
    x = numbers("windows", 5, 4)
    return Case(model, x, x[:, -1, :2] + x[:, 0, 2:])


def a_rate_that_falls(keras: Any) -> Case:
    layers = keras.layers
    model = keras.Sequential([layers.Input(shape=(5, 3)), layers.SimpleRNN(9), layers.Dense(2)])
    schedule = keras.optimizers.schedules.ExponentialDecay(0.05, decay_steps=3, decay_rate=0.7)
    optimizer = keras.optimizers.SGD(learning_rate=schedule, momentum=0.9, clipnorm=0.5)
    model.compile(loss="huber", optimizer=optimizer)
    return Case(model, numbers("rate", 5, 3), numbers("rate of", 2))


def functional(keras: Any) -> Case:
    layers = keras.layers
    inputs = keras.Input(shape=(6, 3))
    hidden = layers.GRU(5, return_sequences=True)(inputs)
    hidden = layers.LayerNormalization()(hidden)
    hidden = layers.Bidirectional(layers.SimpleRNN(4), merge_mode="ave")(hidden)
    outputs = layers.Dense(3, activation="softplus")(hidden)
    model = keras.Model(inputs=inputs, outputs=outputs)
    optimizer = keras.optimizers.AdamW(learning_rate=0.01, weight_decay=0.05, clipvalue=0.02)
    model.compile(loss="mean_squared_logarithmic_error", optimizer=optimizer)
    return Case(model, numbers("functional", 6, 3), np.abs(numbers("functional of", 3)))


def frozen_and_transferred(keras: Any) -> Case:
    layers = keras.layers
    first = keras.Sequential([layers.Input(shape=(4, 2)), layers.LSTM(6, return_sequences=True)])
    first.trainable = False
    model = keras.Sequential(
        [first, layers.LSTM(4, use_bias=False, go_backwards=True), layers.Dense(1, use_bias=False)]
    )
    model.compile(loss="log_cosh", optimizer=keras.optimizers.Adamax(0.01))
    x = numbers("transfer", 4, 2)
    return Case(model, x, x[:, 0, :1] * x[:, 1, :1])


def other_optimizers(keras: Any) -> Case:
    layers = keras.layers
    model = keras.Sequential([layers.Input(shape=(4, 2)), layers.Bidirectional(layers.GRU(4), merge_mode="mul")])
    model.add(layers.Dense(3, activation="softmax"))
    model.compile(loss="mse", optimizer=keras.optimizers.Adadelta(learning_rate=1.0, global_clipnorm=0.05))
    return Case(model, numbers("others", 4, 2), np.eye(3, dtype="float32")[classes("others", 3)])


def reset_before_the_product(keras: Any) -> Case:
    layers = keras.layers
    model = keras.Sequential([layers.Input(shape=(5, 2))])
    model.add(layers.GRU(4, reset_after=False, return_sequences=True))
    model.add(layers.Bidirectional(layers.GRU(3, reset_after=False, activation="relu"), merge_mode="sum"))
    model.add(layers.Dense(1))
    model.compile(loss="poisson", optimizer=keras.optimizers.Adam(clipnorm=0.1))
    x = numbers("reset", 5, 2)
    model.layers[-1].set_weights([np.full((3, 1), 0.1, "float32"), np.full(1, 2.0, "float32")])
    return Case(model, x, np.abs(x[:, 0, :1]).round())


CASES: dict[str, Callable[[Any], Case]] = {
    case.__name__: case
    for case in (
        many_to_one, a_label_at_every_step, stateful_batches, encoder_and_decoder, stacked, bidirectional_with_masking,
        text_with_one_hot_characters, embedded_words, windows_of_several_series, a_rate_that_falls, functional,
        frozen_and_transferred, other_optimizers, reset_before_the_product,
    )
}  # fmt: skip
