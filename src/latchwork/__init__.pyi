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
from latchwork.speech import SpeechRecognizer as SpeechRecognizer
from latchwork.text import LanguageModel as LanguageModel
from latchwork.training import Optimizer as Optimizer

__version__: str
__all__: list[str]
