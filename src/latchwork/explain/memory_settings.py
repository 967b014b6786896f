"""How each cell starts and learns in the memory experiment: the best of a search, `bench/memory_settings.py`.

The simple RNN, the GRU and the LSTM were searched alike on recall, the variants with fewer settings. On adding the
simple RNN was searched anew and the gated cells keep what they have, which is enough; on copy all cells were searched,
the simple RNN with more settings than the others.
"""

from latchwork.explain.memory_training import Setting

TUNED_DISTANCES = (20, 100)
"""At which settings were searched; each serves the distances nearer to it than to the other, by their ratio."""

NOT_SEARCHED = Setting(3e-2, 0.01, "orthogonal", "spans")

_RECALL = {
    "SimpleRNN": (Setting(1e-3, 0.01, "identity", activation="relu"), Setting(1e-2, 1.0, "orthogonal")),
    "GRU": (Setting(3e-2, 0.01, "orthogonal", "spans"), Setting(3e-2, 0.01, "identity", "spans")),
    "LSTM": (Setting(3e-2, 0.01, "orthogonal", "spans"), Setting(3e-2, 1.0, "identity", "spans")),
    "PeepholeLSTM": (Setting(3e-2, 0.01, "orthogonal", "spans"), Setting(3e-2, 0.01, "orthogonal", "spans")),
    "CoupledLSTM": (Setting(3e-2, 0.01, "orthogonal", "spans"), Setting(3e-2, 0.01, "orthogonal", "spans")),
}
_ADDING = _RECALL | {
    "SimpleRNN": (
        Setting(3e-2, 1.0, "orthogonal", activation="relu"),
        Setting(1e-3, 0.1, "orthogonal", activation="relu"),
    ),
}
_COPY = {
    "SimpleRNN": (Setting(1e-2, 1.0, "orthogonal"), Setting(1e-4, 0.01, "identity")),
    "GRU": (Setting(3e-2, 10.0, "orthogonal"), Setting(3e-2, 1.0, "identity")),
    "LSTM": (Setting(3e-2, 0.01, "orthogonal", "spans"), Setting(3e-2, 0.1, "orthogonal", "spans")),
    "PeepholeLSTM": (Setting(3e-2, 0.1, "identity", "spans"), Setting(3e-2, 0.01, "orthogonal", "spans")),
    "CoupledLSTM": (Setting(3e-2, 0.01, "orthogonal", "spans"), Setting(3e-2, 0.01, "identity", "spans")),
}

SETTINGS: dict[str, dict[str, tuple[Setting, Setting]]] = {"recall": _RECALL, "adding": _ADDING, "copy": _COPY}
"""By task and cell: the best setting at each of the tuned distances."""


def setting_of(task: str, cell: str, distance: int) -> Setting:
    """How a cell starts and learns a task at a distance; one that was not searched, as most gated ones do best."""
    near, far = SETTINGS[task].get(cell, (NOT_SEARCHED, NOT_SEARCHED))
    return near if distance**2 < TUNED_DISTANCES[0] * TUNED_DISTANCES[1] else far
