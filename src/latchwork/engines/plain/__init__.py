"""NumPy: runs every layer of the table where the kernels were not built, and is what they are compared with."""
