"""A recogniser learns a made-up language, is saved, and answers from Python and from the command."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from made_up import RATE, say

import latchwork as lw
from latchwork.cli.main import run
from latchwork.speech.loading import load_utterances
from latchwork.speech.measures import word_error_rate
from latchwork.speech.model import SpeechModel
from latchwork.speech.recordings import read_recordings
from latchwork.speech.strings import joined

soundfile = pytest.importorskip("soundfile")


@pytest.fixture(scope="module")
def recognizer(recordings: Path) -> lw.SpeechRecognizer:
    return lw.SpeechRecognizer(hidden=32, epochs=70, batch_size=16, progress="none").fit(recordings)


@pytest.fixture(scope="module")
def saved(recognizer: lw.SpeechRecognizer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "speech.latch"
    recognizer.save(path)
    return path


def test_words_never_heard_before_are_understood(recognizer: lw.SpeechRecognizer):
    rng = np.random.default_rng(99)
    said = [word for word in ("up", "down", "flat") for _ in range(10)]
    heard = recognizer.predict([say(word, "ann", rng) for word in said], RATE)
    assert np.mean(np.array(heard) == said) >= 0.9
    assert recognizer.model_.symbols.units == "word"


def test_strings_of_words_are_understood(recognizer: lw.SpeechRecognizer, recordings: Path):
    said, rate, *_ = load_utterances(read_recordings(recordings))
    strings = joined(said, 30, rate, np.random.default_rng(5))
    heard = recognizer.predict([each.samples for each in strings], rate)
    assert word_error_rate([each.text for each in strings], heard) < 0.25


def test_another_rate_is_the_same_sound(recognizer: lw.SpeechRecognizer):
    sound = say("down", "bob", np.random.default_rng(3), rate=22_050)
    assert recognizer.transcribe(sound, 22_050) == "down"
    with pytest.raises(lw.InputError, match="rate"):
        recognizer.transcribe(sound)


def test_a_saved_recogniser_answers_alike_without_jax(recognizer: lw.SpeechRecognizer, saved: Path, recordings: Path):
    files = sorted(recordings.glob("*.wav"))[::9]
    loaded = lw.load(saved)
    assert isinstance(loaded, lw.SpeechRecognizer)
    assert loaded.predict(files) == recognizer.predict(files)
    assert loaded.evaluate(recordings)["n"] == 90
    code = (
        "import sys; from latchwork.speech.model import SpeechModel\n"
        "print(SpeechModel.load(sys.argv[1]).transcribe_file(sys.argv[2]).text, 'jax' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, saved, files[0]], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [recognizer.transcribe(files[0]), "False"]


def test_same_seed_same_recogniser(recordings: Path):
    one, two = (
        lw.SpeechRecognizer(hidden=8, steps=4, verdict=False, progress="none").fit(recordings) for _ in range(2)
    )
    first, second = (each.model_.data.parameters for each in (one, two))
    assert first.keys() == second.keys()
    assert all(np.array_equal(first[name], second[name]) for name in first)


def test_the_command_trains_tests_and_transcribes(recordings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    model = str(tmp_path / "m.latch")
    train = ["speech", "train", str(recordings), "--out", model, "--without", "bob", "--hidden", "16", "--steps", "8"]
    assert run([*train, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["steps"] == 8
    assert run(["speech", "test", model, str(recordings), "--speaker", "bob", "--json"]) == 0
    tested = json.loads(capsys.readouterr().out)
    assert {"word_error_rate", "utterance_accuracy", "n"} <= tested.keys() and tested["n"] == 45
    assert run(["speech", "transcribe", model, str(next(recordings.glob("*.wav")))]) == 0
    assert capsys.readouterr().out.count("\t") == 2


def test_what_cannot_be_is_refused_in_a_line(
    recordings: Path, saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    few = tmp_path / "few"
    few.mkdir()
    soundfile.write(few / "up_ann_1.wav", np.zeros(4000, np.float32), RATE)
    out = str(tmp_path / "m.latch")
    for arguments, said in (
        (["train", str(few), "--out", out], "at least 10"),
        (["train", str(recordings), "--out", out, "--without", "eve"], "no speaker 'eve'"),
        (["train", str(recordings), "--out", out, "--epochs", "1", "--steps", "1"], "one of"),
        (["transcribe", str(saved), str(tmp_path / "none.wav")], "no file"),
        (["transcribe", str(few / "up_ann_1.wav"), str(few / "up_ann_1.wav")], "not a .latch file"),
    ):
        assert run(["speech", *arguments]) == 2
        error = capsys.readouterr().err.strip()
        assert said in error and "\n" not in error


def test_listening_to_a_pipe(saved: Path):
    rng = np.random.default_rng(1)
    quiet = rng.normal(0, 0.002, RATE)
    sound = np.concatenate([quiet, say("up", "ann", rng), quiet, say("down", "ann", rng), quiet])
    raw = (np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes()
    code = "from latchwork.cli.main import main; main()"
    command = [sys.executable, "-c", code, "speech", "listen", str(saved), "--pipe", "--quiet"]
    done = subprocess.run(command, input=raw, capture_output=True, check=True)
    assert done.stdout.decode().split() == ["up", "down"]


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Half a minute of a quiet room in which "up" is said after 5, 12 and 20 s, and "down" after 9."""
    rng = np.random.default_rng(7)
    sound = rng.normal(0, 0.002, 30 * RATE).astype(np.float32)
    for word, second in (("up", 5), ("down", 9), ("up", 12), ("up", 20)):
        said = say(word, "ann", rng)
        sound[second * RATE : second * RATE + len(said)] += said
    path = tmp_path_factory.mktemp("long") / "room.flac"
    soundfile.write(path, sound, RATE)
    return path


def test_words_are_waited_for(
    saved: Path, long: Path, recordings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert run(["speech", "spot", str(saved), str(long), "--word", "up", "--threshold", "0", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["found"]
    assert [round(each["start"]) for each in found] == [5, 12, 20] and {each["word"] for each in found} == {"up"}
    quiet = tmp_path / "quiet.wav"
    soundfile.write(quiet, np.random.default_rng(0).normal(0, 0.002, 20 * RATE), RATE)
    spot = ["speech", "spot", str(saved), str(quiet), "--word", "up"]
    assert run([*spot, "--takes", str(recordings), "--json"]) == 0
    chosen = json.loads(capsys.readouterr().out)
    assert chosen["takes"] == 30 and chosen["chosen"]["false_accepts_per_hour"] == 0
    assert run(["speech", "spot", str(saved), str(quiet), "--word", "left"]) == 2
    assert "knows no word 'left': it knows down, flat, up" in capsys.readouterr().err


def test_a_long_recording_is_transcribed_between_its_pauses(
    saved: Path, long: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "bad.wav").write_text("no sound")
    assert run(["speech", "transcribe", str(saved), str(long), str(tmp_path / "bad.wav"), "--json"]) == 0
    whole, bad = json.loads(capsys.readouterr().out)["transcripts"]
    assert whole["text"] == "up down up up" and "no recording" in bad["error"]
    assert [round(word["start"]) for word in whole["words"]] == [5, 9, 12, 20]


def test_the_verdict_is_given_and_saved(recognizer: lw.SpeechRecognizer):
    verdict = recognizer.verdict_
    assert verdict is not None and not verdict.is_stranger and verdict.recordings == 18
    assert verdict.nearest_take > 0.8 and any("2 voices" in line for line in verdict.advice)
    assert recognizer.model_.training["verdict"] == verdict.to_dict()


@pytest.mark.parametrize("kind", ["silence", "constant"])
def test_nothing_said_is_no_word(saved: Path, kind: str):
    sound = np.zeros(RATE, np.float32) if kind == "silence" else np.full(RATE, 0.3, np.float32)
    heard = SpeechModel.load(saved).transcribe([sound], RATE)[0]
    assert not heard.text and not heard.words
