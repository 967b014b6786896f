"""Changes to training sequences that leave their class as it is, drawn anew for each batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
from jaxtyping import Array

from latchwork.engines.jax.augmentation import augmented
from latchwork.engines.jax.layers import Key
from latchwork.training.objective import Batch, Objective
from latchwork.transforms.augmentation import AffineImages, Augmentation


@dataclass(frozen=True)
class Augmented:
    """An objective whose training batches are augmented; what is evaluated stays as it is."""

    objective: Objective
    augmentation: Augmentation | AffineImages

    @property
    def names(self) -> tuple[str, ...]:
        """The objective's own."""
        return self.objective.names

    def initial_carry(self, model: Any, batch_size: int) -> Any:
        """The objective's own."""
        return self.objective.initial_carry(model, batch_size)

    def draws(self, model: Any) -> bool:
        """Always: every batch is augmented anew."""
        del model
        return True

    def __call__(self, model: Any, batch: Batch, carry: Any, key: Key) -> tuple[Array, tuple[Array, Any]]:
        """The objective over the augmented batch."""
        if key is not None:
            key, draw = jax.random.split(key)
            batch = {**batch, "inputs": augmented(self.augmentation, batch["inputs"], draw)}
        return self.objective(model, batch, carry, key)
