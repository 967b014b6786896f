"""An estimator's part of the comparison: when it is made, over which rows, and what becomes of its result."""

from __future__ import annotations

from abc import abstractmethod
from functools import partial
from typing import Any, ClassVar, Self, cast

import numpy as np
from numpy.typing import NDArray

from latchwork.estimators.baselines import READABLE, Task
from latchwork.estimators.comparison import NETWORK, Comparison
from latchwork.estimators.honest import compared, compared_on_validation, fitted_winner
from latchwork.estimators.recipe import Recipe
from latchwork.estimators.rows import Rows, scaled
from latchwork.runtime.model import Model
from latchwork.runtime.simple import SimpleModel
from latchwork.training import History
from latchwork.training.progress import tell
from latchwork.transforms.frames import Names
from latchwork.transforms.scaling import Scaler, standard_scaler


class Compared:
    """What `SequenceEstimator` has of it; the fields are its own."""

    JOB: ClassVar[str]
    network: Any
    warm_start: bool
    compare: bool | None
    best: bool
    progress: Any
    scaler_: Scaler | None
    history_: History
    recipe_: Recipe
    comparison_: Comparison | None
    model_: Model
    data_: dict[str, Any]

    def _is_compared(self) -> bool:
        return self.best or (self.network is None and not self.warm_start if self.compare is None else self.compare)

    def _is_simple_better(self) -> bool:
        return self.best and self.comparison_ is not None and self.comparison_.winner != NETWORK

    def _compared_in_trials(self, rows: Rows) -> Comparison | None:
        """The simple methods beside a recipe's trials."""
        held = self.recipe_.held_out
        if held is None or not self._is_compared():
            return None
        told = partial(tell, self.progress)
        return compared(self._task(), rows, self._simple_scaler(rows), held, told, self._target_scale())

    def _compared_on(self, training: Rows, validation: Rows, seconds: float) -> Comparison | None:
        """The simple methods beside the trained network, on the validation rows."""
        if training["inputs"].ndim != 3:
            return None
        outputs = self._fitted().outputs(validation["inputs"], validation.get("lengths"))
        scaler = self._simple_scaler(training)
        fitted_on, held_out = scaled(training, scaler), scaled(validation, scaler)
        told = partial(tell, self.progress)
        return compared_on_validation(self._task(), fitted_on, held_out, outputs, seconds, told, self._target_scale())

    def _simple_scaler(self, rows: Rows) -> Scaler:
        return self.scaler_ or standard_scaler(rows["inputs"], rows.get("lengths"))

    @abstractmethod
    def _task(self) -> Task:
        """What the simple methods are to answer."""

    def _target_scale(self) -> NDArray[np.float64] | None:
        """Of a regressor: what its scaled targets are multiplied by."""
        return None

    def _keep_simple(self, training: Rows, names: Names | None) -> Self:
        """The simple method that won becomes the model that answers; the network is not trained."""
        assert self.comparison_ is not None
        name, scaler = self.comparison_.winner, self._simple_scaler(training)
        tell(self.progress, f"using {READABLE[name]}, which won")
        if not hasattr(self, "history_"):
            self.history_ = History(stopped="not trained")
        self.model_ = cast("Any", SimpleModel.fitted(
            self.JOB,
            READABLE[name],
            fitted_winner(self._task(), training, scaler, name),
            scaler,
            features=names,
            training=self._record(),
            trained_on=self.data_,
            **self._learned_of_targets(),
        ))  # fmt: skip
        return self

    @abstractmethod
    def _fitted(self) -> Model: ...

    @abstractmethod
    def _record(self) -> dict[str, Any]: ...

    @abstractmethod
    def _learned_of_targets(self) -> dict[str, Any]: ...
