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
    assert "does not exist" in refused(capsys, "train", story_file, "--out", tmp_path / "no" / "m.latch")


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
