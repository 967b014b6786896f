"""How to forecast: the statistical methods, the combiner that weighs them, the trained network, and others' models."""
