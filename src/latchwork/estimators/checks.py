"""The parameters of an estimator, each checked where it was written, before any work."""

from __future__ import annotations

import math
from collections.abc import Callable
from numbers import Integral, Real
from typing import Any

import numpy as np

from latchwork.core import spec
from latchwork.core.errors import InputError
from latchwork.training.progress import ProgressKind

MOST_SEEDS = 2**32


def check_parameters(parameters: dict[str, Any]) -> None:
    """Raise `InputError` on the first parameter that means nothing, by its name, with what was given and expected."""
    for name, value in parameters.items():
        if name in CHECKS and not (name in MAY_BE_NONE and value is None):
            is_right, expected = CHECKS[name]
            if not is_right(value):
                raise InputError(f"{name} must be {expected}, got {_short(value)}")
    if sum(parameters[name] is not None for name in ("epochs", "steps", "minutes")) > 1:
        raise InputError("give one of epochs, steps and minutes")


def drawn_seed(random_state: Any) -> int:
    """A seed: the number that was given, or one drawn from a generator, or from nowhere where it is None.

    Raises:
        InputError: it is none of these.
    """
    if random_state is None:
        return int(np.random.SeedSequence().generate_state(1)[0])
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(0, MOST_SEEDS, dtype=np.uint32))
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(0, MOST_SEEDS))
    if _is_whole(random_state) and 0 <= int(random_state) < MOST_SEEDS:
        return int(random_state)
    raise InputError(
        f"random_state must be a whole number from 0 to {MOST_SEEDS - 1}, None, or a generator of NumPy's, "
        f"got {_short(random_state)}"
    )


def _is_whole(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool | np.bool_)


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool | np.bool_)


def _count(value: Any) -> bool:
    return _is_whole(value) and value >= 1


def _above_zero(value: Any) -> bool:
    return _is_number(value) and 0 < float(value) < math.inf


def _rate(value: Any) -> bool:
    return callable(value) or _above_zero(value)


def _share(value: Any) -> bool:
    return _is_number(value) and 0 <= float(value) < 1


def _truth(value: Any) -> bool:
    return isinstance(value, bool | np.bool_)


def _progress(value: Any) -> bool:
    return value in ProgressKind.__args__ if isinstance(value, str) else hasattr(value, "begin")


def _callbacks(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(map(callable, value))  # pyright: ignore[reportUnknownArgumentType]


def _is_network(value: Any) -> bool:
    return isinstance(value, spec.Sequential)


WHOLE, POSITIVE = "a whole number above 0", "a number above 0"
CHECKS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "network": (_is_network, "a Sequential, or None to have one chosen"),
    "epochs": (_count, WHOLE),
    "steps": (_count, WHOLE),
    "minutes": (_above_zero, POSITIVE),
    "batch_size": (_count, WHOLE),
    "learning_rate": (_rate, POSITIVE + ", or a function of the step"),
    "validation_share": (_share, "a share, 0 <= validation_share < 1"),
    "patience": (_count, WHOLE),
    "keep_best": (_truth, "True or False"),
    "callbacks": (_callbacks, "a list of functions"),
    "checkpoint_seconds": (lambda value: _above_zero(value) or value == 0, "a number of at least 0"),
    "progress": (_progress, "auto, bar, lines or none, or a Progress"),
    "one_way": (_truth, "True or False"),
    "warm_start": (_truth, "True or False"),
    "best": (_truth, "True or False"),
    "compare": (_truth, "True, False or None"),
    "label_smoothing": (_share, "a share, 0 <= label_smoothing < 1"),
    "scale_targets": (_truth, "True or False"),
    "targets": (lambda value: value in ("sequence", "steps", "labels"), "sequence, steps or labels, or None"),
}
"""What each parameter must be: the check, and its words."""

MAY_BE_NONE = {
    "network", "epochs", "steps", "minutes", "batch_size", "learning_rate", "patience", "label_smoothing", "compare",
    "targets",
}  # fmt: skip


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
