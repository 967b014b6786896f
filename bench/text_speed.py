"""How fast a model writes: characters a second on one core from an LSTM of 128 units, and how soon the first one comes.

    python bench/text_speed.py ../shared/data/text/tinyshakespeare.txt

The weights are not trained, which changes no time: the work for a character does not depend on their values.
"""

from __future__ import annotations

import argparse
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
    arguments = parser.parse_args()

    from latchwork.text import LanguageModel
    from latchwork.text.model import TextModel

    path = Path(tempfile.mkdtemp()) / "speed.latch"
    LanguageModel(hidden=arguments.hidden, steps=1, progress="none").fit(arguments.text).save(path)
    results = {}
    for name, share in (("with the n-gram", 0.3), ("network alone", 0.0)):
        began = time.perf_counter()
        loaded = TextModel.load(path)
        model = TextModel(loaded.vocabulary, loaded.network, loaded.parameters, loaded.ngram, share)
        next(iter(model.write("ROMEO:")))
        first = time.perf_counter() - began
        rates = []
        for seed in range(5):
            began = time.perf_counter()
            written = sum(map(len, model.write("ROMEO:", 10_000, seed=seed)))
            rates.append(written / (time.perf_counter() - began))
        results[name] = {"characters_per_second": round(median(rates)), "first_character_ms": round(1000 * first, 1)}
    print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
