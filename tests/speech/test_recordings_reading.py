"""Folders of recordings as people keep them: read right, or asked about in one line."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

from latchwork.core.errors import InputError
from latchwork.speech.reading.finding import Finder
from latchwork.speech.reading.wording import spoken
from latchwork.speech.recordings import Recordings, read_recordings

DIGITS = [str(digit) for digit in range(10)]
NAMES = ["george", "lucas", "theo"]
STRANGERS = ["kofi", "xiu"]  # in no list of names
COMMANDS = ["yes", "no", "stop"]
TAKES = range(3)


def kept(root: Path, names: list[str], **tables: str | bytes) -> Path:
    """A folder of empty files by these names, and of tables (`metadata_csv` is metadata.csv)."""
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    for name, content in tables.items():
        path = root / ".".join(name.rsplit("_", 1))
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return root


PLACES = {
    "recordings/{word}_{speaker}_{take}": (
        [f"recordings/{w}_{s}_{t}.wav" for w, s, t in product(DIGITS, NAMES, TAKES)],
        DIGITS,
        NAMES,
    ),
    "{word}_{speaker}_{take}, nobody's words or names": (
        [f"{w}_{s}_{t}.wav" for w, s, t in product(["hund", "katze"], STRANGERS, TAKES)],
        ["hund", "katze"],
        STRANGERS,
    ),
    "{speaker}_{word}_{take}": (
        [f"{s}_{w}_{t}.wav" for w, s, t in product(COMMANDS, NAMES, TAKES)],
        COMMANDS,
        NAMES,
    ),
    "{take}_{speaker}_{word}": (
        [f"{t}_{s}_{w}.wav" for w, s, t in product(COMMANDS, NAMES, TAKES)],
        COMMANDS,
        NAMES,
    ),
    "AudioMNIST": (
        [f"data/{s:02d}/{w}_{s:02d}_{t}.wav" for w, s, t in product(range(10), range(1, 13), TAKES)],
        DIGITS,
        [f"{s:02d}" for s in range(1, 13)],
    ),
    "{speaker}/{word}": ([f"{s}/{w}.wav" for s, w in product(NAMES, COMMANDS)], COMMANDS, NAMES),
    "{speaker}/{digit}": ([f"{s}/{w}.wav" for s, w in product(NAMES, DIGITS)], DIGITS, NAMES),
    "{speaker}/{word}, numbered speakers": (
        [f"spk{s}/{w}.wav" for s, w in product((1, 2), ["mond", "sonne"])],
        ["mond", "sonne"],
        ["spk1", "spk2"],
    ),
    "{speaker}/{word}_{take}": (
        [f"{s}/{w}_{t}.wav" for s, w, t in product(NAMES, COMMANDS, TAKES)],
        COMMANDS,
        NAMES,
    ),
    "{word}/{speaker}/{take}": (
        [f"{w}/{s}/{t}.wav" for w, s, t in product(COMMANDS, ["ANN", "BOB"], (1, 2))],
        COMMANDS,
        ["ANN", "BOB"],
    ),
    "{speaker}/{word}/{take}": (
        [f"{s}/{w}/{t}.wav" for s, w, t in product(NAMES, COMMANDS, (1, 2))],
        COMMANDS,
        NAMES,
    ),
    "{word}/{speaker}_{take}": (
        [f"{w}/{s}_{t}.wav" for s, w, t in product(NAMES, COMMANDS, TAKES)],
        COMMANDS,
        NAMES,
    ),
    "train and test": (
        [f"{k}/{w}/{s}_{t}.wav" for k, s, w, t in product(("train", "test"), NAMES, COMMANDS, TAKES)],
        COMMANDS,
        NAMES,
    ),
    "{word}/{take}": ([f"{w}/{t}.wav" for w, t in product(["alpha", "beta"], TAKES)], ["alpha", "beta"], []),
    "{word}{take}": ([f"{w}{t}.wav" for w, t in product(COMMANDS, TAKES)], COMMANDS, []),
    "{word} ({take})": ([f"{w} ({t}).wav" for w, t in product(COMMANDS, TAKES)], COMMANDS, []),
    "phrases": (
        [f"{a}_{b}_{t}.wav" for a, b, t in product(["light", "fan"], ["on", "off"], TAKES)],
        ["fan off", "fan on", "light off", "light on"],
        [],
    ),
    "phrases and speakers": (
        [f"{a}_{b}_{s}_{t}.wav" for a, b, s, t in product(["light", "fan"], ["on", "off"], NAMES, TAKES)],
        ["fan off", "fan on", "light off", "light on"],
        NAMES,
    ),
    "vowel signs": ([f"{w}/{t}.wav" for w, t in product(["हाँ", "नहीं"], TAKES)], ["नहीं", "हाँ"], []),
    "macOS": ([f"{p}{w}/{t}.wav" for p, w, t in product(("", "__MACOSX/"), COMMANDS, TAKES)], COMMANDS, []),
    "macOS's shadows": ([f"{w}/{p}{t}.wav" for p, w, t in product(("", "._"), COMMANDS, TAKES)], COMMANDS, []),
}


def texts(read: Recordings) -> list[str]:
    return sorted({item.text for item in read.items})


@pytest.mark.parametrize("layout", PLACES)
def test_words_and_speakers_by_folders_and_names(layout: str, tmp_path: Path):
    names, words, speakers = PLACES[layout]
    read = read_recordings(kept(tmp_path, names))
    assert texts(read) == sorted(words)
    assert list(read.speakers) == sorted(speakers)
    assert len(read.items) == sum("._" not in name and "MACOSX" not in name for name in names)


def test_speech_commands(tmp_path: Path):
    speakers = ["0a7c2a8d", "0b09edd3", "00b01445"]
    names = [f"{w}/{s}_nohash_{t}.wav" for w, s, t in product(COMMANDS, speakers, range(2))]
    noise = "_background_noise_/doing_the_dishes.wav"
    read = read_recordings(kept(tmp_path, [*names, noise], testing_list_txt="yes/0a7c2a8d_nohash_0.wav\n"))
    assert (texts(read), list(read.speakers)) == (sorted(COMMANDS), sorted(speakers))
    assert [path.name for path in read.noise] == ["doing_the_dishes.wav"]


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ([f"{s}/{w}.wav" for s, w in product(STRANGERS, ["mond", "sonne"])], "{word}/{speaker}.wav or as {speaker}"),
        ([f"hello/{t}.wav" for t in TAKES], "every recording says 'hello'"),
        ([f"84/121123/84-121123-000{t}.flac" for t in TAKES], "do not say what is said"),
        ([f"wav/{t}.wav" for t in TAKES] + [f"clips/{t}.wav" for t in TAKES], "looks like the name of a folder"),
        ([f"rec{t:03d}.wav" for t in TAKES], "every recording says 'rec'"),
        (["saal_kalt_1.wav", "saal_kalt_2.wav", "flur_warm_1.wav", "bad_dunkel_1.wav"], "a speaker or part of what"),
        ([f"a/b/c/{t}.wav" for t in TAKES] + [f"x/y/z/{t}.wav" for t in TAKES], "several ways"),
    ],
)
def test_what_can_be_read_in_two_ways_is_asked_about(names: list[str], said: str, tmp_path: Path):
    with pytest.raises(InputError) as caught:
        read_recordings(kept(tmp_path, names))
    assert said in str(caught.value) and "\n" not in str(caught.value) and "--layout" in str(caught.value)


def test_the_user_may_say_how_files_are_named(tmp_path: Path):
    kept(tmp_path, [f"x/{s}/{w}-{t}.wav" for s, w, t in product(STRANGERS, ["mond", "sonne"], TAKES)] + ["x/odd.wav"])
    read = read_recordings(tmp_path, "{speaker}/{word}-{take}.wav")
    assert (texts(read), list(read.speakers)) == (["mond", "sonne"], STRANGERS)
    assert [left.path.name for left in read.left_out] == ["odd.wav"]
    for wrong, said in (("{speaker}.wav", "expected {word}"), ("{word}/{word}/a.wav", "no recording is named like")):
        with pytest.raises(InputError, match=said):
            read_recordings(tmp_path, wrong)


def test_a_few_files_named_otherwise_are_named_and_left_out(tmp_path: Path):
    names = [f"{w}/{s}_{t}.wav" for s, w, t in product(NAMES, COMMANDS, TAKES)]
    read = read_recordings(kept(tmp_path, [*names, "intro.wav"]))
    assert len(read.items) == len(names)
    assert any("intro.wav" in line for line in read.summary())
    assert any("3 words: no 9, stop 9, yes 9" in line for line in read.summary())
    assert any("3 speakers: george 9, lucas 9, theo 9" in line for line in read.summary())


WAVS = [f"wavs/a{take}.wav" for take in range(4)]
TABLES = {
    "Common Voice": (
        {"validated_tsv": "client_id\tpath\tsentence\tup_votes\n" + "".join(
            f'abc\ta{take}.wav\tHello "world\t2\n' for take in range(4)), "other_tsv": "client_id\tpath\tsentence\n"},
        "hello world", "abc",
    ),
    "LJSpeech": ({"metadata_csv": "".join(f'a{take}|in "1|in one\n' for take in range(4))}, "in one", ""),
    "Hugging Face": (
        {"metadata_csv": "file_name,transcription,speaker_id\n" + "".join(f"wavs/a{t}.wav,Yes!,7\n" for t in range(4))},
        "yes", "7",
    ),
    "Hugging Face's JSON": (
        {"metadata_jsonl": "".join(f'{{"file_name": "wavs/a{t}.wav", "text": "Yes!"}}\n' for t in range(4))}, "yes", "",
    ),
    "DeepSpeech": (
        {"train_csv": "wav_filename,wav_filesize,transcript\n" + "".join(
            f"/home/x/wavs/a{t}.wav,100,yes no\n" for t in range(4))},
        "yes no", "",
    ),
    "Windows, UTF-16, semicolons, capitals, blank rows": (
        {"transcripts_csv": ("File;Text;Speaker\r\n" + "".join(f"C:\\data\\wavs\\a{t}.wav;Ja;ann\r\n" for t in range(4))
                             + "\r\n;;\r\n").encode("utf-16")},
        "ja", "ann",
    ),
    "tabs in a .csv": (
        {"transcripts_csv": "FILE\tTEXT\n" + "".join(f"wavs/a{t}.wav\tzéro, null\n" for t in range(4)) + "\n"},
        "zéro null", "",
    ),
    "no header": ({"transcripts_csv": "".join(f"wavs/a{t}.wav,zero\n" for t in range(4))}, "zero", ""),
    "two quotes that nobody closed": (
        {"transcripts_csv": "file,text\n" + "".join(
            f'a{t}.wav,{chr(34) if t in (0, 2) else ""}yes\n' for t in range(4))},
        "yes", "",
    ),
    "one quote that nobody closed": (
        {"transcripts_csv": "file,text,speaker\n" + "".join(
            f'a{t}.wav,{chr(34) if t == 1 else ""}yes,ann\n' for t in range(4))},
        "yes", "ann",
    ),
    "a text of two lines": (
        {"transcripts_csv": "file,text\n" + "".join(f'a{t}.wav,"good\nmorning"\n' for t in range(4))},
        "good morning", "",
    ),
    "commas in the text": (
        {"transcripts_csv": "file,text\n" + "".join(f"a{t}.wav,one, two, three\n" for t in range(4))},
        "one two three", "",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", TABLES)
def test_tables(kind: str, tmp_path: Path):
    tables, text, speaker = TABLES[kind]
    read = read_recordings(kept(tmp_path, [*WAVS, "wavs/._a0.wav"], **tables))
    assert [item.text for item in read.items] == [text] * 4
    assert list(read.speakers) == ([speaker] if speaker else [])


def test_librispeech(tmp_path: Path):
    inside = "LibriSpeech/dev-clean/84/121123"
    kept(tmp_path, [f"{inside}/84-121123-000{take}.flac" for take in TAKES])
    lines = "".join(f"84-121123-000{take} GO DO YOU HEAR\n" for take in TAKES)
    (tmp_path / inside / "84-121123.trans.txt").write_text(lines)
    read = read_recordings(tmp_path)
    assert texts(read) == ["go do you hear"] and read.speakers == {"84": 3}


def test_rows_and_files_without_each_other_are_named_and_left_out(tmp_path: Path):
    table = "file,text\na0.wav,yes\nnone.wav,no\na1.wav,...\n"
    read = read_recordings(kept(tmp_path, WAVS, transcripts_csv=table))
    assert [item.path.name for item in read.items] == ["a0.wav"]
    left = {item.path.name: item.reason for item in read.left_out}
    assert left.keys() == {"none.wav", "a1.wav", "a2.wav", "a3.wav"}
    assert "not there" in left["none.wav"] and "nothing is written" in left["a1.wav"] and "no table" in left["a2.wav"]


def test_a_table_that_says_nothing_of_recordings_is_passed_over(tmp_path: Path):
    names = [f"{w}/{t}.wav" for w, t in product(COMMANDS, TAKES)]
    assert texts(read_recordings(kept(tmp_path, names, prices_csv="item,price\nmilk,2\n"))) == sorted(COMMANDS)
    with pytest.raises(InputError, match="columns file and text"):
        read_recordings(tmp_path / "prices.csv")


def test_text_files_beside(tmp_path: Path):
    kept(tmp_path, ["a.wav", "b.wav", "c.wav"], a_txt="Guten  Tag!\n", b_txt="Grüße".encode("utf-16"))
    read = read_recordings(tmp_path)
    assert [item.text for item in read.items] == ["guten tag", "grüße"]
    assert [left.path.name for left in read.left_out] == ["c.wav"]


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("Don\u2019t PANIC!", "don't panic"),
        ("ze\u0301ro", "z\u00e9ro"),
        ("हाँ, नहीं।", "हाँ नहीं"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("turn_on the light-bulb", "turn on the light bulb"),
        ("3.5 l'eau 'tis", "3.5 l'eau tis"),
        ("ΛΌΓΟΣ Straße İZMİR", "λόγος straße i\u0307zmi\u0307r"),
        ("สวัสดี", "สวัสดี"),
        ("...", ""),
    ],
)
def test_words_of_any_script(written: str, words: str):
    assert spoken(written) == words


def test_names_that_fit_several_files_fit_none():
    finder = Finder([Path("x/one/a.wav"), Path("x/two/a.wav"), Path("x/two/b.wav")])
    assert finder.find("a.wav", Path("elsewhere")) is None
    assert finder.find("TWO/a.wav", Path("elsewhere")) == Path("x/two/a.wav")
    assert finder.find("b", Path("elsewhere")) == Path("x/two/b.wav")
