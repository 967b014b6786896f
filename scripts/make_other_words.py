"""Make the words that a recogniser is to take for none of its own: `src/latchwork/speech/data/other_words.ogg`.

Common words of English and a few other languages, spoken by espeak-ng in many voices, with a table of where each begins
and ends. Numbers, usual commands and what sounds like them are left out. Needs espeak-ng, soundfile and soxr:

    python scripts/make_other_words.py
"""

from __future__ import annotations

import io
import json
import subprocess
from pathlib import Path

import numpy as np
import soundfile
import soxr

RATE = 16_000
FOLDER = Path(__file__).parent.parent / "src/latchwork/speech/data"
WORDS = {
    "en": (
        "about after again airport animal answer autumn balloon banana basket because before believe below better "
        "birthday blanket borrow bottle breakfast bridge brother butter button candle captain carpet castle chicken "
        "children circle coffee colour common corner country cousin credit danger daughter decide dinner doctor dollar "
        "during early earth easily elephant engine evening every family famous farmer father feather finger flower "
        "forest forget friday friend garden gentle giraffe glasses grandma gravity hammer happen harbour hello history "
        "holiday honey hospital hunger hurry idea island jacket january journey jungle kangaroo kettle ladder language "
        "lemon letter library listen little machine magic manager maybe measure melon message middle minute mirror "
        "monday money monkey mother mountain music myself nature nearly needle nephew number ocean often orange oven "
        "paper parent pencil people pepper person picture pillow planet pocket potato pretty problem purple question "
        "quickly rabbit rather really reason remember river rocket salad school season second seldom shadow shoulder "
        "silver simple sister slowly somebody soup spoon station story strange student sugar summer sunday table "
        "teacher thank thirsty thunder ticket together tomato tomorrow towel travel trouble trousers umbrella uncle "
        "under until valley village visitor water weather wedding welcome whistle winter woman wonder yellow yesterday "
        "milk bread fish moon sand stone grass cheese juice plate knife shirt cloud storm north south chair shelf "
        "brush clock phone glove bench truck horse sheep duck frog lamb wolf bear lion"
    ),
    "de": "abend blume brücke dunkel fenster freund garten gestern glocke himmel küche leise morgen wolke zucker",
    "fr": "arbre beurre chaise cuisine demain fenêtre fromage jardin lumière matin oiseau poisson soleil voiture",
    "es": "amigo azúcar caballo ciudad cuchara flores jardín leche manzana mañana pájaro playa tiempo ventana",
    "it": "acqua albero amico bicchiere cavallo chiave domani finestra giardino lavoro montagna strada",
    "hi": "पानी घर किताब दोस्त सड़क आसमान फूल बारिश",
}
VOICES = {
    "en": ["en-us", "en-gb", "en-gb-x-rp", "en-gb-scotland", "en-029", "en-gb-x-gbclan", "en-gb-x-gbcwmd"],
    "de": ["de"], "fr": ["fr-fr", "fr-be"], "es": ["es", "es-419"], "it": ["it"], "hi": ["hi"],
}  # fmt: skip
VARIANTS = [
    "m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "f1", "f2", "f3", "f4", "f5", "klatt", "klatt2", "klatt3", "klatt4",
    "Andy", "Annie", "belinda", "steph", "linda", "Lee", "max", "Michael", "grandpa", "grandma", "adam", "ed", "Hugo",
]  # fmt: skip


def main() -> None:
    """Speak all words and write them one after the other."""
    rng = np.random.default_rng(0)
    pieces: list[np.ndarray] = []
    table: list[tuple[str, int, int]] = []
    at = 0
    for language, words in WORDS.items():
        for word in words.split():
            voice = f"{rng.choice(VOICES[language])}+{rng.choice(VARIANTS)}"
            speed, pitch = int(rng.uniform(125, 220)), int(rng.uniform(15, 90))
            command = ["espeak-ng", "-v", voice, "-s", str(speed), "-p", str(pitch), "--stdout", word]
            spoken, rate = soundfile.read(io.BytesIO(subprocess.run(command, capture_output=True, check=True).stdout))
            samples = soxr.resample(spoken, rate, RATE)
            loud = np.flatnonzero(np.abs(samples) > 0.02 * np.abs(samples).max())
            samples = samples[max(0, loud[0] - 300) : loud[-1] + 600]
            pieces += [0.5 * samples / np.abs(samples).max(), np.zeros(800)]
            table.append((word, at, at + len(samples)))
            at += len(samples) + 800
    FOLDER.mkdir(exist_ok=True)
    sound = np.concatenate(pieces)
    settings = {"format": "OGG", "subtype": "VORBIS", "compression_level": 1.0}
    with soundfile.SoundFile(FOLDER / "other_words.ogg", "w", RATE, 1, **settings) as file:
        for first in range(0, len(sound), RATE):  # libsndfile's encoder takes no long pieces
            file.write(sound[first : first + RATE])
    (FOLDER / "other_words.json").write_text(json.dumps(table, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{len(table)} words, {at / RATE:.0f} s, {(FOLDER / 'other_words.ogg').stat().st_size / 1024:.0f} KB")


if __name__ == "__main__":
    main()
