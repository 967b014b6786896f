"""A fitted recogniser in NumPy: what `speech test`, `transcribe`, `listen` and `spot` open. No JAX."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
from latchwork.speech.audio import QUIETEST_PEAK, blocks, read_audio, resample, seconds
from latchwork.speech.confidence import Confidence
from latchwork.speech.decoding import alignment, best_symbols
from latchwork.speech.listening import from_blocks, timed_utterances
from latchwork.speech.symbols import Symbols
from latchwork.transforms.cepstra import Cepstra
from latchwork.transforms.scaling import Scaler, saved_scaler
from latchwork.transforms.spectrogram import Samples, Spectrogram

JOB = "speech"
Features = Cepstra | Spectrogram
_ROWS = 64  # recordings at a time
_LONGEST_SECONDS = 20.0  # of sound that is heard in one piece; what is longer is cut at its pauses


class HeardWord(NamedTuple):
    """A word, when it was said in seconds from the beginning, and how often such a word is right (0 to 1)."""

    word: str
    start: float
    end: float
    probability: float


class Transcript(NamedTuple):
    """What was heard.

    Attributes:
        text: the words.
        probability: how often such a transcript is right (0 to 1), from recordings held out while training.
        words: one by one, with times; of characters, nothing.
        other: how many words were heard that are none of those known.
    """

    text: str
    probability: float
    words: tuple[HeardWord, ...] = ()
    other: int = 0


def features_of(fitted: Mapping[str, Any]) -> Features:
    """What a file's recordings go through: cepstra, or the spectrogram of files of before."""
    if "spectrogram" in fitted:
        return Spectrogram(**fitted["spectrogram"])
    settings = dict(fitted["features"])
    kind = settings.pop("kind")
    if kind != "cepstra":
        raise InputError(f"features of the kind {kind!r}: this version knows cepstra")
    return Cepstra(**settings)


@dataclass(frozen=True)
class SpeechModel:
    """A network over what is heard, and what its outputs stand for.

    Attributes:
        features: what a recording goes through.
        scaler: what its features go through.
        symbols: what is written.
        data: the network.
        confidence: what its opinion of a transcript is worth.
        training: the record of the run.
        trained_on: the recordings it was trained on, in words.
    """

    features: Features
    scaler: Scaler
    symbols: Symbols
    data: NetworkData
    confidence: Confidence = Confidence()  # noqa: RUF009
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
        features, symbols = features_of(fitted), Symbols.from_dict(fitted["symbols"])
        scaler = saved_scaler(tensors, "fitted.scaler.", features.features)
        shapes = network.shapes()
        if scaler is None or shapes[0][-1] != features.features or shapes[-1][-1] != symbols.outputs:
            raise InputError("the features, the network and the symbols do not belong together")
        return cls(
            features, scaler, symbols, NetworkData(network, parameters), Confidence(**fitted.get("confidence", {})),
            document["training"], document["data"],
        )  # fmt: skip

    @property
    def rate(self) -> int:
        """Samples a second that recordings are brought to."""
        return self.features.rate

    @property
    def is_stream(self) -> bool:
        """Whether it can say words while somebody speaks."""
        return isinstance(self.features, Cepstra) and self.features.running

    @cached_property
    def scores(self) -> Model:
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
                samples.append(read_audio(each, self.rate)[0])
            elif rate is None:
                raise InputError("samples need their rate: give rate=, samples a second")
            else:
                checked = np.asarray(each, np.float32)
                if checked.ndim != 1 or not len(checked) or not np.isfinite(checked).all():
                    raise InputError(f"got samples of shape {checked.shape}: expected one channel, (samples,)")
                samples.append(resample(checked, rate, self.rate))
        return self.transcribe(samples, self.rate)

    def transcribe(self, recordings: Sequence[Samples], rate: int) -> list[Transcript]:
        """What is said in recordings of `rate` samples a second; digital silence says nothing."""
        at_rate = [resample(np.asarray(samples, np.float32), rate, self.rate) for samples in recordings]
        heard = {
            index: Transcript("", 1.0)
            for index, samples in enumerate(at_rate)
            if np.abs(samples).max(initial=0) < QUIETEST_PEAK
        }
        steps = {index: self.features.transform(at_rate[index]) for index in range(len(at_rate)) if index not in heard}
        by_length = sorted(steps, key=lambda index: len(steps[index]))  # little is padded
        for first in range(0, len(by_length), _ROWS):
            indices = by_length[first : first + _ROWS]
            outputs = log_softmax(self.scores.outputs([steps[index] for index in indices]))
            for row, index in enumerate(indices):
                heard[index] = self.read(outputs[row, : len(steps[index])])
        return [heard[index] for index in range(len(at_rate))]

    def opinions(self, steps: Sequence[NDArray[np.float32]]) -> list[tuple[str, float]]:
        """What is heard in features `[steps, features]`, and the logarithm of its probability, uncorrected."""
        found: list[tuple[str, float]] = []
        for first in range(0, len(steps), _ROWS):
            own = steps[first : first + _ROWS]
            outputs = log_softmax(self.scores.outputs(list(own)))
            for row, each in enumerate(own):
                numbers, log_probability = best_symbols(outputs[row, : len(each)])
                found.append((self.symbols.decode(numbers), log_probability))
        return found

    def read(self, log_probabilities: NDArray[np.floating], first: float = 0.0) -> Transcript:
        """The transcript of the network's opinion at every step `[steps, symbols]`, which begins at `first` seconds."""
        return self.written(*best_symbols(log_probabilities), log_probabilities, first)

    def written(
        self,
        found: Sequence[int],
        log_probability: float,
        log_probabilities: NDArray[np.floating],
        first: float = 0.0,
    ) -> Transcript:
        """The transcript of symbols that were found in the network's opinion, as `read` gives it."""
        text = self.symbols.decode(found)
        other = sum(number == self.symbols.other_number for number in found)
        words: tuple[HeardWord, ...] = ()
        if self.symbols.units == "word":
            step = self.features.step_seconds
            places = alignment(log_probabilities, found)
            words = tuple(
                HeardWord(
                    self.symbols.decode([number]),
                    first + start * step,
                    first + end * step,
                    self.confidence(float(np.log(probability))),
                )
                for number, (start, end, probability) in zip(found, places, strict=True)
                if number != self.symbols.other_number
            )
        return Transcript(text, self.confidence(log_probability), words, other)

    def transcribe_file(self, path: str | Path) -> Transcript:
        """What is said in a file; a long one is cut at its pauses, and read a block at a time."""
        if seconds(path) <= _LONGEST_SECONDS:
            samples, rate = read_audio(path, self.rate)
            return self.transcribe([samples], rate)[0]
        spoken = [part for part in self.passages(path) if part.text or part.other]
        return Transcript(
            " ".join(part.text for part in spoken if part.text),
            float(np.mean([part.probability for part in spoken])) if spoken else 1.0,
            tuple(word for part in spoken for word in part.words),
            sum(part.other for part in spoken),
        )

    def passages(self, path: str | Path) -> Iterator[Transcript]:
        """What is said between the pauses of a file of any length, in turn, with times from the file's beginning."""
        for start, samples in timed_utterances(from_blocks(blocks(path, self.rate), self.rate), self.rate):
            heard = self.transcribe([samples], self.rate)[0]
            moved = tuple(word._replace(start=word.start + start, end=word.end + start) for word in heard.words)
            yield heard._replace(words=moved)

    def to_latch(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """The file's document and tensors."""
        tensors: dict[str, NDArray[Any]] = {f"network.{name}": array for name, array in self.data.parameters.items()}
        tensors |= {f"fitted.scaler.{name}": array for name, array in self.scaler.arrays().items()}
        own = self.features.to_dict()
        features = (
            {"spectrogram": own} if isinstance(self.features, Spectrogram) else {"features": {"kind": "cepstra"} | own}
        )
        document = {
            "network": self.data.spec.to_dict(),
            "fitted": features | {"symbols": self.symbols.to_dict(), "confidence": self.confidence.to_dict()},
            "training": dict(self.training),
            "data": dict(self.trained_on),
        }
        return document, tensors
