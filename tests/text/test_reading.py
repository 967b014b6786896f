"""Text in, whatever it comes as; one clear line for what is no text."""

import io
from pathlib import Path

import numpy as np
import pytest

from latchwork.core.errors import InputError, LatchworkError
from latchwork.text import reading
from latchwork.transforms.vocabulary import ByteVocabulary, CharacterVocabulary


def test_a_file_a_pipe_and_a_string_read_the_same(tmp_path: Path) -> None:
    text = "first line\nsecond é\n"
    path = tmp_path / "a.txt"
    path.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    assert reading.from_path(path).text() == text
    assert reading.from_string(text).text() == text
    pipe = reading.from_pipe(io.BytesIO(text.encode()))
    assert pipe.text() == pipe.text() == text


def test_a_folder_reads_its_text_files_in_order_and_tells_what_it_left_out(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "second.md").write_text("two")
    (tmp_path / "a.txt").write_text("one\n")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\0\0")
    (tmp_path / ".hidden").write_text("secret")
    source = reading.from_path(tmp_path)
    assert source.text() == "one\ntwo\n"
    assert [p.name for p in source.skipped] == ["picture.png"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"\x7fELF\0\0\0", "binary"),
        ("grüße".encode("utf-16"), "UTF-16"),
        ("one\ntwo\ngr\u00fc\u00dfe".encode("latin-1"), "line 3 holds byte 0xfc"),
        ("one\ntwo €".encode()[:-1], "cut off"),
    ],
)
def test_what_is_no_text_is_named(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "given"
    path.write_bytes(content)
    with pytest.raises(InputError, match=says):
        reading.from_path(path).text()
    with pytest.raises(InputError, match=says):
        reading.from_pipe(io.BytesIO(content)).text()


def test_no_such_file_and_no_text_in_a_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        reading.from_path(tmp_path / "missing.txt")
    with pytest.raises(InputError, match="none of its 0 files"):
        reading.from_path(tmp_path)
    with pytest.raises(InputError, match="empty"):
        reading.from_string("")


def test_chunks_are_cut_after_a_line_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "CHUNK_CHARACTERS", 20)
    path = tmp_path / "a.txt"
    path.write_text("a line of text\nanother\n" * 4)
    chunks = list(reading.from_path(path).chunks())
    assert len(chunks) > 2
    assert all(chunk.endswith("\n") for chunk in chunks)


def test_a_large_text_is_mapped_from_disk_and_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "to be or not to be\n" * 50
    source = reading.from_string(text)
    vocabulary = CharacterVocabulary.fit(source.chunks())
    small = reading.tokenize(source, vocabulary)
    monkeypatch.setattr(reading, "_IN_MEMORY_BYTES", 100)
    large = reading.tokenize(source, vocabulary)
    assert isinstance(large.ids, np.memmap)
    assert large.ids.dtype == np.uint8
    assert np.array_equal(large.ids, small.ids)
    assert (large.sha256, large.characters) == (small.sha256, small.characters) == (small.sha256, len(text))


def test_a_full_disk_is_one_clear_line() -> None:
    class Full(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise OSError(28, "No space left on device")

    with pytest.raises(LatchworkError, match="no space left on the disk for the piped text"):
        reading.from_pipe(Full())


def test_a_split_is_by_position_and_loses_nothing() -> None:
    ids = ByteVocabulary().encode("0123456789" * 10)
    parts = reading.split(ids, validation=0.1, test=0.2)
    assert [len(p) for p in (parts.train, parts.validation, parts.test)] == [70, 10, 20]
    assert np.array_equal(np.concatenate([parts.validation, parts.train, parts.test]), ids)
    with pytest.raises(InputError, match="less than 1"):
        reading.split(ids, validation=0.5, test=0.5)
    with pytest.raises(InputError, match="too short"):
        reading.split(ids[:1])


@pytest.mark.parametrize(
    ("text", "encoding", "says"),
    [
        ("it’s a “fine” day – grüße\n" * 5, "cp1252", "iconv -f cp1252"),
        ("grüße aus München\n" * 5, "latin-1", "iconv -f latin1"),
        ("Привет, как дела? Хорошо.\n" * 5, "cp1251", "iconv -f cp1251"),
    ],
)
def test_the_advice_fits_the_encoding(tmp_path: Path, text: str, encoding: str, says: str) -> None:
    path = tmp_path / "old.txt"
    path.write_bytes(text.encode(encoding))
    with pytest.raises(InputError, match=says):
        reading.from_path(path).text()


def test_a_string_that_names_a_file_is_read_as_one_or_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("story.txt").write_text("once upon a time\n")
    assert reading.from_text_or_name("story.txt").text() == "once upon a time\n"
    assert reading.from_text_or_name(str(tmp_path / "story.txt")).text() == "once upon a time\n"
    for missing in ("other.txt", "/no/such/book.TXT", "~/story.md"):
        with pytest.raises(InputError, match="looks like the name of a file"):
            reading.from_text_or_name(missing)
    for text in ("to be or not to be", "story.txt\nis a name", "Read the file story.txt", "a" * 5000, "a\0b"):
        assert reading.from_text_or_name(text).text() == text
