"""Weights in a quarter of their size: whole numbers from -127 to 127, and a scale for each token or each output.

A keyboard has to be small, and its matrices lose next to nothing by it: a weight moves by half a step at most, a step
being a 127th of the largest in its row or column.

In an eighth of their size: whole numbers from -7 to 7, two to a byte, with the scale that loses least of each row or
column, which may cut the largest weights off.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Arrays = Mapping[str, NDArray[Any]]
SCALES = "fitted.scales."
"""What the name of a matrix's scales begins with in a file."""

_LEAST_SCALE = float(np.finfo(np.float16).tiny)


_CUTS = np.linspace(1.0, 0.5, 11)  # of the largest weight, at which those above may be cut off
_EVEN = 2  # weights in a byte


def packed(parameters: Arrays, rows: str, halved: Collection[str] = ()) -> dict[str, NDArray[Any]]:
    """The tensors to store: matrices as int8 with float16 scales, or as uint8 of two weights each; vectors as float32.

    Packing what `unpacked` gave yields the same tensors again.

    Args:
        parameters: float32 arrays by name.
        rows: the matrix that has a scale for each row, an embedding; the others have one for each column.
        halved: matrices stored in four bits a weight; those with an odd number of columns stay at eight.
    """
    tensors: dict[str, NDArray[Any]] = {}
    for name, array in parameters.items():
        if array.ndim < 2:
            tensors[f"network.{name}"] = np.asarray(array, np.float32)
            continue
        axis = 1 if name == rows else 0
        if name in halved and array.shape[-1] % _EVEN == 0 and array.ndim == 2:
            tensors[f"network.{name}"], tensors[SCALES + name] = _in_four_bits(np.asarray(array, np.float32), axis)
            continue
        largest = np.abs(array).max(axis=axis, keepdims=True)
        scales = np.maximum(largest / 127, _LEAST_SCALE).astype(np.float16)
        steps = np.rint(array / scales.astype(np.float32))
        tensors[f"network.{name}"] = np.clip(steps, -127, 127).astype(np.int8)
        tensors[SCALES + name] = scales
    return tensors


def _in_four_bits(array: NDArray[np.float32], axis: int) -> tuple[NDArray[np.uint8], NDArray[np.float16]]:
    """Two weights a byte, the first in the high half, each 8 more than its steps; and the scales that lose least."""
    largest = np.abs(array).max(axis=axis, keepdims=True)
    best = np.zeros_like(largest, np.float16)
    least = np.full(largest.shape, np.inf)
    for cut in _CUTS:
        scales = np.maximum(largest * np.float32(cut) / 7, _LEAST_SCALE).astype(np.float16)
        steps = np.clip(np.rint(array / scales.astype(np.float32)), -7, 7)
        lost = ((array - steps * scales.astype(np.float32)) ** 2).sum(axis=axis, keepdims=True, dtype=np.float64)
        better = lost < least
        best, least = np.where(better, scales, best), np.where(better, lost, least)
    steps = np.clip(np.rint(array / best.astype(np.float32)), -7, 7).astype(np.int8) + 8
    halves = steps.astype(np.uint8).reshape(len(array), -1, 2)
    return np.asarray(halves[..., 0] << 4 | halves[..., 1], np.uint8), best.astype(np.float16)


def _of_four_bits(array: NDArray[np.uint8]) -> NDArray[np.float32]:
    halves = np.stack([array >> 4, array & 15], axis=-1).reshape(len(array), -1)
    return halves.astype(np.float32) - 8


def unpacked(tensors: Arrays) -> dict[str, NDArray[np.float32]]:
    """The network's parameters by name, whether they were packed or not."""
    parameters: dict[str, NDArray[np.float32]] = {}
    for stored, array in tensors.items():
        if not stored.startswith("network."):
            continue
        name = stored.removeprefix("network.")
        halved = array.dtype == np.uint8 and SCALES + name in tensors
        parameters[name] = _of_four_bits(array) if halved else np.asarray(array, np.float32)
        if SCALES + name in tensors:
            parameters[name] = parameters[name] * tensors[SCALES + name].astype(np.float32)
    return parameters


def whole(document: Mapping[str, Any], tensors: Arrays) -> dict[str, NDArray[Any]]:
    """A file's tensors with the network's arrays in full, as its spec has them.

    Packed matrices are unpacked, and where the last layer's matrix is the embedding's, transposed (`fitted` says
    `tied`), it is there too.

    Args:
        document: of a file with a network.
        tensors: as the file has them.

    Raises:
        ValueError: a matrix and its scales do not belong together.
    """
    tied = bool(document["fitted"].get("tied"))
    if not tied and not any(name.startswith(SCALES) for name in tensors):
        return dict(tensors)
    parameters = unpacked(tensors)
    if tied and "layers.0.weight" in parameters:
        last = f"layers.{len(document['network']['layers']) - 1}.weight"
        parameters[last] = np.ascontiguousarray(parameters["layers.0.weight"].T)
    rest = {name: array for name, array in tensors.items() if not name.startswith(("network.", SCALES))}
    return rest | {f"network.{name}": array for name, array in parameters.items()}
