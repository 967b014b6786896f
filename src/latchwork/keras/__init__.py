"""`latchwork.keras` is `latchwork.interop.keras`, under the names that scripts import from.

The modules are the same objects under both names, and under those of Keras 1 and 2 (`layers.core`, `utils.np_utils`).
"""

import sys

from latchwork.interop import keras

_OLD_PLACES = {
    "layers.core": keras.layers, "layers.recurrent": keras.layers, "layers.embeddings": keras.layers,
    "layers.wrappers": keras.layers, "layers.normalization": keras.layers, "layers.advanced_activations": keras.layers,
    "utils.np_utils": keras.utils, "optimizers.schedules": keras.schedules, "datasets.mnist": keras.datasets.mnist,
    "preprocessing.sequence": keras.preprocessing.sequence, "preprocessing.text": keras.preprocessing.text,
    "optimizers.legacy": keras.optimizers,
}  # fmt: skip
for _name in keras.__all__:
    if _name.islower():
        sys.modules[f"{__name__}.{_name}"] = getattr(keras, _name)
for _name, _module in _OLD_PLACES.items():
    sys.modules[f"{__name__}.{_name}"] = _module
sys.modules[__name__] = keras
