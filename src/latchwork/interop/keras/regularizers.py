"""l1 and l2 on weights, added to the loss and trained natively."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from latchwork.core.errors import InputError
from latchwork.interop.keras.refusals import missing


@dataclass(frozen=True)
class Regularizer:
    """l1 * |w| + l2 * w^2, summed over an array's numbers."""

    l1: float = 0.0
    l2: float = 0.0

    def get_config(self) -> dict[str, float]:
        """Its numbers."""
        return {"l1": self.l1, "l2": self.l2}


def L1(l1: float = 0.01) -> Regularizer:  # noqa: N802 - Keras's name
    """l1 * |w|."""
    return Regularizer(l1=float(l1))


def L2(l2: float = 0.01) -> Regularizer:  # noqa: N802 - Keras's name
    """l2 * w^2."""
    return Regularizer(l2=float(l2))


def L1L2(l1: float = 0.0, l2: float = 0.0) -> Regularizer:  # noqa: N802 - Keras's name
    """Both."""
    return Regularizer(float(l1), float(l2))


def l1_l2(l1: float = 0.01, l2: float = 0.01) -> Regularizer:
    """Both, with another default."""
    return Regularizer(float(l1), float(l2))


l1, l2 = L1, L2
_NAMED = {"l1": L1, "L1": L1, "l2": L2, "L2": L2, "l1_l2": l1_l2, "L1L2": L1L2}


def get(identifier: Any) -> Regularizer | None:
    """A regularizer from a name or itself; None for None."""
    if identifier is None or isinstance(identifier, Regularizer):
        return identifier
    if isinstance(identifier, str) and identifier in _NAMED:
        return _NAMED[identifier]()
    raise InputError(f"no regularizer {identifier!r}: write regularizers.l1(0.01), l2(0.01) or l1_l2(0.01, 0.01)")


def __getattr__(name: str) -> Any:
    missing(name)
