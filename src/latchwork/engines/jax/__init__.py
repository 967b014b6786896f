"""The optional wing: cells and layers as JAX sees them, the kernels as JAX functions, steps compiled by XLA."""

from importlib import import_module

from latchwork.core.errors import InputError

for _name in ("jax", "equinox", "optax", "jaxtyping"):
    try:
        import_module(_name)
    except ImportError as error:  # whoever comes here is told what to install, from the command and from Python
        raise InputError(
            f"this needs JAX, and {_name} cannot be imported: install it with pip install 'latchwork[jax]'"
        ) from error
