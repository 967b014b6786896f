"""Text to tokens and back, without loss."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from latchwork.core.errors import InputError
from latchwork.transforms.segments import normal, segmenter
from latchwork.transforms.spelling import DIGITS
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
    assert decode(vocabulary, vocabulary.encode(text)) == normal(text)


@given(texts)
def test_words_are_lossless_where_every_character_is_known(text: str) -> None:
    vocabulary = WordVocabulary.fit([text, CHAT], size=4000)
    assert decode(vocabulary, vocabulary.encode(text)) == normal(text)


@given(st.text(max_size=40), st.text(max_size=40))
def test_no_character_is_unknown(learned: str, read: str) -> None:
    """Neither surrogates' neighbours nor the mark of the unknown itself, whatever the vocabulary was made of."""
    for vocabulary in (CharacterVocabulary.fit([learned]), WordVocabulary.fit([learned], size=60)):
        ids = vocabulary.encode(read)
        assert decode(vocabulary, ids) == normal(read)


# Characters at which words, clusters and spaces go wrong most easily.
TRICKY = "ab 我们กข็ॉकि'’-.,#️⃣👍🏽👨\u200d👩🇩🇪\n\t\u0301é-1_ـ"


@given(st.text(st.sampled_from(TRICKY), max_size=30))
def test_marks_joiners_and_signs_come_back_as_they_were(text: str) -> None:
    vocabulary = WordVocabulary.fit([text[:10] * 3], size=100)
    assert decode(vocabulary, vocabulary.encode(text)) == normal(text)


def test_a_rare_word_is_spelt_in_pieces_and_comes_back_whole() -> None:
    vocabulary = WordVocabulary.fit([CHAT], size=200)
    ids = vocabulary.encode("finer")
    assert len(ids) > 1
    assert vocabulary.continues[ids[1:]].all()
    assert decode(vocabulary, ids) == "finer"


def test_an_unseen_character_was_unknown_in_the_first_version_and_nothing_else_suffers() -> None:
    characters, words = CharacterVocabulary.fit([CHAT]), WordVocabulary.fit([CHAT])
    oldest = (
        CharacterVocabulary(characters.tokens[: -len(DIGITS)], version=1),
        WordVocabulary(tuple(t for t in words.tokens if t not in DIGITS), version=1),
    )
    for vocabulary in oldest:
        assert decode(vocabulary, vocabulary.encode("fine ☃ you")) == "fine � you"
        assert "version" not in vocabulary.to_dict()


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("Tiê\u0301ng Viê\u0323t", ["Tiếng", "Việt"]),
        ("don’t l'homme e-mail", ["don’t", "l'homme", "e-mail"]),
        ("بِسْمِ اللَّهِ", ["بِسْمِ", "اللَّهِ"]),
        ("שָׁלוֹם צה״ל", ["שָׁלוֹם", "צה״ל"]),
        ("hi👍🏽👨‍👩‍👧🇩🇪", ["hi", "👍🏽", "👨‍👩‍👧", "🇩🇪"]),
        ("我们。你好", ["我们", "。", "你好"]),
    ],
)
def test_words_and_signs_are_what_a_reader_takes_for_one(text: str, pieces: list[str]) -> None:
    assert [piece for part in normal(text).split(" ") for piece, _ in segmenter(2)(part)] == [normal(p) for p in pieces]
    vocabulary = WordVocabulary.fit([(text + "\n") * 5], size=300)
    assert decode(vocabulary, vocabulary.encode(text)) == normal(text)


def test_unspaced_scripts_are_cut_into_pieces_that_stand_together() -> None:
    text = "我们喜欢音乐。他们喜欢电影。我们看电影。你们听音乐。谁喜欢我们。他们看我们。"
    vocabulary = WordVocabulary.fit([text * 4], size=200)
    pieces = [vocabulary.tokens[i] for i in vocabulary.encode("我们喜欢电影")]
    assert "".join(pieces) == "我们喜欢电影"
    assert pieces[0] == "我们"
    assert len(pieces) <= 3
    assert not (vocabulary.encode(text) == 1).any()  # nothing says that there is no space: there never is


def test_a_size_bounds_the_vocabulary_and_keeps_the_frequent_ones() -> None:
    vocabulary = CharacterVocabulary.fit(["aaabbc"], size=3)
    assert vocabulary.tokens == ("�", "a", "b", *DIGITS)
    words = WordVocabulary.fit([CHAT], size=90)
    assert len(words) <= 90 + len(DIGITS)
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
        {"units": "word", "tokens": ["�", "\u2060", "\u2423", "a"], "version": 2},
        {"units": "char", "tokens": ["�", "a"], "version": 2},
        {"units": "char", "tokens": ["�", "a"], "version": 99},
    ],
)
def test_a_damaged_vocabulary_is_refused(damaged: object) -> None:
    with pytest.raises(InputError):
        vocabulary_from_dict(damaged)


def test_bytes_of_one_character_appear_together() -> None:
    add = ByteVocabulary().decoder()
    assert [add(b) for b in "é!".encode()] == ["", "é", "!"]
