"""Arrays that remember what they were computed from, so that the way back can be gone.

What is written over an array namespace (`core.arrays`: every cell, every layer) runs on them as it stands, and has a
gradient then, in whatever precision its arrays have: the kernels' is float32's. They are meant for small pieces, such
as a cell's step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latchwork.core.errors import InputError
from latchwork.engines.plain.product import product

Array = NDArray[Any]
Back = Callable[[Array], Array]
_numbers = count()  # later arrays have higher ones: the order of the way back


class Recorded:
    """An array with its parents, and for each the way back: from a gradient by this array to its part by the parent."""

    __array_ufunc__ = None  # `array * recorded` is then left to the methods below
    __slots__ = ("number", "parents", "value")

    def __init__(self, value: Array, parents: tuple[tuple[Recorded, Back], ...] = ()) -> None:
        """An array that begins a computation, or that came out of others."""
        self.value, self.parents, self.number = value, parents, next(_numbers)

    def __array_namespace__(self) -> Any:
        """NumPy's functions, those recorded that are known here."""
        return FUNCTIONS

    @property
    def shape(self) -> tuple[int, ...]:
        """As of the array."""
        return self.value.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """As of the array."""
        return self.value.dtype

    @property
    def ndim(self) -> int:
        """As of the array."""
        return self.value.ndim

    def __add__(self, other: Any) -> Recorded:
        """The sum."""
        return _computed(value_of(self) + value_of(other), (self, lambda by: by), (other, lambda by: by))

    def __sub__(self, other: Any) -> Recorded:
        """The difference."""
        return _computed(value_of(self) - value_of(other), (self, lambda by: by), (other, np.negative))

    def __mul__(self, other: Any) -> Recorded:
        """The product, number by number."""
        one, two = value_of(self), value_of(other)
        return _computed(one * two, (self, lambda by: by * two), (other, lambda by: by * one))

    def __truediv__(self, other: Any) -> Recorded:
        """The quotient."""
        one, two = value_of(self), value_of(other)
        return _computed(one / two, (self, lambda by: by / two), (other, lambda by: -by * one / two**2))

    def __matmul__(self, other: Any) -> Recorded:
        """The product of matrices, or of stacks of them."""
        one, two = value_of(self), value_of(other)
        return _computed(
            product(one, two),
            (self, lambda by: product(by, two.swapaxes(-1, -2))),
            (other, lambda by: product(one.swapaxes(-1, -2), by)),
        )

    def __rmatmul__(self, other: Array) -> Recorded:
        """A plain array's product with it."""
        return _computed(product(other, self.value), (self, lambda by: product(other.swapaxes(-1, -2), by)))

    def __pow__(self, power: float) -> Recorded:
        """A power that is a plain number."""
        value = self.value**power
        return _computed(value, (self, lambda by: by * power * self.value ** (power - 1)))

    def __abs__(self) -> Recorded:
        """The absolute value."""
        return FUNCTIONS.abs(self)

    def __neg__(self) -> Recorded:
        """Its negative."""
        return self * -1

    def __radd__(self, other: Any) -> Recorded:
        """The sum."""
        return self + other

    def __rsub__(self, other: Any) -> Recorded:
        """The difference."""
        return -self + other

    def __rmul__(self, other: Any) -> Recorded:
        """The product."""
        return self * other

    def __rtruediv__(self, other: Any) -> Recorded:
        """The quotient."""
        return _computed(other / self.value, (self, lambda by: -by * other / self.value**2))

    def __getitem__(self, index: Any) -> Recorded:
        """A part, by slices and whole numbers, or by an array of them."""
        return _computed(self.value[index], (self, lambda by: _wide(by, self.value, index)))

    # Comparisons have no gradient: a plain array.
    def __lt__(self, other: Any) -> Array:
        """Where it is below."""
        return self.value < value_of(other)

    def __gt__(self, other: Any) -> Array:
        """Where it is above."""
        return self.value > value_of(other)

    def __le__(self, other: Any) -> Array:
        """Where it is not above."""
        return self.value <= value_of(other)

    def __ge__(self, other: Any) -> Array:
        """Where it is not below."""
        return self.value >= value_of(other)

    def __eq__(self, other: Any) -> Any:
        """Where it is equal."""
        return self.value == value_of(other)

    __hash__ = None  # pyright: ignore[reportAssignmentType]

    def argmax(self, axis: int) -> Array:
        """The places of the largest numbers, a plain array."""
        return self.value.argmax(axis=axis)

    def max(self, axis: int, *, keepdims: bool = False) -> Recorded:
        """The largest number along an axis, whose gradient goes to the first that is it."""
        places = np.expand_dims(self.value.argmax(axis=axis), axis)
        largest = FUNCTIONS.take_along_axis(self, places, axis)
        return largest if keepdims else largest.sum(axis)

    def sum(self, axis: int, *, keepdims: bool = False) -> Recorded:
        """The sum along an axis."""
        value = self.value.sum(axis=axis, keepdims=True)
        back = (self, lambda by: np.broadcast_to(by.reshape(value.shape), self.shape))
        return _computed(value if keepdims else value.squeeze(axis), back)

    def mean(self, axis: int, *, keepdims: bool = False) -> Recorded:
        """The mean along an axis."""
        return self.sum(axis, keepdims=keepdims) * (1 / self.shape[axis])

    def reshape(self, *shape: Any) -> Recorded:
        """The same numbers in another shape."""
        return _computed(self.value.reshape(*shape), (self, lambda by: by.reshape(self.shape)))

    def swapaxes(self, one: int, two: int) -> Recorded:
        """Two axes in each other's place."""
        return _computed(self.value.swapaxes(one, two), (self, lambda by: by.swapaxes(one, two)))

    def astype(self, dtype: Any) -> Recorded:
        """Another type."""
        return _computed(self.value.astype(dtype), (self, lambda by: by.astype(self.dtype)))


class Functions:
    """NumPy's functions: those below are recorded, any other takes plain arrays alone."""

    def __getattr__(self, name: str) -> Any:
        """A function that has no gradient here; raises `InputError` where it would need one."""
        function = getattr(np, name)

        def plain(*arguments: Any, **options: Any) -> Any:
            if any(isinstance(argument, Recorded) for argument in arguments):
                raise InputError(f"the plain engine has no gradient of {name}: it needs a row in engines/plain/tape.py")
            return function(*arguments, **options)

        return plain if callable(function) else function

    def tanh(self, total: Any) -> Any:
        """The hyperbolic tangent."""
        value = np.tanh(value_of(total))
        return _computed(value, (total, lambda by: by * (1 - value**2)))

    def exp(self, total: Any) -> Any:
        """The exponential."""
        value = np.exp(value_of(total))
        return _computed(value, (total, lambda by: by * value))

    def log(self, total: Any) -> Any:
        """The natural logarithm."""
        return _computed(np.log(value_of(total)), (total, lambda by: by / value_of(total)))

    def log1p(self, total: Any) -> Any:
        """log(1 + x)."""
        return _computed(np.log1p(value_of(total)), (total, lambda by: by / (1 + value_of(total))))

    def logaddexp(self, one: Any, two: Any) -> Any:
        """log(exp(x) + exp(y)), which nothing overflows."""
        value = np.logaddexp(value_of(one), value_of(two))
        return _computed(
            value,
            (one, lambda by: by * np.exp(value_of(one) - value)),
            (two, lambda by: by * np.exp(value_of(two) - value)),
        )

    def sqrt(self, total: Any) -> Any:
        """The square root."""
        value = np.sqrt(value_of(total))
        return _computed(value, (total, lambda by: by / (2 * value)))

    def abs(self, total: Any) -> Any:
        """The absolute value."""
        return _computed(np.abs(value_of(total)), (total, lambda by: by * np.sign(value_of(total))))

    def maximum(self, one: Any, two: Any) -> Any:
        """The larger of two; where they are equal the second is it, so that relu is flat at zero."""
        first = value_of(one) > value_of(two)
        return self.where(first, one, two)

    def minimum(self, one: Any, two: Any) -> Any:
        """The smaller of two."""
        return self.where(value_of(one) < value_of(two), one, two)

    def where(self, condition: Array, one: Any, two: Any) -> Any:
        """One where the condition holds, else the other."""
        return _computed(
            np.where(condition, value_of(one), value_of(two)),
            (one, lambda by: np.where(condition, by, 0)),
            (two, lambda by: np.where(condition, 0, by)),
        )

    def concatenate(self, arrays: Sequence[Any], axis: int = 0) -> Any:
        """Side by side along an axis."""
        ends = np.cumsum([value_of(array).shape[axis] for array in arrays])[:-1]
        ways = [(array, lambda by, place=place: np.split(by, ends, axis)[place]) for place, array in enumerate(arrays)]
        return _computed(np.concatenate([value_of(array) for array in arrays], axis), *ways)

    def split(self, total: Any, parts: int, axis: int = 0) -> list[Any]:
        """So many equal parts of an axis."""
        size = total.shape[axis] // parts
        before = (slice(None),) * (axis % total.ndim)
        return [total[(*before, slice(place * size, (place + 1) * size))] for place in range(parts)]

    def take_along_axis(self, total: Any, places: Array, axis: int) -> Any:
        """The numbers at some places of an axis."""
        value = value_of(total)
        taken = np.take_along_axis(value, places, axis)
        return _computed(taken, (total, lambda by: _put_back(by, value, places, axis)))

    def reshape(self, total: Any, shape: Any) -> Any:
        """The same numbers in another shape."""
        return total.reshape(shape)

    def swapaxes(self, total: Any, one: int, two: int) -> Any:
        """Two axes in each other's place."""
        return total.swapaxes(one, two)


FUNCTIONS = Functions()


def value_of(array: Any) -> Any:
    """The plain array, of any that is recorded or not."""
    return array.value if isinstance(array, Recorded) else array


def pull_back(
    outputs: Sequence[Recorded], by_outputs: Sequence[Array], inputs: Sequence[Recorded]
) -> tuple[Array, ...]:
    """The vector-Jacobian product: the gradient by each input of what has the given gradients by the outputs.

    Example:
        >>> x = Recorded(np.array([1.0, 2.0]))
        >>> pull_back([x * x], [np.ones(2)], [x])
        (array([2., 4.]),)
    """
    gradients: dict[int, Array] = {}
    waiting: dict[int, Recorded] = {}
    arriving = list(zip(outputs, by_outputs, strict=True))
    while arriving or waiting:
        for array, by in arriving:
            waiting[array.number] = array
            known = gradients.get(array.number)
            gradients[array.number] = by if known is None else known + by
        latest = waiting.pop(max(waiting))  # whatever came out of it has given its part by then
        by = gradients[latest.number]
        arriving = [(parent, _summed(back(by), parent.shape)) for parent, back in latest.parents]
    return tuple(gradients.get(array.number, np.zeros_like(array.value)) for array in inputs)


def _wide(by: Array, of: Array, index: Any) -> Array:
    """A part's gradient, in zeros in the shape of what it is a part of."""
    wide = np.zeros_like(of)
    if isinstance(index, np.ndarray):  # one place may be there more than once
        np.add.at(wide, index, by)
    else:
        wide[index] = by
    return wide


def _put_back(by: Array, of: Array, places: Array, axis: int) -> Array:
    """The same for numbers taken along an axis."""
    wide = np.zeros_like(of)
    np.put_along_axis(wide, places, by, axis)
    return wide


def _computed(value: Any, *ways: tuple[Any, Back]) -> Any:
    """What came out of some arrays; recorded where one of them is."""
    parents = tuple((array, back) for array, back in ways if isinstance(array, Recorded))
    return Recorded(value, parents) if parents else value


def _summed(by: Array, shape: tuple[int, ...]) -> Array:
    """A gradient in the shape of what was spread over it."""
    extra = by.ndim - len(shape)
    if extra:
        by = by.sum(axis=tuple(range(extra)))
    spread = tuple(axis for axis, size in enumerate(shape) if size == 1 != by.shape[axis])
    return by.sum(axis=spread, keepdims=True) if spread else by
