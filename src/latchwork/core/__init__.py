"""The ground floor: what a network is, the equations of its cells, the file it is saved in. No JAX."""
