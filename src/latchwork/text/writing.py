"""Text drawn from a predictor, token by token, as an iterator."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latchwork.core.errors import InputError
from latchwork.text.predictor import Predictor, Probabilities
from latchwork.transforms.vocabulary import Vocabulary

_RECENT = 64  # tokens that the repetition penalty looks back on
_DRAWS = 1024  # random numbers drawn at a time
_LEAST = 1e-30
_HIGHEST_POWER = 1e300
_COLD = 0.1  # temperatures from which the powers of all probabilities might be too small for a float
_MOST_OF_A_PROMPT = 4096  # tokens at the end of a prompt that are read: what is further back has no say
_LOOPED = 40  # characters before one speaks of a loop
_MOST_SILENT = 8  # tokens that print nothing, one after another: no character has more bytes


@dataclass(frozen=True)
class Drawing:
    """How the next token is drawn.

    Args:
        temperature: 1 draws as the model believes; lower is safer, 0 always takes the likeliest; higher is wilder.
        top_k: draw among that many of the likeliest only.
        top_p: draw among the likeliest that together have this probability only (Holtzman et al. 2020).
        repetition: above 1, tokens of the recent past become less likely: their log-probability is multiplied by it
            (Keskar et al. 2019, section 4.1).
    """

    temperature: float = 0.8
    top_k: int | None = None
    top_p: float | None = None
    repetition: float = 1.0

    def __post_init__(self) -> None:
        """Refuse numbers that mean nothing."""
        if not (np.isfinite(self.temperature) and self.temperature >= 0):
            raise InputError(f"got temperature={self.temperature}: expected a number of 0 or more")
        if self.top_k is not None and self.top_k < 1:
            raise InputError(f"got top_k={self.top_k}: expected 1 or more")
        if self.top_p is not None and not 0 < self.top_p <= 1:
            raise InputError(f"got top_p={self.top_p}: expected a share above 0, at most 1")
        if not (np.isfinite(self.repetition) and self.repetition > 0):
            raise InputError(f"got repetition={self.repetition}: expected a number above 0, 1 for none")

    def choose(self, probabilities: Probabilities, recent: Sequence[int], uniform: float) -> int:
        """A token, given a random number from 0 to 1."""
        weights = probabilities
        if self.repetition != 1.0 and recent:
            weights = weights.astype(np.float64)
            weights[list(recent)] **= self.repetition
            if not weights.max() > 0:  # too strong a penalty for numbers of this size
                weights = probabilities
        if self.temperature == 0:
            return int(weights.argmax())
        if self.temperature != 1.0:
            weights = weights.astype(np.float64)
            if self.temperature < _COLD or weights.max() < _LEAST:
                weights = np.where(weights > 0, np.maximum(weights / weights.max(), _LEAST), 0.0)
            weights = weights ** min(1 / self.temperature, _HIGHEST_POWER)
        if self.top_k is not None and self.top_k < len(weights):
            weights = np.where(weights >= np.partition(weights, -self.top_k)[-self.top_k], weights, 0.0)
        if self.top_p is not None:
            weights = _nucleus(weights, self.top_p)
        total = weights.cumsum()
        drawn = min(int(total.searchsorted(uniform * total[-1], side="right")), len(weights) - 1)
        return drawn if weights[drawn] > 0 else int(weights.argmax())  # rounding may point past the last one


def _nucleus(weights: Probabilities, share: float) -> Probabilities:
    order = np.argsort(-weights, kind="stable")
    total = np.cumsum(weights[order])
    kept = order[: int(np.searchsorted(total, share * total[-1])) + 1]
    nucleus = np.zeros_like(weights)
    nucleus[kept] = weights[kept]
    return nucleus


def write(
    predictor: Predictor,
    vocabulary: Vocabulary,
    prompt: str = "",
    *,
    length: int = 400,
    drawing: Drawing | None = None,
    stop: Sequence[str] = (),
    seed: int = 0,
) -> Iterator[str]:
    """Text that goes on from a prompt, in pieces as they are drawn. It always ends.

    Args:
        predictor: of the tokens of `vocabulary`.
        vocabulary: what the tokens mean.
        prompt: any text, of which the last 4,096 tokens are read; characters that the vocabulary does not know and does
            not spell are passed over. A line end where it is empty.
        length: characters at most. A word that would go past them is left out, but for the first, which is cut.
        drawing: how tokens are drawn.
        stop: strings that end the text; they are not part of it.
        seed: of the random numbers.
    """
    if length < 1:
        raise InputError(f"got length={length}: expected 1 or more")
    if any(not ending for ending in stop):
        raise InputError("got an empty stop string: it would end every text at once")
    pieces = _draw(predictor, vocabulary, prompt or "\n", length, drawing or Drawing(), seed)
    return _until(stop, pieces) if stop else pieces


def _draw(
    predictor: Predictor, vocabulary: Vocabulary, prompt: str, length: int, drawing: Drawing, seed: int
) -> Iterator[str]:
    random = np.random.default_rng(seed)
    uniforms: NDArray[np.float64] = np.empty(0)
    ids = known_tokens(vocabulary, prompt)[-_MOST_OF_A_PROMPT:].tolist()
    state = predictor.initial_state()
    probabilities: Probabilities = np.full(len(vocabulary), 1 / len(vocabulary))
    add = vocabulary.decoder()
    for token in ids:
        probabilities, state = predictor.step(token, state)
        add(token)  # so that the first word knows whether a space is due
    recent = deque(ids[-_RECENT:], maxlen=_RECENT)
    written = drawn = silent = 0
    while silent <= _MOST_SILENT:
        if drawn % _DRAWS == 0:
            uniforms = random.random(_DRAWS)
        allowed = _allowed(probabilities, vocabulary, after_silence=silent > 0)
        if allowed is None:
            return  # there is nothing that it could write
        token = drawing.choose(allowed, recent, float(uniforms[drawn % _DRAWS]))
        recent.append(token)
        piece = add(token)
        drawn, silent = drawn + 1, 0 if piece else silent + 1
        if piece:
            if written + len(piece) >= length:
                yield from _last_piece(piece, length - written, is_first=not written)
                return
            written += len(piece)
            yield piece
        probabilities, state = predictor.step(token, state)


def _allowed(probabilities: Probabilities, vocabulary: Vocabulary, *, after_silence: bool) -> Probabilities | None:
    """The probabilities without what may not be drawn: what is unknown or spelt, and a mark that prints nothing after
    another one, or else one could be drawn for ever. None where nothing is left in the vocabulary.
    """
    probabilities[vocabulary.unwritten] = 0.0
    if after_silence:
        probabilities[vocabulary.silent] = 0.0
    most = probabilities.max()
    if most > 0:
        return probabilities
    if np.isnan(most):
        raise InputError("the model gives no numbers (NaN): its training went wrong; train it anew")
    # All that the model believes in may not be drawn, or its numbers are too small: anything else is as good.
    probabilities = np.ones(len(vocabulary))
    probabilities[vocabulary.unwritten] = probabilities[vocabulary.silent] = 0.0
    return probabilities if probabilities.any() else None


def _last_piece(piece: str, room: int, *, is_first: bool) -> Iterator[str]:
    """What is written of a piece that reaches the length or goes past it."""
    if len(piece) <= room:
        yield piece
    elif is_first:
        yield piece[:room]


def known_tokens(vocabulary: Vocabulary, text: str) -> NDArray[np.int32]:
    """The ids of a text without those of characters that the vocabulary does not know."""
    ids = vocabulary.encode(text)
    unknown = vocabulary.spelling is None and vocabulary.units != "byte"
    return ids[ids != 0] if unknown else ids


def repeats_itself(text: str) -> bool:
    """Whether a text ends in a loop: the same piece four times or more, and for most of what was written.

    Example:
        >>> repeats_itself("and then he went " * 6), repeats_itself("a bat, a cat, a rat and then he went home")
        (True, False)
    """
    for period in range(1, len(text) // 4 + 1):
        piece = text[-period:]
        if not text.endswith(piece * 4):
            continue
        times = 4
        while text.endswith(piece * (times + 1)):
            times += 1
        if times * period > len(text) / 2 and len(text) >= _LOOPED:
            return True
    return False


def _until(stop: Sequence[str], pieces: Iterator[str]) -> Iterator[str]:
    """Pieces up to the first stop string; what may be its beginning is held back until it is known not to be."""
    held = ""
    for piece in pieces:
        held += piece
        ends = [held.find(ending) for ending in stop if ending in held]
        if ends:
            held = held[: min(ends)]
            break
        keep = max((_overlap(held, ending) for ending in stop), default=0)
        if len(held) > keep:
            yield held[: len(held) - keep]
            held = held[len(held) - keep :]
    if held:
        yield held


def _overlap(text: str, ending: str) -> int:
    """How many characters at the end of `text` begin `ending`."""
    return next((n for n in range(min(len(text), len(ending) - 1), 0, -1) if text.endswith(ending[:n])), 0)
