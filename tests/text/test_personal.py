"""What a keyboard learns from its typist, and what it never does; and a text typed by many at once."""

from pathlib import Path

import pytest

from latchwork.core.errors import InputError
from latchwork.text.model import TextModel
from latchwork.text.personal import PersonalWords
from latchwork.text.secrets import learnable
from latchwork.text.terminal import Session
from latchwork.text.typist import _Count, _one_after_another, _side_by_side


@pytest.mark.parametrize(
    ("line", "secret"),
    [
        ("my card is 4111 1111 1111 1111 ok", "4111"),
        ("my card is 4111-1111-1111-1111 ok", "1111"),
        ("write to zoltan.kovacs@example.org please", "kovacs"),
        ("see www.zoltanshop.com/cart?x=1 there", "zoltanshop"),
        ("see zoltanshop.com there", "zoltanshop"),
        ("it is hunter2 I think", "hunter"),
        ("it is Tr0ub4dor&3 then", "dor"),
        ("it is xKcdQzPw then", "xKcdQzPw"),
        ("the password is correcthorsebattery", "correcthorsebattery"),
        ("das Passwort: schneewittchen", "schneewittchen"),
        ("пароль такой: белоснежка", "белоснежка"),
        ("I live at 12 Bakerly Lane now", "Bakerly"),
        ("ich wohne Lindenhofstraße 5 da", "Lindenhofstraße"),
        ("look in /home/zoltan/secret there", "zoltan"),
        ("#token=qwertyuiop there", "qwertyuiop"),
    ],
)
def test_secrets_are_not_learned(line: str, secret: str) -> None:
    mine = PersonalWords()
    mine.learn(line)
    assert not [word for word, _ in mine.listed() if secret.casefold() in word.casefold()]
    assert not mine.candidates("", secret)
    assert len(mine) >= 1  # the other words are


def test_ordinary_words_and_names_are_learned() -> None:
    words = ["Zoltan's", "McDonald", "e-mail", "O'Neil", "Größe", "iPhone", "हिन्दी", "OK"]
    assert learnable(" ".join(words) + "!") == [words]


def test_a_word_after_a_secret_does_not_follow_what_stood_before_it() -> None:
    mine = PersonalWords()
    mine.learn("call 555-0199 tonight")
    assert mine.probability("tonight", "call") == mine.probability("tonight", "nothing")


def test_private_typing_leaves_no_trace_and_one_word_can_be_taken_out() -> None:
    mine = PersonalWords()
    mine.private = True
    mine.learn("see Zoltan")
    mine.keep("Zoltan")
    assert len(mine) == 0
    mine.private = False
    mine.learn("see Zoltan and Zoltan sees Ada")
    assert mine.listed()[0] == ("Zoltan", 2)
    assert mine.remove("Zoltan")
    assert not mine.remove("Zoltan")
    assert mine.candidates("see", "") == []
    assert mine.candidates("", "zol") == []


def test_all_is_kept_in_the_file_and_older_files_open(tmp_path: Path) -> None:
    mine, path = PersonalWords(), tmp_path / "words.json"
    mine.learn("see Zoltan")
    mine.slips.learn("house", "hiuse")
    mine.save(path)
    again = PersonalWords.load(path)
    assert again.listed() == mine.listed()
    assert again.slips == mine.slips
    path.write_text('{"words": {"Ada": 2}, "after": {"": {"Ada": 2}}}')
    assert PersonalWords.load(path).listed() == [("Ada", 2)]
    for damaged in ('{"words": {"Ada": -2}, "after": {}}', '{"words": 3}', "\x00"):
        path.write_text(damaged)
        with pytest.raises(InputError, match="delete it"):
            PersonalWords.load(path)
    with pytest.raises(InputError, match="folder"):
        PersonalWords.load(tmp_path)


def test_control_p_types_in_private(typist_file: Path) -> None:
    keyboard = TextModel.load(typist_file).keyboard()
    session = Session(keyboard)
    for key in "\x10see Zoltan\r":
        session.press(key)
    assert session.private
    assert len(keyboard.personal) == 0
    for key in "\x10the Ada\r":
        session.press(key)
    assert dict(keyboard.personal.listed()).keys() == {"the", "Ada"}


def test_many_typed_at_once_are_what_one_after_another_is(typist_file: Path, story: str) -> None:
    """The quick measure against the keyboard itself, key by key, in several scripts."""
    keyboard = TextModel.load(typist_file).keyboard()
    text = "\n\n".join(
        [
            "the  cat (sat) on-the mat.",
            story[:200],
            "we ran\nup, the hill 🙂 on 我们 a mat",
            "is\nthe\ndog",
            "thecat ran",
        ]
    )
    quick, slow = _Count(), _Count()
    _side_by_side(keyboard, text, quick)
    private = TextModel.load(typist_file).keyboard()
    private.personal.private = True  # it would learn on the way
    _one_after_another(private, text, slow)
    assert sorted(quick.nexts) == sorted(slow.nexts)
    assert sorted(quick.completions) == sorted(slow.completions)
    assert quick.keys == slow.keys
