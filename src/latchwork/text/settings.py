"""How a language model is trained where the user has not said: sizes by the text and by the time allowed.

The figures behind them are in `docs/lab.md`.
"""

from __future__ import annotations

from dataclasses import dataclass

from latchwork.core.spec import LSTM, Dense, Dropout, Embedding, Layer, Sequential
from latchwork.training import Bits, Loss, Optimizer, SampledCrossEntropy, SoftmaxCrossEntropy, Supervised

DEFAULT_MINUTES = 10.0
KEYBOARD_BYTES = 8_000_000  # what a keyboard may weigh on disk
_WHOLE_BYTES = 6_000_000  # a keyboard below it stores its words' vectors in four bits a weight
_NARROWEST = 64  # units of a small keyboard's LSTM
_SHARE = 0.65  # of a keyboard's size that its network may have
_SKETCH_BYTES = 80_000  # the fingerprints of the training text, and what else a file holds
_SAMPLED_FROM = 4096  # tokens from which training samples the sum over the vocabulary


@dataclass(frozen=True)
class Settings:
    """A network and how to train it.

    Attributes:
        network: its layers.
        loss: the cross-entropy of the next token; of a large vocabulary a sample is summed over while training.
        optimizer: its rate falls to zero at the last step.
        streams: parts of the text read side by side.
        window: tokens that gradients go back through.
        ngram_order: tokens in the longest n-gram.
        ngram_bytes: what the n-gram may weigh; as much as it likes where None.
        ngram_share: its weight beside the network.
        halved: the matrices that are stored in four bits a weight.
    """

    network: Sequential
    loss: Loss
    optimizer: Optimizer
    streams: int
    window: int
    ngram_order: int
    ngram_bytes: int | None
    ngram_share: float
    halved: frozenset[str] = frozenset()

    @property
    def objective(self) -> Supervised:
        """The next token's cost in nats and in bits, the network's state carried from window to window."""
        return Supervised(self.loss, (("bits", Bits()),), carried=True)


def choose_settings(
    units: str, vocabulary: int, tokens: int, minutes: float, hidden: int | None = None, size: int | None = None
) -> Settings:
    """Settings for a text.

    Args:
        units: `char`, `byte` or `word`.
        vocabulary: the size of the vocabulary.
        tokens: in the training part.
        minutes: how long to train.
        hidden: units of the LSTM, where the user wants a certain number.
        size: bytes that a keyboard may weigh, where it is not `KEYBOARD_BYTES`.
    """
    if units == "word":
        return _for_words(vocabulary, tokens, minutes, hidden, size or KEYBOARD_BYTES)
    return _for_characters(vocabulary, tokens, minutes, hidden)


def _for_characters(vocabulary: int, tokens: int, minutes: float, hidden: int | None) -> Settings:
    hidden = hidden or (128 if tokens < 100_000 or minutes < 1 else 256 if tokens < 500_000 or minutes < 4 else 512)
    dropout = 0.3 if tokens < 10_000_000 else 0.1
    layers: list[Layer] = [
        Embedding(vocabulary, 64),
        LSTM(hidden, return_sequences=True, dropout=dropout / 3, recurrent_dropout=dropout * 2 / 3),
        Dropout(dropout),
        Dense(vocabulary),
    ]
    optimizer = Optimizer("adamw", 3e-3, schedule="linear", warmup=0.05, clip=1.0)
    streams, window = _batch(tokens, 32, 128)
    return Settings(Sequential(layers), SoftmaxCrossEntropy(), optimizer, streams, window, 7, 4_000_000, 0.2)


def _for_words(vocabulary: int, tokens: int, minutes: float, hidden: int | None, size: int) -> Settings:
    """A keyboard of a size: half of it at most is the network, whose words have four bits a weight in a small one."""
    widest = 512 if tokens >= 1_000_000 and minutes >= 4 else 256 if tokens >= 100_000 else 128
    small = size < _WHOLE_BYTES
    while hidden is None and widest > _NARROWEST and _network_bytes(vocabulary, widest, small=small) > _SHARE * size:
        widest //= 2
    hidden = hidden or widest
    embedding = max(16, hidden // 2)
    layers: list[Layer] = [
        Embedding(vocabulary, embedding),
        LSTM(hidden, return_sequences=True, dropout=0.1, recurrent_dropout=0.15),
        Dropout(0.3),
        Dense(embedding),
        Dense(vocabulary, tied=True),
    ]
    optimizer = Optimizer("adamw", 3e-3, schedule="linear", warmup=0.03, clip=1.0)
    room = size - _network_bytes(vocabulary, hidden, small=small) - _SKETCH_BYTES
    halved = frozenset(("layers.0.weight", "layers.3.weight")) if small else frozenset[str]()
    sampled = vocabulary >= _SAMPLED_FROM
    loss = SampledCrossEntropy(vocabulary // 12, vocabulary // 12) if sampled else SoftmaxCrossEntropy()
    streams, window = _batch(tokens, 64, 32)
    return Settings(Sequential(layers), loss, optimizer, streams, window, 3, max(room, 8 * vocabulary), 0.2, halved)


def _network_bytes(vocabulary: int, hidden: int, *, small: bool) -> int:
    """What a keyboard without its n-gram weighs: a byte a weight, and half a byte for those of words where `small`."""
    embedding = max(16, hidden // 2)
    recurrent = 4 * hidden * (embedding + hidden + 8)
    words = embedding * (vocabulary + hidden)
    return recurrent + (words // 2 if small else words) + 25 * vocabulary


def _batch(tokens: int, streams: int, window: int) -> tuple[int, int]:
    """Smaller batches for short texts, so that an epoch has eight steps at least."""
    while streams * window * 8 > tokens and (streams, window) != (1, 1):
        streams, window = (streams // 2, window) if streams > 1 and streams * 4 > window else (streams, window // 2)
        window = max(window, 1)
    return streams, window
