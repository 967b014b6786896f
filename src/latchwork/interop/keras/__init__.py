"""Keras's names over latchwork's layers and kernels: change a script's imports, and it trains many times faster.

```python
from latchwork.keras.models import Sequential
from latchwork.keras.layers import LSTM, Dense

model = Sequential()
model.add(LSTM(4, input_shape=(1, 1)))
model.add(Dense(1))
model.compile(loss="mean_squared_error", optimizer="adam")
model.fit(x, y, epochs=100, batch_size=1, verbose=2)
```

`models` is the way through: a model's layers become a `core.spec.Sequential` and its arrays, `compiled` settles what is
minimised, `data` makes rows of what `fit` is given, `fitting` trains them in blocks. What Keras has and this has not
fails at once, by name (`refusals`). The page "Coming from Keras" has the names and the differences.
"""

from typing import Any

from latchwork.interop.keras import (
    activations,
    backend,
    callbacks,
    datasets,
    initializers,
    layers,
    losses,
    metrics,
    models,
    optimizers,
    preprocessing,
    recurrent,
    regularizers,
    schedules,
    utils,
)
from latchwork.interop.keras.layers import Input
from latchwork.interop.keras.models import Model, Sequential
from latchwork.interop.keras.refusals import missing

for _name in (
    "SimpleRNN", "GRU", "LSTM", "Bidirectional", "TimeDistributed", "GlobalAveragePooling1D", "GlobalMaxPooling1D",
    "GlobalAvgPool1D", "GlobalMaxPool1D",
):  # fmt: skip
    setattr(layers, _name, getattr(recurrent, _name))
for _name in ("Sequence", "timeseries_dataset_from_array"):
    setattr(preprocessing.sequence, _name, getattr(utils, _name))
models.Input = layers.Input  # pyright: ignore[reportAttributeAccessIssue]
optimizers.schedules = schedules  # pyright: ignore[reportAttributeAccessIssue]
utils.np_utils = utils  # pyright: ignore[reportAttributeAccessIssue]
utils.pad_sequences = preprocessing.sequence.pad_sequences  # pyright: ignore[reportAttributeAccessIssue]

__version__ = "3"  # of the interface, not of this
__all__ = [
    "Input", "Model", "Sequential", "activations", "backend", "callbacks", "datasets", "initializers", "layers",
    "losses", "metrics", "models", "optimizers", "preprocessing", "regularizers", "utils",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    missing(name)
