"""What answers without a network: the simple methods that a network is compared with, as arrays and plain data.

Each gives, of scaled sequences, one row of outputs: a classifier's are what `softmax` makes probabilities of, a
regressor's are numbers in the scale of its targets.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from latchwork.core.errors import InputError
from latchwork.transforms.distances import euclidean, resampled, warped
from latchwork.transforms.kernels import RandomKernels
from latchwork.transforms.summaries import summaries

Array = NDArray[np.float32]
Lengths = NDArray[Any] | None
ROWS = 256  # of one comparison with all neighbours


class Method(Protocol):
    """A fitted method."""

    kind: ClassVar[str]

    def outputs(self, inputs: Array, lengths: Lengths) -> Array:
        """`[batch, outputs]` of scaled inputs `[batch, time, features]`."""
        ...

    def settings(self) -> dict[str, Any]:
        """What a file keeps as JSON."""
        ...

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What a file keeps as tensors."""
        ...


@dataclass(frozen=True)
class Constant:
    """The same for every sequence: how frequent each class is, or the mean."""

    kind: ClassVar[str] = "constant"
    value: Array

    def outputs(self, inputs: Array, lengths: Lengths) -> Array:
        """See `Method`."""
        del lengths
        return np.tile(self.value, (len(inputs), 1))

    def settings(self) -> dict[str, Any]:
        """See `Method`."""
        return {}

    def arrays(self) -> dict[str, NDArray[Any]]:
        """See `Method`."""
        return {"value": self.value}


@dataclass(frozen=True)
class Linear:
    """Weighted sums of summaries, or of what random kernels give."""

    kind: ClassVar[str] = "linear"
    weight: Array
    intercept: Array
    kernels: RandomKernels | None = None

    def outputs(self, inputs: Array, lengths: Lengths) -> Array:
        """See `Method`."""
        features = summaries(inputs, lengths) if self.kernels is None else self.kernels.transform(inputs, lengths)
        return features @ self.weight + self.intercept

    def settings(self) -> dict[str, Any]:
        """See `Method`."""
        return {"of": "summaries" if self.kernels is None else "kernels"}

    def arrays(self) -> dict[str, NDArray[Any]]:
        """See `Method`."""
        own: dict[str, NDArray[Any]] = {"weight": self.weight, "intercept": self.intercept}
        return own if self.kernels is None else own | self.kernels.arrays()


@dataclass(frozen=True)
class Neighbour:
    """What belongs to the nearest training sequence.

    Attributes:
        sequences: `[n, steps, features]`, scaled.
        answers: `[n, outputs]`.
        distance: `euclidean`, or `warped` within `window` steps.
    """

    kind: ClassVar[str] = "neighbour"
    sequences: Array
    answers: Array
    distance: Literal["euclidean", "warped"]
    window: int = 0

    def outputs(self, inputs: Array, lengths: Lengths) -> Array:
        """See `Method`."""
        alike = resampled(inputs, lengths, self.sequences.shape[1])
        return self.answers[np.concatenate([self.nearest(alike[at : at + ROWS]) for at in range(0, len(alike), ROWS)])]

    def nearest(self, alike: Array) -> NDArray[np.intp]:
        """The number of the nearest sequence to each of some that have as many steps."""
        return self.distances(alike).argmin(axis=1)

    def distances(self, alike: Array) -> Array:
        """To all sequences, `[batch, n]`."""
        if self.distance == "euclidean":
            return euclidean(alike, self.sequences)
        return warped(alike, self.sequences, self.window)

    def settings(self) -> dict[str, Any]:
        """See `Method`."""
        return {"distance": self.distance, "window": self.window}

    def arrays(self) -> dict[str, NDArray[Any]]:
        """See `Method`."""
        return {"sequences": self.sequences, "answers": self.answers}


def method_to_file(method: Method) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """What a file keeps of a method: JSON, and tensors by name."""
    arrays = {f"fitted.method.{name}": array for name, array in method.arrays().items()}
    return {"kind": method.kind, **method.settings()}, arrays


def method_in_file(kept: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]]) -> Method:
    """The method in a file; raises `InputError`, or what Python says, where there is none."""
    start = "fitted.method."
    arrays = {name.removeprefix(start): array for name, array in tensors.items() if name.startswith(start)}
    if any(array.dtype.kind == "f" and not np.isfinite(array).all() for array in arrays.values()):
        raise InputError("its method holds numbers that are infinite or none")
    match kept:
        case {"kind": "constant"}:
            return Constant(arrays["value"])
        case {"kind": "linear", "of": of}:
            return Linear(arrays["weight"], arrays["intercept"], _kernels(arrays) if of == "kernels" else None)
        case {"kind": "neighbour", "distance": ("euclidean" | "warped") as distance, "window": int(window)}:
            return Neighbour(arrays["sequences"], arrays["answers"], distance, window)
        case _:
            raise InputError(f"its method is {str(kept)[:60]}, which this version does not know")


def _kernels(arrays: Mapping[str, NDArray[Any]]) -> RandomKernels:
    kernels = RandomKernels.from_arrays(arrays)
    if kernels.pairs.ndim != 2 or kernels.pairs.shape[1] != 3 or not (
        len(kernels.pairs) == len(kernels.channels) == len(kernels.biases)
    ):  # fmt: skip
        raise InputError("its kernels do not belong together")
    return kernels
