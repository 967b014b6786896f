"""What a model does not know costs what it must, the same for every model, and is never looked up ahead."""

import numpy as np
import pytest

from latchwork.text.ngram import NGram
from latchwork.text.spelt import charged
from latchwork.transforms.vocabulary import CharacterVocabulary, Vocabulary, WordVocabulary

ENGLISH = "the cat sat on the mat and the dog ran after it\n" * 40
RUSSIAN = "Все люди рождаются свободными и равными в своём достоинстве и правах. " * 8


def models() -> list[tuple[Vocabulary, NGram]]:
    vocabularies = (CharacterVocabulary.fit([ENGLISH]), WordVocabulary.fit([ENGLISH], size=200))
    return [(v, NGram.fit(v.encode(ENGLISH), len(v), order=3)) for v in vocabularies]


@pytest.mark.parametrize("number", [0, 1])
def test_another_script_costs_no_more_than_its_own_novelty(number: int) -> None:
    vocabulary, ngram = models()[number]
    ids = vocabulary.encode(RUSSIAN)
    bits = charged(vocabulary, ids, ngram.bits(ids))
    assert bits.sum() / len(RUSSIAN) < 5  # 25 before
    assert bits.sum() / len(RUSSIAN.encode()) < 2.5


@pytest.mark.parametrize("number", [0, 1])
def test_a_known_text_pays_next_to_nothing_for_it(number: int) -> None:
    vocabulary, ngram = models()[number]
    ids = vocabulary.encode(ENGLISH)
    bits = ngram.bits(ids)
    assert 0 < charged(vocabulary, ids, bits).sum() - bits.sum() < 1


@pytest.mark.parametrize("number", [0, 1])
def test_the_cost_is_that_of_a_probability(number: int) -> None:
    """Over all next tokens the probabilities sum to one, wherever a text stands: nothing is looked up ahead."""
    vocabulary, ngram = models()[number]
    before = vocabulary.encode("cat ж dog й")
    for length in range(2, len(before) + 1):
        total = 0.0
        for token in range(len(vocabulary)):
            ids = np.array([*before[: length - 1], token])
            bits = charged(vocabulary, ids, ngram.bits(ids))
            total += 2 ** -bits[-1]
        assert total == pytest.approx(1, abs=2e-3)
        whole = charged(vocabulary, before, ngram.bits(before))[: length - 1]
        part = before[: length - 1]
        np.testing.assert_allclose(whole, charged(vocabulary, part, ngram.bits(part)))


def test_the_first_version_pays_for_each_unknown_character_alike() -> None:
    vocabulary = CharacterVocabulary(("�", "a", "b"), version=1)
    bits = charged(vocabulary, vocabulary.encode("ab☃"), np.ones(3))
    np.testing.assert_allclose(bits, [1, 1, 1 + np.log2(0x110000)])
