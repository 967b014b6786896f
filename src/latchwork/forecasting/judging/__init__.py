"""How good a forecast is: the backtest, errors, intervals, and the verdict."""
