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
from latchwork.core.network import NetworkData
from latchwork.core.spec import LSTM, Bidirectional, Dense, Dropout, Sequential
from latchwork.core.storage import Latch
from latchwork.estimators.base import Estimator
from latchwork.speech.loading import Utterance, load_utterances
from latchwork.speech.measures import figures
from latchwork.speech.model import JOB, SpeechModel
from latchwork.speech.preparing import are_single_words, as_rows, joined, varied
from latchwork.speech.recordings import Recordings, read_recordings
from latchwork.speech.symbols import Units, fit_symbols
from latchwork.training import ConnectionistTemporal, Data, History, Optimizer, Supervised, fit
from latchwork.training.progress import Progress, ProgressKind
from latchwork.transforms.augmentation import SpectrogramMasks
from latchwork.transforms.scaling import standard_scaler
from latchwork.transforms.spectrogram import Samples, Spectrogram

FULL_STEPS = 8_000_000  # sequence steps that training sees at most
FEWEST_EPOCHS, MOST_EPOCHS = 10, 80
FEWEST_RECORDINGS = 10


@dataclass(eq=False, repr=False)
class SpeechRecognizer(Estimator):
    """Two layers of LSTMs that read a spectrogram both ways, trained with connectionist temporal classification.

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
        spectrogram, symbols = Spectrogram(rate), fit_symbols([each.text for each in utterances], self.units)
        strings = are_single_words(utterances, rate) if self.strings is None else self.strings

        rng = np.random.default_rng([self.random_state, 3])
        training, held_out = _split(utterances, self.validation_share, rng)
        rows, short = as_rows(varied(training, rate, strings, rng), spectrogram, symbols)
        if strings and held_out:  # what is to be understood is also what chooses the best weights
            held_out += joined(held_out, len(held_out), rate, rng)
        watched = as_rows(held_out, spectrogram, symbols)[0] if held_out else None
        scaler = standard_scaler(rows["inputs"], rows["lengths"])

        def data(of: dict[str, NDArray[Any]]) -> Data:
            return Data(of | {"inputs": scaler.transform(of["inputs"], of["lengths"])})

        described = _network(self.hidden, len(symbols.known) + 1)
        epochs = int(np.clip(FULL_STEPS // rows["lengths"].sum(), FEWEST_EPOCHS, MOST_EPOCHS))
        fitted = fit(
            NetworkData.build(described, (None, spectrogram.features), self.random_state),
            Supervised(ConnectionistTemporal(), augmentation=SpectrogramMasks(bands=spectrogram.bands)),
            data(rows),
            optimizer=self.optimizer
            or Optimizer("adamw", learning_rate=2e-3, schedule="cosine", warmup=0.1, weight_decay=0.01, clip=1.0),
            epochs=None if self.steps or self.minutes else self.epochs or epochs,
            steps=self.steps,
            minutes=self.minutes,
            batch_size=self.batch_size,
            seed=self.random_state,
            validation=None if watched is None else data(watched),
            patience=None if watched is None else self.patience,
            checkpoint=self.checkpoint,
            progress=self.progress,
        )
        self.history_ = fitted.history
        record = {"history": self.history_.to_dict(), "strings": strings}
        described_data = {
            "recordings": len(read.items), "speakers": read.speakers, "layout": read.layout,
            "fingerprint": _fingerprint(utterances),
        }  # fmt: skip
        self.model_ = SpeechModel(spectrogram, scaler, symbols, fitted.model, record, described_data)
        seconds = sum(len(each.samples) for each in utterances) / rate
        self.notes_ = (
            f"{len(utterances):,} recordings, {seconds / 60:.1f} minutes, {rate:,} samples a second ({read.layout})",
            f"written in {'whole words' if symbols.units == 'word' else 'characters'}: {len(symbols.known)} of them"
            + ("; also learned in strings of up to four" if strings else ""),
            *(f"left out: {left.path.name}: {left.reason}" for left in loaded.left_out),
            *loaded.notes,
            *([f"{short:,} utterances were too short for what they are said to hold: left out"] if short else []),
        )
        return self

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
        utterances = load_utterances(read, model.spectrogram.rate).utterances
        heard = model.transcribe([each.samples for each in utterances], model.spectrogram.rate)
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
        loaded.notes_ = ()
        return loaded

    def _fitted(self) -> SpeechModel:
        if not hasattr(self, "model_"):
            raise InputError(f"this {type(self).__name__} is not fitted yet: call fit(folder) first")
        return self.model_


def _network(hidden: int, outputs: int) -> Sequential:
    def both_ways() -> Bidirectional:
        return Bidirectional(LSTM(hidden, return_sequences=True, dropout=0.1))

    return Sequential([both_ways(), both_ways(), Dropout(0.3), Dense(outputs)])


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
