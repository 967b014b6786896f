"""latchwork: recurrent neural networks that are fast on an ordinary processor and that you can see through.

Names are imported when they are first used, so that `import latchwork` costs nothing and the runtime never pays for
JAX. The stub beside this file tells type checkers what is here.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_HOMES = {
    "latchwork.core.spec": (
        "LSTM", "GRU", "SimpleRNN", "PeepholeLSTM", "CoupledLSTM", "Bidirectional", "Embedding", "Dense", "Dropout",
        "LayerNorm", "Pooling", "Sequential",
    ),
    "latchwork.engines.jax.network": ("Network",),
    "latchwork.training": ("Optimizer",),
    "latchwork.estimators.classifier": ("SequenceClassifier",),
    "latchwork.forecasting": ("Forecaster",),
    "latchwork.estimators.regressor": ("SequenceRegressor",),
    "latchwork.speech": ("SpeechRecognizer",),
    "latchwork.text": ("LanguageModel",),
    "latchwork.estimators.loading": ("load",),
    "latchwork.explain.trace": ("trace",),
    "latchwork.explain.influence": ("influence",),
    "latchwork.explain.horizon": ("memory_horizon",),
    "latchwork.explain.neurons": ("neurons",),
    "latchwork.core.errors": ("InputError", "LatchworkError"),
}  # fmt: skip
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = ["__version__", *_HOME_OF]  # noqa: PLE0604  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'latchwork' has no attribute {name!r}")
    return getattr(import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
