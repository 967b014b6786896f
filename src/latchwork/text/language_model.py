"""`LanguageModel`: trained on a text, it writes, scores and suggests."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from latchwork.core.errors import InputError
from latchwork.core.network import NetworkData
from latchwork.core.spec import LSTM
from latchwork.core.storage import Latch
from latchwork.core.tying import is_tied
from latchwork.estimators.base import Estimator, network_in_jax
from latchwork.text.keyboard import Keyboard
from latchwork.text.model import JOB, Surprise, TextModel, as_stored
from latchwork.text.ngram import NGram
from latchwork.text.overlap import sketch
from latchwork.text.personal import PersonalWords
from latchwork.text.reading import TextSource, TokenFile, from_path, from_text_or_name, split, tokenize
from latchwork.text.scoring import best_share, best_shares, network_bits
from latchwork.text.settings import DEFAULT_MINUTES, Settings, choose_settings
from latchwork.text.streams import as_streams
from latchwork.text.testing import Part, set_aside
from latchwork.training import Data, EpochReport, History, Moment, Optimizer, fit
from latchwork.training.progress import Progress, ProgressKind
from latchwork.transforms.vocabulary import Vocabulary, fit_vocabulary

_SAMPLE_SECONDS = 15.0  # between two live samples
_TRAINING_SHARE = 0.97  # of the minutes; the rest is for what comes after: mixing, saving, the final figures
_WATCHED_TOKENS = 200_000  # of the validation part, after each pass over the text
_MEASURED_TOKENS = 200_000  # of the test part, right after training; `text test` measures everything
_LEAST_WATCHED = 4  # tokens in each stream of the validation part
_SHARE_TOKENS = 50_000  # of the validation part, to which the n-gram's weight is fitted
_PATIENCE = 25  # passes over the text without a better validation before a run ends early

Listener = Callable[[str], None]


@dataclass(eq=False, repr=False)
class LanguageModel(Estimator):
    """A recurrent language model over characters, bytes or words, with an n-gram beside it.

    Args:
        units: `char`, `byte` or `word`; a keyboard needs words.
        hidden: units of the LSTM; chosen by the length of the text and the time where None.
        minutes, steps: how long to train, ten minutes where both are None. Minutes become a number of steps by a short
            timing; `history_.planned_steps` has it, and `steps` of that number repeats the run, given the same `hidden`
            (which `describe` tells).
        vocabulary_size: tokens at most.
        validation_share: share of the text, at its beginning, that is not trained on: the best weights are those of the
            pass with the fewest bits on it, and the n-gram's weight is fitted to it.
        test_share: share at the end of the text that training does not look at at all, for figures that flatter nobody.
        optimizer: in place of the chosen one.
        ngram_share: the n-gram's weight beside the network, 0 for none; fitted to the validation part where None.
        size: bytes that a keyboard may weigh, eight million where None; below six, vectors of words have four bits a
            weight.
        checkpoint: a folder from which a killed run goes on.
        progress: `auto`, `bar`, `lines` or `none`.
        listener: is given live samples while it trains.
        random_state: seed of all that is drawn.

    Example:
        >>> model = LanguageModel(steps=20, progress="none").fit("to be or not to be, that is the question. " * 20)
        >>> len("".join(model.write("to be", length=40)))
        40
        >>> model.bits_per_character("to be or not") < 6
        True
    """

    units: str = "char"
    _: KW_ONLY
    hidden: int | None = None
    minutes: float | None = None
    steps: int | None = None
    vocabulary_size: int | None = None
    validation_share: float = 0.03
    test_share: float = 0.1
    optimizer: Optimizer | None = None
    ngram_share: float | None = None
    size: int | None = None
    checkpoint: str | Path | None = None
    progress: ProgressKind | Progress = "auto"
    listener: Listener | None = None
    random_state: int = 0

    model_: TextModel = dataclasses.field(init=False)
    """The fitted model, which needs no JAX."""
    history_: History = dataclasses.field(init=False)
    """The record of the run."""
    set_aside_: Part | None = dataclasses.field(init=False)
    """The beginning of the test part (or else of the validation part), for figures of the fitted model."""

    JOB: ClassVar[str] = JOB

    def fit(self, text: str | Path | TextSource, y: None = None) -> Self:
        """Train on a text: a string (or the name of a file, if there is one), the path of a file or folder, or a
        `TextSource` such as a pipe.

        Raises:
            InputError: the text is empty, not UTF-8, or too short.
        """
        del y  # scikit-learn passes one
        began = Moment.now()
        source = _source(text)
        vocabulary = fit_vocabulary(self.units, self._learned(source), self.vocabulary_size)
        tokens = tokenize(source, vocabulary)
        parts = split(tokens.ids, self.validation_share, self.test_share)
        settings = self._settings(vocabulary, len(parts.train))
        ngram = NGram.fit(parts.train, len(vocabulary), settings.ngram_order, settings.ngram_bytes)
        pieces = sketch(self._learned(source))
        network = _build(settings, vocabulary, parts.train, self.random_state)

        def as_model(trained: NetworkData, training: dict[str, Any]) -> TextModel:
            tied = any(map(is_tied, trained.spec.layers))
            plain = trained.untied()
            return TextModel(
                vocabulary,
                NetworkData(plain.spec, as_stored(plain.parameters, plain.spec, self.units, tied, settings.halved)),
                ngram,
                settings.ngram_share,
                tied=tied,
                training=training,
                trained_on=_record_of(source, tokens, self),
                pieces=pieces,
                halved=settings.halved,
            )

        minutes = None if self.steps is not None else self.minutes or DEFAULT_MINUTES
        training = as_streams(parts.train, settings.streams, settings.window)
        watched = _watched(parts.validation[:_WATCHED_TOKENS], settings)
        self.history_ = (
            fitted := fit(
                network,
                settings.objective,
                training,
                optimizer=settings.optimizer,
                steps=self.steps,
                minutes=None if minutes is None else _TRAINING_SHARE * minutes,
                since=began,
                batch_size=settings.streams,
                seed=self.random_state,
                validation=watched,
                monitor="val_bits",
                patience=None if watched is None else _PATIENCE,
                callbacks=[_Samples(self.listener, lambda network: as_model(network, {}))] if self.listener else [],
                checkpoint=self.checkpoint,
                progress=self.progress,
            )
        ).history
        record = {
            "history": self.history_.to_dict(),
            "steps": self.history_.planned_steps,
            "streams": settings.streams,
            "window": settings.window,
            "optimizer": repr(settings.optimizer),
        }
        model = as_model(fitted.model, record)
        if self.ngram_share is None and len(parts.validation):
            model = _mixed(model, np.asarray(parts.validation[:_SHARE_TOKENS]))
        self.model_ = model
        self.set_aside_ = set_aside(parts, vocabulary, _MEASURED_TOKENS)
        return self

    @property
    def network_(self) -> Any:
        """The network alone in JAX, built anew at each call; raises `InputError` where JAX is not installed."""
        return network_in_jax(self._fitted().data)

    def write(self, prompt: str = "", length: int = 400, **drawing: Any) -> Iterator[str]:
        """Text that goes on from the prompt, as an iterator of pieces; see `TextModel.write` for the options."""
        return self._fitted().write(prompt, length, **drawing)

    def suggest(self, text: str, count: int = 3) -> list[str]:
        """The likeliest completions of the last word of `text`, or the likeliest next words."""
        return self._fitted().suggest(text, count)

    def keyboard(self, personal: PersonalWords | None = None, **options: Any) -> Keyboard:
        """A keyboard, which remembers where it was and may learn the user's words; see `Keyboard` for the options."""
        return self._fitted().keyboard(personal, **options)

    def bits_per_byte(self, text: str) -> float:
        """What a byte of the text in UTF-8 costs on average, in bits: to compare scripts and units by."""
        return self._fitted().bits_per_byte(text)

    def bits_per_character(self, text: str) -> float:
        """What a character of the text costs on average, in bits; lower is better."""
        return self._fitted().bits_per_character(text)

    def surprises(self, text: str) -> list[Surprise]:
        """The text in pieces, each with what it cost to expect it, in bits."""
        return self._fitted().surprises(text)

    def score(self, text: str, y: None = None) -> float:
        """Minus the bits per character: higher is better, as scikit-learn's tools expect."""
        del y
        return -self.bits_per_character(text)

    def to_latch(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """The model's document and tensors."""
        return self._fitted().to_latch()

    @classmethod
    def from_latch(cls, latch: Latch) -> Self:
        """The fitted estimator in a file; how it was trained stays a record."""
        model = TextModel.from_latch(latch)
        loaded = cls(model.vocabulary.units, ngram_share=model.ngram_share)
        loaded.model_ = model
        loaded.history_ = History.from_dict(model.training["history"])
        return loaded

    def _fitted(self) -> TextModel:
        if not hasattr(self, "model_"):
            raise InputError(f"this {type(self).__name__} is not fitted yet: call fit(text) first")
        return self.model_

    def _learned(self, source: TextSource) -> Iterator[str]:
        """About the part of the text that is trained on, from which the vocabulary is made."""
        first, last = (int(source.size * share) for share in (self.validation_share, 1 - self.test_share))
        at = 0
        for chunk in source.chunks():
            raw = chunk.encode("utf-8", "replace")
            yield raw[max(0, first - at) : max(0, last - at)].decode("utf-8", "ignore")
            at += len(raw)
            if at >= last:
                return

    def _settings(self, vocabulary: Vocabulary, tokens: int) -> Settings:
        minutes = DEFAULT_MINUTES if self.minutes is None or self.steps is not None else self.minutes
        settings = choose_settings(self.units, len(vocabulary), tokens, minutes, self.hidden, self.size)
        if self.optimizer is not None:
            settings = dataclasses.replace(settings, optimizer=self.optimizer)
        if self.ngram_share is not None:
            settings = dataclasses.replace(settings, ngram_share=self.ngram_share)
        if not 0 <= settings.ngram_share <= 1:
            raise InputError(f"got ngram_share={self.ngram_share}: expected a share from 0 to 1")
        return settings


class _Samples:
    """Shows what the model writes, now and then."""

    def __init__(self, listener: Listener, model: Callable[[NetworkData], TextModel]) -> None:
        self._listener, self._model, self._last = listener, model, 0.0

    def __call__(self, report: EpochReport) -> None:
        if time.monotonic() - self._last >= _SAMPLE_SECONDS:
            self._last = time.monotonic()
            self._listener("".join(self._model(report.model).write(length=120, seed=int(report.row["epoch"]))).strip())


def _source(text: str | Path | TextSource) -> TextSource:
    match text:
        case TextSource():
            return text
        case Path():
            return from_path(text)
        case str():
            return from_text_or_name(text)
        case _:
            raise InputError(f"got {type(text).__name__}: expected a text as str, the Path of a file or folder")


def _build(settings: Settings, vocabulary: Vocabulary, train: NDArray[Any], seed: int) -> NetworkData:
    """The network, its last bias set to how frequent each token is: the first thing that it would learn."""
    network = NetworkData.build(settings.network, (None,), seed)
    bias = f"layers.{len(network.spec.layers) - 1}.bias"
    counts = np.bincount(np.asarray(train[:10_000_000]), minlength=len(vocabulary)) + 0.5
    frequency = np.log(counts / counts.sum()).astype(np.float32)
    return NetworkData(network.spec, {**network.parameters, bias: frequency})


def _watched(validation: NDArray[Any], settings: Settings) -> Data | None:
    """The validation part as streams, their windows as long as it allows; None where there is next to nothing."""
    window = min(settings.window, (len(validation) - 1) // settings.streams)
    return None if window < _LEAST_WATCHED else as_streams(validation, settings.streams, window)


def _mixed(model: TextModel, validation: NDArray[Any]) -> TextModel:
    """The model with the n-gram's best weights on the validation part, which the n-gram's own text could not tell."""
    alone = network_bits(model.network_predictor, validation)
    counted, confidence = model.ngram.bits_and_confidence(validation)
    shares = best_shares(alone, counted, confidence, model.ngram.kinds)
    return dataclasses.replace(model, ngram_share=best_share(alone, counted), shares=shares)


def _record_of(source: TextSource, tokens: TokenFile, model: LanguageModel) -> dict[str, Any]:
    return {
        "name": source.name,
        "sha256": tokens.sha256,
        "characters": tokens.characters,
        "tokens": len(tokens.ids),
        "validation_share": model.validation_share,
        "test_share": model.test_share,
    }


def describe(model: TextModel) -> dict[str, Any]:
    """The figures of a fitted model that a command prints."""
    parameters: Sequence[NDArray[Any]] = list(model.data.parameters.values())
    return {
        "units": model.vocabulary.units,
        "vocabulary": len(model.vocabulary),
        "parameters": int(sum(array.size for array in parameters)),
        "network": repr(model.data.spec),
        "hidden": next(layer.units for layer in model.data.spec.layers if isinstance(layer, LSTM)),
        "ngram_share": model.ngram_share,
    }
