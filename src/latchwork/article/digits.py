"""Handwritten digits, read row by row: the article's LSTM as written, and what rows alone can reach."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from latchwork.core import spec
from latchwork.estimators.base import fit_as_far_as_possible
from latchwork.estimators.classifier import SequenceClassifier
from latchwork.training import Optimizer
from latchwork.training.progress import ProgressKind
from latchwork.transforms.augmentation import AffineImages

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Digits = tuple[NDArray[np.float32], NDArray[np.integer]]

DONE_WELL_MINUTES = 1.0
"""Of training: a newcomer's first command should end soon."""
FULL_EPOCHS = 20
"""Where more no longer help."""


@dataclass(frozen=True)
class DigitsResult:
    """The trained classifier and how it does on the test images; `seconds` are those of its training."""

    test_accuracy: float
    test_loss: float
    seconds: float
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
    )
    fit_as_far_as_possible(model, *train, validation_data=test)
    return _result(model, test, started)


def done_well(train: Digits, test: Digits, *, full: bool = False, seed: int, progress: ProgressKind) -> DigitsResult:
    """The same rows, still by recurrent layers alone, with what was chosen on 5,000 held-out training images.

    Two layers that read both ways, pooled over the rows; images turned, slanted, stretched and moved a little, anew in
    each batch; AdamW with a rate that falls as a cosine. The test images are looked at once, at the end.

    Args:
        train, test: images `[n, 28, 28]` with values 0..1, and their digits.
        full: train for `FULL_EPOCHS`, not for `DONE_WELL_MINUTES`; the rate falls to its end either way.
        seed: of first values, order and changes.
        progress: what to show.
    """
    started = time.monotonic()
    model = SequenceClassifier(
        spec.Sequential(
            [
                spec.Bidirectional(spec.LSTM(64, return_sequences=True)),
                spec.Bidirectional(spec.LSTM(64, return_sequences=True, dropout=0.1)),
                spec.Pooling(("first", "last", "mean", "max")),
                spec.Dropout(0.3),
                spec.Dense(10),
            ]
        ),
        epochs=FULL_EPOCHS if full else None,
        minutes=None if full else DONE_WELL_MINUTES,
        batch_size=128,
        optimizer=Optimizer("adamw", learning_rate=3e-3, schedule="cosine", warmup=0.05, weight_decay=0.02, clip=1.0),
        scaling=None,
        label_smoothing=0.05,
        augmentation=AffineImages(),
        progress=progress,
        random_state=seed,
    )
    fit_as_far_as_possible(model, *train)
    return _result(model, test, started)


def mistakes_figure(result: DigitsResult, test: Digits) -> Figure:
    """The test images that it is surest of and wrong about."""
    from latchwork.show.pictures import MUTED, RED, new_figure

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


def _result(model: SequenceClassifier, test: Digits, started: float) -> DigitsResult:
    seconds = time.monotonic() - started
    figures = model.evaluate(*test)
    return DigitsResult(figures["accuracy"], figures["loss"], seconds, model, model.predict_proba(test[0]))
