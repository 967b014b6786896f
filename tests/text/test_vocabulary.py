"""Text to tokens and back, without loss."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from latchwork.core.errors import InputError
from latchwork.transforms.vocabulary import (
    ByteVocabulary,
    CharacterVocabulary,
    WordVocabulary,
    decode,
    fit_vocabulary,
    vocabulary_from_dict,
)

CHAT = "Hi, how are you?\nI'm fine (really fine)! And you...\nfine - it's 3pm, e-mail me @ noon\n" * 3

# Printable text of several scripts, with spaces anywhere; no control characters.
texts = st.text(st.characters(exclude_categories=("C",)) | st.sampled_from(" \n.,'\"()"), max_size=80)


@given(texts)
def test_bytes_are_lossless_on_any_text(text: str) -> None:
    vocabulary = ByteVocabulary()
    assert decode(vocabulary, vocabulary.encode(text)) == text


@given(texts)
def test_characters_are_lossless_on_the_text_they_were_fitted_to(text: str) -> None:
    vocabulary = CharacterVocabulary.fit([text])
    assert decode(vocabulary, vocabulary.encode(text)) == text


@given(texts)
def test_words_are_lossless_where_every_character_is_known(text: str) -> None:
    vocabulary = WordVocabulary.fit([text, CHAT], size=4000)
    assert decode(vocabulary, vocabulary.encode(text)) == text


def test_a_rare_word_is_spelt_in_pieces_and_comes_back_whole() -> None:
    vocabulary = WordVocabulary.fit([CHAT], size=200)
    ids = vocabulary.encode("finer")
    assert len(ids) > 1
    assert vocabulary.continues[ids[1:]].all()
    assert decode(vocabulary, ids) == "finer"


def test_an_unseen_character_is_unknown_and_nothing_else_suffers() -> None:
    for vocabulary in (CharacterVocabulary.fit([CHAT]), WordVocabulary.fit([CHAT])):
        assert decode(vocabulary, vocabulary.encode("fine ☃ you")) == "fine � you"


def test_a_size_bounds_the_vocabulary_and_keeps_the_frequent_ones() -> None:
    vocabulary = CharacterVocabulary.fit(["aaabbc"], size=3)
    assert vocabulary.tokens == ("�", "a", "b")
    words = WordVocabulary.fit([CHAT], size=90)
    assert len(words) <= 90
    assert "fine" in words.tokens


@pytest.mark.parametrize("units", ["char", "byte", "word"])
def test_a_vocabulary_survives_json(units: str) -> None:
    vocabulary = fit_vocabulary(units, [CHAT])
    assert vocabulary_from_dict(json.loads(json.dumps(vocabulary.to_dict()))) == vocabulary


@pytest.mark.parametrize(
    "damaged",
    [
        None,
        {"units": "syllable"},
        {"units": "char", "tokens": "abc"},
        {"units": "char", "tokens": ["�", "b", "a"]},
        {"units": "char", "tokens": ["a"]},
        {"units": "word", "tokens": ["the", "of"]},
    ],
)
def test_a_damaged_vocabulary_is_refused(damaged: object) -> None:
    with pytest.raises(InputError):
        vocabulary_from_dict(damaged)


def test_bytes_of_one_character_appear_together() -> None:
    add = ByteVocabulary().decoder()
    assert [add(b) for b in "é!".encode()] == ["", "é", "!"]
