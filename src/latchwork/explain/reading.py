"""What is looked into, and what it reads: the network of whatever was given, and inputs as that network takes them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latchwork.core.errors import InputError
from latchwork.engines.jax.layers import embedding_of
from latchwork.engines.jax.network import Network
from latchwork.estimators.base import Estimator
from latchwork.transforms.sequences import as_lengths, as_sequences
from latchwork.transforms.vocabulary import decode

Model = Network | Estimator
"""A built network, or a fitted estimator, whose inputs are then scaled or encoded as it does itself."""


class Reading(NamedTuple):
    """A network and a batch for it.

    `inputs [batch, time, features]`, or token numbers `[batch, time]`; `lengths [batch]` where they differ; `single`
    where one sequence was given without a batch axis.
    """

    network: Network
    inputs: NDArray[np.float32] | NDArray[np.int32]
    lengths: NDArray[np.int32] | None
    single: bool


def read(model: Model, inputs: ArrayLike | str, lengths: ArrayLike | None = None) -> Reading:
    """Make a batch of what was given.

    Args:
        model: a network or a fitted estimator.
        inputs: one sequence `[time, features]` or a batch of them; for a network that reads tokens, their numbers
            `[time]` or `[batch, time]`, or, with a language model, a text.
        lengths: real steps of each sequence of a batch.

    Raises:
        InputError: the model has no network to look into, or cannot read the inputs.
    """
    network = network_of(model)
    if isinstance(inputs, str):
        inputs = _vocabulary_of(model).encode(inputs)
    if (vectors := embedding_of(network.layers[0])) is not None:
        tokens, single = _tokens(inputs, len(vectors))
        checked = None if lengths is None else as_lengths(lengths, *tokens.shape)
        return Reading(network, tokens, checked, single)
    ragged = isinstance(inputs, list | tuple) and len(inputs) > 0 and np.ndim(inputs[0]) == 2
    sequences: Any = inputs if ragged else _numbers(inputs)
    width = network.spec.input_shape[-1] if network.spec.input_shape else None
    shape = np.shape(sequences[0] if ragged else sequences)
    if len(shape) not in (2, 3) or shape[-1] != width:
        raise InputError(f"got inputs of shape {shape}: the network reads (time, {width}) or (batch, time, {width})")
    single = not ragged and len(shape) == 2
    batch, checked = as_sequences(sequences[None] if single else sequences, lengths)
    scaler = getattr(model, "scaler_", None)
    if scaler is not None:
        batch = scaler.transform(batch, checked)
    return Reading(network, batch, checked, single)


def network_of(model: Model) -> Network:
    """The network of a fitted estimator, or what was given if it is one.

    Raises:
        InputError: there is none.
    """
    if isinstance(model, Network):
        return model
    if not isinstance(model, Estimator):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InputError(f"got {type(model).__name__}: give a built network, or a fitted estimator such as lw.load's")
    network = getattr(model, "network_", None)
    if not isinstance(network, Network):
        raise InputError(f"this {type(model).__name__} has no network to look into: fit it first, if it trains one")
    return network


def tokens_of(model: Model, text: str) -> list[str]:
    """What a language model reads at each step of a text.

    Raises:
        InputError: the model is none.
    """
    vocabulary = _vocabulary_of(model)
    return [decode(vocabulary, [token]) for token in vocabulary.encode(text)]


def _vocabulary_of(model: Model) -> Any:
    vocabulary = getattr(getattr(model, "model_", None), "vocabulary", None)
    if vocabulary is None:
        raise InputError("got a text: only a language model reads one; a network reads numbers")
    return vocabulary


def _numbers(inputs: Any) -> NDArray[Any]:
    try:
        return np.asarray(inputs)
    except ValueError as error:
        raise InputError(f"the inputs cannot be made an array: {error}") from error


def _tokens(inputs: Any, count: int) -> tuple[NDArray[np.int32], bool]:
    array = np.asarray(inputs)
    if array.dtype.kind not in "iu" or array.ndim not in (1, 2) or not array.size:
        raise InputError(
            f"got inputs of shape {array.shape} and type {array.dtype}: the network reads token numbers (time) or "
            "(batch, time)"
        )
    if array.min() < 0 or array.max() >= count:
        raise InputError(f"got token numbers from {array.min()} to {array.max()}: the network knows 0 to {count - 1}")
    return (array[None] if array.ndim == 1 else array).astype(np.int32), array.ndim == 1
