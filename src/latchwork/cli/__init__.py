"""The command `latchwork`: one module for each job, thin: parse, call, print."""
