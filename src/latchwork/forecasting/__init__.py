"""Forecasting: read -> clean -> transform -> candidates -> backtest -> combine -> calibrate -> report."""
