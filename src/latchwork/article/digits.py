"""Handwritten digits, read row by row: the article's LSTM as written."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from latchwork import spec
from latchwork.classification import SequenceClassifier
from latchwork.training.progress import ProgressKind

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Digits = tuple[NDArray[np.float32], NDArray[np.integer]]


@dataclass(frozen=True)
class DigitsResult:
    """The trained classifier and how it does on the test images."""

    test_accuracy: float
    test_loss: float
    seconds: float
    epochs: int
    model: SequenceClassifier = field(repr=False)
    probabilities: NDArray[np.float32] = field(repr=False)


def as_written(train: Digits, test: Digits, *, epochs: int, seed: int, progress: ProgressKind) -> DigitsResult:
    """`LSTM(30) -> Dense(10)`, RMSprop, batch 128; the test part is looked at after each epoch, and chooses nothing.

    Args:
        train, test: images `[n, 28, 28]` with values 0..1, and their digits.
        epochs: the article has 10.
        seed: of first values and order.
        progress: what to show.
    """
    started = time.monotonic()
    model = SequenceClassifier(
        spec.Sequential([spec.LSTM(30), spec.Dense(10)]),
        epochs=epochs,
        batch_size=128,
        optimizer="rmsprop",
        scaling=None,
        keep_best=False,
        progress=progress,
        random_state=seed,
    ).fit(*train, validation_data=test)
    seconds = time.monotonic() - started
    figures = model.evaluate(*test)
    probabilities = model.predict_proba(test[0])
    return DigitsResult(figures["accuracy"], figures["loss"], seconds, epochs, model, probabilities)


def mistakes_figure(result: DigitsResult, test: Digits) -> Figure:
    """The test images that it is surest of and wrong about."""
    from latchwork.pictures import MUTED, RED, new_figure

    images, digits = test
    answers = result.probabilities.argmax(axis=1)
    wrong = np.flatnonzero(answers != digits)
    wrong = wrong[np.argsort(-result.probabilities[wrong].max(axis=1))][:10]
    figure, panels = new_figure(10, 1.9, columns=10)
    for panel, index in zip(panels, wrong, strict=False):
        panel.imshow(images[index], cmap="gray_r", interpolation="nearest")
        panel.set_title(f"{answers[index]}", color=RED)
        panel.set_xlabel(f"is {digits[index]}", color=MUTED)
    for panel in panels:
        panel.grid(visible=False)
        panel.set_xticks([])
        panel.set_yticks([])
        panel.spines[:].set_visible(False)
    figure.suptitle(
        "Surest mistakes: what it said above, what it is below", x=0.01, ha="left", fontsize=11, weight="bold"
    )
    return figure
