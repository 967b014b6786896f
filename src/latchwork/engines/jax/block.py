"""The compiled programs: a block of training steps, and a pass of evaluation.

One program trains for `count` steps, a run-time number: gathering the batch, gradient, optimiser and sums are all
inside, and nothing calls back to the host, since a callback would keep the program out of the compilation cache.
How the steps are cut into blocks changes no result.

Members side by side are one model whose arrays have a first axis; a step is then that of one member, mapped over it.
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
from jaxtyping import Array, Float, Int
from numpy.typing import NDArray

from latchwork.engines.jax.compilation import COMPILE_FAST
from latchwork.engines.jax.objectives import CompiledObjective
from latchwork.engines.steps import FILL

CAPACITY = 1024  # steps that one block can take; shapes are fixed by it, not by the data


class TrainState(NamedTuple):
    """What a step changes."""

    parameters: Any
    optimizer: Any
    carry: Any


class StepsToDo(NamedTuple):
    """What a block is to do: `CAPACITY` steps of which the first `used` are to be done.

    Where there are members, `order` is `[capacity, members, batch]`, scales `[capacity, members]`, clips and seeds
    `[members, ...]`; else those axes are missing.
    """

    order: NDArray[np.int32]
    scales: NDArray[np.float32]
    resets: NDArray[np.bool_]
    clips: NDArray[np.float32]
    seeds: NDArray[np.uint32]
    first: int
    used: int


class Members(NamedTuple):
    """Which arrays hold an example for each member in every row."""

    per_member: frozenset[str]

    def axes(self, names: frozenset[str]) -> dict[str, int | None]:
        """The axis of a member in each array of rows."""
        return {name: 1 if name in self.per_member else None for name in names}


@cache
def compiled_block(
    objective: CompiledObjective,
    transformation: optax.GradientTransformation,
    members: Members | None = None,
    *,
    small: bool = False,
) -> Callable[..., tuple[TrainState, Float[Array, "capacity ..."]]]:
    """`block(state, fixed, arrays, initial_carry, steps) -> (state, sums of each step)`.

    A `small` one is compiled fast rather than well: its steps cost their calls, not their arithmetic.
    """

    def block(
        state: TrainState, fixed: Any, arrays: Mapping[str, Array], initial_carry: Any, steps: StepsToDo
    ) -> tuple[TrainState, Array]:
        draws = objective.draws(eqx.combine(state.parameters, fixed))

        def one(
            at: TrainState,
            arrays: Mapping[str, Array],
            rows: Array,
            scale: Array,
            clip: Array,
            seed: Array,
            index: Array,
        ) -> tuple[TrainState, Array]:
            batch = _gather(arrays, rows)
            key = jax.random.fold_in(jax.random.wrap_key_data(seed), steps.first + index) if draws else None

            def loss(parameters: Any) -> tuple[Array, tuple[Array, Any]]:
                return objective(eqx.combine(parameters, fixed), batch, at.carry, key)

            gradients, (sums, carry) = jax.grad(loss, has_aux=True)(at.parameters)
            if members is not None:
                gradients = _clipped(gradients, clip)
            updates, optimizer = transformation.update(gradients, at.optimizer, at.parameters)
            parameters = jax.tree.map(
                lambda value, update: value + scale.astype(value.dtype) * update, at.parameters, updates
            )
            return TrainState(parameters, optimizer, carry), sums

        step_of = one
        if members is not None:
            axes = members.axes(frozenset(arrays))
            step_of = jax.vmap(one, in_axes=(0, axes, 0, 0, 0, 0, None))

        def step(index: Array, at: tuple[TrainState, Array]) -> tuple[TrainState, Array]:
            state, sums = at
            carry = jax.tree.map(
                lambda first, old: jnp.where(steps.resets[index], first, old), initial_carry, state.carry
            )
            state, own = step_of(
                state._replace(carry=carry), arrays, steps.order[index], steps.scales[index], steps.clips, steps.seeds,
                index,
            )  # fmt: skip
            return state, sums.at[index].set(own)

        sums = jnp.zeros((CAPACITY, *steps.scales.shape[1:], len(objective.names) + 1))
        return jax.lax.fori_loop(0, steps.used, step, (state, sums))

    return jax.jit(block, donate_argnums=0, compiler_options=dict(COMPILE_FAST) if small else None)


@cache
def compiled_evaluation(
    objective: CompiledObjective, members: Members | None = None
) -> Callable[..., tuple[Any, Float[Array, "..."]]]:
    """`evaluate(parameters, fixed, arrays, carry, order, count) -> (carry, sums)` over `count` batches of `order`."""

    def evaluate(
        parameters: Any, fixed: Any, arrays: Mapping[str, Array], carry: Any, order: Int[Array, "..."], count: Any
    ) -> tuple[Any, Array]:
        def one(parameters: Any, carry: Any, arrays: Mapping[str, Array], rows: Array) -> tuple[Any, Array]:
            _, (sums, carry) = objective(eqx.combine(parameters, fixed), _gather(arrays, rows), carry, None)
            return carry, sums

        batch_of = one
        if members is not None:
            batch_of = jax.vmap(one, in_axes=(0, 0, members.axes(frozenset(arrays)), 0))

        def step(index: Array, at: tuple[Any, Array]) -> tuple[Any, Array]:
            carry, sums = at
            carry, own = batch_of(parameters, carry, arrays, order[index])
            return carry, sums + own

        sums = jnp.zeros((*order.shape[1:-1], len(objective.names) + 1))
        return jax.lax.fori_loop(0, count, step, (carry, sums))

    return jax.jit(evaluate)


@cache
def compiled_initial_state(
    transformation: optax.GradientTransformation, members: Members | None = None
) -> Callable[[Any], Any]:
    """The optimiser's first state, in one program where eager JAX would compile one for each array."""
    init = transformation.init if members is None else jax.vmap(transformation.init)
    return jax.jit(init, compiler_options=dict(COMPILE_FAST))


def padded(array: NDArray[Any], fill: Any = 0) -> NDArray[Any]:
    """The array with its first axis filled up to `CAPACITY`."""
    missing = CAPACITY - len(array)
    return np.concatenate([array, np.full((missing, *array.shape[1:]), fill, array.dtype)])


def _clipped(gradients: Any, clip: Array) -> Any:
    """Scaled down to a norm of `clip` where they are larger; infinity for any."""
    norm = jnp.sqrt(sum(jnp.square(gradient).sum() for gradient in jax.tree.leaves(gradients)))
    share = jnp.where(norm > clip, clip / norm, 1.0)
    return jax.tree.map(lambda gradient: gradient * share.astype(gradient.dtype), gradients)


def _gather(arrays: Mapping[str, Array], rows: Int[Array, " batch"]) -> dict[str, Array]:
    """The batch of `rows`, with weight 0 where there is no row."""
    real = rows != FILL
    batch = {name: array[jnp.where(real, rows, 0)] for name, array in arrays.items()}
    weight = batch.get("weight", jnp.ones(rows.shape))
    return batch | {"weight": jnp.where(real, weight, 0)}
