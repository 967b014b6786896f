"""The honest measure: a model on text that it was not trained on, beside a Kneser-Ney n-gram of the same size."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from latchwork.core.errors import InputError
from latchwork.text.keyboard import Keyboard, word_ends
from latchwork.text.model import TextModel
from latchwork.text.ngram import NGram
from latchwork.text.reading import Split, TextSource, split, tokenize
from latchwork.text.typist import type_text
from latchwork.transforms.vocabulary import Vocabulary, WordVocabulary, decode


@dataclass(frozen=True)
class Part:
    """What is tested.

    Attributes:
        text: the text itself.
        name: which part of the file it is.
        trained_on: the training part of the same file, as token ids; None where the file is another one.
    """

    text: str
    name: str
    trained_on: Any = None


def held_out(model: TextModel, source: TextSource) -> Part:
    """The part of a text that the model has not been trained on: all of it, or what training set aside.

    Args:
        model: what is to be tested.
        source: any text.
    """
    tokens = tokenize(source, model.vocabulary)
    if tokens.sha256 != model.trained_on.get("sha256"):
        return Part(source.text(), "all")
    parts = split(tokens.ids, float(model.trained_on["validation_share"]), float(model.trained_on["test_share"]))
    part = set_aside(parts, model.vocabulary)
    if part is None:
        raise InputError(f"got {source.name}: the model was trained on all of it; test it on another text")
    return part


def set_aside(parts: Split, vocabulary: Vocabulary, most_tokens: int | None = None) -> Part | None:
    """The test part, or else the validation part, of no more than so many tokens; None where there is neither."""
    name, ids = ("test", parts.test) if len(parts.test) else ("validation", parts.validation)
    return Part(decode(vocabulary, ids[:most_tokens]), name, parts.train) if len(ids) else None


def baseline_of(model: TextModel, part: Part, built_on: TextSource | None, most_bytes: int) -> tuple[NGram, str]:
    """The n-gram to compare with, no larger than the model's file, and where it comes from.

    It is counted on the training part of the tested file or on the text given; where there is neither, the n-gram
    inside the model has to do, which is smaller than the file.
    """
    if built_on is not None:
        ids, where = tokenize(built_on, model.vocabulary).ids, built_on.name
    elif part.trained_on is not None:
        ids, where = part.trained_on, "the training part of the same text"
    else:
        return model.ngram, "the model's own n-gram (name the training text to get one of the file's size)"
    return NGram.fit(ids, len(model.vocabulary), model.ngram.order, most_bytes), where


def measure_characters(model: TextModel, part: Part, baseline: NGram) -> dict[str, Any]:
    """Bits per character of the model and of the baseline."""
    return {
        "bits_per_character": model.bits_per_character(part.text),
        "baseline": {
            "bits_per_character": float(baseline.bits(model.vocabulary.encode(part.text)).sum() / len(part.text))
        },
    }


def measure_keyboard(model: TextModel, part: Part, baseline: NGram, words: int | None) -> dict[str, Any]:
    """Perplexity, recall, keystrokes and latency of the model and of the baseline.

    Args:
        model: one of words.
        part: what is typed.
        baseline: an n-gram over the same vocabulary.
        words: how many words the simulated typist types; all where None.
    """
    ids, bits = model.token_bits(part.text)
    typed = type_text(model.keyboard(), part.text, words)
    vocabulary = model.vocabulary
    assert isinstance(vocabulary, WordVocabulary)
    other = Keyboard(baseline, vocabulary, word_ends(baseline, vocabulary))
    return {
        "perplexity": 2 ** float(bits.mean()),
        "bits_per_character": float(bits.sum() / len(part.text)),
        **asdict(typed),
        "baseline": {
            "perplexity": 2 ** float(np.mean(baseline.bits(ids))),
            **asdict(type_text(other, part.text, words)),
        },
    }


def verdict(results: dict[str, Any]) -> str:
    """What the figures come to, in one sentence."""
    baseline = results["baseline"]
    if "top3" in results:
        points = 100 * (results["top3"] - baseline["top3"])
        return (
            f"{100 * results['keystrokes_saved']:.1f} % of the keystrokes saved; next word among three "
            f"{100 * results['top3']:.1f} %, {abs(points):.1f} points {'above' if points >= 0 else 'below'} the n-gram"
        )
    difference = baseline["bits_per_character"] - results["bits_per_character"]
    if not math.isfinite(difference):
        return f"{results['bits_per_character']:.3f} bits per character"
    return (
        f"{results['bits_per_character']:.3f} bits per character, {abs(difference):.3f} "
        f"{'below' if difference >= 0 else 'above'} a Kneser-Ney n-gram"
    )
