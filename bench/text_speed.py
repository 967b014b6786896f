"""How fast a model writes: characters a second on one core from an LSTM of 128 units, and how soon the first one comes.

    python bench/text_speed.py ../shared/data/text/tinyshakespeare.txt

It is trained for a few seconds, since what it writes decides how much of the n-gram beside it is walked through. The
first character is timed from the opening of the file. `text write` does by default what `as_it_writes` measures.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import tempfile
import time
from pathlib import Path
from statistics import median

os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", type=Path)
    parser.add_argument("--hidden", type=int, default=128)
    parser.add_argument("--steps", type=int, default=300)
    arguments = parser.parse_args()

    from latchwork.text import LanguageModel
    from latchwork.text.model import TextModel

    path = Path(tempfile.mkdtemp()) / "speed.latch"
    LanguageModel(hidden=arguments.hidden, steps=arguments.steps, progress="none").fit(arguments.text).save(path)
    results = {}
    for name in ("as_it_writes", "network_alone"):
        began = time.perf_counter()
        model = TextModel.load(path)
        if name == "network_alone":
            model = dataclasses.replace(model, ngram_share=0.0)
        next(iter(model.write("ROMEO:")))
        first = time.perf_counter() - began
        rates = []
        for seed in range(5):
            began = time.perf_counter()
            written = sum(map(len, model.write("ROMEO:", 10_000, seed=seed)))
            rates.append(written / (time.perf_counter() - began))
        results[name] = {"characters_per_second": round(median(rates)), "first_character_ms": round(1000 * first, 1)}
    results["ngram_share"] = TextModel.load(path).ngram_share
    print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
