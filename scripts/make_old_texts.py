"""Write tests/fixtures/texts: a small model of each kind of text with what it answers.

    python scripts/make_old_texts.py

The files there were made before vocabularies spelt what they do not have (their version is 1). They are never made
again: tests hold later versions to opening them and to giving the same answers.
"""

import json
import sys
from pathlib import Path

import numpy as np

import latchwork as lw

FOLDER = Path(__file__).resolve().parent.parent / "tests" / "fixtures" / "texts"
LINES = (
    "the cat sat on the mat",
    "a dog ran to the cat.",
    "Don't run, dog!",
    "we ran up the well-known hill",
    "is it?",
)
READ = "the cat ☃ sat on Zoltan's mat.  Don't\n"


def main():
    FOLDER.mkdir(parents=True)  # refuses to write over old files
    text = "\n".join(np.random.default_rng(0).choice(LINES, 300)) + "\n"
    answers = {}
    for units in ("char", "byte", "word"):
        model = lw.LanguageModel(units, hidden=8, steps=20, progress="none").fit(text)
        model.save(FOLDER / f"{units}.latch")
        answers[units] = {
            "read": READ,
            "bits": model.model_.token_bits(READ)[1].tolist(),
            "written": "".join(model.write("the ☃ c", 40, seed=3)),
        }
    (FOLDER / "answers.json").write_text(json.dumps(answers, indent=1))


if __name__ == "__main__":
    sys.exit(main())
