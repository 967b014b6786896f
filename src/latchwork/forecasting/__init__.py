"""Forecasting: read -> clean -> transform -> candidates -> backtest -> combine -> calibrate -> report.

`latchwork.forecasting.Forecaster` is the door; every module above is plain NumPy, and JAX is imported only
where a network is trained.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from latchwork.forecasting.forecaster import Forecaster

__all__ = ["Forecaster"]


def __getattr__(name: str) -> Any:
    if name == "Forecaster":
        from latchwork.forecasting.forecaster import Forecaster

        return Forecaster
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
