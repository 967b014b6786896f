"""`latchwork speech`: train a recogniser of what is said, test it, let it transcribe and listen."""

from __future__ import annotations

import sys
import time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from latchwork.cli.common import JsonOption, ModelArgument, Output, QuietOption, SeedOption
from latchwork.cli.outputs import check_file, check_files
from latchwork.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from latchwork.speech.loading import Utterance
    from latchwork.speech.model import SpeechModel
    from latchwork.speech.recordings import Recordings
    from latchwork.transforms.spectrogram import Samples

app = typer.Typer(no_args_is_help=True)

FolderArgument = Annotated[
    Path,
    typer.Argument(
        metavar="DIR",
        help="Recordings with a table (transcripts.csv, Common Voice, ...), a .txt each, a folder a word, or named "
        "WORD_SPEAKER_TAKE.wav.",
        show_default=False,
    ),
]
WithoutOption = Annotated[
    list[str] | None, typer.Option("--without", metavar="SPEAKER", help="Leave this speaker out; may be given again.")
]
SpeakerOption = Annotated[
    list[str] | None, typer.Option("--speaker", metavar="SPEAKER", help="Only this speaker; may be given again.")
]
LayoutOption = Annotated[
    str | None,
    typer.Option(
        metavar="TEMPLATE",
        help="How files are named, where that is not clear: '{speaker}/{word}_{take}.wav'.",
    ),
]


class Units(StrEnum):
    """What a transcript is written in, by the names that a user types."""

    WORD = "word"
    CHAR = "char"


@app.command()
def train(
    folder: FolderArgument,
    out: Annotated[Path, typer.Option(metavar="M.latch", help="Where to save the model.")],
    without: WithoutOption = None,
    layout: LayoutOption = None,
    units: Annotated[Units | None, typer.Option(help="Whole words or characters; chosen by the transcripts.")] = None,
    hidden: Annotated[int, typer.Option(min=1, help="Units of each LSTM.")] = 96,
    epochs: Annotated[int | None, typer.Option(min=1, help="Passes over the recordings.")] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Or: steps of the optimiser.")] = None,
    minutes: Annotated[float | None, typer.Option(help="Or: minutes, turned into steps by a short timing.")] = None,
    stream: Annotated[bool, typer.Option("--stream", help="Read one way: words are known while one speaks.")] = False,
    verdict: Annotated[
        bool, typer.Option(help="Also learn without one voice, and say how it is understood, beside plain methods.")
    ] = True,
    checkpoint: Annotated[Path | None, typer.Option(help="A folder from which a killed run goes on.")] = None,
    seed: SeedOption = 0,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Train a recogniser on recordings and what is said in them, and save it."""
    from latchwork.speech import SpeechRecognizer

    output = Output(as_json=as_json, quiet=quiet)
    check_file(out, inputs=[folder], kind="model")
    if checkpoint is not None:
        check_files(checkpoint, [])
    if sum(value is not None for value in (epochs, steps, minutes)) > 1 or (minutes is not None and not minutes > 0):
        raise InputError("give one of --epochs, --steps and --minutes (above 0)")
    recordings = _read(folder, None, without, layout)
    for line in recordings.summary():
        output.note(line)
    model = SpeechRecognizer(
        None if units is None else units.value,
        hidden=hidden,
        epochs=epochs,
        steps=steps,
        minutes=minutes,
        stream=stream,
        verdict=verdict,
        checkpoint=checkpoint,
        progress=output.progress,
        random_state=seed,
    )
    started = time.monotonic()
    model.fit(recordings)
    model.save(out)
    for line in model.notes_:
        output.note(line)
    judged = model.verdict_
    if judged is not None:
        output.note(judged.sentence())
        for line in judged.advice:
            output.note(line)
    history = model.history_
    results: dict[str, Any] = {
        "model": str(out),
        "notes": list(model.notes_),
        "verdict": None if judged is None else judged.to_dict(),
        "layout": recordings.layout,
        "words": recordings.words,
        "speakers": recordings.speakers,
        "left_out": [{"file": str(left.path), "reason": left.reason} for left in recordings.left_out],
        "epochs": len(history.epochs),
        "steps": history.steps,
        "stopped": history.stopped,
        "seconds": time.monotonic() - started,
    }
    output.result(f"Trained for {history.steps:,} steps in {results['seconds']:.1f} s; saved to {out}", results)
    if history.stopped == "interrupted":
        raise KeyboardInterrupt


@app.command()
def test(
    model: ModelArgument,
    folder: FolderArgument,
    speaker: SpeakerOption = None,
    layout: LayoutOption = None,
    joined: Annotated[
        int, typer.Option(min=0, help="Test on that many strings of two to four recordings, put one after the other.")
    ] = 0,
    seed: SeedOption = 0,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Test a saved recogniser: words wrong, and recordings transcribed without an error."""
    import numpy as np

    from latchwork.speech import strings
    from latchwork.speech.loading import load_utterances
    from latchwork.speech.measures import figures
    from latchwork.speech.model import SpeechModel

    output = Output(as_json=as_json, quiet=quiet)
    recognizer = SpeechModel.load(model)
    recordings = _read(folder, speaker, None, layout)
    started = time.monotonic()
    loaded = load_utterances(recordings, recognizer.rate)
    utterances, rate = loaded.utterances, loaded.rate
    for left in (*recordings.left_out, *loaded.left_out):
        output.note(f"left out: {left.path}: {left.reason}")
    if joined:
        utterances = strings.joined(utterances, joined, rate, np.random.default_rng(seed))
    heard = [found.text for found in recognizer.transcribe([each.samples for each in utterances], rate)]
    said = [each.text for each in utterances]
    results: dict[str, Any] = figures(said, heard)
    by_speaker = _by_speaker(utterances, heard)
    output.table(
        "Each speaker",
        ["speaker", "recordings", "words wrong", "without an error"],
        [
            [name, str(own["n"]), f"{own['word_error_rate']:.1%}", f"{own['utterance_accuracy']:.1%}"]
            for name, own in by_speaker.items()
        ],
    )
    sentence = (
        f"{results['word_error_rate']:.2%} of the words wrong, {results['utterance_accuracy']:.2%} of "
        f"{results['n']:,} transcripts without an error"
    )
    results |= {
        "speakers": by_speaker,
        "left_out": len(loaded.left_out) + len(recordings.left_out),
        "seconds": time.monotonic() - started,
    }
    output.result(sentence, results)


@app.command()
def transcribe(
    model: ModelArgument,
    files: Annotated[list[Path], typer.Argument(metavar="FILE.wav...", help="Recordings.", show_default=False)],
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Write down what is said in recordings."""
    from latchwork.speech.model import SpeechModel

    output = Output(as_json=as_json, quiet=quiet)
    recognizer = SpeechModel.load(model)
    lines: list[str] = []
    rows: list[dict[str, Any]] = []
    for path in files:
        try:
            heard = recognizer.transcribe_file(path)
        except InputError as error:
            if len(files) == 1:
                raise
            lines.append(f"{path}\t\t({error})")
            rows.append({"file": str(path), "error": str(error)})
            continue
        said = heard.text or ("(no word known)" if heard.other else "(nothing)")
        lines.append(f"{path}\t{said}\t{heard.probability:.2f}")
        rows.append({
            "file": str(path), "text": heard.text, "probability": heard.probability, "other_words": heard.other,
            "words": [word._asdict() for word in heard.words],
        })  # fmt: skip
    output.result("\n".join(lines), {"transcripts": rows})


@app.command()
def spot(
    model: ModelArgument,
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Recordings of any length.")],
    word: Annotated[list[str], typer.Option("--word", metavar="WORD", help="To wait for; may be given again.")],
    threshold: Annotated[
        float | None, typer.Option(min=0.0, max=1.0, help="The least probability of a word that counts.")
    ] = None,
    takes: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="The files hold none of the words, this folder does: choose a threshold for half a mistake an hour.",
        ),
    ] = None,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Wait for words in long recordings: where they are heard, or how often by mistake."""
    from latchwork.speech import spotting
    from latchwork.speech.model import SpeechModel

    output = Output(as_json=as_json, quiet=quiet)
    recognizer = SpeechModel.load(model)
    least = spotting.THRESHOLD if threshold is None else threshold
    if takes is not None:
        _threshold(recognizer, files, takes, word, output)
        return
    rows: list[dict[str, Any]] = []
    for path in files:
        for heard in spotting.spotted(recognizer, path, word, least):
            rows.append({"file": str(path)} | heard._asdict())
            if not as_json:
                print(f"{path}\t{heard.start:.2f}\t{heard.end:.2f}\t{heard.word}\t{heard.probability:.2f}", flush=True)
    if as_json:
        output.result("", {"found": rows, "threshold": least})
    else:
        output.note(f"{len(rows)} found, at a probability of {least:.2f} or more")


@app.command()
def listen(
    model: ModelArgument,
    pipe: Annotated[
        bool, typer.Option("--pipe", help="Read raw 16-bit samples, one channel, from standard input instead.")
    ] = False,
    threshold: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="The least probability of an utterance that is written down.")
    ] = 0.5,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Listen to the microphone and write down each utterance as it ends; Ctrl-C ends."""
    from latchwork.speech import listening
    from latchwork.speech.model import SpeechModel

    recognizer = SpeechModel.load(model)
    rate = recognizer.rate
    output = Output(as_json=as_json, quiet=quiet)
    output.note(f"Listening at {rate:,} samples a second; Ctrl-C ends.")
    chunks = listening.from_pipe(sys.stdin.buffer, rate) if pipe else listening.from_microphone(rate)
    if recognizer.is_stream:
        _stream(recognizer, chunks, threshold, output)
        return
    for start, samples in listening.timed_utterances(chunks, rate):
        heard = recognizer.transcribe([samples], rate)[0]
        if heard.text and heard.probability >= threshold:
            output.result(heard.text, {"text": heard.text, "probability": heard.probability, "start": start})


def _stream(recognizer: SpeechModel, chunks: Iterable[Samples], threshold: float, output: Output) -> None:
    """Words as they come on a terminal's last line, utterances as they end."""
    from latchwork.speech.streaming import listened

    shows = sys.stderr.isatty() and not output.quiet
    for heard in listened(recognizer, chunks):
        found = heard.transcript
        if shows:
            print(f"\r\033[K{'' if heard.is_final else found.text}", end="", file=sys.stderr, flush=True)
        if heard.is_final and found.text and found.probability >= threshold:
            start = found.words[0].start if found.words else heard.at
            output.result(found.text, {"text": found.text, "probability": found.probability, "start": start})


def _threshold(recognizer: SpeechModel, files: list[Path], takes: Path, words: list[str], output: Output) -> None:
    """Misses against false accepts, and the threshold for half a mistake an hour."""
    from latchwork.speech import audio, spotting
    from latchwork.speech.loading import load_utterances

    wrong = [heard.probability for path in files for heard in spotting.spotted(recognizer, path, words, 0.0)]
    hours = sum(audio.seconds(path) for path in files) / 3600
    said = [
        each for each in load_utterances(_read(takes, None, None, None), recognizer.rate).utterances
        if each.text in words
    ]  # fmt: skip
    if not said:
        raise InputError(f"{takes}: no recording of {', '.join(words)} in it")
    heard = recognizer.transcribe([each.samples for each in said], recognizer.rate)
    right = [
        max((word.probability for word in found.words if word.word == each.text), default=0.0)
        for found, each in zip(heard, said, strict=True)
    ]
    points = spotting.curve(wrong, hours, right)
    best = spotting.chosen(points)
    shown = points[:: max(1, len(points) // 12)]
    output.table(
        "Misses against mistakes",
        ["threshold", "missed", "mistakes an hour"],
        [[f"{each.threshold:.3f}", f"{each.misses:.1%}", f"{each.false_accepts_per_hour:.1f}"] for each in shown],
    )
    sentence = (
        f"--threshold {best.threshold:.3f}: {best.false_accepts_per_hour:.2f} mistakes an hour in {hours:.2f} h, "
        f"{best.misses:.1%} of {len(said)} takes missed"
    )
    output.result(sentence, {"chosen": best._asdict(), "hours": hours, "takes": len(said), "curve": [
        each._asdict() for each in points]})  # fmt: skip


def _read(folder: Path, speakers: list[str] | None, without: list[str] | None, layout: str | None) -> Recordings:
    from latchwork.speech.recordings import read_recordings

    recordings = read_recordings(folder, layout)
    if speakers:
        recordings = recordings.of(set(speakers))
    return recordings.of(set(without), others=True) if without else recordings


def _by_speaker(utterances: list[Utterance], heard: list[str]) -> dict[str, dict[str, float]]:
    from latchwork.speech.measures import figures

    pairs: dict[str, list[tuple[str, str]]] = {}
    for each, text in zip(utterances, heard, strict=True):
        pairs.setdefault(each.speaker or "(unknown)", []).append((each.text, text))
    return {name: figures(*map(list, zip(*own, strict=True))) for name, own in sorted(pairs.items())}
