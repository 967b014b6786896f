"""latchwork: recurrent neural networks that are fast on an ordinary processor and that you can see through.

Names are imported when they are first used, so that `import latchwork` costs nothing and nobody pays for JAX who does
not use it. The stub beside this file tells type checkers what is here.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_HOMES = {
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
    "latchwork.interop.importing": ("import_model",),
    "latchwork.interop.exporting": ("export_onnx", "export_keras", "to_keras", "to_torch"),
    "latchwork.core.errors": ("InputError", "LatchworkError"),
}  # fmt: skip
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}
_LAYERS = "latchwork.core.spec"  # says itself which layers there are


def _all() -> list[str]:
    return ["__version__", *import_module(_LAYERS).__all__, *_HOME_OF]


def __getattr__(name: str) -> Any:
    if name == "__all__":
        return _all()
    if name.startswith("_"):
        raise AttributeError(f"module 'latchwork' has no attribute {name!r}")
    if name == "keras":  # a package of its own: `import latchwork.keras`
        return import_module("latchwork.keras")
    home = import_module(_HOME_OF.get(name, _LAYERS))
    if name not in _HOME_OF and name not in home.__all__:
        raise AttributeError(f"module 'latchwork' has no attribute {name!r}")
    return getattr(home, name)


def __dir__() -> list[str]:
    return sorted(_all())
