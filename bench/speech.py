"""How well a recogniser understands voices that it has never heard, with the defaults.

    python bench/speech.py DATA/fsdd [--seeds 0 1 2] [--speakers lucas ...] [--json results.json]

Each speaker is left out in turn: the share of the recordings that are understood, and the words wrong in strings of
three to seven of them. Last, the first five takes of
everybody are left out.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

import latchwork as lw
from latchwork.speech.loading import Utterance, load_utterances
from latchwork.speech.measures import figures
from latchwork.speech.model import SpeechModel
from latchwork.speech.recordings import Recordings, read_recordings
from latchwork.speech.strings import joined

STRINGS = 200
LEFT_OUT_TAKES = range(5)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--speakers", nargs="+", help="only these, and no takes")
    parser.add_argument("--stream", action="store_true", help="networks that read one way")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    read = read_recordings(options.folder)
    rows: list[dict[str, object]] = []
    for seed in options.seeds:
        for speaker in options.speakers or read.speakers:
            learned, asked = read.of({speaker}, others=True), read.of({speaker})
            rows.append({"left_out": speaker} | measured(learned, asked, seed, options.stream))
            print(line(rows[-1]), flush=True)
        if not options.speakers:
            rows.append({"left_out": "takes 0-4"} | measured(*by_take(read), seed, options.stream))
            print(line(rows[-1]), flush=True)
    strangers = [row for row in rows if row["left_out"] != "takes 0-4"]
    right = np.array([row["right"] for row in strangers], float)
    by_speaker = {
        name: float(right[[row["left_out"] == name for row in strangers]].mean())
        for name in dict.fromkeys(str(row["left_out"]) for row in strangers)
    }
    print(f"Strangers: mean {right.mean():.1%}, worst {min(by_speaker.values()):.1%}")
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")


def measured(learned: Recordings, asked: Recordings, seed: int, stream: bool) -> dict[str, object]:
    """Train on one part and ask about the other."""
    started = time.monotonic()
    recognizer = lw.SpeechRecognizer(stream=stream, verdict=False, progress="none", random_state=seed).fit(learned)
    seconds = time.monotonic() - started
    model = recognizer.model_
    utterances = load_utterances(asked, model.rate).utterances
    strings = joined(utterances, STRINGS, model.rate, np.random.default_rng(seed), (3, 7))
    return {
        "seed": seed,
        "right": understood(model, utterances)["utterance_accuracy"],
        "strings_word_error_rate": understood(model, strings)["word_error_rate"],
        "seconds": seconds,
    }


def understood(model: SpeechModel, utterances: list[Utterance]) -> dict[str, float]:
    heard = model.transcribe([each.samples for each in utterances], model.rate)
    return figures([each.text for each in utterances], [transcript.text for transcript in heard])


def by_take(read: Recordings) -> tuple[Recordings, Recordings]:
    """All but the first five takes of everybody, and those."""
    first = {item for item in read.items if int(item.path.stem.rpartition("_")[2]) in LEFT_OUT_TAKES}
    return (
        replace(read, items=tuple(item for item in read.items if item not in first)),
        replace(read, items=tuple(item for item in read.items if item in first)),
    )


def line(row: dict[str, object]) -> str:
    return (
        f"{row['left_out']!s:10} seed {row['seed']}: {row['right']:.1%} understood, "
        f"{row['strings_word_error_rate']:.1%} of words wrong in strings of three to seven, {row['seconds']:.0f} s"
    )


if __name__ == "__main__":
    main()
