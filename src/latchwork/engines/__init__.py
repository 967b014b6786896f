"""What computes: `native` is our own C++, `plain` NumPy, `jax` the optional wing for what users write and for GPUs."""
