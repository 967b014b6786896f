"""What is exported: a network, and what its job does before and after it, out of any fitted model."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from latchwork.core.errors import InputError
from latchwork.core.network import NetworkData
from latchwork.core.storage import Latch
from latchwork.runtime.model import Model
from latchwork.runtime.opening import JOBS, load, read
from latchwork.transforms.labels import Labels
from latchwork.transforms.scaling import Scaler

Ending = Literal["outputs", "probabilities", "log_probabilities", "correction"]


@dataclass(frozen=True)
class Subject:
    """A network as its job uses it.

    Attributes:
        job: `classification`, `regression`, `text`, `speech`, `forecasting`, or `network` for one without a job.
        data: its layers and their arrays, perhaps of members side by side, whose mean counts.
        ending: what becomes of the network's outputs: nothing, a softmax, its logarithm, or a correction of a base.
        scaler, target_scaler, vector, labels, padding: as of a `runtime.Model`.
        facts: what a file says of it in words: labels, units, vocabulary, symbols.
        names: of each layer, its name where it came from elsewhere; else None.
    """

    job: str
    data: NetworkData
    ending: Ending = "outputs"
    scaler: Scaler | None = None
    target_scaler: Scaler | None = None
    vector: bool = False
    labels: Labels | None = None
    padding: float | None = None
    facts: Mapping[str, Any] = field(default_factory=dict[str, Any])
    names: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        """No format has a layer that is tied to another."""
        object.__setattr__(self, "data", self.data.untied())


def subject_of(model: Any) -> Subject:
    """What is exported of a model.

    Args:
        model: a `.latch` file, a fitted estimator, what `runtime.load` or `import_model` gives, or a `NetworkData`.

    Raises:
        InputError: the file cannot be read, the estimator is not fitted, or there is no network in it.
    """
    if isinstance(model, Subject):
        return model
    if isinstance(model, str | os.PathLike):
        return subject_of(load(model))
    if isinstance(model, NetworkData):
        return Subject("network", model)
    if isinstance(model, Model):
        return _of_model(model)
    job = getattr(model, "JOB", None)
    if isinstance(job, str) and job in JOBS and hasattr(model, "to_latch") and job != "forecasting":
        document, tensors = model.to_latch()
        document = {"fitted": {}, "training": {}, "data": {}, "network": None, **document, "job": job}
        return subject_of(read(JOBS[job].answers, Latch(document, tensors), f"this {type(model).__name__}"))
    if hasattr(model, "vocabulary") and isinstance(getattr(model, "data", None), NetworkData):
        vocabulary = model.vocabulary.to_dict()
        return Subject(
            "text", model.data, "probabilities", facts={"units": vocabulary["units"], "vocabulary": vocabulary}
        )
    if hasattr(model, "symbols") and isinstance(getattr(model, "data", None), NetworkData):
        fitted = model.to_latch()[0]["fitted"]
        facts = {name: fitted[name] for name in ("features", "spectrogram", "symbols") if name in fitted}
        facts["units"] = "cepstra" if "features" in facts else "decibels"
        return Subject("speech", model.data, "log_probabilities", model.scaler, facts=facts)
    if job == "forecasting":
        return _of_forecaster(model)
    raise InputError(f"a {type(model).__name__} has no network to export: give a fitted model or a .latch file")


def _of_model(model: Model) -> Subject:
    facts: dict[str, Any] = {}
    if model.labels is not None:
        facts["labels"] = list(model.labels.classes)
    imported = dict(model.document.get("training") or {}).get("imported")
    names = tuple(str(each) for each in imported["layers"]) if isinstance(imported, dict) else None
    return Subject(
        model.job, model.data, "probabilities" if model.labels is not None else "outputs", model.scaler,
        model.target_scaler, model.vector, model.labels, model.padding, facts, names,
    )  # fmt: skip


def _of_forecaster(forecaster: Any) -> Subject:
    """The network of a forecaster that trained one: everything else it does is no network."""
    result = forecaster.result_
    corrector = result.learned.network
    if corrector is None:
        raise InputError(
            f"this forecaster uses {result.used.name}, which has no network that was trained: there is nothing to "
            "export as a graph; forecast with latchwork.runtime, which needs NumPy alone"
        )
    panel = result.panel
    facts = {
        "units": "working units of each row: see base and spread",
        "target": panel.target,
        "horizon": result.horizon,
        "frequency": panel.frequency.to_dict(),
        "series": list(panel.names),
    }
    return Subject("forecasting", corrector.network, "correction", facts=facts)
