"""The data that ship with latchwork, by Keras's names: `mnist`."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latchwork import datasets
from latchwork.interop.keras.refusals import missing

Part = tuple[NDArray[np.uint8], NDArray[np.uint8]]


def load_data(path: str = "mnist.npz") -> tuple[Part, Part]:
    """Handwritten digits: 60,000 images of 28 by 28 pixels from 0 to 255 with their digits, and 10,000 to test with."""
    del path

    def raw(part: Any) -> Part:
        images, digits = part
        return np.rint(np.asarray(images) * 255).astype(np.uint8), np.asarray(digits).astype(np.uint8)

    train, test = datasets.mnist()
    return raw(train), raw(test)


mnist = ModuleType("latchwork.keras.datasets.mnist", load_data.__doc__)
mnist.load_data = load_data  # pyright: ignore[reportAttributeAccessIssue]


def __getattr__(name: str) -> Any:
    missing(name)
