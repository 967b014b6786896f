"""What the jobs share, and the two that answer whole sequences: `SequenceClassifier` and `SequenceRegressor`."""
