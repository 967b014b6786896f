"""A class for each sequence.

`SequenceClassifier` trains; `measures` serves the command and imports no JAX.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from latchwork.classification.classifier import SequenceClassifier

__all__ = ["SequenceClassifier"]


def __getattr__(name: str) -> Any:
    if name != "SequenceClassifier":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from latchwork.classification.classifier import SequenceClassifier

    return SequenceClassifier
