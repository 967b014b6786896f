"""Other people's models: read as data, never run; and ours, written for theirs.

`importing` reads Keras, PyTorch and ONNX files, `exporting` writes them. Each needs the package whose files it knows
(`h5py`, `onnx`: the extra `latchwork[interop]`) only while it works.
"""
