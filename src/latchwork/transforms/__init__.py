"""What is fitted beside a network and saved with it, in NumPy alone."""
