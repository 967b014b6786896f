"""A fitted language model in NumPy: what `text write`, `text test` and `text suggest` open. No JAX."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from latchwork.core import spec
from latchwork.core.errors import InputError
from latchwork.core.network import NetworkData
from latchwork.core.packing import packed, unpacked
from latchwork.core.storage import Latch
from latchwork.runtime.model import Model
from latchwork.runtime.opening import load
from latchwork.runtime.server import State
from latchwork.text import writing
from latchwork.text.keyboard import Keyboard, word_ends
from latchwork.text.ngram import NGram
from latchwork.text.personal import PersonalWords
from latchwork.text.predictor import Mixture, NetworkPredictor
from latchwork.text.scoring import network_bits
from latchwork.text.spelt import charged
from latchwork.transforms.segments import clusters, normal
from latchwork.transforms.vocabulary import Vocabulary, WordVocabulary, vocabulary_from_dict

JOB = "text"
_EMBEDDING = "layers.0.weight"


class Surprise(NamedTuple):
    """A piece of text and what it cost the model to expect it, in bits."""

    text: str
    bits: float


@dataclass(frozen=True)
class TextModel:
    """A network and an n-gram over one vocabulary.

    Attributes:
        vocabulary: what the tokens are.
        data: the network.
        ngram: counted on the same text.
        ngram_share: the n-gram's weight in the mixture, 0 to 1, over all contexts; 0 for the network alone.
        shares: its weight by the kind of context, `[ngram.kinds]`; `ngram_share` for all where None.
        tied: the last layer's matrix is the embedding's, transposed, and stored once.
        training: the record of the run.
        trained_on: the text it was trained on, in words.
        pieces: fingerprints of that text, by which it is recognised in others (see `overlap`); None in older files.
        halved: the matrices that are stored in four bits a weight.
    """

    vocabulary: Vocabulary
    data: NetworkData
    ngram: NGram
    ngram_share: float
    shares: NDArray[np.float64] | None = None
    tied: bool = False
    training: Mapping[str, Any] = field(default_factory=dict[str, Any])
    trained_on: Mapping[str, Any] = field(default_factory=dict[str, Any])
    pieces: NDArray[np.uint32] | None = None
    halved: frozenset[str] = frozenset()

    @classmethod
    def load(cls, path: str | Path) -> TextModel:
        """Read a model from a `.latch` file.

        Raises:
            InputError: the file is damaged, or holds no language model.
        """
        return load(path, JOB)

    @classmethod
    def from_latch(cls, latch: Latch) -> TextModel:
        """The model in an opened file."""
        document, tensors = latch
        fitted = document["fitted"]
        network = spec.Sequential.from_dict(document["network"])
        parameters: dict[str, NDArray[Any]] = dict(unpacked(tensors))
        if fitted["tied"]:
            parameters[_last_matrix(network)] = parameters[_EMBEDDING].T
        vocabulary = vocabulary_from_dict(fitted["vocabulary"])
        ngram = NGram.from_arrays(
            {name.removeprefix("fitted.ngram."): array for name, array in tensors.items() if ".ngram." in name}
        )
        if len(ngram.unigram) != len(vocabulary) or len(parameters["layers.0.weight"]) != len(vocabulary):
            raise InputError("the vocabulary, the network and the n-gram are of different sizes")
        shares = tensors.get("fitted.shares")
        if shares is not None and (shares.shape != (ngram.kinds,) or not ((shares >= 0) & (shares <= 1)).all()):
            raise InputError("the n-gram's weights are not shares, one for each kind of context")
        share = float(fitted["ngram_share"])
        return cls(
            vocabulary,
            NetworkData(network, parameters),
            ngram,
            share,
            shares,
            fitted["tied"],
            document["training"],
            document["data"],
            tensors.get("fitted.pieces"),
            frozenset(fitted.get("halved", ())),
        )

    def to_latch(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """The file's document and tensors; a model of words packs its weights, since a keyboard is small."""
        last = _last_matrix(self.data.spec) if self.tied else None
        stored = {name: array for name, array in self.data.parameters.items() if name != last}
        tensors: dict[str, NDArray[Any]] = (
            packed(stored, _EMBEDDING, self.halved)
            if self.vocabulary.units == "word"
            else {f"network.{name}": np.ascontiguousarray(array, np.float32) for name, array in stored.items()}
        )
        tensors |= {f"fitted.ngram.{name}": array for name, array in self.ngram.arrays().items()}
        if self.shares is not None:
            tensors["fitted.shares"] = self.shares
        if self.pieces is not None:
            tensors["fitted.pieces"] = self.pieces
        document = {
            "network": self.data.spec.to_dict(),
            "fitted": {
                "vocabulary": self.vocabulary.to_dict(),
                "ngram_share": self.ngram_share,
                "tied": self.tied,
            }
            | ({"halved": sorted(self.halved)} if self.halved else {}),
            "training": dict(self.training),
            "data": dict(self.trained_on),
        }
        return document, tensors

    @cached_property
    def _scores(self) -> Model:
        """The network alone, from token numbers to scores."""
        return Model(JOB, self.data)

    def predict(self, tokens: Any, lengths: Any = None) -> NDArray[Any]:
        """The network's scores of each next token, before the softmax and without the n-gram.

        Args:
            tokens: numbers `[batch, time]`, as `vocabulary.encode` gives them for one text.
            lengths: the real tokens of each row of a batch whose rows differ in length.

        Returns:
            `[batch, time, tokens]`.

        Raises:
            InputError: token numbers of another shape, or that the vocabulary does not have.
        """
        return self._scores.predict(tokens, lengths)

    def initial_state(self, batch: int = 1) -> State:
        """The state before the first token of `batch` streams, for `step`."""
        return self._scores.initial_state(batch)

    def step(self, tokens: Any, state: State) -> tuple[NDArray[np.floating], State]:
        """The scores `[batch, tokens]` after one more token of each stream `[batch]`, and the state for the next."""
        return self._scores.step(tokens, state)

    @cached_property
    def network_predictor(self) -> NetworkPredictor:
        """The network alone."""
        return NetworkPredictor(self.data)

    @cached_property
    def predictor(self) -> Mixture | NetworkPredictor:
        """The network and its share of the n-gram."""
        if self.ngram_share == 0:
            return self.network_predictor
        return Mixture(self.network_predictor, self.ngram, self._shares.tolist())

    @property
    def _shares(self) -> NDArray[np.float64]:
        return np.full(self.ngram.kinds, self.ngram_share) if self.shares is None else self.shares

    def write(
        self,
        prompt: str = "",
        length: int = 400,
        *,
        temperature: float = 0.8,
        top_k: int | None = None,
        top_p: float | None = None,
        repetition: float = 1.0,
        stop: Sequence[str] = (),
        seed: int = 0,
    ) -> Iterator[str]:
        """Text that goes on from the prompt, in pieces as they are drawn; see `writing.write` and `writing.Drawing`."""
        drawing = writing.Drawing(temperature, top_k, top_p, repetition)
        return writing.write(
            self.predictor, self.vocabulary, prompt, length=length, drawing=drawing, stop=stop, seed=seed
        )

    def keyboard(
        self,
        personal: PersonalWords | None = None,
        *,
        correct: bool = True,
        layout: str | None = None,
        never: Iterable[str] = (),
    ) -> Keyboard:
        """Suggestions from this model; see `Keyboard` for the options.

        Raises:
            InputError: the model is not one of words.
        """
        if not isinstance(self.vocabulary, WordVocabulary):
            raise InputError(
                f"this model writes in units of {self.vocabulary.units!r}: a keyboard needs one of words (--units word)"
            )
        ends = word_ends(self.ngram, self.vocabulary)
        return Keyboard(self.predictor, self.vocabulary, ends, personal, correct=correct, layout=layout, never=never)

    @cached_property
    def _own_keyboard(self) -> Keyboard:
        return self.keyboard()

    def suggest(self, text: str, count: int = 3) -> list[str]:
        """The likeliest completions of the last word of `text`, or the likeliest next words; see `Keyboard.suggest`."""
        return self._own_keyboard.suggest(text, count)

    def token_bits(self, text: str) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """A text's tokens and the cost of each after all before it, in bits, `[tokens]`."""
        ids = self.vocabulary.encode(text)
        if len(ids) == 0:
            raise InputError("got an empty text: there is nothing to measure")
        bits = network_bits(self.network_predictor, ids)
        if self.ngram_share:
            counted, confidence = self.ngram.bits_and_confidence(ids)
            share = self._shares[confidence]
            bits = -np.log2((1 - share) * np.exp2(-bits) + share * np.exp2(-counted))
        return ids, charged(self.vocabulary, ids, bits)

    def bits_per_character(self, text: str) -> float:
        """What a character of the text costs on average, in bits; lower is better."""
        return float(self.token_bits(text)[1].sum() / len(text))

    def bits_per_byte(self, text: str) -> float:
        """What a byte of the text in UTF-8 costs on average, in bits: to compare scripts and units by."""
        return float(self.token_bits(text)[1].sum() / len(text.encode("utf-8", "replace")))

    def surprises(self, text: str) -> list[Surprise]:
        """The text in pieces, as it was typed, each with its bits."""
        ids, bits = self.token_bits(text)
        add = self.vocabulary.decoder()
        pieces: list[str] = []
        costs: list[float] = []
        waiting = 0.0  # of tokens that add no text: parts of a character, marks
        for token, cost in zip(ids.tolist(), bits.tolist(), strict=True):
            piece, waiting = add(token), waiting + cost
            if piece:
                pieces.append(piece)
                costs.append(waiting)
                waiting = 0.0
        costs[-1] += waiting
        return [Surprise(typed, cost) for typed, cost in zip(_as_typed(text, pieces), costs, strict=True) if typed]


def _as_typed(text: str, pieces: Sequence[str]) -> list[str]:
    """Pieces of a text in its normal form (or with unknown characters) as pieces of the text itself."""
    if sum(map(len, pieces)) == len(text):
        ends = np.cumsum([len(piece) for piece in pieces]).tolist()
        return [text[end - len(piece) : end] for piece, end in zip(pieces, ends, strict=True)]
    parts = deque((len(normal(cluster)), cluster) for cluster in clusters(text))
    typed: list[str] = []
    over = 0  # characters of the normal form already taken by a cluster that began in an earlier piece
    for piece in pieces:
        shown, length = "", len(piece) - over
        while length > 0 and parts:
            size, cluster = parts.popleft()
            shown, length = shown + cluster, length - size
        over = -length
        typed.append(shown)
    return typed


def as_stored(
    parameters: Mapping[str, NDArray[Any]],
    network: spec.Sequential,
    units: str,
    tied: bool,
    halved: Collection[str] = (),
) -> dict[str, NDArray[Any]]:
    """A network's arrays as a file gives them back, so that a model is the same before it is saved and after."""
    if units != "word":
        return dict(parameters)
    stored: dict[str, NDArray[Any]] = dict(unpacked(packed(parameters, _EMBEDDING, halved)))
    return stored | ({_last_matrix(network): stored[_EMBEDDING].T} if tied else {})


def _last_matrix(network: spec.Sequential) -> str:
    return f"layers.{len(network.layers) - 1}.weight"
