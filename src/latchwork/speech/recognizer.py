"""`SpeechRecognizer`: learns from recordings and what is said in them, and writes down what it hears."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from latchwork.core.errors import InputError
from latchwork.core.storage import Latch
from latchwork.estimators.base import Estimator
from latchwork.speech.audio import blocks, read_audio, seconds
from latchwork.speech.comparing import VERDICT_SHARE, compared, found_confidence
from latchwork.speech.drawing import Sounds
from latchwork.speech.learning import FEWEST_WATCHED, Settings, learn
from latchwork.speech.loading import Utterance, load_utterances
from latchwork.speech.measures import figures
from latchwork.speech.model import JOB, SpeechModel
from latchwork.speech.others import other_words
from latchwork.speech.recordings import Recordings, read_recordings
from latchwork.speech.strings import are_single_words
from latchwork.speech.symbols import Units, fit_symbols
from latchwork.speech.verdict import Verdict
from latchwork.training import History, Optimizer
from latchwork.training.progress import Progress, ProgressKind
from latchwork.transforms.cepstra import Cepstra
from latchwork.transforms.spectrogram import Samples

FEWEST_RECORDINGS = 10
NOISE_SECONDS = 60.0  # of a recording of noise that are used


@dataclass(eq=False, repr=False)
class SpeechRecognizer(Estimator):
    """LSTMs that read cepstra both ways, or one way for streams, trained with connectionist temporal classification.

    Args:
        units: `word` or `char`, what a transcript is written in; as the transcripts suggest where None.
        hidden: units of each LSTM.
        epochs, steps, minutes: how long to train; by the amount of sound where all are None.
        batch_size: recordings in a step.
        validation_share: share of the recordings that is held out; the best weights are those with the lowest loss
            on it.
        patience: epochs without a better validation before training ends.
        strings: also learn recordings one after the other, so that several words in a row are understood; where None,
            if they are short recordings of a word each.
        stream: read one way only, so that words are known while somebody speaks (see `latchwork.speech.streaming`).
        verdict: also learn without one voice (of three or more; else without a fifth of the takes) to say how well
            strangers are understood, beside plain methods; it costs about a third of the time.
        rate: samples a second that recordings are brought to; the lowest of the files' where None.
        optimizer: in place of the default.
        checkpoint: a folder from which a killed run goes on.
        progress: `auto`, `bar`, `lines` or `none`.
        random_state: seed of all that is drawn.

    Example:
        >>> SpeechRecognizer().fit("recordings").transcribe("take.wav")  # doctest: +SKIP
        'seven'
    """

    units: Units | None = None
    _: KW_ONLY
    hidden: int = 96
    epochs: int | None = None
    steps: int | None = None
    minutes: float | None = None
    batch_size: int = 32
    validation_share: float = 0.1
    patience: int | None = 10
    strings: bool | None = None
    stream: bool = False
    verdict: bool = True
    rate: int | None = None
    optimizer: Optimizer | None = None
    checkpoint: str | Path | None = None
    progress: ProgressKind | Progress = "auto"
    random_state: int = 0

    model_: SpeechModel = dataclasses.field(init=False)
    """The fitted model, which needs no JAX."""
    history_: History = dataclasses.field(init=False)
    """The record of the run."""
    notes_: tuple[str, ...] = dataclasses.field(init=False)
    """What was found and chosen, in words."""
    verdict_: Verdict | None = dataclasses.field(init=False)
    """How well what was held out is understood, beside plain methods; None where it was not asked for."""

    JOB: ClassVar[str] = JOB

    def fit(self, recordings: str | Path | Recordings, y: None = None) -> Self:
        """Train on a folder of recordings with their transcripts (see `read_recordings`).

        Raises:
            InputError: the folder cannot be read, or holds too little.
        """
        del y  # scikit-learn passes one
        read = recordings if isinstance(recordings, Recordings) else read_recordings(recordings)
        if len(read.items) < FEWEST_RECORDINGS:
            raise InputError(f"got {len(read.items)} recordings: at least {FEWEST_RECORDINGS} are needed")
        if not 0 <= self.validation_share < 1 or self.hidden < 1 or self.batch_size < 1:
            raise InputError("expected 0 <= validation_share < 1, and hidden and batch_size above 0")
        loaded = load_utterances(read, self.rate)
        utterances, rate = loaded.utterances, loaded.rate
        if len(utterances) < FEWEST_RECORDINGS:
            raise InputError(
                f"only {len(utterances)} of {len(read.items)} recordings can be used, at least {FEWEST_RECORDINGS} are "
                f"needed: {loaded.left_out[0].path}: {loaded.left_out[0].reason}"
            )
        strings = are_single_words(utterances, rate) if self.strings is None else self.strings
        texts = [each.text for each in utterances]
        symbols = fit_symbols(texts, self.units, strings=strings)
        symbols = dataclasses.replace(symbols, other=symbols.units == "word")
        features = Cepstra(rate, running=self.stream)

        usable = [each for each in utterances if _long_enough(each, features, symbols.encode(each.text))]
        if not usable:
            raise InputError("every recording is too short for its transcript: are the transcripts in the right order?")
        others = [_beginning(path, rate) for path in read.others] + other_words(texts, rate)
        noises = [_beginning(path, rate) for path in read.noise]
        everything = Sounds(usable, features, symbols, strings, others, noises, self.random_state)
        judged = compared(everything, self._settings()) if self.verdict and symbols.units == "word" else None
        self.verdict_ = None if judged is None else judged.verdict

        share = self.validation_share if len(usable) >= FEWEST_WATCHED else 0.0
        training, held_out = _split(usable, share, np.random.default_rng([self.random_state, 3]))
        sounds = dataclasses.replace(everything, utterances=training)
        learned = learn(sounds, held_out, self._settings(1.0 if judged is None else 1 - VERDICT_SHARE))
        self.history_ = learned.history
        model = SpeechModel(features, learned.scaler, symbols, learned.data)
        confidence = judged.confidence if judged else found_confidence(model, sounds, held_out or training)
        record = {
            "history": self.history_.to_dict(), "strings": strings,
            "verdict": None if judged is None else judged.verdict.to_dict(),
        }  # fmt: skip
        described_data = {
            "recordings": len(read.items), "speakers": read.speakers, "layout": read.layout,
            "fingerprint": _fingerprint(utterances),
        }  # fmt: skip
        self.model_ = dataclasses.replace(model, confidence=confidence, training=record, trained_on=described_data)
        length = sum(len(each.samples) for each in utterances) / rate
        short = len(utterances) - len(usable)
        self.notes_ = (
            f"{len(utterances):,} recordings, {length / 60:.1f} minutes, {rate:,} samples a second ({read.layout})",
            f"written in {'whole words' if symbols.units == 'word' else 'characters'}: {len(symbols.known)} of them"
            + ("; also learned in strings of up to seven" if strings else ""),
            *(f"left out: {left.path.name}: {left.reason}" for left in loaded.left_out),
            *loaded.notes,
            *([f"{short:,} utterances were too short for what they are said to hold: left out"] if short else []),
        )
        return self

    def _settings(self, of_minutes: float = 1.0) -> Settings:
        minutes = None if self.minutes is None else self.minutes * of_minutes
        return Settings(
            self.hidden, self.epochs, self.steps, minutes, self.batch_size, self.patience, self.optimizer,
            self.checkpoint, self.progress, self.random_state,
        )  # fmt: skip

    def transcribe(self, recording: str | Path | Samples, rate: int | None = None) -> str:
        """What is said in a file, or in samples at `rate` a second."""
        return self._fitted().predict([recording], rate)[0]

    def predict(self, recordings: Sequence[str | Path | Samples], rate: int | None = None) -> list[str]:
        """What is said in each of several recordings."""
        return self._fitted().predict(recordings, rate)

    def evaluate(self, recordings: str | Path | Recordings) -> dict[str, float]:
        """`word_error_rate`, `utterance_accuracy` and `n` over recordings with transcripts."""
        model = self._fitted()
        read = recordings if isinstance(recordings, Recordings) else read_recordings(recordings)
        utterances = load_utterances(read, model.rate).utterances
        heard = model.transcribe([each.samples for each in utterances], model.rate)
        return figures([each.text for each in utterances], [transcript.text for transcript in heard])

    def score(self, recordings: str | Path | Recordings, y: None = None) -> float:
        """The share of recordings that are transcribed without an error."""
        del y
        return self.evaluate(recordings)["utterance_accuracy"]

    def to_latch(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """The model's document and tensors."""
        return self._fitted().to_latch()

    @classmethod
    def from_latch(cls, latch: Latch) -> Self:
        """The fitted estimator in a file; how it was trained stays a record."""
        model = SpeechModel.from_latch(latch)
        loaded = cls(model.symbols.units)
        loaded.model_ = model
        loaded.history_ = History.from_dict(dict(model.training["history"]))
        loaded.notes_, loaded.verdict_ = (), None
        return loaded

    def _fitted(self) -> SpeechModel:
        if not hasattr(self, "model_"):
            raise InputError(f"this {type(self).__name__} is not fitted yet: call fit(folder) first")
        return self.model_


def _long_enough(each: Utterance, features: Cepstra, target: NDArray[np.int32]) -> bool:
    steps = len(each.samples) / features.rate / features.step_seconds
    return steps >= len(target) + int((target[1:] == target[:-1]).sum())


def _beginning(path: Path, rate: int) -> Samples:
    """The first minute of a recording of noise or of other words."""
    if seconds(path) > NOISE_SECONDS:
        return next(blocks(path, rate))
    return read_audio(path, rate)[0]


def _split(
    utterances: Sequence[Utterance], share: float, rng: np.random.Generator
) -> tuple[list[Utterance], list[Utterance]]:
    """Training and validation utterances, drawn at random."""
    order = rng.permutation(len(utterances))
    held = round(share * len(utterances))
    return [utterances[index] for index in np.sort(order[held:])], [utterances[index] for index in order[:held]]


def _fingerprint(utterances: Sequence[Utterance]) -> str:
    digest = hashlib.sha256()
    for each in utterances:
        digest.update(each.samples.tobytes() + each.text.encode())
    return digest.hexdigest()
