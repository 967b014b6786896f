"""What is trained: a network that is plain data, or any module, as JAX sees it and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import numpy as np
from numpy.typing import NDArray

from latchwork.core.network import NetworkData
from latchwork.engines.jax.network import Network, split_parameters


def network_data(model: Any) -> NetworkData | None:
    """A `Network` in plain arrays; None for any other module, for other types of numbers and other devices' arrays.

    Its arrays may have a first axis of members (see `Network.stacked`).
    """
    if type(model) is not Network:
        return None
    parameters, shapes = model.parameters(), model.spec.parameter_shapes()
    leaves = jax.tree.leaves(split_parameters(model)[0])
    on_cpu = all(
        device.platform == "cpu" for leaf in leaves if isinstance(leaf, jax.Array) for device in leaf.devices()
    )
    if not on_cpu or any(array.dtype != np.float32 for array in parameters.values()):
        return None
    axes = {array.shape[: array.ndim - len(shapes[name])] for name, array in parameters.items()}
    if len(axes) > 1 or any(len(axis) > 1 for axis in axes):
        return None
    axis = next(iter(axes), ())
    if any(parameters[name].shape != (*axis, *shape) for name, shape in shapes.items()):
        return None
    return NetworkData(model.spec, parameters, axis[0] if axis else None)


def as_module(model: NetworkData | Any) -> Any:
    """The module that computes with these parameters; what is a module already stays as it is.

    The learned arrays of members side by side have a first axis of members; all else they share.
    """
    if not isinstance(model, NetworkData):
        return model
    if model.members is None:
        return Network.from_data(model)
    each = [split_parameters(Network.from_data(model.member(member))) for member in range(model.members)]
    learned = jax.tree.map(lambda *arrays: jax.device_put(np.stack(arrays)), *(parameters for parameters, _ in each))
    return eqx.combine(learned, each[0][1])


def as_given(module: Any, given: Any) -> Any:
    """A module with new parameters, of the kind that was given: plain data, or a module on the device."""
    module = jax.device_put(module)
    return NetworkData(given.spec, module.parameters(), given.members) if isinstance(given, NetworkData) else module


def numbered(tree: Any) -> dict[str, NDArray[Any]]:
    """The leaves of a tree in NumPy, by their numbers."""
    return {str(number): np.asarray(leaf) for number, leaf in enumerate(jax.tree.leaves(jax.device_get(tree)))}


def filled(tree: Any, arrays: Mapping[str, NDArray[Any]]) -> Any:
    """The tree with arrays that `numbered` gave in place of its own; raises `KeyError` or `ValueError` for others."""
    leaves, structure = jax.tree.flatten(tree)
    found = [arrays[str(number)] for number in range(len(leaves))]
    if any(new.shape != old.shape or new.dtype != old.dtype for new, old in zip(found, leaves, strict=True)):
        raise ValueError("the arrays are those of another model")
    return structure.unflatten(found)


def combined(parameters: Any, fixed: Any) -> Any:
    """A module from its two parts (see `split_parameters`)."""
    return eqx.combine(parameters, fixed)
