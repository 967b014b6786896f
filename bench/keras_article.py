"""The article's two programs in Keras, as its readers run them: what `latchwork article` is set beside.

    KERAS_BACKEND=tensorflow python bench/keras_article.py --seeds 3 [--epochs 10] [--only airline|mnist]

Prints one JSON object: for each seed, train and test RMSE of the airline LSTM and the test accuracy of the digits'
LSTM, with seconds from the call of `fit` to its return (compilation included).
"""

import argparse
import json
import time

import numpy as np

from latchwork import datasets


def airline(keras, seed: int) -> dict[str, float]:
    keras.utils.set_random_seed(seed)
    _, passengers = datasets.airline()
    low, high = passengers.min(), passengers.max()
    scaled = ((passengers - low) / (high - low)).astype("float32")
    split = int(len(scaled) * 0.67)
    parts = scaled[:split], scaled[split:]
    (train_x, train_y), (test_x, test_y) = ((part[:-2, None, None], part[1:-1]) for part in parts)
    model = keras.Sequential([keras.layers.Input((1, 1)), keras.layers.LSTM(4), keras.layers.Dense(1)])
    model.compile(loss="mean_squared_error", optimizer="adam")
    started = time.perf_counter()
    model.fit(train_x, train_y, epochs=100, batch_size=1, verbose=0)
    seconds = time.perf_counter() - started

    def rmse(x, y):
        error = (model.predict(x, verbose=0)[:, 0] - y) * (high - low)
        return float(np.sqrt(np.mean(error**2)))

    return {"train_rmse": rmse(train_x, train_y), "test_rmse": rmse(test_x, test_y), "seconds": seconds}


def mnist(keras, seed: int, epochs: int) -> dict[str, float]:
    keras.utils.set_random_seed(seed)
    train, test = datasets.mnist()
    model = keras.Sequential(
        [keras.layers.Input((28, 28)), keras.layers.LSTM(30), keras.layers.Dense(10, activation="softmax")]
    )
    model.compile(loss="sparse_categorical_crossentropy", optimizer="rmsprop", metrics=["accuracy"])
    started = time.perf_counter()
    model.fit(*train, epochs=epochs, batch_size=128, validation_data=test, verbose=0)
    seconds = time.perf_counter() - started
    loss, accuracy = model.evaluate(*test, verbose=0)
    return {"test_accuracy": float(accuracy), "test_loss": float(loss), "seconds": seconds}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--only", choices=["airline", "mnist"])
    options = parser.parse_args()
    import keras

    seeds = range(options.first_seed, options.first_seed + options.seeds)

    results: dict[str, object] = {"backend": keras.backend.backend(), "keras": keras.__version__}
    if options.only != "mnist":
        results["airline"] = [airline(keras, seed) for seed in seeds]
    if options.only != "airline":
        results["mnist"] = [mnist(keras, seed, options.epochs) for seed in seeds]
    print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
