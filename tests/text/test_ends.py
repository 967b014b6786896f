"""Text that ends: any model, any prompt, any setting, within `length`."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latchwork.core.errors import InputError
from latchwork.text.ngram import NGram
from latchwork.text.writing import Drawing, repeats_itself, write
from latchwork.transforms.vocabulary import (
    ByteVocabulary,
    CharacterVocabulary,
    Vocabulary,
    WordVocabulary,
)

TEXTS = ("a", "aa aa\n", "�", "ก็ที่นี่ที่นั่นและที่โน่น " * 20, "我们。他们。", "the cat sat\n" * 9, "👍🏽", "- - -", "İ", "(((")


def some_vocabulary(units: str, text: str) -> Vocabulary:
    match units:
        case "char":
            return CharacterVocabulary.fit([text])
        case "word":
            return WordVocabulary.fit([text], size=80)
        case _:
            return ByteVocabulary()


class Stubborn:
    """Believes in some tokens alone, whatever it reads: the worst that a model could do."""

    def __init__(self, tokens: int, loved: list[int], rest: float) -> None:
        self.probabilities = np.full(tokens, rest)
        for token in loved:
            self.probabilities[token % tokens] = 1.0

    def initial_state(self) -> None:
        return None

    def step(self, token: int, state: None) -> tuple[np.ndarray, None]:
        return self.probabilities.copy(), None


drawings = st.builds(
    Drawing,
    temperature=st.sampled_from([0.0, 5e-324, 1e-9, 0.1, 0.8, 1.0, 50.0, 1e300]),
    top_k=st.none() | st.integers(1, 5),
    top_p=st.none() | st.sampled_from([1e-9, 0.5, 1.0]),
    repetition=st.sampled_from([1e-300, 0.5, 1.0, 1.3, 1e300]),
)


@settings(max_examples=120, deadline=1000)
@given(
    st.sampled_from(("char", "word", "byte")),
    st.sampled_from(TEXTS),
    st.lists(st.integers(0, 400), max_size=4),
    st.sampled_from([0.0, 1e-300, 1e-9]),
    st.text(max_size=20),
    st.integers(1, 60),
    drawings,
)
def test_any_model_any_prompt_any_setting_ends(
    units: str, text: str, loved: list[int], rest: float, prompt: str, length: int, drawing: Drawing
) -> None:
    vocabulary = some_vocabulary(units, text)
    predictor = Stubborn(len(vocabulary), [*loved, 1], rest)
    written = "".join(write(predictor, vocabulary, prompt, length=length, drawing=drawing))
    assert len(written) <= length
    assert "\ufffd" not in written or units == "byte"


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("units", ["char", "word", "byte"])
def test_what_was_counted_writes_to_the_length_at_temperature_0(units: str, text: str) -> None:
    vocabulary = some_vocabulary(units, text)
    ngram = NGram.fit(vocabulary.encode(text * 2), len(vocabulary), order=3)
    for prompt in ("", "☃ и", text):
        written = "".join(write(ngram, vocabulary, prompt, length=30, drawing=Drawing(0)))
        assert len(written) <= 30
        assert written or vocabulary.units != "byte"


def test_a_mark_that_prints_nothing_is_not_drawn_twice() -> None:
    """As a word model of Thai did for ever at temperature 0."""
    vocabulary = WordVocabulary.fit(["ab cd ab cd\n"], size=60)
    loves_joins = Stubborn(len(vocabulary), [1], 1e-9)
    assert "".join(write(loves_joins, vocabulary, "ab", length=12, drawing=Drawing(0)))


def test_a_long_prompt_is_read_at_its_end() -> None:
    vocabulary = CharacterVocabulary.fit(["ab"])
    ngram = NGram.fit(vocabulary.encode("abababab"), len(vocabulary), order=3)
    assert "".join(write(ngram, vocabulary, "ab" * 500_000, length=4, drawing=Drawing(0))) == "abab"


def test_a_word_is_not_cut_but_for_the_first() -> None:
    vocabulary = WordVocabulary.fit(["wonderful things\n" * 4], size=60)
    ngram = NGram.fit(vocabulary.encode("wonderful things\n" * 4), len(vocabulary), order=3)
    whole = "".join(write(ngram, vocabulary, "\n", length=40, drawing=Drawing(0)))
    assert whole.startswith("wonderful things\nwonderful")
    assert "".join(write(ngram, vocabulary, "\n", length=12, drawing=Drawing(0))) == "wonderful"
    assert "".join(write(ngram, vocabulary, "\n", length=4, drawing=Drawing(0))) == "wond"


def test_a_model_that_gives_no_numbers_says_so() -> None:
    vocabulary = CharacterVocabulary.fit(["ab"])
    with pytest.raises(InputError, match="no numbers"):
        list(write(Stubborn(len(vocabulary), [], float("nan")), vocabulary, length=3))


def test_loops_are_told() -> None:
    assert repeats_itself("and so it goes on " + "ha" * 60)
    assert repeats_itself("the sun is up\n" * 6)
    assert not repeats_itself("a bat, a cat, a rat and then he went home, and nobody saw him again")
    assert not repeats_itself("")
