"""Bits per character on tinyshakespeare: latchwork's defaults beside the same recipe in PyTorch, in the same minutes.

    python bench/text_shakespeare.py ../shared/data/text/tinyshakespeare.txt --minutes 10

Both learn from the first 90 % of the text on the same processors and are measured on the last 10 %. PyTorch's network
has the sizes, batches, dropout of inputs and outputs, clipping and falling rate that latchwork chose; `nn.LSTM` has no
dropout inside the recurrent product, and nothing stands beside it. Its steps too are fitted to the minutes by a short
timing. The n-gram inside latchwork's model is part of its defaults; `network_alone` says what it is without.
"""

from __future__ import annotations

import argparse
import json
import math
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
        "ngram_share": model.model_.ngram_share,
        "steps": model.history_.steps,
        "seconds": seconds,
        "network": repr(model.model_.network),
    }


def pytorch_run(text: Path, minutes: float, threads: int) -> dict[str, Any]:
    import torch
    from torch import nn

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    characters = text.read_text(encoding="utf-8")
    known = {c: i for i, c in enumerate(sorted(set(characters)))}
    ids = torch.tensor([known[c] for c in characters])
    train, held = ids[: int(len(ids) * 0.9)], ids[int(len(ids) * 0.9) :]
    hidden, streams, window, rate = 512, 32, 128, 3e-3

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding = nn.Embedding(len(known), 64)
            self.lstm = nn.LSTM(64, hidden, batch_first=True)
            self.dropout, self.dense = nn.Dropout(0.3), nn.Linear(hidden, len(known))

        def forward(self, tokens: Any, state: Any) -> Any:
            inputs = self.embedding(tokens)
            if self.training:
                inputs = inputs * (torch.rand(len(inputs), 1, 64) > 0.1) / 0.9
            outputs, state = self.lstm(inputs, state)
            return self.dense(self.dropout(outputs)), state

    model = Model()
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.0)
    part = (len(train) - 1) // streams
    inputs, targets = (train[a : a + streams * part].reshape(streams, part) for a in (0, 1))
    state: Any = None

    def step(number: int, total: int) -> None:
        nonlocal state
        at = number * window % (part - window)
        warm = 0.05 * total
        for group in optimizer.param_groups:
            group["lr"] = rate * min((number + 1) / warm, (total - number) / (total - warm))
        if at < window:
            state = None
        scores, (h, c) = model(inputs[:, at : at + window], state)
        state = (h.detach(), c.detach())
        loss = nn.functional.cross_entropy(scores.flatten(0, 1), targets[:, at : at + window].flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

    began = time.monotonic()
    timed = 8
    for number in range(timed):
        step(number, 1000)
    total = timed + int((minutes * 60 - (time.monotonic() - began)) / ((time.monotonic() - began) / timed))
    for number in range(timed, total):
        step(number, total)
        if time.monotonic() - began > minutes * 60:
            break
    seconds = time.monotonic() - began
    model.eval()
    with torch.no_grad():
        scores, _ = model(held[None, :-1], None)
        loss = nn.functional.cross_entropy(scores[0], held[1:]).item()
    return {"bits_per_character": loss / math.log(2), "steps": number + 1, "planned": total, "seconds": seconds}


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
    if arguments.only != "latchwork":
        results["pytorch"] = pytorch_run(arguments.text, arguments.minutes, arguments.threads)
    print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
