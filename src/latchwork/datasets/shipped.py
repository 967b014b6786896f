"""The two sets of the article, which ship with the package, and sets that are downloaded on request."""

import csv
import os
from pathlib import Path

import numpy as np

from latchwork.datasets.read import read
from latchwork.datasets.sequences import SequenceData

DATA = Path(__file__).parent / "data"
"""The folder of the data that ships; ATTRIBUTION.md there says whose it is."""


def mnist() -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Return MNIST: images of handwritten digits, each read as a sequence of 28 rows of 28 pixels.

    Returns:
        `(X_train, y_train), (X_test, y_test)`: float32 [60000, 28, 28] and [10000, 28, 28], pixels from 0
        to 1, and int64 digits.

    Example:
        >>> (X_train, y_train), _ = mnist()
        >>> X_train.shape, y_train[:5].tolist()
        ((60000, 28, 28), [5, 0, 4, 1, 9])

    Source: LeCun, Bottou, Bengio, Haffner, 1998; CC BY-SA 3.0.
    """
    train, test = read(DATA / "mnist", "train"), read(DATA / "mnist", "test")
    assert train.labels is not None and test.labels is not None
    return (train.inputs, train.labels), (test.inputs, test.labels)


def airline() -> tuple[list[str], np.ndarray]:
    """Return the airline series: international passengers a month, in thousands, January 1949 to December
    1960.

    Returns:
        144 months such as `"1949-01"`, and float64 [144].

    Example:
        >>> months, passengers = airline()
        >>> months[-1], float(passengers[-1])
        ('1960-12', 432.0)

    Source: Box and Jenkins, "Time Series Analysis: Forecasting and Control", 1976, Series G.
    """
    with (DATA / "AirPassengers.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))[1:]
    return [month for month, _ in rows], np.array([float(passengers) for _, passengers in rows])


def japanese_vowels(data: str | os.PathLike[str] | None = None) -> tuple[SequenceData, SequenceData]:
    """Return Japanese Vowels: nine speakers, 12 features, 7 to 29 steps, to train on (270) and to test on
    (370).

    Args:
        data: a folder that has `JapaneseVowels_TRAIN.ts` and `JapaneseVowels_TEST.ts`; without it they are
            downloaded once and kept.

    Returns:
        The train and the test part.

    Raises:
        InputError: the folder lacks a file, or has another version of it.
        LatchworkError: the download failed.

    Source: Kudo, Toyama, Shimbo, "Multidimensional curve classification using passing-through regions",
    Pattern Recognition Letters 20, 1999.
    """
    from latchwork.datasets.download import JAPANESE_VOWELS, obtain

    folder = obtain(JAPANESE_VOWELS, data)
    return read(folder / "JapaneseVowels_TRAIN.ts", "train"), read(folder / "JapaneseVowels_TEST.ts", "test")
