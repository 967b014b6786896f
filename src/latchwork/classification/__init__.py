"""A class for each sequence."""

from latchwork.classification.classifier import SequenceClassifier

__all__ = ["SequenceClassifier"]
