from latchwork.core.errors import InputError as InputError
from latchwork.core.errors import LatchworkError as LatchworkError
from latchwork.core.spec import *
from latchwork.engines.jax.network import Network as Network
from latchwork.estimators.classifier import SequenceClassifier as SequenceClassifier
from latchwork.estimators.loading import load as load
from latchwork.estimators.regressor import SequenceRegressor as SequenceRegressor
from latchwork.explain.horizon import memory_horizon as memory_horizon
from latchwork.explain.influence import influence as influence
from latchwork.explain.neurons import neurons as neurons
from latchwork.explain.trace import trace as trace
from latchwork.forecasting import Forecaster as Forecaster
from latchwork.interop.exporting import export_keras as export_keras
from latchwork.interop.exporting import export_onnx as export_onnx
from latchwork.interop.exporting import to_keras as to_keras
from latchwork.interop.exporting import to_torch as to_torch
from latchwork.interop.importing import import_model as import_model
from latchwork.speech import SpeechRecognizer as SpeechRecognizer
from latchwork.text import LanguageModel as LanguageModel
from latchwork.training import Optimizer as Optimizer

__version__: str
__all__: list[str]
