"""The optional wing: cells and layers as JAX sees them, the kernels as JAX functions, steps compiled by XLA."""
