"""Saved models without JAX: open a `.latch` file, predict, go step by step.

```python
from latchwork import runtime

model = runtime.load("digits.latch")
model.predict(images)                       # labels, as in training
state = model.initial_state(batch=1)
probabilities, state = model.step(row, state)

runtime.load("airline.latch").predict().to_csv("forecast.csv")
"".join(runtime.load("shakespeare.latch").write("ROMEO:", length=400))
runtime.load("words.latch").transcribe_file("take.wav").text
```
"""

from latchwork.runtime.model import Model
from latchwork.runtime.numpy_network import NumpyNetwork
from latchwork.runtime.opening import load

__all__ = ["Model", "NumpyNetwork", "load"]
