"""Training: `fit` and what it is given."""

from latchwork.training.data import Data
from latchwork.training.evaluation import evaluate
from latchwork.training.history import History
from latchwork.training.loop import EpochReport, Fitted, fit
from latchwork.training.losses import (
    Accuracy,
    Huber,
    Loss,
    MeanAbsoluteError,
    MeanSquaredError,
    Pinball,
    SoftmaxCrossEntropy,
    named_loss,
)
from latchwork.training.objective import Objective, SideBySide, Supervised
from latchwork.training.optimizers import Optimizer

__all__ = [
    "Accuracy",
    "Data",
    "EpochReport",
    "Fitted",
    "History",
    "Huber",
    "Loss",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "Objective",
    "Optimizer",
    "Pinball",
    "SideBySide",
    "SoftmaxCrossEntropy",
    "Supervised",
    "evaluate",
    "fit",
    "named_loss",
]
