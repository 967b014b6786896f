"""The fused engine: recurrent networks in C++. `native` is its NumPy face, `jax` its JAX face."""
