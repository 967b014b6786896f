"""The keyboard on conversations: next-word recall and keystrokes saved beside a Kneser-Ney n-gram of equal size.

    python bench/text_keyboard.py ../shared/data/text/chat.txt --minutes 15

An empty line ends a conversation. The first 90 % of the conversations are learned from; their last 3 % choose the best
pass and how network and n-gram are mixed. The rest is typed by the simulated typist, once with the model as it is and
once (`personal`) while it learns what was typed, line by line. The n-gram is counted on the same conversations and
pruned to the size of the model's file.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", type=Path)
    parser.add_argument("--minutes", type=float, default=15.0)
    parser.add_argument("--out", type=Path, default=Path("keyboard.latch"))
    parser.add_argument("--model", type=Path, help="Test this model instead of training one.")
    parser.add_argument("--words", type=int, default=0, help="Words to type, 0 for all.")
    arguments = parser.parse_args()

    from latchwork.text import LanguageModel
    from latchwork.text.model import TextModel
    from latchwork.text.reading import from_string
    from latchwork.text.testing import Part, baseline_of, measure_keyboard
    from latchwork.text.typist import type_text

    conversations = arguments.text.read_text(encoding="utf-8").split("\n\n")
    cut = int(len(conversations) * 0.9)
    learned, typed = ("\n\n".join(part) + "\n\n" for part in (conversations[:cut], conversations[cut:]))
    path = arguments.model or arguments.out
    if arguments.model is None:
        settings = {"validation_share": 0.03, "test_share": 0.0, "progress": "lines"}
        LanguageModel("word", minutes=arguments.minutes, **settings).fit(learned).save(path)
    model = TextModel.load(path)
    part = Part(typed, "the last 10 % of the conversations")
    size = path.stat().st_size
    baseline, where = baseline_of(model, part, from_string(learned, "the other conversations"), size)
    words = arguments.words or None
    results = measure_keyboard(model, part, baseline, words)
    results["personal"] = asdict(type_text(model.keyboard(), part.text, words, learn=True))
    results |= {"bytes": size, "baseline_bytes": baseline.nbytes, "baseline_order": baseline.order, "counted_on": where}
    results |= {"steps": model.training["steps"], "network": repr(model.network)}
    print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
