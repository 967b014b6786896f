"""Numbers for each sequence."""

from latchwork.regression.regressor import SequenceRegressor

__all__ = ["SequenceRegressor"]
