"""A fitted recogniser in NumPy: what `speech test`, `transcribe` and `listen` open. No JAX."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from latchwork.core import spec
from latchwork.core.errors import InputError
from latchwork.core.network import NetworkData
from latchwork.core.probabilities import log_softmax
from latchwork.core.storage import Latch
from latchwork.runtime.model import Model
from latchwork.runtime.opening import load
from latchwork.speech.audio import read_audio, resample
from latchwork.speech.decoding import best_symbols
from latchwork.speech.symbols import Symbols
from latchwork.transforms.scaling import Scaler, saved_scaler
from latchwork.transforms.spectrogram import Samples, Spectrogram

JOB = "speech"
_ROWS = 64  # recordings at a time


class Transcript(NamedTuple):
    """What was heard, and how likely it is that just this was said (0 to 1, in the network's own opinion)."""

    text: str
    probability: float


@dataclass(frozen=True)
class SpeechModel:
    """A network over spectrograms, and what its outputs stand for.

    Attributes:
        spectrogram: what a recording goes through.
        scaler: what a spectrogram goes through.
        symbols: what is written.
        data: the network.
        training: the record of the run.
        trained_on: the recordings it was trained on, in words.
    """

    spectrogram: Spectrogram
    scaler: Scaler
    symbols: Symbols
    data: NetworkData
    training: Mapping[str, Any] = field(default_factory=dict[str, Any])
    trained_on: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @classmethod
    def load(cls, path: str | Path) -> SpeechModel:
        """Read a model from a `.latch` file.

        Raises:
            InputError: the file is damaged, or holds no recogniser.
        """
        return load(path, JOB)

    @classmethod
    def from_latch(cls, latch: Latch) -> SpeechModel:
        """The model in an opened file."""
        document, tensors = latch
        fitted = document["fitted"]
        network = spec.Sequential.from_dict(document["network"])
        parameters = {
            name.removeprefix("network."): array for name, array in tensors.items() if name.startswith("network.")
        }
        spectrogram, symbols = Spectrogram(**fitted["spectrogram"]), Symbols.from_dict(fitted["symbols"])
        scaler = saved_scaler(tensors, "fitted.scaler.", spectrogram.features)
        shapes = network.shapes()
        if scaler is None or shapes[0][-1] != spectrogram.features or shapes[-1][-1] != len(symbols.known) + 1:
            raise InputError("the spectrogram, the network and the symbols do not belong together")
        return cls(
            spectrogram, scaler, symbols, NetworkData(network, parameters), document["training"], document["data"]
        )

    @cached_property
    def _scores(self) -> Model:
        """The network and the scaler before it."""
        return Model(JOB, self.data, self.scaler)

    def predict(self, recordings: Sequence[str | Path | Samples], rate: int | None = None) -> list[str]:
        """What is said in each of several files, or arrays of samples at `rate` a second.

        Raises:
            InputError: a file that is no recording, or samples without a rate, of several channels or not finite.
        """
        return [transcript.text for transcript in self.listen(recordings, rate)]

    def listen(self, recordings: Sequence[str | Path | Samples], rate: int | None = None) -> list[Transcript]:
        """As `predict`, with the probability of each transcript."""
        samples: list[Samples] = []
        for each in recordings:
            if isinstance(each, str | Path):
                samples.append(read_audio(each, self.spectrogram.rate)[0])
            elif rate is None:
                raise InputError("samples need their rate: give rate=, samples a second")
            else:
                checked = np.asarray(each, np.float32)
                if checked.ndim != 1 or not len(checked) or not np.isfinite(checked).all():
                    raise InputError(f"got samples of shape {checked.shape}: expected one channel, (samples,)")
                samples.append(resample(checked, rate, self.spectrogram.rate))
        return self.transcribe(samples, self.spectrogram.rate)

    def transcribe(self, recordings: Sequence[Samples], rate: int) -> list[Transcript]:
        """What is said in recordings of `rate` samples a second."""
        at_rate = [resample(np.asarray(samples, np.float32), rate, self.spectrogram.rate) for samples in recordings]
        steps = [self.spectrogram.transform(samples) for samples in at_rate]
        transcripts: dict[int, Transcript] = {}
        by_length = sorted(range(len(steps)), key=lambda index: len(steps[index]))  # little is padded
        for first in range(0, len(by_length), _ROWS):
            indices = by_length[first : first + _ROWS]
            outputs = log_softmax(self._scores.outputs([steps[index] for index in indices]))
            for row, index in enumerate(indices):
                found, log_probability = best_symbols(outputs[row, : len(steps[index])])
                transcripts[index] = Transcript(self.symbols.decode(found), float(np.exp(log_probability)))
        return [transcripts[index] for index in range(len(steps))]

    def transcribe_file(self, path: str | Path) -> Transcript:
        """What is said in a file."""
        samples, rate = read_audio(path, self.spectrogram.rate)
        return self.transcribe([samples], rate)[0]

    def to_latch(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """The file's document and tensors."""
        tensors: dict[str, NDArray[Any]] = {f"network.{name}": array for name, array in self.data.parameters.items()}
        tensors |= {f"fitted.scaler.{name}": array for name, array in self.scaler.arrays().items()}
        document = {
            "network": self.data.spec.to_dict(),
            "fitted": {"spectrogram": self.spectrogram.to_dict(), "symbols": self.symbols.to_dict()},
            "training": dict(self.training),
            "data": dict(self.trained_on),
        }
        return document, tensors
