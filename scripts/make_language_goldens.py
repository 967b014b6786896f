"""Write tests/goldens/language.npz: what PyTorch makes of small language models, in float64.

    python scripts/make_language_goldens.py

Each case is an embedding, a recurrent layer, a dense layer and scores by the embedding's own vectors (`Linear.weight`
is `Embedding.weight`), trained by plain descent with clipping over windows that carry their states on. It holds the
spec (JSON), the arrays before and after under latchwork's names, the tokens, the loss of each step and the last states.
"""

import json
from pathlib import Path

import numpy as np
import torch
from make_goldens import FOLDER, from_torch

TOKENS, WIDTH, UNITS = 12, 6, 8
STREAMS, WINDOW, STEPS = 3, 5, 4
RATE, CLIP = 0.5, 1.0


class Model(torch.nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.embedding = torch.nn.Embedding(TOKENS, WIDTH)
        self.recurrent = getattr(torch.nn, kind)(WIDTH, UNITS, batch_first=True)
        self.dense = torch.nn.Linear(UNITS, WIDTH)
        self.scores = torch.nn.Linear(WIDTH, TOKENS)
        self.scores.weight = self.embedding.weight
        if kind == "LSTM":  # latchwork has one bias in place of two
            torch.nn.init.zeros_(self.recurrent.bias_hh_l0)
            self.recurrent.bias_hh_l0.requires_grad_(False)

    def forward(self, tokens, state):
        outputs, state = self.recurrent(self.embedding(tokens), state)
        return self.scores(self.dense(outputs)), state


def arrays_of(model, kind):
    def read(parameter):
        return parameter.detach().numpy().copy()

    recurrent = from_torch(kind, model.recurrent, 0, read)
    if kind == "LSTM":
        recurrent["bias"] = recurrent["bias"][0]
    return {
        "layers.0.weight": read(model.embedding.weight),
        **{f"layers.1.{name}": array for name, array in recurrent.items()},
        "layers.2.weight": read(model.dense.weight).T,
        "layers.2.bias": read(model.dense.bias),
        "layers.3.bias": read(model.scores.bias),
    }


def case(kind):
    torch.manual_seed(len(kind))
    model = Model(kind)
    learned = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.SGD(learned, RATE)
    tokens = torch.randint(TOKENS, (STREAMS, STEPS * WINDOW + 1))
    found = {f"before.{name}": array for name, array in arrays_of(model, kind).items()}
    state, losses, norms = None, [], []
    for step in range(STEPS):
        window = tokens[:, step * WINDOW : (step + 1) * WINDOW + 1]
        scores, state = model(window[:, :-1], state)
        state = tuple(part.detach() for part in state) if isinstance(state, tuple) else state.detach()
        loss = torch.nn.functional.cross_entropy(scores.flatten(0, 1), window[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        norms.append(float(torch.nn.utils.clip_grad_norm_(learned, CLIP)))
        optimizer.step()
        losses.append(loss.item())
    assert min(norms) < CLIP < max(norms), norms
    found |= {f"after.{name}": array for name, array in arrays_of(model, kind).items()}
    layers = [
        {"kind": "Embedding", "tokens": TOKENS, "units": WIDTH},
        {"kind": kind, "units": UNITS, "return_sequences": True},
        {"kind": "Dense", "units": WIDTH},
        {"kind": "Dense", "units": TOKENS, "tied": True},
    ]
    parts = state if isinstance(state, tuple) else (state,)
    return found | {
        "spec": json.dumps({"input_shape": [None], "layers": layers}),
        "settings": json.dumps({"rate": RATE, "clip": CLIP, "window": WINDOW}),
        "tokens": tokens.numpy(),
        "losses": np.array(losses),
        "states": np.stack([part[0].numpy() for part in parts]),
    }


if __name__ == "__main__":
    torch.set_default_dtype(torch.float64)
    cases = {f"{kind}/{name}": array for kind in ("LSTM", "GRU") for name, array in case(kind).items()}
    np.savez_compressed(Path(FOLDER) / "language.npz", **cases)
