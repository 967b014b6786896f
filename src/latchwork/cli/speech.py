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
    from latchwork.speech.loading import Utterance
    from latchwork.speech.recordings import Recordings

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
        checkpoint=checkpoint,
        progress=output.progress,
        random_state=seed,
    )
    started = time.monotonic()
    model.fit(recordings)
    model.save(out)
    for line in model.notes_:
        output.note(line)
    history = model.history_
    results: dict[str, Any] = {
        "model": str(out),
        "notes": list(model.notes_),
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

    from latchwork.speech import preparing
    from latchwork.speech.loading import load_utterances
    from latchwork.speech.measures import figures
    from latchwork.speech.model import SpeechModel

    output = Output(as_json=as_json, quiet=quiet)
    recognizer = SpeechModel.load(model)
    recordings = _read(folder, speaker, None, layout)
    started = time.monotonic()
    loaded = load_utterances(recordings, recognizer.spectrogram.rate)
    utterances, rate = loaded.utterances, loaded.rate
    for left in (*recordings.left_out, *loaded.left_out):
        output.note(f"left out: {left.path}: {left.reason}")
    if joined:
        utterances = preparing.joined(utterances, joined, rate, np.random.default_rng(seed))
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
    found = [(path, recognizer.transcribe_file(path)) for path in files]
    lines = [f"{path}\t{heard.text}\t{heard.probability:.2f}" for path, heard in found]
    rows = [{"file": str(path), "text": heard.text, "probability": heard.probability} for path, heard in found]
    output.result("\n".join(lines), {"transcripts": rows})


@app.command()
def listen(
    model: ModelArgument,
    pipe: Annotated[
        bool, typer.Option("--pipe", help="Read raw 16-bit samples, one channel, from standard input instead.")
    ] = False,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Listen to the microphone and write down each utterance as it ends; Ctrl-C ends."""
    from latchwork.speech import listening
    from latchwork.speech.model import SpeechModel

    recognizer = SpeechModel.load(model)
    rate = recognizer.spectrogram.rate
    output = Output(as_json=as_json, quiet=quiet)
    output.note(f"Listening at {rate:,} samples a second; Ctrl-C ends.")
    chunks = listening.from_pipe(sys.stdin.buffer, rate) if pipe else listening.from_microphone(rate)
    for samples in listening.utterances(chunks, rate):
        heard = recognizer.transcribe([samples], rate)[0]
        data = {"text": heard.text, "probability": heard.probability}
        output.result(heard.text or "(nothing understood)", data)


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
