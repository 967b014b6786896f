"""Slips are mended, right words are left alone, and what was corrected can be taken back."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latchwork.core.errors import InputError
from latchwork.text.channel import Channel, Slips, slips_between
from latchwork.text.folding import fold, in_case_of
from latchwork.text.keyboard import Keyboard, word_ends
from latchwork.text.layouts import LAYOUTS, layout_for, neighbours
from latchwork.text.ngram import NGram
from latchwork.text.personal import PersonalWords
from latchwork.text.slips import measure_slips, slip
from latchwork.text.terminal import Session
from latchwork.transforms.vocabulary import WordVocabulary

LINES = (
    "I want to see the house tomorrow",
    "the cat doesn't want to go there together with you",
    "Don't you think that the naïve plan is good",
    "we received an e-mail from McDonald because you said hello",
    "I'm going to the café, see you tomorrow",
    "THE END is near 👍🏽",
)
TEXT = "\n".join(np.random.default_rng(0).choice(LINES, 300)) + "\n"
VOCABULARY = WordVocabulary.fit([TEXT], size=400)
NGRAM = NGram.fit(VOCABULARY.encode(TEXT), len(VOCABULARY), order=3)


def made(personal: PersonalWords | None = None, **options: object) -> Keyboard:
    ends = word_ends(NGRAM, VOCABULARY)
    return Keyboard(NGRAM, VOCABULARY, ends, personal, **options)  # pyright: ignore[reportArgumentType]


@pytest.fixture(scope="module")
def keyboard() -> Keyboard:
    return made()


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("see teh", "the"),  # swapped
        ("see thw", "the"),  # the key beside
        ("we recieved", "received"),
        ("see you tomorow", "tomorrow"),  # a double letter left out
        ("see you tommorrow", "tomorrow"),  # and doubled
        ("the cat dosnt", "doesn't"),  # two slips, and the apostrophe
        ("the cat doesnt", "doesn't"),
        ("the cat doesn’", "doesn’t"),  # as it was typed
        ("the cat DOESNT", "DOESN'T"),
        ("i", "I"),
        ("to the cafe", "café"),
        ("from mcdonald", "McDonald"),
        ("an email", "e-mail"),
    ],
)
def test_the_word_that_is_meant_comes_first(keyboard: Keyboard, typed: str, meant: str) -> None:
    assert keyboard.suggest(typed)[0] == meant


def test_words_run_together_and_cut_apart(keyboard: Keyboard) -> None:
    assert keyboard.suggest("see thehouse")[0] == "the house"
    correction = keyboard.correct("see thehouse")
    assert correction is not None
    assert correction.text == "the house"
    joined = keyboard.correct("go there to gether")
    assert joined is not None
    assert (joined.text, joined.replaces) == ("together", len("to gether"))


@pytest.mark.parametrize("line", LINES)
def test_right_words_are_left_alone(keyboard: Keyboard, line: str) -> None:
    for start, word in keyboard.words(line):
        assert keyboard.correct(line[: start + len(word)]) is None


@pytest.mark.parametrize("typed", ["mail zoltan@hous", "www.hous", "see http://teh", "c:\\teh", "42", "3teh"])
def test_digits_addresses_and_links_are_left_alone(keyboard: Keyboard, typed: str) -> None:
    assert keyboard.correct(typed) is None
    assert "the" not in keyboard.suggest(typed)


def test_capitals_are_carried_on(keyboard: Keyboard) -> None:
    assert keyboard.suggest("see Th")[0] == "The"
    assert keyboard.suggest("see TH")[0] == "THE"
    assert keyboard.suggest("THE E")[0] == "END"
    assert in_case_of("T", "the", shouting=True) == "THE"
    assert "👍🏽" in VOCABULARY.tokens


def test_three_where_three_are_known(keyboard: Keyboard) -> None:
    """The word that is there already took a place before."""
    text = "car care card cars carts\n" * 30
    vocabulary = WordVocabulary.fit([text], size=200)
    ngram = NGram.fit(vocabulary.encode(text), len(vocabulary), order=2)
    other = Keyboard(ngram, vocabulary, word_ends(ngram, vocabulary), correct=False)
    for letters in ("c", "ca", "car"):
        assert len(other.suggest(letters)) == 3
    assert "car" not in other.suggest("car")


def test_a_word_that_is_never_to_be_offered_is_not(keyboard: Keyboard) -> None:
    assert "the" in keyboard.suggest("see ")
    mine = PersonalWords()
    mine.learn("see the the the")
    polite = made(mine, never=["The"])
    for typed in ("see ", "see t", "see teh", "see th"):
        assert "the" not in polite.suggest(typed)


def test_odd_arguments_are_one_clear_line(keyboard: Keyboard) -> None:
    with pytest.raises(InputError, match="expected what was typed so far"):
        keyboard.suggest(5)  # pyright: ignore[reportArgumentType]
    for count in (0, -1, 2.5, True, "3"):
        with pytest.raises(InputError, match="whole number of 1 or more"):
            keyboard.suggest("a", count)  # pyright: ignore[reportArgumentType]
    with pytest.raises(InputError, match="qwerty"):
        made(layout="dvorak")


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=40))
def test_anything_may_be_typed(text: str) -> None:
    keyboard = made()
    assert len(keyboard.suggest(text)) <= 3
    offer = keyboard.correct(text)
    assert offer is None or 0 < offer.replaces <= len(text)


# The channel


def test_a_word_costs_its_likeliest_slips() -> None:
    words = ["the", "they", "tea", "house"]
    channel = Channel("".join(sorted(set("".join(words)))), "qwerty")
    matrix = np.zeros((len(words), 8), np.uint16)
    for row, word in enumerate(words):
        matrix[row, : len(word)] = channel.codes(word)
    lengths = np.array([len(word) for word in words])
    whole, beginning = channel.distances("teh", matrix, lengths)
    assert whole[0] == pytest.approx(channel.costs["swapped"])
    assert whole[1] == pytest.approx(channel.costs["swapped"] + channel.costs["left out"])
    assert beginning[1] == pytest.approx(channel.costs["swapped"])  # `they` not typed to its end
    assert whole.argmin() == 0
    assert whole[3] > 3 * whole[0]


@given(st.text("abcdef", min_size=1, max_size=8), st.text("abcdef", min_size=1, max_size=8))
def test_distances_are_those_of_a_table_filled_cell_by_cell(meant: str, typed: str) -> None:
    channel = Channel("abcdef", "qwerty")
    matrix = np.zeros((1, 10), np.uint16)
    matrix[0, : len(meant)] = channel.codes(meant)
    found = float(channel.distances(typed, matrix, np.array([len(meant)]))[0][0])
    expected = slow_distance(channel, meant, typed)
    if expected < 500 and abs(len(meant) - len(typed)) <= 2:
        assert found >= expected - 1e-4  # the band may miss a way that strays by more than two letters
        if expected < 12:
            assert found == pytest.approx(expected, rel=1e-4)


def slow_distance(channel: Channel, meant: str, typed: str) -> float:
    costs, wrong = channel.costs, channel.wrong_key
    m, t = channel.codes(meant), channel.codes(typed)
    table = {(0, 0): 0.0}
    for i in range(len(t) + 1):
        for j in range(len(m) + 1):
            ways = [table[i, j]] if (i, j) == (0, 0) else []
            if i and j:
                ways.append(table[i - 1, j - 1] + float(wrong[t[i - 1], m[j - 1]]))
            if i:
                again = i > 1 and t[i - 1] == t[i - 2]
                ways.append(table[i - 1, j] + (costs["doubled"] if again else costs["too many"] + float(np.log(20))))
            if j:
                again = j > 1 and m[j - 1] == m[j - 2]
                ways.append(table[i, j - 1] + costs["undoubled" if again else "left out"])
            if i > 1 and j > 1 and m[j - 2] == t[i - 1] and m[j - 1] == t[i - 2]:
                ways.append(table[i - 2, j - 2] + costs["swapped"])
            table[i, j] = min(ways)
    return table[len(t), len(m)]


def test_layouts_are_data_and_each_text_has_its_own() -> None:
    for name in LAYOUTS:
        near = neighbours(name)
        assert all(a in near[b] for a in near for b in near[a])  # to be beside is mutual
    assert "z" in neighbours("qwertz")["t"]
    assert "z" not in neighbours("qwerty")["t"]
    assert neighbours("jcuken") == neighbours("йцукен")
    assert layout_for("the quick brown fox") == "qwerty"
    assert layout_for("съешь ещё этих мягких булок") == "йцукен"
    assert layout_for("größere Äpfel für Zürich") == "qwertz"


def test_letters_fold_but_not_those_that_carry_the_word() -> None:
    assert fold("Ëxámple’s") == "examples"
    assert fold("כָּתַב") == fold("כתב")
    assert fold("हिंदी") == "हिंदी"
    assert fold("ที่") == "ที่"


def test_slips_are_found_again_in_what_was_typed() -> None:
    assert slips_between("the", "thhe") == [("doubled", "")]
    assert slips_between("the", "the") == []
    assert slips_between("house", "hiuse") == [("neighbour", "oi")]


def test_a_typist_who_always_misses_one_key_is_understood() -> None:
    before = Channel("abcdefghijklmnopqrstuvwxyz", "qwerty", Slips())
    slips = Slips()
    for _ in range(60):
        slips.learn("house", "hiuse")
    after = Channel("abcdefghijklmnopqrstuvwxyz", "qwerty", slips)
    row, column = after.codes("i")[0], after.codes("o")[0]
    assert after.wrong_key[row, column] < before.wrong_key[row, column]
    assert after.costs["swapped"] > before.costs["swapped"]


# The measure


def test_the_noise_model_is_what_it_says() -> None:
    random = np.random.default_rng(0)
    words = ["keyboard", "house", "tomorrow"] * 1500
    typed = [slip(word, random, "qwerty") for word in words]
    kinds: dict[str, int] = {}
    near = 0
    for word, other in zip(words, typed, strict=True):
        for kind, keys in slips_between(word, other):
            kinds[kind] = kinds.get(kind, 0) + 1
            near += kind == "neighbour" and keys[1] in neighbours("qwerty")[keys[0]]
    letters = sum(map(len, words))
    assert sum(kinds.values()) / letters == pytest.approx(0.05, rel=0.1)
    assert near / kinds["neighbour"] > 0.95  # the rest are several slips that look like others
    assert kinds["neighbour"] / sum(kinds.values()) == pytest.approx(0.5, abs=0.05)
    assert slip("keyboard", np.random.default_rng(5), "qwerty") == slip("keyboard", np.random.default_rng(5), "qwerty")
    assert slip("12", random, "qwerty", rate=1.0) == "12"


def test_slips_are_counted(keyboard: Keyboard) -> None:
    mended = measure_slips(keyboard, TEXT, 60, seed=1)
    assert mended.slips == 60
    assert mended.first > 0.8
    assert mended.first <= mended.third
    assert mended.spoilt < 0.02
    with pytest.raises(InputError, match="corrects nothing"):
        measure_slips(made(correct=False), TEXT)


# While typing


def typed_into(session: Session, keys: str) -> str:
    for key in keys:
        session.press(key)
    return session.line


def test_a_space_corrects_and_backspace_takes_it_back_for_good() -> None:
    session = Session(made(), correct=True)
    assert typed_into(session, "see tomorow ") == "see tomorrow "
    assert session.corrected == ("tomorow", "tomorrow")
    session.press("\x7f")
    assert session.line == "see tomorow "
    session.press("\r")
    assert typed_into(session, "see tomorow ") == "see tomorow "  # the typist insisted
    assert typed_into(Session(made(), correct=False), "see tomorow ") == "see tomorow "


def test_a_correction_that_stays_teaches_how_the_typist_slips() -> None:
    keyboard = made()
    session = Session(keyboard, correct=True)
    typed_into(session, "see tomorow and")
    assert keyboard.personal.slips.kinds["undoubled"] == 1
    typed_into(session, "\r")
    keyboard.personal.private = True
    typed_into(session, "see tomorow and")
    assert keyboard.personal.slips.kinds["undoubled"] == 1


def test_a_suggestion_takes_the_place_of_what_was_typed() -> None:
    session = Session(made())
    typed_into(session, "see teh")
    session.press("\t")
    assert session.line == "see the "


def test_a_slip_never_stands_above_the_right_word(tmp_path: Path) -> None:
    keyboard = made()
    for _ in range(2):
        keyboard.learn("see tomorow")
    assert keyboard.suggest("see tomoro")[0] == "tomorrow"
    assert "tomorow" not in dict(keyboard.personal.listed())
    keyboard.learn("see tomorow")  # a third time: it is a word of this typist's
    assert dict(keyboard.personal.listed())["tomorow"] == 1
    assert keyboard.suggest("see tomo")[0] == "tomorrow"
