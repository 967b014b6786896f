"""`latchwork text`, as a user runs it, and the ways of hurting it."""

import errno
import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from latchwork.cli.main import run
from latchwork.core.errors import InputError
from latchwork.text.keyboard import Keyboard
from latchwork.text.model import TextModel
from latchwork.text.terminal import Session, read_keys

COMMAND = [sys.executable, "-c", "import sys; from latchwork.cli.main import run; sys.exit(run(sys.argv[1:]))"]


def as_json(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> dict[str, Any]:
    assert run(["text", *map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def refused(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    """The one line that a refused command prints."""
    code = run(["text", *map(str, arguments)])
    lines = capsys.readouterr().err.strip().splitlines()
    assert code in (1, 2)
    assert "Traceback" not in "\n".join(lines)
    return lines[-1]


@pytest.fixture
def story_file(story: str, tmp_path: Path) -> Path:
    path = tmp_path / "story.txt"
    path.write_text(story)
    return path


def test_train_test_and_write_with_names_that_stay(
    capsys: pytest.CaptureFixture[str], story_file: Path, tmp_path: Path
) -> None:
    model = tmp_path / "m.latch"
    trained = as_json(capsys, "train", story_file, "--out", model, "--steps", 20, "--hidden", 16)
    assert trained["steps"] == 20
    assert trained["repeat"] == "--steps 20 --hidden 16"
    assert not (tmp_path / "m.latch.unfinished").exists()
    tested = as_json(capsys, "test", model, story_file)
    assert tested["part"] == "test"
    assert tested["bits_per_character"] == pytest.approx(trained["bits_per_character"])
    assert tested["baseline"]["bytes"] <= model.stat().st_size
    written = as_json(capsys, "write", model, "--prompt", "the ", "--length", 30, "--samples", 2)
    assert [len(sample) for sample in written["samples"]] == [30, 30]
    assert written["samples"][0] != written["samples"][1]
    assert run(["text", "write", str(model), "--prompt", "the ", "--length", "30"]) == 0
    assert capsys.readouterr().out == "the " + written["samples"][0] + "\n"


def test_a_keyboard_is_tested_beside_the_ngram(
    capsys: pytest.CaptureFixture[str], typist_file: Path, story_file: Path
) -> None:
    results = as_json(capsys, "test", typist_file, story_file, "--words", 40)
    names = {"perplexity", "top1", "top3", "keystrokes_saved", "p95_ms", "p50_ms", "completion_top3"}
    assert names <= results.keys()
    assert names <= results["baseline"].keys()
    assert results["keystrokes_saved"] > 0.2


def test_surprise_is_coloured_and_counted(
    capsys: pytest.CaptureFixture[str], writer_file: Path, tmp_path: Path
) -> None:
    text = tmp_path / "odd.txt"
    text.write_text("the cat xylophone\n")
    pieces = as_json(capsys, "write", writer_file, "--surprise", text)["pieces"]
    assert "".join(piece["text"] for piece in pieces) == "the cat xylophone\n"
    assert run(["text", "write", str(writer_file), "--surprise", str(text)]) == 0
    shown = capsys.readouterr().out
    assert "\x1b[30;48;5;203m" in shown
    assert "bits per character" in shown


def test_suggest_once_learns_nothing_and_forgets_when_told(
    capsys: pytest.CaptureFixture[str], typist_file: Path, tmp_path: Path
) -> None:
    words = tmp_path / "mine.json"
    words.write_text(json.dumps({"words": {"Zoltan": 9}, "after": {"": {"Zoltan": 9}}}))
    options = ("suggest", typist_file, "--context", "Zo", "--personal", words)
    assert as_json(capsys, *options)["suggestions"] == ["Zoltan"]
    assert as_json(capsys, *options, "--forget")["suggestions"] == []
    assert not words.exists()


def test_a_session_in_the_terminal_counts_keys(typist_file: Path) -> None:
    keyboard: Keyboard = TextModel.load(typist_file).keyboard()
    session = Session(keyboard)
    for key in "the ":
        session.press(key)
    first = session.suggestions[0]
    session.press("\t")
    assert session.line == f"the {first} "
    assert (session.keys, session.characters) == (5, len(session.line))
    session.press(".")
    assert session.line == f"the {first}."
    session.press("\x7f")
    session.press("\r")
    assert session.line == ""
    assert keyboard.personal.probability(first, "the") > 0
    session.press("9")
    session.press("1")  # after a digit, a digit
    assert session.line == "91"


def test_keys_that_a_terminal_spells_out_are_not_typed() -> None:
    typed = io.StringIO("a\x1b[D\x1b[3~\x1bOAb\x1b1\x04")
    assert list(read_keys(typed)) == [("a", False), ("b", False), ("1", True), ("\x04", False)]


def test_a_deleted_character_was_not_written_and_alt_types_a_digit(typist_file: Path) -> None:
    session = Session(TextModel.load(typist_file).keyboard())
    session.press("\x7f")  # there is nothing to delete
    session.press("1", literally=True)
    session.press("x")
    session.press("\x7f")
    assert (session.line, session.keys, session.characters) == ("1", 4, 1)


# Ten ways of hurting it.


def test_an_empty_text(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    empty = tmp_path / "empty.txt"
    empty.touch()
    assert "empty" in refused(capsys, "train", empty, "--out", tmp_path / "m.latch", "--steps", 1)


def test_one_character_repeated(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    text = tmp_path / "a.txt"
    text.write_text("a" * 3000)
    model = tmp_path / "m.latch"
    assert as_json(capsys, "train", text, "--out", model, "--steps", 3)["bits_per_character"] < 0.2
    assert as_json(capsys, "write", model, "--length", 5)["samples"] == ["aaaaa"]


def test_a_binary_file(capsys: pytest.CaptureFixture[str], writer_file: Path, tmp_path: Path) -> None:
    line = refused(capsys, "train", writer_file, "--out", tmp_path / "m.latch", "--steps", 1)
    assert "binary" in line or "UTF-8" in line


def test_mixed_scripts(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    text = tmp_path / "mixed.txt"
    text.write_text("Ελληνικά, русский, 日本語, العربية, हिन्दी and English 🙂.\n" * 60, encoding="utf-8")
    model = tmp_path / "m.latch"
    options = ("--out", model, "--steps", 8, "--hidden", 8)
    assert as_json(capsys, "train", text, *options)["bits_per_character"] < 8
    assert as_json(capsys, "write", model, "--prompt", "русский Ж", "--length", 20)["samples"][0]


def test_a_text_too_short_to_set_anything_aside(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    text = tmp_path / "short.txt"
    text.write_text("a")
    assert "too short" in refused(capsys, "train", text, "--out", tmp_path / "m.latch", "--steps", 1)


def test_options_that_contradict_each_other(
    capsys: pytest.CaptureFixture[str], story_file: Path, tmp_path: Path
) -> None:
    out = tmp_path / "m.latch"
    assert "not both" in refused(capsys, "train", story_file, "--out", out, "--steps", 1, "--minutes", 1)
    assert "there is no folder" in refused(capsys, "train", story_file, "--out", tmp_path / "no" / "m.latch")


def test_a_model_of_another_job_or_no_model(capsys: pytest.CaptureFixture[str], story_file: Path) -> None:
    assert refused(capsys, "write", story_file)
    fixture = Path(__file__).parent.parent / "fixtures" / "format1.latch"
    assert "expected one for text" in refused(capsys, "write", fixture)


def test_no_space_on_the_disk_loses_no_trained_work(
    capsys: pytest.CaptureFixture[str], story_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from latchwork.text.language_model import LanguageModel

    model = tmp_path / "m.latch"
    train = ("train", story_file, "--out", model, "--steps", 12, "--hidden", 16)

    def full(self: LanguageModel, path: Path) -> None:
        from latchwork.core.errors import LatchworkError

        raise LatchworkError(f"cannot write {path}: {os.strerror(errno.ENOSPC)}")

    with monkeypatch.context() as patch:
        patch.setattr(LanguageModel, "save", full)
        assert "No space left" in refused(capsys, *train)
    assert (tmp_path / "m.latch.unfinished").exists()
    assert as_json(capsys, *train)["steps"] == 12  # from the checkpoint: nothing is trained again
    assert model.exists()


def test_killed_in_the_middle_goes_on_to_the_same_model(
    capsys: pytest.CaptureFixture[str], story_file: Path, tmp_path: Path
) -> None:
    model, unbroken = tmp_path / "m.latch", tmp_path / "unbroken.latch"
    options = ("--steps", "1000", "--hidden", "16")
    train = ["text", "train", str(story_file), "--out", str(model), *options, "--json"]
    process = subprocess.Popen([*COMMAND, *train], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stderr is not None
    while b"step" not in (line := process.stderr.readline()) and b"epoch" not in line:
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 130
    stopped = json.loads(out)
    assert stopped["stopped"] == "interrupted"
    assert 0 < stopped["steps"] < 1000
    assert TextModel.load(model).bits_per_character("the cat sat") > 0  # what was learned was kept
    # Another run is told that this one is unfinished; the same command goes on to what an unbroken run gives.
    assert "another run" in refused(capsys, *train[1:-1], "--seed", "5")
    assert as_json(capsys, *train[1:-1])["steps"] == 1000
    as_json(capsys, "train", story_file, "--out", unbroken, *options)
    resumed, whole = (TextModel.load(path) for path in (model, unbroken))
    np.testing.assert_array_equal(resumed.shares, whole.shares)
    for name, array in whole.data.parameters.items():
        np.testing.assert_array_equal(resumed.data.parameters[name], array)


def test_a_file_that_may_not_grow_is_one_line_and_leaves_no_litter(story_file: Path, tmp_path: Path) -> None:
    """As on a full disk, but real: the system refuses the write of more than 10 kB."""
    code = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000)); " + COMMAND[-1]
    train = ["text", "train", str(story_file), "--out", str(tmp_path / "m.latch"), "--steps", "2", "--hidden", "16"]
    result = subprocess.run([sys.executable, "-c", code, *train], capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "could not write" in result.stderr.splitlines()[-1]
    assert "Traceback" not in result.stderr
    assert not [path for path in tmp_path.rglob("*") if path.name.endswith((".latch", ".partial"))]


def test_a_reader_that_goes_away_ends_the_writing(writer_file: Path) -> None:
    write = ["text", "write", str(writer_file), "--prompt", "the ", "--length", "1000000"]
    process = subprocess.Popen([*COMMAND, *write], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.read(10).startswith(b"the ")
    process.stdout.close()
    process.wait(timeout=60)
    assert process.stderr is not None
    assert process.stderr.read() == b""


def test_a_stream_larger_than_memory_is_read_with_bounded_memory(tmp_path: Path) -> None:
    _read_a_stream(tmp_path, megabytes=120, most_kilobytes=60_000)


@pytest.mark.proof
def test_a_gigabyte_is_read_with_bounded_memory(tmp_path: Path) -> None:
    _read_a_stream(tmp_path, megabytes=1024, most_kilobytes=60_000)


def _read_a_stream(folder: Path, megabytes: int, most_kilobytes: int) -> None:
    """The reading, measured in a process of its own, with the limit for texts in memory set to 2 MB."""
    code = """
import io, resource, sys
import numpy as np
from latchwork.text import reading
from latchwork.transforms.vocabulary import CharacterVocabulary
reading._IN_MEMORY_BYTES = 2 << 20
size = int(sys.argv[2]) << 20

class Stream(io.RawIOBase):
    left = size
    def readable(self): return True
    def readinto(self, buffer):
        count = min(len(buffer), self.left)
        buffer[:count] = (b"the quick brown fox\\n" * (count // 20 + 1))[:count]
        self.left -= count
        return count

source = reading.from_pipe(io.BufferedReader(Stream()), sys.argv[1])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
vocabulary = CharacterVocabulary.fit(source.chunks())
tokens = reading.tokenize(source, vocabulary, sys.argv[1])
assert isinstance(tokens.ids, np.memmap) and len(tokens.ids) == size
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    arguments = [sys.executable, "-c", code, str(folder), str(megabytes)]
    result = subprocess.run(arguments, capture_output=True, text=True, check=True)
    assert int(result.stdout) < most_kilobytes  # a few chunks, not the text and its tokens


def test_a_pipe_is_a_text_like_any_other(
    capsys: pytest.CaptureFixture[str], story: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(story.encode())))
    trained = as_json(capsys, "train", "-", "--out", tmp_path / "m.latch", "--steps", 2, "--hidden", 16)
    assert trained["steps"] == 2


def test_another_network_is_told_by_its_sizes_and_not_by_its_insides(
    capsys: pytest.CaptureFixture[str], story_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from latchwork.text.language_model import LanguageModel

    train = ("train", story_file, "--out", tmp_path / "m.latch", "--steps", 12)

    def full(self: LanguageModel, path: Path) -> None:
        raise InputError("no")

    with monkeypatch.context() as patch:
        patch.setattr(LanguageModel, "save", full)
        refused(capsys, *train, "--hidden", 16)
    line = refused(capsys, *train, "--hidden", 24)
    assert "another run" in line
    assert "16" in line
    assert "24" in line
    assert len(line) < 400


def test_little_text_is_warned_of_and_still_learned(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    text = tmp_path / "little.txt"
    text.write_text("twenty bytes of text")
    model = tmp_path / "m.latch"
    assert run(["text", "train", str(text), "--out", str(model), "--steps", "2", "--hidden", "8", "--json"]) == 0
    assert "too little to learn" in capsys.readouterr().err
    assert len(as_json(capsys, "write", model, "--length", 5, "--temperature", 0)["samples"][0]) <= 5


def test_the_training_text_and_one_line_more_is_not_taken_for_unseen(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    letters = np.random.default_rng(0).integers(0, 26, (9000, 6)) + 97
    story = "\n".join(
        " ".join(bytes(w).decode() for w in letters[i : i + 8].astype(np.uint8)) for i in range(0, 9000, 8)
    )
    text, longer, model = tmp_path / "a.txt", tmp_path / "b.txt", tmp_path / "m.latch"
    text.write_text(story)
    longer.write_text(story + "\none more line\n")
    as_json(capsys, "train", text, "--out", model, "--steps", 2, "--hidden", 8)
    assert run(["text", "test", str(model), str(longer), "--json"]) == 0
    out = capsys.readouterr()
    tested = json.loads(out.out)
    assert tested["part"] == "unseen"
    assert 0.8 < tested["overlap"] < 0.95
    assert tested["characters"] < 0.3 * len(story)
    assert "% of this text was trained on" in out.err
    part = tmp_path / "c.txt"
    part.write_text(story[20_000:40_000])
    assert "trained on" in refused(capsys, "test", model, part)


def test_words_bound_what_is_scored_and_slips_are_reported(
    capsys: pytest.CaptureFixture[str], typist_file: Path, tmp_path: Path
) -> None:
    text = tmp_path / "t.txt"
    text.write_text("the dog sat on the hill\n" * 200)
    some = as_json(capsys, "test", typist_file, text, "--words", 30, "--slips", 5, "--seed", 2)
    assert some["characters_scored"] < 200
    assert some["slips"]["slips"] == 5
    assert some["slips"]["seed"] == 2
    assert {"first", "third", "spoilt", "rate", "layout"} <= some["slips"].keys()
    assert "bits_per_byte" in some
    assert "bits_per_byte" in some["baseline"]


def test_a_folder_for_personal_words_is_one_clear_line(
    capsys: pytest.CaptureFixture[str], typist_file: Path, tmp_path: Path
) -> None:
    line = refused(capsys, "suggest", typist_file, "--context", "a", "--personal", tmp_path)
    assert "is a folder" in line


def test_personal_words_are_listed_and_taken_out_one_by_one(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    file.write_text(json.dumps({"words": {"Zoltan": 9, "Ada": 2}, "after": {"": {"Zoltan": 9}, "Zoltan": {"Ada": 2}}}))
    listed = as_json(capsys, "words", "--personal", file)["words"]
    assert listed == [{"word": "Zoltan", "times": 9}, {"word": "Ada", "times": 2}]
    assert "not among" in refused(capsys, "words", "--personal", file, "--forget", "Bob")
    assert as_json(capsys, "words", "--personal", file, "--forget", "Zoltan")["words"] == [{"word": "Ada", "times": 2}]
    assert "Zoltan" not in file.read_text()


def test_words_never_offered_come_from_a_file(
    capsys: pytest.CaptureFixture[str], typist_file: Path, tmp_path: Path
) -> None:
    never = tmp_path / "never.txt"
    never.write_text("Dog\n")
    plain = ("suggest", typist_file, "--context", "the d", "--personal", tmp_path / "mine.json")
    assert "dog" in as_json(capsys, *plain)["suggestions"]
    assert "dog" not in as_json(capsys, *plain, "--never", never)["suggestions"]


def test_loops_are_told_beside_the_text(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    text, model = tmp_path / "ha.txt", tmp_path / "m.latch"
    text.write_text("ha" * 3000)
    as_json(capsys, "train", text, "--out", model, "--steps", 2, "--hidden", 8)
    assert run(["text", "write", str(model), "--temperature", "0", "--length", "80"]) == 0
    assert "--repetition" in capsys.readouterr().err


@pytest.mark.parametrize("ends", ["close", "term", "ctrl-d"])
def test_what_was_typed_is_kept_however_the_session_ends(typist_file: Path, tmp_path: Path, ends: str) -> None:
    import pty
    import select
    import time

    mine = tmp_path / "mine.json"
    options = ["text", "suggest", str(typist_file), "--personal", str(mine), "--no-correct"]
    ours, theirs = pty.openpty()
    process = subprocess.Popen([*COMMAND, *options], stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)
    os.close(theirs)

    def shown(what: bytes) -> None:
        seen, until = b"", time.monotonic() + 60
        while what not in seen and time.monotonic() < until:
            if select.select([ours], [], [], 1)[0]:
                seen += os.read(ours, 4096)
        assert what in seen

    shown(b"0 keys")
    os.write(ours, b"see Zoltan\r")
    shown(b"see Zoltan\r\n")
    os.write(ours, b"and Ada")
    shown(b"and Ada")
    if ends == "close":
        process.send_signal(signal.SIGHUP)
    elif ends == "term":
        process.send_signal(signal.SIGTERM)
    else:
        os.write(ours, b"\x04")
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        try:
            if select.select([ours], [], [], 1)[0]:
                os.read(ours, 4096)
        except OSError:
            break
    process.wait(timeout=60)
    os.close(ours)
    assert {"see", "Zoltan", "Ada"} <= json.loads(mine.read_text())["words"].keys()


@pytest.mark.parametrize(("size", "says"), [("2 elephants", "such as 2MB"), ("9kB", "200 kB or more")])
def test_a_size_that_is_none_is_refused(
    capsys: pytest.CaptureFixture[str], story_file: Path, tmp_path: Path, size: str, says: str
) -> None:
    train = ("train", story_file, "--out", tmp_path / "m.latch", "--steps", 1)
    assert says in refused(capsys, *train, "--units", "word", "--size", size)
    assert "only keyboards" in refused(capsys, *train, "--size", "2MB")
