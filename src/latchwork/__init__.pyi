from latchwork.classification import SequenceClassifier as SequenceClassifier
from latchwork.errors import InputError as InputError
from latchwork.errors import LatchworkError as LatchworkError
from latchwork.explain.horizon import memory_horizon as memory_horizon
from latchwork.explain.influence import influence as influence
from latchwork.explain.neurons import neurons as neurons
from latchwork.explain.trace import trace as trace
from latchwork.forecasting import Forecaster as Forecaster
from latchwork.loading import load as load
from latchwork.network import Network as Network
from latchwork.regression import SequenceRegressor as SequenceRegressor
from latchwork.spec import GRU as GRU
from latchwork.spec import LSTM as LSTM
from latchwork.spec import Bidirectional as Bidirectional
from latchwork.spec import CoupledLSTM as CoupledLSTM
from latchwork.spec import Dense as Dense
from latchwork.spec import Dropout as Dropout
from latchwork.spec import Embedding as Embedding
from latchwork.spec import LayerNorm as LayerNorm
from latchwork.spec import PeepholeLSTM as PeepholeLSTM
from latchwork.spec import Pooling as Pooling
from latchwork.spec import Sequential as Sequential
from latchwork.spec import SimpleRNN as SimpleRNN
from latchwork.speech import SpeechRecognizer as SpeechRecognizer
from latchwork.text import LanguageModel as LanguageModel
from latchwork.training import Optimizer as Optimizer

__version__: str
__all__: list[str]
