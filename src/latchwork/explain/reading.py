"""What is looked into, and what it reads: the network of whatever was given, and inputs as that network takes them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latchwork.core import spec
from latchwork.core.errors import InputError
from latchwork.core.network import NetworkData
from latchwork.explain.passes import Passes, passes_of_data
from latchwork.transforms.sequences import as_lengths, as_sequences
from latchwork.transforms.vocabulary import decode

if TYPE_CHECKING:
    from latchwork.engines.jax.network import Network
    from latchwork.estimators.base import Estimator
    from latchwork.runtime import Model as Opened

    Model = NetworkData | Estimator | Opened | Network
else:
    Model = Any
"""A network as plain data or in JAX, a fitted estimator, or what the runtime opened: the last two scale or encode their
inputs as they do to predict.
"""


class Reading(NamedTuple):
    """What runs a network, and a batch for it.

    `inputs [batch, time, features]`, or token numbers `[batch, time]`; `lengths [batch]` where they differ; `single`
    where one sequence was given without a batch axis.
    """

    passes: Passes
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
    passes = passes_of(model)
    if isinstance(inputs, str):
        inputs = _vocabulary_of(model).encode(inputs)
    first = passes.spec.layers[0]
    if isinstance(first, spec.Embedding):
        tokens, single = _tokens(inputs, first.tokens)
        checked = None if lengths is None else as_lengths(lengths, *tokens.shape)
        return Reading(passes, tokens, checked, single)
    ragged = isinstance(inputs, list | tuple) and len(inputs) > 0 and np.ndim(inputs[0]) == 2
    sequences: Any = inputs if ragged else _numbers(inputs)
    width = passes.spec.input_shape[-1] if passes.spec.input_shape else None
    shape = np.shape(sequences[0] if ragged else sequences)
    if len(shape) not in (2, 3) or shape[-1] != width:
        raise InputError(f"got inputs of shape {shape}: the network reads (time, {width}) or (batch, time, {width})")
    single = not ragged and len(shape) == 2
    scaler = getattr(getattr(model, "model_", model), "scaler", None)
    batch, checked = as_sequences(sequences[None] if single else sequences, lengths, exact=scaler is not None)
    if scaler is not None:
        batch = scaler.transform(batch, checked)
    return Reading(passes, batch, checked, single)


def passes_of(model: Model) -> Passes:
    """What runs the network of a model.

    Raises:
        InputError: there is none.
    """
    fitted = getattr(model, "model_", model)
    data = fitted if isinstance(fitted, NetworkData) else getattr(fitted, "data", None)
    if isinstance(data, NetworkData):
        return passes_of_data(data)
    network: Any = model if _is_of_jax(model) else getattr(model, "network_", None)
    if network is not None:
        from latchwork.explain.foreign import passes_of_jax

        return passes_of_jax(network)
    if hasattr(model, "fit"):
        raise InputError(f"this {type(model).__name__} has no network to look into: fit it first, if it trains one")
    raise InputError(f"got {type(model).__name__}: give a built network, or a fitted estimator such as lw.load's")


def _is_of_jax(model: Any) -> bool:
    """Whether it is a network in JAX, which is imported then and not here."""
    network = sys.modules.get("latchwork.engines.jax.network")
    return network is not None and isinstance(model, network.Network)


def tokens_of(model: Model, text: str) -> list[str]:
    """What a language model reads at each step of a text.

    Raises:
        InputError: the model is none.
    """
    vocabulary = _vocabulary_of(model)
    return [decode(vocabulary, [token]) for token in vocabulary.encode(text)]


def _vocabulary_of(model: Model) -> Any:
    vocabulary = getattr(getattr(model, "model_", model), "vocabulary", None)
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
