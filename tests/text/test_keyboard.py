"""The keyboard on a small world whose next word is known, and the typist's arithmetic."""

from pathlib import Path

import numpy as np
import pytest

from latchwork.core.errors import InputError
from latchwork.text.following import Point
from latchwork.text.keyboard import Keyboard, Offer, word_ends
from latchwork.text.ngram import NGram
from latchwork.text.personal import PersonalWords
from latchwork.text.typist import type_text
from latchwork.transforms.vocabulary import WordVocabulary

TEXT = "I like green tea\nI like green apples\nyou like green tea, I like red wine\n" * 30
VOCABULARY = WordVocabulary.fit([TEXT], size=300)
NGRAM = NGram.fit(VOCABULARY.encode(TEXT), len(VOCABULARY), order=4)


@pytest.fixture
def keyboard() -> Keyboard:
    return Keyboard(NGRAM, VOCABULARY, word_ends(NGRAM, VOCABULARY), correct=False)


def test_the_next_word_and_the_completion_come_from_the_context(keyboard: Keyboard) -> None:
    assert keyboard.suggest("I like green ")[0] == "tea"
    assert keyboard.suggest("I like green a") == ["apples"]
    assert set(keyboard.suggest("")) >= {"I", "you"}
    assert all(word.startswith("gr") for word in keyboard.suggest("I like gr"))
    assert keyboard.suggest("I like xq") == []


def test_a_new_line_begins_a_new_word(keyboard: Keyboard) -> None:
    assert set(keyboard.suggest("I like green\n")) >= {"I", "you"}
    keyboard.personal.learn("I like Zoltan")
    assert "Zoltan" not in keyboard.suggest("you like\n")


def test_suggestions_do_not_depend_on_how_the_text_was_reached(keyboard: Keyboard) -> None:
    text = "I like green tea, I like re"
    as_typed = [keyboard.suggest(text[:i]) for i in range(len(text) + 1)]
    keyboard.suggest("something else\n")
    deleted = [keyboard.suggest(text[:i]) for i in range(len(text), -1, -1)]
    assert deleted[::-1] == as_typed
    fresh = Keyboard(NGRAM, VOCABULARY, word_ends(NGRAM, VOCABULARY), correct=False)
    assert fresh.suggest(text) == as_typed[-1]


def test_a_piece_of_a_longer_word_is_no_suggestion() -> None:
    text = "the cat sat on the mat\nxat yat zat wat\n" * 20
    vocabulary = WordVocabulary.fit([text], size=80)
    ngram = NGram.fit(vocabulary.encode(text), len(vocabulary), order=3)
    ends = word_ends(ngram, vocabulary)
    assert ends[vocabulary.ids["cat"]] > 0.9
    spelt = np.flatnonzero(vocabulary.continues)
    begins = [t for t in vocabulary.encode("qat") if t not in spelt]
    assert all(0 <= ends[t] <= 1 for t in begins)


def test_a_users_own_word_is_learned_completed_and_forgotten(keyboard: Keyboard) -> None:
    assert keyboard.suggest("I like Zo") == []
    keyboard.personal.learn("I like Zoltan and Zoltan likes tea")
    assert keyboard.suggest("I like Zo") == ["Zoltan"]
    assert keyboard.suggest("I like green ")[0] == "tea"
    keyboard.personal.forget()
    assert keyboard.suggest("I like Zo") == []


def test_personal_words_are_kept_in_a_private_file(tmp_path: Path) -> None:
    mine = PersonalWords()
    mine.learn("see you at Zoltan's")
    path = tmp_path / "sub" / "words.json"
    mine.save(path)
    assert path.stat().st_mode & 0o777 == 0o600
    again = PersonalWords.load(path)
    assert again.probability("Zoltan's", "at") == mine.probability("Zoltan's", "at") > 0
    path.write_text("[]")
    with pytest.raises(InputError, match="delete it"):
        PersonalWords.load(path)
    assert len(PersonalWords.load(tmp_path / "none.json")) == 0


def test_personal_words_are_bounded_and_never_drown_the_model() -> None:
    mine = PersonalWords()
    words = ["word" + "".join(chr(97 + int(digit)) for digit in str(i)) for i in range(6000)]
    mine.learn(" ".join(words))
    assert len(mine) == 5000
    assert mine.probability(words[0], "") == 0
    assert mine.share < 0.2


class Oracle(Keyboard):
    """Suggests what it is told to, whatever was typed."""

    def __init__(self, words: list[str]) -> None:
        super().__init__(NGRAM, VOCABULARY, word_ends(NGRAM, VOCABULARY))
        self.told = words

    def offers_at(self, point: Point, before: str, letters: str, count: int = 3) -> list[Offer]:
        return [Offer(word) for word in self.told]


def test_keys_are_counted_as_a_person_would() -> None:
    # "tea" at once: one key brings "tea " (4 characters); "and" is typed: 3 keys and a space;
    # "tea." is one key and the full stop. 1 + 4 + 1 + 1 = 7 keys for 12 characters.
    typed = type_text(Oracle(["tea"]), "tea and tea.\n")
    assert typed.keystrokes_saved == pytest.approx(1 - 7 / 12)
    assert (typed.words, typed.top1) == (3, pytest.approx(2 / 3))
    assert type_text(Oracle([]), "tea and tea.\n").keystrokes_saved == 0


def test_a_word_found_late_saves_its_rest() -> None:
    class Late(Oracle):
        def offers_at(self, point: Point, before: str, letters: str, count: int = 3) -> list[Offer]:
            return [Offer("green")] if letters == "gr" else []

    # g, r, and the key that brings "een ": 3 keys for 6 characters, then "x".
    typed = type_text(Late([]), "green x")
    assert typed.keystrokes_saved == pytest.approx(1 - 4 / 7)
    assert typed.top3 == 0
    assert typed.completion_top1 == pytest.approx(1 / 4)


def test_the_keyboard_saves_most_keys_on_the_text_it_knows(keyboard: Keyboard) -> None:
    typed = type_text(keyboard, TEXT, words=60)
    assert typed.keystrokes_saved > 0.5
    assert typed.top3 > 0.8
    assert typed.p95_ms >= typed.p50_ms > 0
    with pytest.raises(InputError, match="nothing to type"):
        type_text(keyboard, "...\n")
