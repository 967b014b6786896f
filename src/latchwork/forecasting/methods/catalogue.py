"""Every forecasting method, one row each: the list that forecasters, verdicts and reports go through.

The order is that of work: a method may use the forecasts of those before it.
"""

from __future__ import annotations

from collections.abc import Iterable

from latchwork.core.errors import InputError
from latchwork.forecasting.methods.blend import blend_of
from latchwork.forecasting.methods.library import library_method
from latchwork.forecasting.methods.method import Method, Rule, continuing
from latchwork.forecasting.methods.simple import combination, last_value, statistical, straight_on
from latchwork.forecasting.methods.trained import average_with, trained_network

COMBINATION = combination("latchwork", "the pretrained combination")
PARTNERS = (
    statistical("seasonal_naive", "seasonal naive", "seasonal_naive"),
    statistical("seasonal_naive_growth", "seasonal naive with growth", "seasonal_growth"),
    statistical("theta", "Theta", "theta_linear"),
    statistical("damped_trend", "the damped trend", "damped"),
    statistical("holt_winters", "Holt-Winters", "holt_winters"),
    statistical("airline_arima", "the airline ARIMA", "box_jenkins"),
)
# To average is steadier than to choose, so the blend is used unless it clearly loses; what is trained on few values
# must show more than luck.
BLEND = blend_of("blend", "the blend", COMBINATION, PARTNERS, Rule(turn=1, must_save=-2))
NETWORK = trained_network("network", "the trained network", Rule(turn=3, must_save=1))

METHODS: tuple[Method, ...] = (
    COMBINATION,
    continuing("naive", "naive", last_value),
    continuing("drift", "drift", straight_on),
    *PARTNERS,
    BLEND,
    library_method("ets", "AutoETS", by_season=False),
    library_method("arima", "AutoARIMA", by_season=True),
    NETWORK,
    average_with(
        "average", "the average with the trained network", NETWORK, (COMBINATION, BLEND), Rule(turn=2, must_save=1)
    ),
)


def method_named(name: str) -> Method:
    """The method of a name in a saved file; raises `InputError` where there is none."""
    for method in METHODS:
        if method.name == name:
            return method
    raise InputError(f"got the method {name!r}: this version knows {', '.join(m.name for m in METHODS)}")


def readable(names: Iterable[str]) -> list[str]:
    """Methods' names as in sentences."""
    known = {method.name: method.readable for method in METHODS}
    return [known.get(name, name) for name in names]
