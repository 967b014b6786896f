"""Training: `fit` and what it is given."""

from latchwork.engines.steps import Penalty
from latchwork.training.data import Data, Generated
from latchwork.training.evaluation import evaluate, evaluate_members
from latchwork.training.history import History
from latchwork.training.loop import DivergedError, Fitted, fit
from latchwork.training.losses import (
    Accuracy,
    BinaryAccuracy,
    BinaryCrossEntropy,
    Bits,
    ConnectionistTemporal,
    Huber,
    Loss,
    MeanAbsoluteError,
    MeanSquaredError,
    Pinball,
    SampledCrossEntropy,
    SmoothAbsoluteError,
    SmoothSMAPE,
    SoftmaxCrossEntropy,
    named_loss,
)
from latchwork.training.objectives import Member, Objective, SideBySide, Supervised
from latchwork.training.optimizers import Optimizer
from latchwork.training.plan import EpochReport, Moment

__all__ = [
    "Accuracy",
    "BinaryAccuracy",
    "BinaryCrossEntropy",
    "Bits",
    "ConnectionistTemporal",
    "Data",
    "DivergedError",
    "EpochReport",
    "Fitted",
    "Generated",
    "History",
    "Huber",
    "Loss",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "Member",
    "Moment",
    "Objective",
    "Optimizer",
    "Penalty",
    "Pinball",
    "SampledCrossEntropy",
    "SideBySide",
    "SmoothAbsoluteError",
    "SmoothSMAPE",
    "SoftmaxCrossEntropy",
    "Supervised",
    "evaluate",
    "evaluate_members",
    "fit",
    "named_loss",
]
