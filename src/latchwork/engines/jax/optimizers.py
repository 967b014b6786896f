"""Optimisers as Optax has them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import jax
import optax

from latchwork.engines.steps import Rule

DIRECTIONS: dict[str, Callable[[Rule], optax.GradientTransformation]] = {
    "sgd": lambda _: optax.identity(),
    "momentum": lambda rule: optax.trace(rule.decay, nesterov=False),
    "rmsprop": lambda rule: optax.scale_by_rms(rule.decay, eps=rule.epsilon, eps_in_sqrt=True),
    "adam": lambda rule: optax.scale_by_adam(rule.decay, rule.decay_of_squares, eps=rule.epsilon),
    "adagrad": lambda rule: optax.scale_by_rss(rule.start, eps=rule.epsilon),
}


@cache
def transformation(
    rule: Rule, weight_decay: float = 0.0, clip: float | None = None, *, joined: bool = False
) -> optax.GradientTransformation:
    """A direction as an Optax transformation, shared by equal ones so that they share a program.

    All parameters `joined` to one vector are less to compile and to call, but copied at each step.
    """
    steps = [optax.clip_by_global_norm(clip)] if clip is not None else []
    direction = DIRECTIONS[rule.direction](rule)
    steps.append(optax.flatten(direction) if joined else direction)
    if weight_decay:
        steps.append(optax.add_decayed_weights(weight_decay, mask=_matrices))
    return optax.chain(*steps)


def _matrices(tree: optax.Params) -> optax.Params:
    return jax.tree.map(lambda leaf: leaf.ndim > 1, tree)
