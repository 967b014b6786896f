"""What training and the engines that train tell each other: plain data and NumPy arrays.

Networks may train side by side, each a *member*: then arrays have a first axis of members, and one network by itself is
a single member.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from latchwork.core.spec import Sequential

Arrays = Mapping[str, NDArray[Any]]
Order = NDArray[np.int32]
Sums = NDArray[np.float64]

FILL = -1  # in an order: no row, the place only fills up its batch


class RowShape(NamedTuple):
    """One row of a named array."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]


@runtime_checkable
class Rows(Protocol):
    """Examples in named arrays, read a chunk at a time."""

    @property
    def chunk_rows(self) -> int | None:
        """Rows of a chunk; all where None."""
        ...

    def shapes(self) -> Mapping[str, RowShape]:
        """The shape and type of one row of each array."""
        ...

    def read(self, chunk: range) -> Arrays:
        """The rows of a chunk."""
        ...


class Rule(NamedTuple):
    """An optimiser's direction and its constants."""

    direction: str  # `sgd`, `momentum`, `rmsprop`, `adam`, `adagrad`, `velocity`, `nesterov`, `adadelta` or `adamax`
    decay: float = 0.0  # of the mean of gradients (momentum, Adam) or of their squares (RMSprop, Adadelta)
    decay_of_squares: float = 0.0
    epsilon: float = 0.0
    start: float = 0.0  # of what it keeps for each parameter
    epsilon_beside_raw: bool = False  # Adam's, added to the root before it is corrected, as in Keras


class Update(NamedTuple):
    """What a step does with a gradient; the step's rate comes with the batches."""

    rule: Rule
    weight_decay: float  # of matrices
    clips: tuple[float | None, ...]  # of each member: the largest norm of its gradients
    decays_vectors: bool = False  # weight decay is taken off biases and scales as well
    frozen: frozenset[str] = frozenset()  # parameters that are not trained
    clip_each: float | None = None  # the largest norm of one parameter's gradient
    clip_value: float | None = None  # the largest number in a gradient


class Term(NamedTuple):
    """A loss or a metric by the name that the kernels have for it, and its numbers (`huber`: delta).

    What is reported is `factor` times what the kernels give.
    """

    name: str
    settings: tuple[float, ...] = (0.0,)
    factor: float = 1.0


class Sampling(NamedTuple):
    """Of the last layer's outputs while it trains: how many first ones count always, how many others are drawn."""

    frequent: int
    drawn: int


class Penalty(NamedTuple):
    """l1 * |w| + l2 * w^2 for every number w of a learned array, added to the loss (Keras's `regularizers`)."""

    name: str  # as in `spec.Sequential.parameter_shapes`: layers.0.input_weight
    l1: float = 0.0
    l2: float = 0.0


class Batches(NamedTuple):
    """The steps of a block.

    Attributes:
        order: rows of the chunk that make each batch, `[steps, batch]`, or `[members, steps, batch]` where each has its
            own; `FILL` for none.
        scales: minus each step's rate, `[members, steps]`.
        first: the number of the first step, counted from the start of the run.
        active: which members train, `[members]`; the others stay as they are.
    """

    order: Order
    scales: NDArray[np.float32]
    first: int
    active: NDArray[np.bool_]


Seeds = Sequence[int]  # of each member; what it draws follows from its own and the step's number


class Steps(Protocol):
    """How a run's steps are done. A block never changes the state that it is given."""

    @property
    def most_steps(self) -> int:
        """How many steps a block may have."""
        ...

    @property
    def compiles(self) -> bool:
        """Whether the first block's time says nothing of the next one's."""
        ...

    @property
    def threads(self) -> int | None:
        """How many threads a block keeps busy; None where nobody can tell."""
        ...

    def initial_state(self) -> Any:
        """The state before the first step."""
        ...

    def train(self, state: Any, chunk: range, batches: Batches) -> tuple[Any, Sums]:
        """The state after these steps, and each member's sums of each, `[members, steps, figures + 1]`.

        The last of the sums is that of the rows' weights.
        """
        ...

    def arrays(self, state: Any) -> dict[str, NDArray[Any]]:
        """The whole state by name: what a checkpoint keeps."""
        ...

    def restored(self, arrays: Arrays) -> Any:
        """The state that `arrays` described; raises `KeyError` or `ValueError` where it is another network's."""
        ...

    def parameters(self, state: Any) -> dict[str, NDArray[Any]]:
        """What is learned, by name; of members side by side each with a first axis of members."""
        ...

    def model(self, parameters: Arrays) -> Any:
        """The model around parameters, of the kind that was given."""
        ...


class Evaluation(Protocol):
    """An objective and rows, for any number of models of one shape."""

    def sums(self, model: Any, chunk: range, order: Order) -> Sums:
        """Each member's sums over the batches of `order`, as a block's: `[members, figures + 1]`."""
        ...


def per_member(network: Sequential, rows: Mapping[str, RowShape]) -> frozenset[str]:
    """Of members side by side: the arrays whose rows hold an example for each, with one axis more than one needs."""
    axes = {"inputs": len(network.input_shape or ()), "ahead": 2}
    if "targets" in rows:
        axes["targets"] = len(network.output_shape()) - (rows["targets"].dtype.kind in "iu")  # classes have one less
    return frozenset(name for name, row in rows.items() if len(row.shape) > axes.get(name, 0))


def picked(arrays: Arrays, shapes: Mapping[str, tuple[tuple[int, ...], Any]], prefix: str = "") -> dict[str, Any]:
    """The arrays of these names, shapes and types; raises `KeyError` or `ValueError` where they are not there."""
    found: dict[str, Any] = {}
    for name, (shape, dtype) in shapes.items():
        array = arrays[f"{prefix}{name}"]
        if array.shape != shape or array.dtype != dtype:
            raise ValueError(f"the array {prefix}{name} is that of another network")
        found[name] = array
    return found
