"""Until `fit` takes plain data: the one place that wraps it."""

from __future__ import annotations

from typing import Any

from latchwork.core.network import NetworkData
from latchwork.training import EpochReport, Fitted


def fit(data: NetworkData, *arguments: Any, callbacks: Any = (), **options: Any) -> Fitted:
    """`training.fit`."""
    from latchwork.engines.jax.network import Network
    from latchwork.training import fit

    def plain(network: Any) -> NetworkData:
        return NetworkData(network.spec, network.parameters())

    wrapped = [lambda report, each=each: each(EpochReport(report.row, plain(report.model))) for each in callbacks]
    network = Network.from_parameters(data.spec, data.parameters)
    fitted = fit(network, *arguments, callbacks=wrapped, **options)
    return Fitted(plain(fitted.model), fitted.history)


def evaluate(data: NetworkData, *arguments: Any, **options: Any) -> dict[str, float]:
    """`training.evaluate`."""
    from latchwork.engines.jax.network import Network
    from latchwork.training import evaluate

    return evaluate(Network.from_parameters(data.spec, data.parameters), *arguments, **options)
