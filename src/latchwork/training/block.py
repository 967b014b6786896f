"""The compiled programs: a block of training steps, and a pass of evaluation.

One program trains for `count` steps, a run-time number: gathering the batch, gradient, optimiser and sums are all
inside, and nothing calls back to the host, since a callback would keep the program out of the compilation cache.
How the steps are cut into blocks changes no result.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Bool, Float, Int
from numpy.typing import NDArray

from latchwork.engines.jax.compilation import COMPILE_FAST
from latchwork.training.data import FILL
from latchwork.training.objective import Objective
from latchwork.training.steps import TrainState

CAPACITY = 1024  # steps that one block can take; shapes are fixed by it, not by the data


class StepsToDo(NamedTuple):
    """What a block is to do; the first axis is always `CAPACITY` long, the first `used` of it to be done."""

    order: Int[np.ndarray, "capacity batch"]
    scales: Float[np.ndarray, " capacity"]
    resets: Bool[np.ndarray, " capacity"]
    first: int
    used: int


TrainBlock = Callable[..., tuple[TrainState, Float[Array, "capacity sums"]]]


@cache
def compiled_block(
    objective: Objective, transformation: optax.GradientTransformation, *, small: bool = False
) -> TrainBlock:
    """`block(state, fixed, arrays, initial_carry, steps, seed) -> (state, sums of each step)`.

    A `small` one is compiled fast rather than well: its steps cost their calls, not their arithmetic.
    """

    def block(
        state: TrainState,
        fixed: Any,
        arrays: Mapping[str, Array],
        initial_carry: Any,
        steps: StepsToDo,
        seed: Int[Array, "2"],
    ) -> tuple[TrainState, Float[Array, "capacity sums"]]:
        draws = objective.draws(eqx.combine(state.parameters, fixed))

        def step(index: Array, at: tuple[TrainState, Array]) -> tuple[TrainState, Array]:
            state, sums = at
            batch = _gather(arrays, steps.order[index])
            carry = jax.tree.map(
                lambda first, old: jnp.where(steps.resets[index], first, old), initial_carry, state.carry
            )
            key = jax.random.fold_in(jax.random.wrap_key_data(seed), steps.first + index) if draws else None

            def loss(parameters: Any) -> tuple[Array, tuple[Array, Any]]:
                return objective(eqx.combine(parameters, fixed), batch, carry, key)

            gradients, (step_sums, carry) = jax.grad(loss, has_aux=True)(state.parameters)
            updates, optimizer = transformation.update(gradients, state.optimizer, state.parameters)
            parameters = jax.tree.map(
                lambda value, update: value + steps.scales[index].astype(value.dtype) * update,
                state.parameters,
                updates,
            )
            return TrainState(parameters, optimizer, carry), sums.at[index].set(step_sums)

        sums = jnp.zeros((CAPACITY, len(objective.names) + 1))
        return jax.lax.fori_loop(0, steps.used, step, (state, sums))

    return jax.jit(block, donate_argnums=0, compiler_options=dict(COMPILE_FAST) if small else None)


@cache
def compiled_evaluation(objective: Objective) -> Callable[..., tuple[Any, Float[Array, " sums"]]]:
    """`evaluate(model, arrays, carry, order, count) -> (carry, sums)` over the first `count` batches of `order`."""

    def evaluate(
        model: Any, arrays: Mapping[str, Array], carry: Any, order: Int[Array, "capacity batch"], count: int
    ) -> tuple[Any, Float[Array, " sums"]]:
        def step(index: Array, at: tuple[Any, Array]) -> tuple[Any, Array]:
            carry, sums = at
            _, (batch_sums, carry) = objective(model, _gather(arrays, order[index]), carry, None)
            return carry, sums + batch_sums

        return jax.lax.fori_loop(0, count, step, (carry, jnp.zeros(len(objective.names) + 1)))

    return jax.jit(evaluate)


@cache
def compiled_initial_state(transformation: optax.GradientTransformation) -> Callable[[Any], Any]:
    """The optimiser's first state, in one program where eager JAX would compile one for each array."""
    return jax.jit(transformation.init, compiler_options=dict(COMPILE_FAST))


def padded(array: NDArray[Any], fill: Any = 0) -> NDArray[Any]:
    """The array with its first axis filled up to `CAPACITY`."""
    missing = CAPACITY - len(array)
    return np.concatenate([array, np.full((missing, *array.shape[1:]), fill, array.dtype)])


def _gather(arrays: Mapping[str, Array], rows: Int[Array, " batch"]) -> dict[str, Array]:
    """The batch of `rows`, with weight 0 where there is no row."""
    real = rows != FILL
    batch = {name: array[jnp.where(real, rows, 0)] for name, array in arrays.items()}
    weight = batch.get("weight", jnp.ones(rows.shape))
    return batch | {"weight": jnp.where(real, weight, 0)}
