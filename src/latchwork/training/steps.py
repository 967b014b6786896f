"""The two ways to run a block of steps, behind one door.

`native` is one call of our own C++ for a whole block: gathering, forward, loss, backward, optimiser, sums. It knows the
layers, losses and optimisers by name, in float32 on a CPU, and compiles nothing. `xla` compiles whatever JAX can trace.
Both give the same results to rounding. `LATCHWORK_BLOCK=xla|native|auto` chooses (default `auto`: native where it
can); a forced way that cannot run a case says why.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from latchwork.core import settings
from latchwork.core.errors import InputError
from latchwork.training.data import Data, Order
from latchwork.training.native_network import why_not_native
from latchwork.training.objective import Objective
from latchwork.training.optimizers import OptaxOptimizer, Optimizer

Sums = NDArray[np.float64]


class TrainState(NamedTuple):
    """What a step changes: everything that a checkpoint must hold of the arrays."""

    parameters: Any
    optimizer: Any
    carry: Any


class Steps(Protocol):
    """How a run's steps are done. A block never changes the state that it is given."""

    most_steps: int
    """How many steps a block may have."""

    compiles: bool
    """Whether the first block's time says nothing of the next one's."""

    def initial_state(self) -> TrainState:
        """The state before the first step."""
        ...

    def train(self, state: TrainState, chunk: range, order: Order, first: int, total: int) -> tuple[TrainState, Sums]:
        """Train on the batches of `order`, rows of a chunk; the first one is step `first` of `total`.

        Returns:
            The state after it, and the sums of each step, `[steps, figures + 1]` (see `Objective`).
        """
        ...

    def model(self, parameters: Any) -> Any:
        """The model around a state's parameters, in NumPy."""
        ...

    def placed(self, parameters: Any) -> Any:
        """The model around a state's parameters, where the given one's arrays were."""
        ...


def chosen_way(
    model: Any, objective: Objective, optimizer: Optimizer | OptaxOptimizer | None, data: Data
) -> tuple[Literal["native", "xla"], str]:
    """The way that runs this case, and why it is not native (empty where it is).

    Args:
        model: what is trained.
        objective: what it is trained for.
        optimizer: None where nothing is trained, only measured.
        data: the rows.

    Raises:
        InputError: `LATCHWORK_BLOCK` asks for what cannot be, or for what there is not.
    """
    wanted = settings.block()
    if wanted == "xla":
        return "xla", "LATCHWORK_BLOCK=xla"
    reason = why_not_native(model, objective, optimizer, data)
    if reason is None:
        return "native", ""
    if wanted == "native":
        raise InputError(f"a native block cannot run this case: {reason}")
    return "xla", reason
