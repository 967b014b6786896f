"""Write a small keyboard with a random network, and what it offers and corrects, for keyboard.test.mjs."""

import json
import sys
from pathlib import Path

import numpy as np

from latchwork.core import spec, storage
from latchwork.core.network import NetworkData
from latchwork.core.table import initial_parameters
from latchwork.text.model import TextModel
from latchwork.text.ngram import NGram
from latchwork.transforms.vocabulary import WordVocabulary

LINES = (
    "I want to see the house",
    "the cat doesn't want to go there",
    "Don't you think so",
    "at the café",
    "we READ it",
)
TYPED = (
    "I want to see teh house",
    "the cat doesnt wnat to",
    "DONT YOU",
    "Ths cafe",
    "see http://the",
    "then, tehre",
    "猫 the",
)


def main() -> None:
    folder = Path(sys.argv[1])
    text = "\n".join(np.random.default_rng(0).choice(LINES, 200)) + "\n"
    vocabulary = WordVocabulary.fit([text], size=200)
    size = len(vocabulary)
    network = spec.Sequential(
        [spec.Embedding(size, 8), spec.LSTM(9, return_sequences=True), spec.Dense(8), spec.Dense(size)],
        input_shape=(None,),
    )
    ngram = NGram.fit(vocabulary.encode(text), size, order=3)
    parameters = dict(initial_parameters(network, 1))
    parameters["layers.3.weight"] = parameters["layers.0.weight"].T
    shares = np.linspace(0.3, 0.9, ngram.kinds)
    halved = frozenset(("layers.0.weight", "layers.2.weight"))
    model = TextModel(vocabulary, NetworkData(network, parameters), ngram, 0.6, shares, tied=True, halved=halved)
    document, tensors = model.to_latch()
    storage.save(folder / "keyboard.latch", document | {"job": "text"}, tensors)
    keyboard = TextModel.load(folder / "keyboard.latch").keyboard()
    answers = []
    for line in TYPED:
        for end in range(len(line) + 1):
            correction = keyboard.correct(line[:end])
            shown = (
                None if correction is None or correction.replaces > len(line[:end].split(" ")[-1]) else correction.text
            )
            answers.append({"text": line[:end], "offers": keyboard.suggest(line[:end]), "correct": shown})
    (folder / "typed.json").write_text(json.dumps(answers), encoding="utf-8")


if __name__ == "__main__":
    main()
