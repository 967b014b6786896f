"""Saved models without JAX: open a `.latch` file, predict, go step by step.

```python
from latchwork import runtime

model = runtime.load("digits.latch")
model.predict(images)                       # labels, as in training
state = model.initial_state(batch=1)
probabilities, state = model.step(row, state)
```
"""

from latchwork.runtime.model import Model, load
from latchwork.runtime.network import NumpyNetwork

__all__ = ["Model", "NumpyNetwork", "load"]
