"""The honest measure: a model on text that it was not trained on, beside a Kneser-Ney n-gram of the same size."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latchwork.core.errors import InputError
from latchwork.text.keyboard import Keyboard, word_ends
from latchwork.text.model import TextModel
from latchwork.text.ngram import NGram
from latchwork.text.overlap import compare
from latchwork.text.reading import Split, TextSource, split, tokenize
from latchwork.text.slips import measure_slips
from latchwork.text.spelt import charged
from latchwork.text.typist import beginning_of, type_text
from latchwork.transforms.vocabulary import Vocabulary, WordVocabulary, decode

_MENTIONED = 0.02  # share of a text that may have been trained on without a word: greetings, sayings


@dataclass(frozen=True)
class Part:
    """What is tested.

    Attributes:
        text: the text itself.
        name: which part of the file it is.
        trained_on: the training part of the same file, as token ids; None where the file is another one.
        overlap: the share of the file's pieces that the model was trained on; None where that is not known.
        note: what a reader of the figures has to know; empty where there is nothing.
    """

    text: str
    name: str
    trained_on: Any = None
    overlap: float | None = None
    note: str = ""


def held_out(model: TextModel, source: TextSource) -> Part:
    """The part of a text that the model has not been trained on: all of it, or what training set aside.

    Args:
        model: what is to be tested.
        source: any text.
    """
    tokens = tokenize(source, model.vocabulary)
    if tokens.sha256 != model.trained_on.get("sha256"):
        return _unseen(model, source)
    parts = split(tokens.ids, float(model.trained_on["validation_share"]), float(model.trained_on["test_share"]))
    part = set_aside(parts, model.vocabulary)
    if part is None:
        raise InputError(f"got {source.name}: the model was trained on all of it; test it on another text")
    return part


def _unseen(model: TextModel, source: TextSource) -> Part:
    """What a text holds that the model was not trained on, told by the fingerprints of its pieces."""
    text = source.text()
    if model.pieces is None:
        return Part(
            text, "all", note="whether the model was trained on parts of this text is not known: its file is older"
        )
    found = compare(text, model.pieces)
    if found.share is None or found.share < _MENTIONED:
        return Part(text, "all", overlap=found.share)
    kept = "".join(text[first:last] for first, last in found.unseen)
    share = f"about {100 * found.share:.0f} % of this text was trained on"
    if not kept.strip():
        raise InputError(f"got {source.name}: {share}, and nothing of it is new; test it on another text")
    if len(kept) == len(text):
        return Part(text, "all", overlap=found.share, note=f"{share}, in places too short to be left out")
    note = f"{share}; the {len(text) - len(kept):,} characters around it are left out"
    return Part(kept, "unseen", overlap=found.share, note=note)


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
    """Bits per character and per byte of the model and of the baseline."""
    ids, bits = model.token_bits(part.text)
    return {
        **_per_character(part.text, bits),
        "baseline": _per_character(part.text, charged(model.vocabulary, ids, baseline.bits(ids))),
    }


def _per_character(text: str, bits: NDArray[np.float64]) -> dict[str, float]:
    total = float(bits.sum())
    return {
        "bits_per_character": total / len(text),
        "bits_per_byte": total / len(text.encode("utf-8", "replace")),
    }


def measure_keyboard(
    model: TextModel,
    part: Part,
    baseline: NGram,
    words: int | None,
    *,
    slips: int = 0,
    seed: int = 0,
    layout: str | None = None,
) -> dict[str, Any]:
    """Perplexity, recall, keystrokes and latency of the model and of the baseline.

    Args:
        model: one of words.
        part: what is typed.
        baseline: an n-gram over the same vocabulary.
        words: how many words the simulated typist types; all where None. Nothing after them is scored.
        slips: how many mistyped words are tried, 0 for none.
        seed: of what goes wrong in them.
        layout: of the keys; the one of the text's letters where None.
    """
    vocabulary = model.vocabulary
    assert isinstance(vocabulary, WordVocabulary)
    keyboard = model.keyboard(layout=layout)
    other = Keyboard(baseline, vocabulary, word_ends(baseline, vocabulary), layout=layout)
    text = part.text if words is None else beginning_of(keyboard, part.text, words)
    ids, bits = model.token_bits(text)
    counted = charged(vocabulary, ids, baseline.bits(ids))
    results: dict[str, Any] = {
        "perplexity": 2 ** float(bits.mean()),
        **_per_character(text, bits),
        **asdict(type_text(keyboard, text)),
        "characters_scored": len(text),
        "baseline": {
            "perplexity": 2 ** float(np.mean(counted)),
            **_per_character(text, counted),
            **asdict(type_text(other, text)),
        },
    }
    if slips:
        results["slips"] = asdict(measure_slips(keyboard, part.text, slips, seed=seed))
    return results


def verdict(results: dict[str, Any]) -> str:
    """What the figures come to, in one sentence."""
    baseline = results["baseline"]
    if "top3" in results:
        points = 100 * (results["top3"] - baseline["top3"])
        sentence = (
            f"{100 * results['keystrokes_saved']:.1f} % of the keystrokes saved; next word among three "
            f"{100 * results['top3']:.1f} %, {abs(points):.1f} points {'above' if points >= 0 else 'below'} the n-gram"
        )
        if points < 0:
            sentence += ", which does better: train longer"
        if mended := results.get("slips"):
            sentence += (
                f"; of {mended['slips']:,} slips {100 * mended['first']:.0f} % mended at first place, "
                f"{100 * mended['third']:.0f} % among three; of {mended['right']:,} right words "
                f"{100 * mended['spoilt']:.1f} % wrongly changed"
            )
        return sentence
    difference = baseline["bits_per_character"] - results["bits_per_character"]
    if not math.isfinite(difference):
        return f"{results['bits_per_character']:.3f} bits per character"
    return (
        f"{results['bits_per_character']:.3f} bits per character, {abs(difference):.3f} "
        f"{'below' if difference >= 0 else 'above'} a Kneser-Ney n-gram"
        + ("" if difference >= 0 else ", which does better: train longer")
    )
