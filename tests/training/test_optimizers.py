"""Each named optimiser against its update rule as Keras has it, written down again in NumPy in float64."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import jax
import numpy as np
import optax
import pytest
from hypothesis import given
from hypothesis import strategies as st

from latchwork.core.errors import InputError
from latchwork.engines.jax.optimizers import transformation
from latchwork.training import Optimizer
from latchwork.training.optimizers import RULES, OptaxOptimizer, as_optimizer

RATE, EPSILON, STEPS = 0.01, 1e-7, 6
Rule = Callable[[list[np.ndarray]], Iterator[np.ndarray]]


def gradients() -> list[dict[str, np.ndarray]]:
    rng = np.random.default_rng(0)
    return [
        {"weight": rng.normal(size=(3, 4)).astype(np.float32), "bias": rng.normal(size=4).astype(np.float32)}
        for _ in range(STEPS)
    ]


def first() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    return {"weight": rng.normal(size=(3, 4)).astype(np.float32), "bias": rng.normal(size=4).astype(np.float32)}


def direction(optimizer: Optimizer) -> optax.GradientTransformation:
    return transformation(RULES[optimizer.name], optimizer.weight_decay, optimizer.clip)


def run(optimizer: Optimizer) -> dict[str, np.ndarray]:
    steps = direction(optimizer)
    parameters = first()
    state = steps.init(parameters)
    scales = optimizer.scales(0, STEPS, STEPS)
    for gradient, scale in zip(gradients(), scales, strict=True):
        updates, state = steps.update(gradient, state, parameters)
        parameters = jax.tree.map(lambda value, update, scale=scale: value + scale * update, parameters, updates)
    return parameters


def sgd(gradients: list[np.ndarray]) -> Iterator[np.ndarray]:
    yield from (RATE * gradient for gradient in gradients)


def momentum(gradients: list[np.ndarray]) -> Iterator[np.ndarray]:
    velocity = np.zeros_like(gradients[0])
    for gradient in gradients:
        velocity = 0.9 * velocity - RATE * gradient
        yield -velocity


def rmsprop(gradients: list[np.ndarray]) -> Iterator[np.ndarray]:
    mean_square = np.zeros_like(gradients[0])
    for gradient in gradients:
        mean_square = 0.9 * mean_square + 0.1 * gradient**2
        yield RATE * gradient / np.sqrt(mean_square + EPSILON)


def adam(gradients: list[np.ndarray]) -> Iterator[np.ndarray]:
    m = v = np.zeros_like(gradients[0])
    for t, gradient in enumerate(gradients, 1):
        m, v = 0.9 * m + 0.1 * gradient, 0.999 * v + 0.001 * gradient**2
        yield RATE * np.sqrt(1 - 0.999**t) / (1 - 0.9**t) * m / (np.sqrt(v) + EPSILON)


def adagrad(gradients: list[np.ndarray]) -> Iterator[np.ndarray]:
    total = np.full_like(gradients[0], 0.1)
    for gradient in gradients:
        total = total + gradient**2
        yield RATE * gradient / np.sqrt(total + EPSILON)


@pytest.mark.parametrize("rule", [sgd, momentum, rmsprop, adam, adagrad], ids=lambda rule: rule.__name__)
def test_update_rules_are_keras(rule: Rule):
    found = run(Optimizer(rule.__name__, learning_rate=RATE))
    for name, start in first().items():
        expected = start - sum(rule([gradient[name].astype(np.float64) for gradient in gradients()]))
        np.testing.assert_allclose(found[name], expected, rtol=1e-4, atol=1e-6)


def test_weight_decay_takes_a_share_off_matrices_alone():
    found, without = run(Optimizer("adamw", RATE, weight_decay=0.1)), run(Optimizer("adam", RATE))
    np.testing.assert_array_equal(found["bias"], without["bias"])
    weight = first()["weight"].astype(np.float64)
    for update in adam([gradient["weight"].astype(np.float64) for gradient in gradients()]):
        weight = weight - update - RATE * 0.1 * weight
    np.testing.assert_allclose(found["weight"], weight, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("clip", [0.5, 1e6])
def test_clipping_limits_the_norm_of_all_gradients_together(clip: float):
    found = run(Optimizer("sgd", RATE, clip=clip))
    expected = {name: start.astype(np.float64) for name, start in first().items()}
    for gradient in gradients():
        norm = np.sqrt(sum(np.square(part.astype(np.float64)).sum() for part in gradient.values()))
        for name, part in gradient.items():
            expected[name] = expected[name] - RATE * part * min(1, clip / norm)
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-5, atol=1e-6)


def test_rates_rise_and_fall():
    cosine = -Optimizer("adam", 0.1, schedule="cosine", warmup=0.25).scales(0, 20, 20)
    assert cosine.argmax() in (4, 5) and cosine.max() == pytest.approx(0.1)
    np.testing.assert_allclose(cosine[:5], [0.02, 0.04, 0.06, 0.08, 0.1], rtol=1e-6)
    assert (np.diff(cosine[5:]) < 0).all() and 0 < cosine[-1] < 0.002
    np.testing.assert_allclose(-Optimizer("adam", 0.1, schedule="linear").scales(0, 4, 4), [0.1, 0.075, 0.05, 0.025])
    np.testing.assert_allclose(-Optimizer("adam", 0.1).scales(3, 2, 9), [0.1, 0.1])


@given(
    st.sampled_from(["constant", "cosine", "linear"]),
    st.floats(0, 0.99),
    st.integers(1, 60).flatmap(lambda total: st.tuples(st.just(total), st.integers(0, total))),
)
def test_rates_do_not_depend_on_blocks(schedule, warmup: float, at: tuple[int, int]):
    total, cut = at
    optimizer = Optimizer("adam", 0.1, schedule=schedule, warmup=warmup)
    whole = optimizer.scales(0, total, total)
    parts = [optimizer.scales(0, cut, total), optimizer.scales(cut, total - cut, total)]
    np.testing.assert_array_equal(whole, np.concatenate(parts))
    assert whole.dtype == np.float32 and np.isfinite(whole).all()
    assert (whole <= 0).all() and (whole >= -0.1 - 1e-6).all()


def test_a_rate_may_be_a_function():
    optimizer = Optimizer("sgd", lambda step: 1 / (1 + step))
    np.testing.assert_allclose(optimizer.scales(1, 2, 9), [-1 / 2, -1 / 3], rtol=1e-6)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"name": "lion"}, "unknown optimizer 'lion': expected one of sgd, momentum"),
        ({"schedule": "step"}, "unknown schedule"),
        ({"learning_rate": 0.0}, "learning_rate"),
        ({"learning_rate": float("nan")}, "learning_rate"),
        ({"learning_rate": float("inf")}, "learning_rate"),
        ({"learning_rate": "fast"}, "learning_rate"),
        ({"warmup": 1.0}, "warmup"),
        ({"weight_decay": -0.1}, "weight_decay"),
        ({"weight_decay": float("nan")}, "weight_decay"),
        ({"clip": 0.0}, "clip"),
        ({"clip": float("nan")}, "clip"),
    ],
)
def test_what_means_nothing_is_refused(options: dict, words: str):
    with pytest.raises(InputError, match=words):
        Optimizer(**options)


def test_anything_that_can_optimise_is_taken():
    assert as_optimizer("sgd") == Optimizer("sgd")
    given = optax.sgd(0.1)
    assert as_optimizer(given) == OptaxOptimizer(given)
    np.testing.assert_array_equal(as_optimizer(given).scales(0, 3, 9), [1, 1, 1])


def test_equal_optimisers_share_their_program():
    """The rate is a run-time value: only what changes the direction makes another program."""
    one, other = Optimizer("adam", 0.1, schedule="cosine", warmup=0.1), Optimizer("adam", 0.2)
    assert direction(one) is direction(other)
    assert direction(one) is not direction(Optimizer("adam", clip=1.0))
