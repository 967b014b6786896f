"""Train the combiner that ships with the package, on the pasts of the M3 series and on made-up series.

    python scripts/train_combiner.py DATA/series/m3.json src/latchwork/forecasting/methods/combiner.latch
    python scripts/train_combiner.py DATA/series/m3.json --validate

Only `x`, the past of each M3 series, is read: the future `xx` is dropped while the file is loaded. The targets are the
last values of the pasts. `--validate` holds every fifth series out in turn and prints what the rest learned on them.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax

from latchwork.core import storage
from latchwork.forecasting.methods import combiner
from latchwork.forecasting.methods.survey import Survey, survey
from latchwork.transforms.bases import METHODS

GROUPS = {"YEARLY": (6, ()), "QUARTERLY": (8, (4,)), "MONTHLY": (18, (12,)), "OTHER": (8, ())}
MADE_UP = [
    (1, 6),
    (1, 12),
    (4, 8),
    (5, 10),
    (7, 14),
    (7, 28),
    (12, 12),
    (12, 24),
    (24, 24),
    (48, 48),
    (52, 26),
    (12, 1),
]
MEMBERS = 6
HIDDEN = 40
STEPS = 1500
BATCH = 256
TRAINED_LEVELS = np.array(combiner.LEVELS) / 100


@dataclass(frozen=True)
class Batchable:
    """Rows of one horizon: what the network sees, and the truth in working units (NaN where unknown)."""

    name: str
    survey: Survey
    truth: np.ndarray
    fold: np.ndarray
    weight: float
    scored: np.ndarray


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("m3", type=Path)
    parser.add_argument("out", type=Path, nargs="?")
    parser.add_argument("--validate", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    started = time.time()
    groups = m3_groups(options.m3) + made_up_groups(np.random.default_rng(options.seed))
    print(f"{sum(len(g.truth) for g in groups):,} rows surveyed in {time.time() - started:.0f} s")
    if options.validate:
        validate(groups, options.seed)
    if options.out:
        parameters = train(groups, lambda g: np.ones(len(g.truth), bool), options.seed)
        save(options.out, parameters)
    print(f"{time.time() - started:.0f} s")


def m3_groups(path: Path) -> list[Batchable]:
    pasts = [(row["period"][0], np.array(row["x"], float)) for row in json.loads(path.read_text()).values()]
    found = []
    for name, (horizon, seasons) in GROUPS.items():
        held = [past for period, past in pasts if period == name]
        rows, truth, fold, scored = [], [], [], []
        shortest = max(6, 2 * (seasons[0] if seasons else 1) + 2)
        for number, past in enumerate(held):
            for back in dict.fromkeys([horizon, horizon // 2, horizon + horizon // 2, 2 * horizon, 3 * horizon]):
                if len(past) - back >= shortest:
                    rows.append(past[:-back])
                    known = past[-back:][:horizon]
                    truth.append(np.pad(known, (0, horizon - len(known)), constant_values=np.nan))
                    fold.append(number % 5)
                    scored.append(back == horizon)
        surveyed = survey(rows, seasons, horizon)
        found.append(
            Batchable(name, surveyed, surveyed.to_working(np.array(truth)), np.array(fold), 1.0, np.array(scored))
        )
    return found


def made_up_groups(rng: np.random.Generator) -> list[Batchable]:
    found = []
    for season, horizon in MADE_UP:
        held = [made_up(rng, season, horizon) for _ in range(400)]
        surveyed = survey([s[:-horizon] for s in held], (season,) if season > 1 else (), horizon)
        truth = surveyed.to_working(np.array([s[-horizon:] for s in held]))
        found.append(
            Batchable(f"made up {season}/{horizon}", surveyed, truth, np.arange(400) % 5, 0.25, np.ones(400, bool))
        )
    return found


def made_up(rng: np.random.Generator, season: int, horizon: int) -> np.ndarray:
    """Level, trend that fades, season that drifts, autocorrelated noise, shifts and spikes; sometimes counts."""
    length = int(rng.integers(max(8, 2 * season + 4), max(40, 6 * season))) + horizon
    steps = np.arange(length)
    noise = rng.choice([0.01, 0.03, 0.1, 0.3])
    walk = np.cumsum(rng.standard_t(4, length)) * noise * rng.choice([0.0, 0.1, 0.5, 1.0])
    fade = rng.choice([1.0, 0.99, 0.95])
    trend = np.cumsum(rng.normal(0, 0.3) * noise * fade**steps + np.cumsum(rng.normal(0, 0.02 * noise, length)))
    wave = np.zeros(length)
    if season > 1:
        shape = (
            rng.normal(size=season)
            if rng.random() < 0.5
            else np.sin(2 * np.pi * np.arange(season) / season + rng.uniform(0, 6))
        )
        drift = 1 + np.cumsum(rng.normal(0, 0.01, length))
        wave = rng.choice([0.0, 1.0, 3.0, 8.0]) * noise * shape[steps % season] * drift
    correlation, residual = rng.choice([0.0, 0.0, 0.4, 0.8]), rng.standard_t(4, length) * noise
    for step in range(1, length):
        residual[step] += correlation * residual[step - 1]
    total = walk + trend + wave + residual
    if rng.random() < 0.2:
        total[rng.integers(length) :] += rng.normal(0, 5) * noise
    if rng.random() < 0.2:
        total[rng.integers(0, length, 2)] += rng.normal(0, 10, 2) * noise
    if rng.random() < 0.15:
        return rng.poisson(rng.choice([0.5, 2.0, 10.0]) * np.exp(np.clip(total - total.mean(), -3, 3))).astype(float)
    if rng.random() < 0.15:
        return total
    return 100 * np.exp(np.clip(total, -8, 8))


def start(key: jax.Array) -> dict[str, jax.Array]:
    keys = jax.random.split(key, 2)
    shape = (MEMBERS, combiner.FEATURES, HIDDEN)
    output_bias = np.zeros((MEMBERS, combiner.OUTPUTS))
    # a normal's quantiles over its mean absolute error, as steps from one level to the next
    output_bias[:, -2 * len(combiner.LEVELS) :] = np.tile(np.log([0.85, 0.75, 0.85, 0.8]), 2)
    return {
        "input_weight": jax.random.normal(keys[0], shape) * combiner.FEATURES**-0.5,
        "input_bias": jnp.zeros((MEMBERS, HIDDEN)),
        "output_weight": jax.random.normal(keys[1], (MEMBERS, HIDDEN, combiner.OUTPUTS)) * 0.01,
        "output_bias": jnp.asarray(output_bias),
        "score_weight": jnp.ones((MEMBERS, combiner.KNOTS)),
    }


def loss(parameters, rows, key):
    """The metric itself for the centre (sMAPE in logs), the pinball loss for the intervals."""
    inputs, usable, by_method, said, truth, spread, logs = rows
    noisy = inputs * (jax.random.uniform(key, inputs.shape) > 0.05)
    weights, widths = combiner.outputs(parameters, noisy, usable, by_method, said.shape[2], jnp)
    known = jnp.isfinite(truth)
    centre = (weights * jnp.where(usable[..., None], said, 0.0)[None]).sum(axis=2)
    away = jnp.where(known, truth, 0.0) - jnp.where(known, centre, 0.0)
    relative = jnp.abs(away) / spread[:, None]
    metric = jnp.where(logs[:, None], 2 * jnp.tanh(jnp.abs(away) / 2), jnp.minimum(relative, 10.0) * 0.05)
    point = metric + 0.01 * jnp.minimum(relative, 10.0)
    still = jax.lax.stop_gradient(away)[..., None] / spread[:, None, None]
    tail = (1 - TRAINED_LEVELS) / 2
    above = still - widths[..., 1, :]
    below = -still - widths[..., 0, :]
    pinball = sum(jnp.where(d > 0, (1 - tail) * d, -tail * d).mean(axis=-1) for d in (above, below))
    total = point + 0.02 * jnp.minimum(pinball, 50.0)
    return jnp.where(known, total, 0.0).sum() / (known.sum() * MEMBERS)


def train(groups: list[Batchable], chosen, seed: int):
    """Adam with a cosine over batches drawn from one group at a time, in proportion to its weight."""
    prepared = []
    for group in groups:
        keep = np.flatnonzero(chosen(group) & np.isfinite(group.survey.forecasts).any(axis=(1, 2)))
        usable = np.isfinite(group.survey.forecasts).all(axis=2)
        logs = np.zeros(len(group.truth), bool)
        for rows, block in group.survey.prepared:
            logs[rows] = block.scale.logs
        arrays = (
            combiner.features(group.survey, usable), usable, group.survey.by_method,
            np.nan_to_num(group.survey.forecasts), group.truth, group.survey.spread, logs,
        )  # fmt: skip
        prepared.append(tuple(np.asarray(a[keep], np.float32 if a.dtype.kind == "f" else a.dtype) for a in arrays))
    sizes = np.array([len(p[0]) * g.weight for p, g in zip(prepared, groups, strict=True)])
    rng = np.random.default_rng(seed)
    optimiser = optax.chain(
        optax.clip_by_global_norm(1.0),
        optax.adamw(optax.cosine_decay_schedule(3e-3, STEPS), weight_decay=1e-2),
    )
    parameters = start(jax.random.key(seed))
    state = optimiser.init(parameters)

    @jax.jit
    def step(parameters, state, rows, key):
        value, gradient = jax.value_and_grad(loss)(parameters, rows, key)
        updates, state = optimiser.update(gradient, state, parameters)
        return optax.apply_updates(parameters, updates), state, value

    for number in range(STEPS):
        group = prepared[rng.choice(len(prepared), p=sizes / sizes.sum())]
        pick = rng.integers(0, len(group[0]), BATCH)
        parameters, state, _ = step(parameters, state, tuple(a[pick] for a in group), jax.random.key(number))
    return {name: np.asarray(value, np.float32) for name, value in parameters.items()}


def validate(groups: list[Batchable], seed: int) -> None:
    totals: dict[str, list] = {group.name: [] for group in groups}
    for fold in range(5):
        parameters = train(groups, lambda g, fold=fold: g.fold != fold, seed)
        for group in groups:
            combined = combiner.combine(group.survey, parameters)
            keep = (group.fold == fold) & group.scored
            said, truth = group.survey.to_values(combined.centre)[keep], group.survey.to_values(group.truth)[keep]
            inside = []
            away = (group.truth - combined.centre)[keep]
            for level in (1, 2):
                low, high = combined.widths[keep, :, 0, level], combined.widths[keep, :, 1, level]
                inside.append(((away >= -low) & (away <= high)).mean(axis=1))
            middle = group.survey.to_values(np.nanmedian(group.survey.forecasts, axis=1))[keep]
            totals[group.name].append(np.stack([smape(said, truth), smape(middle, truth), *inside]))
    means = {name: np.concatenate(parts, axis=1).mean(axis=1) for name, parts in totals.items()}
    for name, (ours, middle, c80, c95) in means.items():
        print(f"{name:16} sMAPE {ours:6.3f}  median of methods {middle:6.3f}  coverage {100 * c80:.1f} {100 * c95:.1f}")
    steps = {"YEARLY": 645 * 6, "QUARTERLY": 756 * 8, "MONTHLY": 1428 * 18, "OTHER": 174 * 8}
    for column, label in ((0, "ours"), (1, "median")):
        print(label, "overall", round(sum(means[n][column] * s for n, s in steps.items()) / sum(steps.values()), 3))


def smape(said: np.ndarray, truth: np.ndarray) -> np.ndarray:
    size = np.abs(said) + np.abs(truth)
    return 200 * np.mean(np.abs(said - truth) / np.where(size > 0, size, 1.0), axis=1)


def save(path: Path, parameters: dict[str, np.ndarray]) -> None:
    document = {
        "format": 1,
        "job": "combiner",
        "network": None,
        "fitted": {"methods": list(METHODS), "levels": list(combiner.LEVELS)},
        "training": {"script": "scripts/train_combiner.py", "steps": STEPS, "members": MEMBERS},
        "data": {"series": "M3 pasts (x) without their futures, and made-up series"},
    }
    storage.save(path, document, {f"fitted.{name}": value for name, value in parameters.items()})
    print(f"{path}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
