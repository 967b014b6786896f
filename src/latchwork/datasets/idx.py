"""The idx format, in which MNIST and its relatives come (http://yann.lecun.com/exdb/mnist)."""

import math
from pathlib import Path

import numpy as np

from latchwork.core.errors import InputError
from latchwork.datasets.files import Parsed, read_bytes

_DTYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_MOST_UNPACKED = 1100  # deflate packs at most 1032 to 1: a header that promises more is damaged


def read_idx(path: Path) -> np.ndarray:
    """Read one idx file, plain or gzipped, into an array.

    Raises:
        InputError: it is not an idx file, or does not hold what its header declares.
    """
    start = read_bytes(path, 4)
    if not start:
        raise InputError(f"{path.name} is empty")
    if len(start) < 4 or start[:2] != b"\0\0" or start[2] not in _DTYPES or start[3] == 0:
        raise InputError(f"{path.name} is not an idx file: it starts with {start.hex()}")
    dtype, header_bytes = np.dtype(_DTYPES[start[2]]), 4 + 4 * start[3]
    header = read_bytes(path, header_bytes)
    if len(header) < header_bytes or start[3] > 8:
        raise InputError(f"{path.name} is truncated or damaged: its header declares {start[3]} dimensions")
    shape = [int(size) for size in np.frombuffer(header, ">u4", offset=4)]
    expected = header_bytes + math.prod(shape) * dtype.itemsize
    if expected > _MOST_UNPACKED * path.stat().st_size:
        raise InputError(f"{path.name} is truncated or damaged: its header declares {expected} bytes")
    content = read_bytes(path, expected + 1)
    if len(content) != expected:
        found = "more" if len(content) > expected else f"{len(content)}"
        raise InputError(f"{path.name} declares {expected} bytes for shape {tuple(shape)} and holds {found}")
    return np.frombuffer(content, dtype, offset=header_bytes).reshape(shape)


def parse(inputs_path: Path, labels_path: Path | None) -> Parsed:
    """Read a file of images or sequences and, where there is one, the file of their labels.

    Images [image, row, column] become sequences of rows, pixels 0..255 become 0..1; [sequence, time,
    feature] of other types stay as they are; [sequence, time] has one feature; further axes are features.
    """
    inputs = read_idx(inputs_path)
    if inputs.ndim < 2:
        raise InputError(f"{inputs_path.name} has shape {inputs.shape}: sequences need two axes or more")
    if 0 in inputs.shape:
        raise InputError(f"{inputs_path.name} has shape {inputs.shape}: there is nothing in it")
    inputs = inputs.reshape(*inputs.shape[:2], -1)
    notes: tuple[str, ...] = ()
    if inputs.dtype == np.uint8:
        inputs = np.divide(inputs, np.float32(255), dtype=np.float32)
        notes = ("pixels 0..255 were scaled to 0..1",)
    labels = None if labels_path is None else read_idx(labels_path)
    return Parsed(inputs, labels=labels, notes=notes)
