"""Damaged and odd recordings: each gives a result or one clear line."""

from __future__ import annotations

import io
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from latchwork.core.errors import InputError
from latchwork.speech.audio import SILENT, blocks, read_audio, read_sound, resample
from latchwork.speech.loading import Utterance, load_utterances, misnamed_rates
from latchwork.speech.recordings import Recording, Recordings

soundfile = pytest.importorskip("soundfile")
RATE = 8000


def voice(seconds: float = 0.5, rate: int = RATE, seed: int = 0) -> np.ndarray:
    """Something like a vowel: overtones of a falling pitch, louder in the middle."""
    time = np.arange(int(seconds * rate)) / rate
    pitch = 120 - 20 * time / seconds
    tones = sum(np.sin(2 * np.pi * order * np.cumsum(pitch) / rate) / order for order in range(1, 12))
    hiss = np.random.default_rng(seed).normal(0, 0.01, len(time))
    return (0.2 * np.sin(np.pi * time / seconds) * tones + hiss).astype(np.float32)


def wav(samples: np.ndarray, rate: int = RATE, subtype: str = "PCM_16", kind: str = "WAV") -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, rate, subtype=subtype, format=kind)
    return file.getvalue()


GOOD = wav(voice())
HEARD = {
    "one sample": wav(np.ones(1, np.float32)),
    "clipped": wav(np.clip(30 * voice(), -1, 1)),
    "8 bits": wav(voice(), subtype="PCM_U8"),
    "24 bits": wav(voice(), subtype="PCM_24"),
    "32 bits": wav(voice(), subtype="PCM_32"),
    "float": wav(voice(), subtype="FLOAT"),
    "double": wav(voice(), subtype="DOUBLE"),
    "far above full scale": wav(1e6 * voice(), subtype="FLOAT"),
    "a-law": wav(voice(), subtype="ALAW"),
    "ADPCM": wav(voice(), subtype="IMA_ADPCM"),
    "96 kHz": wav(voice(rate=96_000), 96_000),
    "11,025 Hz": wav(voice(rate=11_025), 11_025),
    "stereo": wav(np.stack([voice(), 0.5 * voice()], axis=1)),
    "six channels": wav(np.stack([voice()] * 6, axis=1)),
    "antiphase": wav(np.stack([voice(), -voice()], axis=1)),
    "silence": wav(np.zeros(RATE, np.float32)),
    "a constant": wav(np.full(RATE, 0.5, np.float32)),
    "truncated data": GOOD[: len(GOOD) // 2],
    "a size of zero in the header": GOOD[:40] + b"\0\0\0\0" + GOOD[44:],
    "a size beyond the end": GOOD[:40] + b"\xff\xff\xff\x7f" + GOOD[44:],
    "rubbish after the end": GOOD + b"rubbish" * 99,
    "FLAC called .wav": wav(voice(), kind="FLAC"),
    "Ogg": wav(voice(), kind="OGG", subtype="VORBIS"),
    "Opus": wav(voice(rate=16_000), 16_000, kind="OGG", subtype="OPUS"),
    "MP3": wav(voice(rate=16_000), 16_000, kind="MP3", subtype="MPEG_LAYER_III"),
}
REFUSED = {
    "empty": (b"", "the file is empty"),
    "a header alone": (wav(np.zeros(0, np.float32)), "no sound in it"),
    "a truncated header": (GOOD[:20], "no recording"),
    "text": (b"not sound at all\n" * 40, "no recording"),
    "zero bytes": (b"\0" * 4000, "no recording"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + b"\0" * 500, "no recording"),
    "no numbers": (wav(np.array([0.1, np.nan, 0.2] * 99, np.float32), subtype="FLOAT"), "no numbers"),
    "three samples a second": (GOOD[:24] + (3).to_bytes(4, "little") + GOOD[28:], "samples a second"),
    "too many samples a second": (GOOD[:24] + (2_000_000).to_bytes(4, "little") + GOOD[28:], "samples a second"),
    "eleven minutes to learn from": (wav(np.zeros(660 * 2000, np.float32), 2000, "PCM_U8"), "at most 600 s"),
}


@pytest.mark.parametrize("kind", HEARD)
def test_odd_recordings_are_read(kind: str, tmp_path: Path):
    path = tmp_path / "take.wav"
    path.write_bytes(HEARD[kind])
    samples, rate = read_audio(path, RATE)
    assert samples.dtype == np.float32 and samples.ndim == 1 and len(samples) and rate == RATE
    assert np.isfinite(samples).all()
    if kind not in ("one sample", "silence", "a constant"):
        assert np.abs(samples).max() > 0.05


@pytest.mark.parametrize("kind", REFUSED)
def test_damaged_recordings_are_refused_in_a_line(kind: str, tmp_path: Path):
    content, said = REFUSED[kind]
    path = tmp_path / "take.wav"
    path.write_bytes(content)
    with pytest.raises(InputError, match=said) as caught:
        read_audio(path)
    assert "\n" not in str(caught.value) and str(path) in str(caught.value)


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs ffmpeg")
@pytest.mark.parametrize("ending", [".m4a", ".opus", ".webm"])
def test_what_only_ffmpeg_knows(ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "take.wav").write_bytes(GOOD)
    path = tmp_path / f"take{ending}"
    subprocess.run(["ffmpeg", "-v", "error", "-i", tmp_path / "take.wav", path], check=True)
    samples, _ = read_audio(path, RATE)
    assert len(samples) / RATE == pytest.approx(0.5, abs=0.15) and np.abs(samples).max() > 0.05
    monkeypatch.setenv("PATH", "")
    if ending == ".m4a":
        with pytest.raises(InputError, match="install ffmpeg"):
            read_audio(path)


def test_what_is_odd_is_noticed(tmp_path: Path):
    notes: dict[str, str] = {}
    for kind in ("antiphase", "silence", "clipped", "stereo"):
        (tmp_path / f"{kind}.wav").write_bytes(HEARD[kind])
        notes[kind] = read_sound(tmp_path / f"{kind}.wav").note
    assert "mirror" in notes["antiphase"] and notes["silence"] == SILENT and "clipped" in notes["clipped"]
    assert notes["stereo"] == ""


def test_a_header_with_half_or_twice_the_rate_is_noticed():
    takes = [Utterance(voice(seed=seed), "a") for seed in range(9)]
    slow = resample(voice(seed=10), RATE, 2 * RATE)  # 16,000 samples a second, called 8,000
    fast = resample(voice(seed=11), 2 * RATE, RATE)
    assert misnamed_rates([*takes, Utterance(slow, "a"), Utterance(fast, "a")], RATE) == [9, 10]
    assert misnamed_rates([*takes, Utterance(voice(1.0), "a")], RATE) == []  # slow, and as high as the others


def test_bad_files_are_named_and_left_out_and_the_rate_is_what_nearly_all_have(tmp_path: Path):
    names = {f"{take}.wav": wav(voice(rate=16_000), 16_000) for take in range(30)}
    names |= {"low.wav": GOOD, "bad.wav": b"", "silent.wav": HEARD["silence"]}
    for name, content in names.items():
        (tmp_path / name).write_bytes(content)
    loaded = load_utterances(Recordings(tuple(Recording(tmp_path / name, "a") for name in names), "by hand"))
    assert len(loaded.utterances) == 31 and loaded.rate == 16_000
    assert {left.path.name for left in loaded.left_out} == {"bad.wav", "silent.wav"}
    assert any("low.wav" in note and "16,000" in note for note in loaded.notes)
    with pytest.raises(InputError, match="none of 1 recordings"):
        load_utterances(Recordings((Recording(tmp_path / "bad.wav", "a"),), "by hand"))


def test_a_long_recording_comes_in_blocks(tmp_path: Path):
    long = np.tile(voice(1.0, 16_000), 95)
    soundfile.write(tmp_path / "long.wav", long, 16_000)
    found = list(blocks(tmp_path / "long.wav", RATE))
    assert len(found) > 3 and sum(map(len, found)) == pytest.approx(95 * RATE, abs=2)
    whole = read_audio(tmp_path / "long.wav", RATE)[0]
    np.testing.assert_allclose(np.concatenate(found)[1000:-1000], whole[1000:-1000], atol=0.02)
