"""Bits per character on tinyshakespeare: latchwork's defaults beside the same recipe in PyTorch, in the same minutes.

    python bench/text_shakespeare.py ../shared/data/text/tinyshakespeare.txt --minutes 10

Both learn from the first 87 % of the text on the same processors. The 3 % after it choose what there is to choose; the
last 10 % are looked at once, at the end, and give the figures. PyTorch's network has the sizes, batches, dropout of
inputs and outputs, clipping and falling rate that latchwork chose; `nn.LSTM` has no dropout inside the recurrent
product. Its steps too are fitted to the minutes by a short timing, and its model too is the one of the pass with the
fewest bits on the 3 %. An n-gram beside the network is part of latchwork's defaults: `network_alone` says what its
network is without, `with_the_ngram` what PyTorch's network would be beside the same one, mixed in the same way.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np


def latchwork_run(text: Path, minutes: float, out: Path) -> dict[str, Any]:
    import dataclasses

    from latchwork.text import LanguageModel
    from latchwork.text.reading import from_path
    from latchwork.text.testing import held_out

    began = time.monotonic()
    model = LanguageModel(minutes=minutes, progress="lines").fit(text)
    seconds = time.monotonic() - began
    model.save(out)
    part = held_out(model.model_, from_path(text))
    alone = dataclasses.replace(model.model_, ngram_share=0.0)
    return {
        "bits_per_character": model.bits_per_character(part.text),
        "network_alone": alone.bits_per_character(part.text),
        "part": part.name,
        "ngram_share": model.model_.ngram_share,
        "steps": model.history_.steps,
        "epochs": len(model.history_.epochs),
        "best_epoch": model.history_.best_epoch,
        "validation": [row["val_bits"] for row in model.history_.epochs],
        "seconds": seconds,
        "network": repr(model.model_.network),
    }


def torch_model(layers: Any) -> Any:
    """The network that latchwork describes by `layers`, in PyTorch."""
    import torch
    from torch import nn

    embedding, lstm, dropped, dense = layers

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding = nn.Embedding(embedding.tokens, embedding.units)
            self.lstm = nn.LSTM(embedding.units, lstm.units, batch_first=True)
            self.dropout, self.dense = nn.Dropout(dropped.rate), nn.Linear(lstm.units, dense.units)

        def forward(self, tokens: Any, state: Any) -> Any:
            inputs = self.embedding(tokens)
            if self.training:
                inputs = inputs * (torch.rand(len(inputs), 1, embedding.units) > lstm.dropout) / (1 - lstm.dropout)
            outputs, state = self.lstm(inputs, state)
            return self.dense(self.dropout(outputs)), state

    return Model()


def train_pytorch(model: Any, train: Any, watched: Any, settings: Any, minutes: float) -> dict[str, Any]:
    """Train for so many minutes; leave the model at its best pass over the text and say how many steps there were."""
    import torch
    from torch import nn

    rate, warmup = settings.optimizer.learning_rate, settings.optimizer.warmup
    streams, window = settings.streams, settings.window
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.0)
    part = (len(train) - 1) // streams
    inputs, targets = (train[a : a + streams * part].reshape(streams, part) for a in (0, 1))
    state: Any = None

    def step(number: int, total: int) -> bool:
        """One step; whether a pass over the text ends with it."""
        nonlocal state
        at = number % (part // window) * window
        warm = warmup * total
        for group in optimizer.param_groups:
            group["lr"] = rate * min((number + 1) / warm, (total - number) / (total - warm))
        if at == 0:
            state = None
        scores, (h, c) = model(inputs[:, at : at + window], state)
        state = (h.detach(), c.detach())
        loss = nn.functional.cross_entropy(scores.flatten(0, 1), targets[:, at : at + window].flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), settings.optimizer.clip)
        optimizer.step()
        return at + 2 * window > part

    began = time.monotonic()
    untimed, timed = 4, 12  # the first steps are slower
    for number in range(untimed):
        step(number, 1000)
    warm_up = time.monotonic()
    for number in range(untimed, timed):
        step(number, 1000)
    now = time.monotonic()
    total = timed + int((minutes * 60 - (now - began)) / ((now - warm_up) / (timed - untimed)))
    best, kept, done = math.inf, model.state_dict(), timed
    while done < total and time.monotonic() - began < minutes * 60:
        ends = step(done, total)
        done += 1
        if (ends or done == total) and (value := torch_bits(model, watched, streams).mean()) < best:
            best, kept = value, {name: array.clone() for name, array in model.state_dict().items()}
    model.load_state_dict(kept)
    return {"steps": done, "planned": total, "seconds": time.monotonic() - began}


def torch_bits(model: Any, tokens: Any, side_by_side: int = 1) -> Any:
    """The cost of each token in bits, the text read as so many parts side by side."""
    import torch
    from torch import nn

    length = (len(tokens) - 1) // side_by_side * side_by_side
    read, ahead = (tokens[a : a + length].reshape(side_by_side, -1) for a in (0, 1))
    model.eval()
    with torch.no_grad():
        scores, _ = model(read, None)
        cost = nn.functional.cross_entropy(scores.flatten(0, 1), ahead.flatten(), reduction="none") / math.log(2)
    model.train()
    return cost.numpy().astype(np.float64)


def pytorch_run(text: Path, minutes: float, threads: int) -> dict[str, Any]:
    import torch

    from latchwork.text.ngram import NGram
    from latchwork.text.scoring import best_share
    from latchwork.text.settings import choose_settings
    from latchwork.transforms.vocabulary import CharacterVocabulary

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    characters = text.read_text(encoding="utf-8")
    first, second = int(len(characters) * 0.87), int(len(characters) * 0.9)
    vocabulary = CharacterVocabulary.fit([characters[:first]])
    ids = torch.tensor(vocabulary.encode(characters), dtype=torch.long)
    train, watched, held = ids[:first], ids[first:second], ids[second:]
    settings = choose_settings("char", len(vocabulary), len(train), minutes)
    model = torch_model(settings.network.layers)
    run = train_pytorch(model, train, watched, settings, minutes)
    ngram = NGram.fit(train.numpy(), len(vocabulary), settings.ngram_order, settings.ngram_bytes)
    share = best_share(torch_bits(model, watched), ngram.bits(watched.numpy())[1:])
    alone, counted = torch_bits(model, held), ngram.bits(held.numpy())[1:]
    mixed = -np.log2((1 - share) * np.exp2(-alone) + share * np.exp2(-counted))
    return {
        "bits_per_character": float(alone.mean()),
        "with_the_ngram": float(mixed.mean()),
        "ngram_share": share,
        **run,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", type=Path)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("shakespeare.latch"))
    parser.add_argument("--only", choices=["latchwork", "pytorch"])
    arguments = parser.parse_args()
    results: dict[str, Any] = {"minutes": arguments.minutes, "numpy": np.__version__}
    if arguments.only != "pytorch":
        results["latchwork"] = latchwork_run(arguments.text, arguments.minutes, arguments.out)
        print(json.dumps(results), file=sys.stderr)
    if arguments.only != "latchwork":
        results["pytorch"] = pytorch_run(arguments.text, arguments.minutes, arguments.threads)
    print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
