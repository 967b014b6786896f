"""Text: a language model that writes, and a keyboard that finishes your words."""
