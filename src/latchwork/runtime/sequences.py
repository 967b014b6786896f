"""A saved classifier or regressor of sequences, whatever answers in it."""

from __future__ import annotations

from typing import Any, cast

from latchwork.core.storage import Latch
from latchwork.runtime.model import Model


class SequenceModel:
    """Opens either kind: a network, or a simple method, which answers in the same way."""

    @staticmethod
    def from_latch(latch: Latch) -> Model:
        """The model in an opened file."""
        if latch.document["network"] is None and "method" in latch.document["fitted"]:
            from latchwork.runtime.simple import SimpleModel  # few need it: an answer must not wait for it

            return cast("Any", SimpleModel.from_latch(latch))
        return Model.from_latch(latch)
