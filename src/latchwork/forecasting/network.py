"""The trained network: an LSTM reads each row's window, and a head corrects the base at every step ahead.

    forecast = base + spread * head(h, what is known of the step)

The head starts at zero, so that training starts at the base, and each member keeps the weights that did best on
validation rows: those of no steps, where nothing better was found. Members differ in their start, their batches and
their *fold*, the time up to which they may see; all of them train side by side in one program (`vmap`).
"""

from __future__ import annotations

import time
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

from latchwork.core import spec
from latchwork.core.cells import LSTMCell
from latchwork.core.table import initial_parameters
from latchwork.engines.jax.compilation import enable_cache
from latchwork.engines.jax.unroll import unroll
from latchwork.forecasting.correction import CELL, HEADS, Trained
from latchwork.forecasting.rows import Rows

BLOCK = 20  # steps between two looks at the validation rows
BATCH = 32
LEARNING_RATE = 3e-3
LEAST_GAIN = 0.005  # of the validation loss; less than this is luck


class Corrector(eqx.Module):
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


def start(seed: int, inputs: int, features: int, units: int = SMALL.units) -> Corrector:
    """A member whose corrections are zero."""
    drawn = initial_parameters(spec.Sequential([spec.LSTM(units)], input_shape=(None, inputs)), seed)
    rng = np.random.default_rng([seed, 1])
    context, step = (
        rng.uniform(-1, 1, (size, units)).astype(np.float32) * np.sqrt(6 / (size + units)).astype(np.float32)
        for size in (units, features)
    )
    cell = LSTMCell(*(jnp.asarray(drawn[f"layers.0.{name}"]) for name in CELL))
    return Corrector(cell, jnp.asarray(context), jnp.asarray(step), jnp.zeros(units), jnp.zeros((units, 1)))


@dataclass(frozen=True)
class Fold:
    """What its members may see.

    train, valid: indices of rows. hidden: steps before the end that nothing may come from (the fold's origin).
    held: steps before that which are kept for validation.
    """

    train: NDArray[np.int64]
    valid: NDArray[np.int64]
    hidden: int
    held: int


def train(
    rows: Rows, folds: list[Fold], members: int, seed: int, minutes: float | None = None, size: Size = SMALL
) -> Trained:
    """Train `members` for every fold, all side by side; each keeps its best weights."""
    enable_cache()
    started = time.perf_counter()
    truth = (rows.truth - rows.base) / rows.spread[:, None]
    data = (rows.past, rows.future, np.clip(truth, -8, 8).astype(np.float32), rows.back.astype(np.int32))
    rng = np.random.default_rng(seed)
    count = len(folds) * members
    made = [start(seed * 1000 + m, rows.past.shape[2], rows.future.shape[2], size.units) for m in range(count)]
    parameters = _stacked(made)
    state = jax.jit(jax.vmap(_optimiser().init))(parameters)
    shown = np.array([folds[m // members].hidden for m in range(count)], np.int32)
    trained = shown + np.array([folds[m // members].held for m in range(count)], np.int32)
    widest = min(256, max(len(fold.valid) for fold in folds))
    checked = np.repeat(
        np.stack([rng.choice(f.valid, widest, replace=len(f.valid) < widest) for f in folds]), members, 0
    )
    first = best_loss = np.asarray(_losses(parameters, data, checked, shown))
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
        if minutes is not None and (time.perf_counter() - started) / 60 > minutes:
            break
    gains = (1 - best_loss / np.maximum(first, 1e-12)).reshape(len(folds), members).mean(axis=1)
    return Trained(_by_name(best), members, gains, blocks * BLOCK, time.perf_counter() - started)


def _stacked(members: list[Corrector]) -> Corrector:
    """Members as one module with a leading axis."""
    return jax.tree.map(lambda *leaves: jnp.asarray(np.stack(leaves)), *members)


def _by_name(members: Corrector) -> dict[str, NDArray[Any]]:
    """The arrays as `correction.Trained` has them."""
    cell = {f"cell.{name}": np.asarray(getattr(members.cell, name)) for name in CELL}
    return cell | {name: np.asarray(getattr(members, name)) for name in HEADS}


def _choose(better: NDArray[np.bool_], new: Array, old: Array) -> Array:
    return jnp.where(better.reshape(-1, *(1,) * (new.ndim - 1)), new, old)


def _optimiser() -> optax.GradientTransformation:
    return optax.chain(optax.clip_by_global_norm(1.0), optax.scale_by_adam(), optax.add_decayed_weights(1e-3))


def _loss(member: Corrector, limit: Array, past: Array, future: Array, truth: Array, back: Array) -> Array:
    """Mean absolute error in spreads, smooth around zero; truth less than `limit` steps from the end is not seen."""
    steps = jnp.arange(1, truth.shape[1] + 1)
    known = jnp.isfinite(truth) & (steps <= (back - limit)[:, None])
    away = jnp.where(known, truth, 0.0) - jnp.where(known, member(past, future), 0.0)
    return (jnp.sqrt(away**2 + 1e-3) * known).sum() / jnp.maximum(known.sum(), 1)


@jax.jit
def _losses(parameters: Corrector, data: tuple[Array, ...], checked: Array, limits: Array) -> Array:
    def one(member: Corrector, rows: Array, limit: Array) -> Array:
        return _loss(member, limit, *(jnp.asarray(a)[rows] for a in data))

    return jax.vmap(one)(parameters, checked, limits)


@jax.jit
def _block(
    parameters: Corrector, state: optax.OptState, data: tuple[Array, ...], draws: Array, limits: Array, rate: Array
) -> tuple[Corrector, optax.OptState]:
    """BLOCK steps of all members; draws: [steps, members, batch]. Truth is seen up to each member's limit."""
    optimiser = _optimiser()

    def one(member: Corrector, state: optax.OptState, rows: Array, limit: Array) -> tuple[Corrector, optax.OptState]:
        gradient = jax.grad(_loss)(member, limit, *(jnp.asarray(a)[rows] for a in data))
        updates, state = optimiser.update(gradient, state, cast("optax.Params", member))
        return jax.tree.map(lambda weight, update: weight - rate * update, member, updates), state

    def step(carry: tuple[Any, Any], rows: Array) -> tuple[tuple[Any, Any], None]:
        return jax.vmap(one)(*carry, rows, limits), None

    return jax.lax.scan(step, (parameters, state), draws)[0]
