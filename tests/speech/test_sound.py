"""From sound to steps, and folders of recordings in every layout."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from latchwork.core.errors import InputError
from latchwork.speech.audio import read_audio
from latchwork.speech.listening import CHUNK_MS, from_pipe, utterances
from latchwork.speech.loading import load_utterances
from latchwork.speech.recordings import read_recordings
from latchwork.speech.strings import joined
from latchwork.speech.symbols import Symbols, fit_symbols
from latchwork.transforms.spectrogram import Spectrogram

soundfile = pytest.importorskip("soundfile")
RATE = 8000


def tone(hertz: float, seconds: float = 0.5, rate: int = RATE) -> np.ndarray:
    return np.sin(2 * np.pi * hertz * np.arange(int(rate * seconds)) / rate).astype(np.float32)


def test_a_tone_is_loudest_in_the_band_that_it_lies_in():
    spectrogram = Spectrogram(RATE, bands=20, stack=1)
    rng = np.random.default_rng(0)
    found = []
    for hertz in (200, 800, 2500):
        # Half a second of noise first: a band's mean over the recording is taken off.
        sound = np.concatenate([0.001 * rng.normal(size=4000).astype(np.float32), tone(hertz)])
        found.append(int(spectrogram.transform(sound)[-10:].mean(axis=0).argmax()))
    assert found == sorted(found) and len(set(found)) == 3


def test_loudness_is_not_heard():
    spectrogram, sound = Spectrogram(RATE), tone(440) + 0.1 * np.random.default_rng(0).normal(size=4000)
    loud, soft = (spectrogram.transform((factor * sound).astype(np.float32)) for factor in (1.0, 0.1))
    np.testing.assert_allclose(loud, soft, atol=1e-3)


@pytest.mark.parametrize("rate", [8000, 16_000, 44_100])
def test_steps_last_as_long_as_they_should(rate: int):
    spectrogram = Spectrogram(rate)
    steps = len(spectrogram.transform(tone(440, 3.0, rate)))
    assert steps == pytest.approx(3.0 / spectrogram.step_seconds, abs=2)
    assert spectrogram.transform(np.zeros(1, np.float32)).shape == (1, spectrogram.features)


@pytest.mark.parametrize(("rate", "bands", "stack"), [(10, 40, 2), (8000, 2, 2), (8000, 40, 0)])
def test_a_spectrogram_that_cannot_be_is_refused(rate: int, bands: int, stack: int):
    with pytest.raises(InputError, match="expected"):
        Spectrogram(rate, bands, stack)


def test_files_are_brought_to_one_channel_and_rate(tmp_path: Path):
    stereo = np.stack([tone(440, 1.0, 16_000), np.zeros(16_000, np.float32)], axis=1)
    soundfile.write(tmp_path / "a.flac", stereo, 16_000)
    samples, rate = read_audio(tmp_path / "a.flac", 8000)
    assert rate == 8000 and len(samples) == pytest.approx(8000, abs=2)
    assert np.abs(samples[1000:-1000]).max() == pytest.approx(0.5, abs=0.01)


def test_what_is_no_sound_is_refused_in_a_line(tmp_path: Path):
    (tmp_path / "text.wav").write_text("not sound at all")
    soundfile.write(tmp_path / "empty.wav", np.zeros(0, np.float32), RATE)
    for name, said in (("text.wav", "no recording"), ("empty.wav", "no sound"), ("none.wav", "no file")):
        with pytest.raises(InputError, match=said) as caught:
            read_audio(tmp_path / name)
        assert "\n" not in str(caught.value)


def write(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, tone(440, 0.2), RATE)


def test_four_layouts_are_read(tmp_path: Path):
    write(tmp_path / "table" / "x.wav")
    (tmp_path / "table" / "transcripts.csv").write_text('file,text,speaker\nx.wav,"Good morning, all!",ann\n')
    write(tmp_path / "beside" / "x.wav")
    (tmp_path / "beside" / "x.txt").write_text("Good  morning all\n")
    write(tmp_path / "folders" / "good" / "ann_1.wav")
    write(tmp_path / "named" / "good_ann_1.wav")
    found = {name: read_recordings(tmp_path / name).items[0] for name in ("table", "beside", "folders", "named")}
    assert {name: item.text for name, item in found.items()} == {
        "table": "good morning all", "beside": "good morning all", "folders": "good", "named": "good"
    }  # fmt: skip
    assert [found[name].speaker for name in ("table", "folders", "named")] == ["ann", "ann", "ann"]


def test_folders_that_do_not_say_what_is_said_are_refused(tmp_path: Path):
    with pytest.raises(InputError, match="no folder"):
        read_recordings(tmp_path / "nowhere")
    with pytest.raises(InputError, match="no recordings"):
        read_recordings(tmp_path)
    write(tmp_path / "recording.wav")
    with pytest.raises(InputError, match="looks like the name of a folder"):
        read_recordings(tmp_path)
    (tmp_path / "transcripts.csv").write_text("file,text\nother.wav,hello\n")
    with pytest.raises(InputError, match="line 2: there is no file"):
        read_recordings(tmp_path)
    (tmp_path / "transcripts.csv").write_text("file,text\nrecording.wav,...\n")
    with pytest.raises(InputError, match="nothing is written"):
        read_recordings(tmp_path)
    (tmp_path / "transcripts.csv").write_text("name,words\n")
    with pytest.raises(InputError, match="columns file and text"):
        read_recordings(tmp_path)


def test_speakers_are_left_out_or_chosen(recordings: Path):
    read = read_recordings(recordings)
    assert read.speakers == {"ann": 45, "bob": 45}
    assert read.of({"ann"}).speakers == {"ann": 45} and read.of({"ann"}, others=True).speakers == {"bob": 45}
    with pytest.raises(InputError, match="no speaker 'eve': there are ann, bob"):
        read.of({"eve"})


def test_symbols_follow_the_transcripts():
    assert fit_symbols(["yes", "no"] * 10) == Symbols("word", ("no", "yes"))
    assert fit_symbols(["yes", "no"]).units == "char"
    symbols = fit_symbols(["a cab"], "char")
    assert symbols.decode(symbols.encode("a cab")) == "a cab"
    with pytest.raises(InputError, match="'x'"):
        symbols.encode("x")


def test_strings_are_of_one_speaker_and_keep_their_words(recordings: Path):
    said, rate, *_ = load_utterances(read_recordings(recordings))
    for each in joined(said, 20, rate, np.random.default_rng(0)):
        words = each.text.split()
        assert 2 <= len(words) <= 4 and each.speaker in ("ann", "bob")
        assert len(each.samples) > 0.2 * RATE * len(words)


def test_utterances_are_cut_out_of_a_stream():
    rng = np.random.default_rng(0)
    room = lambda seconds: rng.normal(0, 0.002, int(RATE * seconds)).astype(np.float32)  # noqa: E731
    sound = np.concatenate(
        [room(1), 0.3 * tone(440, 0.5), room(1), 0.3 * tone(660, 0.4), room(1), room(0.02) * 50, room(1)]
    )
    size = RATE * CHUNK_MS // 1000
    found = list(utterances((sound[at : at + size] for at in range(0, len(sound), size)), RATE))
    assert len(found) == 2  # the click at the end is none
    for samples, seconds in zip(found, (0.5, 0.4), strict=True):
        assert seconds <= len(samples) / RATE <= seconds + 0.75


def test_a_pipe_ends_where_its_bytes_end(tmp_path: Path):
    (tmp_path / "raw").write_bytes(np.arange(1000, dtype="<i2").tobytes() + b"\x01")
    with (tmp_path / "raw").open("rb") as file:
        chunks = list(from_pipe(file, RATE))
    assert sum(map(len, chunks)) == 1000 and chunks[0][1] == pytest.approx(1 / 32768)
