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
from latchwork.speech.decoding import Beam, alignment, best_symbols, log_probability
from latchwork.speech.listening import from_blocks, timed_utterances
from latchwork.speech.symbols import Symbols
from latchwork.transforms.cepstra import Cepstra, Change
from latchwork.transforms.scaling import Scaler, saved_scaler
from latchwork.transforms.spectrogram import Samples, Spectrogram

JOB = "speech"
Features = Cepstra | Spectrogram
_ROWS = 64  # recordings at a time
WARPS = (0.88, 1.0, 1.13)  # of the mel axis: a recording is heard as if its voice were longer, as it is, and shorter
_WIDTH = 4  # prefixes of a beam under each warp: together they are enough
DOUBT = 3.0  # nats by which a transcript with a known word is preferred to none, and to one of other words
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


def heard_under(features: Cepstra) -> tuple[float, ...]:
    """The warps under which a new model hears: a stream cannot wait for three."""
    return (1.0,) if features.running else WARPS


@dataclass(frozen=True)
class SpeechModel:
    """A network over what is heard, and what its outputs stand for.

    Attributes:
        features: what a recording goes through.
        scaler: what its features go through.
        symbols: what is written.
        data: the network.
        confidence: what its opinion of a transcript is worth.
        warps: of the mel axis, under which a recording is heard; what is likeliest under all of them is written.
        training: the record of the run.
        trained_on: the recordings it was trained on, in words.
    """

    features: Features
    scaler: Scaler
    symbols: Symbols
    data: NetworkData
    confidence: Confidence = Confidence()  # noqa: RUF009
    warps: tuple[float, ...] = (1.0,)
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
            tuple(fitted.get("warps", (1.0,))), document["training"], document["data"],
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
        """What is said in recordings of `rate` samples a second; digital silence and a constant say nothing."""
        at_rate = [resample(np.asarray(samples, np.float32), rate, self.rate) for samples in recordings]
        heard = {
            index: Transcript("", 1.0)
            for index, samples in enumerate(at_rate)
            if not len(samples) or np.ptp(samples) < QUIETEST_PEAK  # a constant is as silent as zero
        }
        indices = [index for index in range(len(at_rate)) if index not in heard]
        opinions = self.opinions([at_rate[index] for index in indices])
        heard |= {index: self.read(opinion) for index, opinion in zip(indices, opinions, strict=True)}
        return [heard[index] for index in range(len(at_rate))]

    def opinions(self, recordings: Sequence[Samples]) -> list[list[NDArray[np.floating]]]:
        """The network's opinion of each recording at every step `[steps, symbols]`, under each of the warps."""
        found: list[list[NDArray[np.floating]]] = [[] for _ in recordings]
        for warp in self.warps:
            steps = [self._steps(samples, warp) for samples in recordings]
            by_length = sorted(range(len(steps)), key=lambda index: len(steps[index]))  # little is padded
            for first in range(0, len(by_length), _ROWS):
                indices = by_length[first : first + _ROWS]
                outputs = log_softmax(self.scores.outputs([steps[index] for index in indices]))
                for row, index in enumerate(indices):
                    found[index].append(outputs[row, : len(steps[index])])
        return found

    def _steps(self, samples: Samples, warp: float) -> NDArray[np.float32]:
        if isinstance(self.features, Cepstra):
            return self.features.transform(samples, Change(warp=warp))
        return self.features.transform(samples)

    def likeliest(self, opinion: Sequence[NDArray[np.floating]]) -> tuple[tuple[int, ...], float]:
        """The symbols that are likeliest under all warps, and the mean logarithm of their probability.

        Where anything else can be said, a transcript with a known word is preferred by `DOUBT`: that a stranger's word
        sounds strange is likelier than that it is none, and the probability tells the two apart.
        """
        if len(opinion) == 1 and not self.symbols.other:
            return best_symbols(opinion[0])
        candidates: dict[tuple[int, ...], None] = {}
        for logs in opinion:
            beam = Beam(_WIDTH)
            for step in np.asarray(logs, np.float64):
                beam.advance(step)
            candidates |= dict.fromkeys(beam.ranked())
        transcripts = list(candidates)
        scores = np.mean([log_probability(logs, transcripts) for logs in opinion], axis=0)
        best = int(np.argmax(scores - self._doubts(transcripts)))
        return transcripts[best], float(scores[best])

    def _doubts(self, transcripts: Sequence[Sequence[int]]) -> NDArray[np.float64]:
        other = self.symbols.other_number
        if other is None:
            return np.zeros(len(transcripts))
        return np.array([DOUBT * (not found or all(n == other for n in found)) for found in transcripts])

    def read(self, opinion: Sequence[NDArray[np.floating]], first: float = 0.0) -> Transcript:
        """The transcript of the network's opinion `[steps, symbols]` under each warp, beginning at `first` seconds."""
        found, score = self.likeliest(opinion)
        return self.written(found, score, np.mean(np.stack(opinion), axis=0), first)

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
                for number, (start, end, probability) in zip(found if places else (), places, strict=True)
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
            "fitted": features
            | {
                "symbols": self.symbols.to_dict(),
                "confidence": self.confidence.to_dict(),
                "warps": list(self.warps),
            },
            "training": dict(self.training),
            "data": dict(self.trained_on),
        }
        return document, tensors
