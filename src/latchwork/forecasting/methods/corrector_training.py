"""The trained network: an LSTM reads each row's window, and a head corrects the base at every step ahead.

    forecast = base + spread * head(h, what is known of the step)

The head starts at zero, so that training starts at the base, and each member keeps the weights that did best on
validation rows: those of no steps, where nothing better was found. Members differ in their start, their batches and
their *fold*, the time up to which they may see; all of them train side by side in one program (`vmap`).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float
from numpy.typing import NDArray

from latchwork.core.cells import LSTMCell
from latchwork.engines.jax.compilation import enable_cache
from latchwork.engines.jax.unroll import unroll
from latchwork.forecasting.methods.corrector import CELL, HEADS, Corrector
from latchwork.forecasting.methods.corrector_inputs import Inputs
from latchwork.forecasting.methods.method import Effort

BLOCK = 20  # steps between two looks at the validation rows
BATCH = 32
MEMBERS = 4  # of a fold
FEWEST_ROWS = 30  # of a fold
LEARNING_RATE = 3e-3
LEAST_GAIN = 0.005  # of the validation loss; less than this is luck


class Member(eqx.Module):
    """One member."""

    cell: LSTMCell
    context_weight: Float[Array, "hidden head"]
    step_weight: Float[Array, "features head"]
    bias: Float[Array, " head"]
    output_weight: Float[Array, "head 1"]

    def __call__(
        self, past: Float[Array, "rows window inputs"], future: Float[Array, "rows horizon features"]
    ) -> Float[Array, "rows horizon"]:
        """The correction of every step ahead, in spreads."""
        _, state = unroll(self.cell, past, engine="scan")
        hidden = jnp.tanh((state.hidden @ self.context_weight)[:, None] + future @ self.step_weight + self.bias)
        return (hidden @ self.output_weight)[..., 0]


@dataclass(frozen=True)
class Size:
    """units: of the LSTM and of the head's hidden layer. blocks: of training at most. patience: blocks."""

    units: int
    blocks: int
    patience: int


SMALL = Size(units=24, blocks=12, patience=3)
LARGE = Size(units=32, blocks=50, patience=10)  # where one long series gives a thousand rows


def as_members(corrector: Corrector) -> Member:
    """The arrays as a module with a leading axis of members."""

    def one(own: dict[str, Array]) -> Member:
        return Member(LSTMCell(*(own[f"cell.{name}"] for name in CELL)), *(own[name] for name in HEADS))

    return jax.vmap(one)({name: jnp.asarray(array) for name, array in corrector.parameters.items()})


@dataclass(frozen=True)
class Fold:
    """What its members may see.

    train, valid: indices of rows. origin: steps before the end from which on nothing is seen. validation: steps before
    that which are kept for validation.
    """

    train: NDArray[np.int64]
    valid: NDArray[np.int64]
    origin: int
    validation: int


@dataclass(frozen=True)
class TrainedFolds:
    """The networks of every fold, and what training did.

    gains: [folds], share of the validation loss saved, 0 where a fold stayed at the base.
    """

    correctors: tuple[Corrector, ...]
    gains: NDArray[np.float64]
    steps: int
    seconds: float

    def sentence(self) -> str:
        """For people."""
        return (
            f"trained {len(self.correctors) * MEMBERS} networks side by side, {self.steps} steps in "
            f"{self.seconds:.0f} s; on their validation rows they save {100 * self.gains[-1]:.1f} %"
        )


def plan_folds(inputs: Inputs, origins: Sequence[int], validation: int) -> list[Fold] | None:
    """A fold for each origin that has enough rows before it; None where the end itself has too few."""
    folds: list[Fold] = []
    for origin in origins:
        train_on = np.flatnonzero(inputs.back > origin + validation)
        valid = np.flatnonzero((inputs.back > origin) & (inputs.back <= origin + validation))
        if len(train_on) >= FEWEST_ROWS and len(valid):
            folds.append(Fold(train_on, valid, origin, validation))
    return folds if folds and folds[-1].origin == 0 else None


def train(rows: Inputs, folds: Sequence[Fold], effort: Effort, size: Size) -> TrainedFolds:
    """Train `MEMBERS` networks for every fold, all side by side; each keeps its best weights."""
    enable_cache()
    started = time.perf_counter()
    truth = (rows.truth - rows.base) / rows.spread[:, None]
    data = (rows.past, rows.future, np.clip(truth, -8, 8).astype(np.float32), rows.back.astype(np.int32))
    rng = np.random.default_rng(effort.seed)
    members = MEMBERS
    count = len(folds) * members
    seeds = [effort.seed * 1000 + member for member in range(count)]
    parameters = as_members(Corrector.build(rows.past.shape[2], rows.future.shape[2], size.units, seeds))
    state = jax.jit(jax.vmap(_optimiser().init))(parameters)
    shown = np.array([folds[m // members].origin for m in range(count)], np.int32)
    trained = shown + np.array([folds[m // members].validation for m in range(count)], np.int32)
    widest = min(256, max(len(fold.valid) for fold in folds))
    checked = np.repeat(
        np.stack([rng.choice(f.valid, widest, replace=len(f.valid) < widest) for f in folds]), members, 0
    )
    untrained = best_loss = np.asarray(_losses(parameters, data, checked, shown))
    best, blocks = parameters, 0
    waited = np.zeros(len(folds), dtype=np.int64)  # each fold stops by itself: a later one has seen what it may not
    while blocks < size.blocks and (waited < size.patience).any():
        draws = np.stack([rng.choice(folds[m // members].train, (BLOCK, BATCH)) for m in range(count)], axis=1)
        rate = LEARNING_RATE * 0.5 * (1 + np.cos(np.pi * blocks / size.blocks))
        parameters, state = _block(parameters, state, data, draws, trained, rate)
        losses = np.asarray(_losses(parameters, data, checked, shown))
        better = (losses < best_loss) & np.repeat(waited < size.patience, members)
        best = jax.tree.map(partial(_choose, better), parameters, best)
        best_loss = np.where(better, losses, best_loss)
        gained = better.reshape(len(folds), members).mean(axis=1) > 0.25
        waited = np.where(gained | (waited >= size.patience), waited * ~gained, waited + 1)
        blocks += 1
        if effort.minutes is not None and (time.perf_counter() - started) / 60 > effort.minutes:
            break
    gains = (1 - best_loss / np.maximum(untrained, 1e-12)).reshape(len(folds), members).mean(axis=1)
    arrays = _by_name(best)
    correctors = tuple(
        Corrector({name: array[first : first + members] for name, array in arrays.items()})
        for first in range(0, count, members)
    )
    return TrainedFolds(correctors, gains, blocks * BLOCK, time.perf_counter() - started)


def _by_name(members: Member) -> dict[str, NDArray[Any]]:
    """The arrays as `Corrector` has them."""
    cell = {f"cell.{name}": np.asarray(getattr(members.cell, name)) for name in CELL}
    return cell | {name: np.asarray(getattr(members, name)) for name in HEADS}


def _choose(better: NDArray[np.bool_], new: Array, old: Array) -> Array:
    return jnp.where(better.reshape(-1, *(1,) * (new.ndim - 1)), new, old)


def _optimiser() -> optax.GradientTransformation:
    return optax.chain(optax.clip_by_global_norm(1.0), optax.scale_by_adam(), optax.add_decayed_weights(1e-3))


def _loss(member: Member, limit: Array, past: Array, future: Array, truth: Array, back: Array) -> Array:
    """Mean absolute error in spreads, smooth around zero; truth less than `limit` steps from the end is not seen."""
    steps = jnp.arange(1, truth.shape[1] + 1)
    known = jnp.isfinite(truth) & (steps <= (back - limit)[:, None])
    away = jnp.where(known, truth, 0.0) - jnp.where(known, member(past, future), 0.0)
    return (jnp.sqrt(away**2 + 1e-3) * known).sum() / jnp.maximum(known.sum(), 1)


@jax.jit
def _losses(parameters: Member, data: tuple[Array, ...], checked: Array, limits: Array) -> Array:
    def one(member: Member, rows: Array, limit: Array) -> Array:
        return _loss(member, limit, *(jnp.asarray(a)[rows] for a in data))

    return jax.vmap(one)(parameters, checked, limits)


@jax.jit
def _block(
    parameters: Member, state: optax.OptState, data: tuple[Array, ...], draws: Array, limits: Array, rate: Array
) -> tuple[Member, optax.OptState]:
    """BLOCK steps of all members; draws: [steps, members, batch]. Truth is seen up to each member's limit."""
    optimiser = _optimiser()

    def one(member: Member, state: optax.OptState, rows: Array, limit: Array) -> tuple[Member, optax.OptState]:
        gradient = jax.grad(_loss)(member, limit, *(jnp.asarray(a)[rows] for a in data))
        updates, state = optimiser.update(gradient, state, cast("optax.Params", member))
        return jax.tree.map(lambda weight, update: weight - rate * update, member, updates), state

    def step(carry: tuple[Any, Any], rows: Array) -> tuple[tuple[Any, Any], None]:
        return jax.vmap(one)(*carry, rows, limits), None

    return jax.lax.scan(step, (parameters, state), draws)[0]
