"""The network that learns the roommate's rules, many starts of it side by side in NumPy.

    chosen = softmax(F yesterday + W weather + b)
    scores = M chosen                            (the dish is the highest)
    loss   = -log softmax(scores)[dish]          (the mean over the days)

Source of the optimiser: Kingma & Ba (2015), "Adam".
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from latchwork.core.shapes import Float, Int
from latchwork.engines.plain.product import product

STEPS = 1500
LEARNING_RATE = 0.05  # at first; it falls to zero as a cosine
WEIGHT_DECAY = 1e-4  # on the squares: entries that nothing needs go to zero, so that the matrices can be read
DECAY, DECAY_OF_SQUARES, EPSILON = 0.9, 0.999, 1e-8  # Adam's

Array = Any


class Parameters(NamedTuple):
    """The learned counterparts of the merged kitchen's matrices, and a bias."""

    food: Float[Array, "*starts hidden dishes"]
    weather: Float[Array, "*starts hidden weathers"]
    bias: Float[Array, "*starts hidden"]
    merge: Float[Array, "*starts dishes hidden"]


class States(NamedTuple):
    """What was served in each state that was met, as one-hot vectors, and the share of days that it was met on."""

    yesterday: Float[Array, "states dishes"]
    weather: Float[Array, "states weathers"]
    dish: Float[Array, "states dishes"]
    share: Float[Array, " states"]


def chosen(
    parameters: Parameters, yesterday: Float[Array, "states dishes"], weather: Float[Array, "states weathers"]
) -> Float[Array, "*starts states hidden"]:
    """What the hidden units say of each state."""
    food, sky = (matrix.swapaxes(-1, -2) for matrix in (parameters.food, parameters.weather))
    return _softmax(product(yesterday, food) + weather @ sky + parameters.bias[..., None, :])


def scores(
    parameters: Parameters, yesterday: Float[Array, "states dishes"], weather: Float[Array, "states weathers"]
) -> Float[Array, "*starts states dishes"]:
    """Of each dish in each state."""
    return product(chosen(parameters, yesterday, weather), parameters.merge.swapaxes(-1, -2))


def gradient(parameters: Parameters, states: States) -> tuple[Float[Array, "*starts"], Parameters]:
    """The loss, nats a day, and the gradient of the loss with the decay of the matrices."""
    kept = chosen(parameters, states.yesterday, states.weather)
    given = _softmax(product(kept, parameters.merge.swapaxes(-1, -2)))
    loss = -(np.log(np.maximum((given * states.dish).sum(axis=-1), 1e-300)) @ states.share)
    by_scores = (given - states.dish) * states.share[:, None]
    by_kept = product(by_scores, parameters.merge)
    by_total = kept * (by_kept - (by_kept * kept).sum(axis=-1, keepdims=True))
    back = by_total.swapaxes(-1, -2)
    decay = 2 * WEIGHT_DECAY / states.dish.shape[-1]
    return loss, Parameters(
        product(back, states.yesterday) + decay * parameters.food,
        back @ states.weather + decay * parameters.weather,
        by_total.sum(axis=-2),
        product(by_scores.swapaxes(-1, -2), kept) + decay * parameters.merge,
    )


def train(parameters: Parameters, states: States) -> tuple[Parameters, Float[Array, "*starts steps"]]:
    """Adam from the given first values: the parameters after `STEPS` steps, and the loss of each."""
    # All arrays are parts of one, so that Adam is one step for all of them.
    shapes = [array.shape[1:] for array in parameters]
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes])
    flat = np.concatenate([array.reshape(len(array), -1) for array in parameters], axis=1)

    def parts(flat: Float[Array, "starts numbers"]) -> Parameters:
        arrays = np.split(flat, ends[:-1], axis=1)
        return Parameters(*(array.reshape(-1, *shape) for array, shape in zip(arrays, shapes, strict=True)))

    mean, squares = np.zeros_like(flat), np.zeros_like(flat)
    losses = np.empty((len(flat), STEPS))
    for step in range(STEPS):
        losses[:, step], by_parts = gradient(parts(flat), states)
        by = np.concatenate([array.reshape(len(flat), -1) for array in by_parts], axis=1)
        mean += (1 - DECAY) * (by - mean)
        squares += (1 - DECAY_OF_SQUARES) * (by * by - squares)
        rate = LEARNING_RATE * 0.5 * (1 + np.cos(np.pi * step / STEPS)) / (1 - DECAY ** (step + 1))
        flat -= rate * mean / (np.sqrt(squares / (1 - DECAY_OF_SQUARES ** (step + 1))) + EPSILON)
    return parts(flat), losses


def one_hot(numbers: Int[Array, " states"], size: int) -> Float[Array, "states size"]:
    """A row of zeros with a one for each number."""
    return np.eye(size)[numbers]


def _softmax(total: Float[Array, "*any classes"]) -> Float[Array, "*any classes"]:
    exponentials = np.exp(total - total.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)
