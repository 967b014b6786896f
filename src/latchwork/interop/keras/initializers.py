"""First values with Keras's distributions, drawn from NumPy's global generator where no seed is given.

So `numpy.random.seed(7)` at the top of a script makes its run repeatable, as it did with Keras.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from latchwork.core.errors import InputError
from latchwork.core.initial_values import orthogonal as orthogonal_matrix
from latchwork.interop.keras.refusals import arguments, missing

Array = NDArray[np.float32]
Size = tuple[int, ...]


class Initializer:
    """Of an array's size, its first numbers."""

    seed: int | None = None

    def __call__(self, shape: Size, dtype: Any = None) -> Array:
        """Draw an array."""
        seed = self.seed if self.seed is not None else int(np.random.randint(2**31))
        return np.asarray(self.drawn(tuple(shape), np.random.default_rng(seed)), np.float32)

    def drawn(self, shape: Size, rng: np.random.Generator) -> NDArray[Any]:
        """The numbers."""
        raise NotImplementedError


@dataclass
class Constant(Initializer):
    """One number everywhere."""

    value: float = 0.0

    def drawn(self, shape: Size, rng: np.random.Generator) -> NDArray[Any]:
        """The numbers."""
        return np.full(shape, self.value)


class Zeros(Constant):
    """0 everywhere."""


class Ones(Constant):
    """1 everywhere."""

    def __init__(self) -> None:
        """No choice."""
        super().__init__(1.0)


@dataclass
class RandomNormal(Initializer):
    """Normal."""

    mean: float = 0.0
    stddev: float = 0.05
    seed: int | None = None

    def drawn(self, shape: Size, rng: np.random.Generator) -> NDArray[Any]:
        """The numbers."""
        return rng.normal(self.mean, self.stddev, shape)


@dataclass
class TruncatedNormal(Initializer):
    """Normal, drawn again where it is more than two standard deviations from the mean."""

    mean: float = 0.0
    stddev: float = 0.05
    seed: int | None = None

    def drawn(self, shape: Size, rng: np.random.Generator) -> NDArray[Any]:
        """The numbers."""
        return self.mean + self.stddev * truncated(shape, rng)


@dataclass
class RandomUniform(Initializer):
    """Uniform between two numbers."""

    minval: float = -0.05
    maxval: float = 0.05
    seed: int | None = None

    def drawn(self, shape: Size, rng: np.random.Generator) -> NDArray[Any]:
        """The numbers."""
        return rng.uniform(self.minval, self.maxval, shape)


@dataclass
class VarianceScaling(Initializer):
    """Variance scale / fan, by the number of inputs (`fan_in`), outputs (`fan_out`) or their mean (`fan_avg`)."""

    scale: float = 1.0
    mode: Literal["fan_in", "fan_out", "fan_avg"] = "fan_in"
    distribution: Literal["truncated_normal", "untruncated_normal", "uniform"] = "truncated_normal"
    seed: int | None = None

    def drawn(self, shape: Size, rng: np.random.Generator) -> NDArray[Any]:
        """The numbers."""
        sizes = list(shape)
        fan_in, fan_out = sizes[0], sizes[-1]
        fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        variance = self.scale / max(1.0, fan)
        if self.distribution == "uniform":
            limit = math.sqrt(3 * variance)
            return rng.uniform(-limit, limit, shape)
        if self.distribution == "untruncated_normal":
            return rng.normal(0, math.sqrt(variance), shape)
        return truncated(shape, rng) * math.sqrt(variance) / 0.87962566103423978  # of a normal cut off at two


@dataclass
class Orthogonal(Initializer):
    """A matrix with orthonormal rows or columns, times a gain."""

    gain: float = 1.0
    seed: int | None = None

    def drawn(self, shape: Size, rng: np.random.Generator) -> NDArray[Any]:
        """The numbers."""
        if len(shape) != 2:
            raise InputError(f"Orthogonal makes matrices, not arrays of shape {shape}")
        return self.gain * orthogonal_matrix(shape, rng)


@dataclass
class Identity(Initializer):
    """The identity matrix, times a gain."""

    gain: float = 1.0

    def drawn(self, shape: Size, rng: np.random.Generator) -> NDArray[Any]:
        """The numbers."""
        if len(shape) != 2:
            raise InputError(f"Identity makes matrices, not arrays of shape {shape}")
        return self.gain * np.eye(*shape)


def _scaled(scale: float, mode: Any, distribution: Any) -> Any:
    def make(seed: int | None = None) -> VarianceScaling:
        return VarianceScaling(scale, mode, distribution, seed)

    return make


GlorotUniform = glorot_uniform = _scaled(1.0, "fan_avg", "uniform")
GlorotNormal = glorot_normal = _scaled(1.0, "fan_avg", "truncated_normal")
HeUniform = he_uniform = _scaled(2.0, "fan_in", "uniform")
HeNormal = he_normal = _scaled(2.0, "fan_in", "truncated_normal")
LecunUniform = lecun_uniform = _scaled(1.0, "fan_in", "uniform")
LecunNormal = lecun_normal = _scaled(1.0, "fan_in", "truncated_normal")
zeros, ones, constant, orthogonal, identity = Zeros, Ones, Constant, Orthogonal, Identity
random_normal = normal = RandomNormal
random_uniform = uniform = RandomUniform
truncated_normal, variance_scaling = TruncatedNormal, VarianceScaling
zero, one = Zeros, Ones
IdentityInitializer, OrthogonalInitializer = Identity, Orthogonal


def truncated(shape: Size, rng: np.random.Generator) -> NDArray[Any]:
    """Standard normal numbers, none beyond 2."""
    numbers = rng.standard_normal(shape)
    while (far := np.abs(numbers) > 2).any():
        numbers[far] = rng.standard_normal(int(far.sum()))
    return numbers


def get(identifier: Any) -> Initializer:
    """An initializer from a name, a class or itself; a function of a shape serves as well."""
    if isinstance(identifier, Initializer):
        return identifier
    made = globals().get(identifier) if isinstance(identifier, str) and not identifier.startswith("_") else identifier
    if callable(made) and made not in (get, truncated, arguments, missing):
        one = made() if isinstance(identifier, str) or isinstance(made, type) else made
        if isinstance(one, Initializer) or callable(one):
            return one  # pyright: ignore[reportReturnType]
    raise InputError(f"no initializer {identifier!r}: use glorot_uniform, orthogonal, zeros or another of initializers")


def __getattr__(name: str) -> Any:
    missing(name)
