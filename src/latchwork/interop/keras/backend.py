"""The few functions of Keras's backend that scripts of sequences use."""

from __future__ import annotations

from typing import Any

from latchwork.interop.keras.naming import clear_session as clear_session  # noqa: PLC0414 - passed on
from latchwork.interop.keras.optimizers import Rate
from latchwork.interop.keras.refusals import missing, refuse


def get_value(variable: Any) -> Any:
    """A variable's number."""
    return variable.numpy() if hasattr(variable, "numpy") else variable


def set_value(variable: Any, value: Any) -> None:
    """Put another number in the place of an optimiser's rate."""
    if not isinstance(variable, Rate):
        refuse("backend.set_value", "it sets an optimizer's learning_rate alone; for arrays use set_weights")
    variable.assign(float(value))


def epsilon() -> float:
    """Keras's small number."""
    return 1e-7


def floatx() -> str:
    """The type of all numbers."""
    return "float32"


def backend() -> str:
    """What computes."""
    return "latchwork"


def image_data_format() -> str:
    """Images are rows of pixels."""
    return "channels_last"


def __getattr__(name: str) -> Any:
    try:
        missing(name)
    except AttributeError:
        refuse(f"backend.{name}", "use NumPy on the arrays that predict gives")
