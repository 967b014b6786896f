"""The errors that a user may meet, each worded for the user: what was given, what was expected, what to do."""


class LatchworkError(Exception):
    """The job failed; a command prints the message on one line and exits with 1."""

    exit_code = 1


class InputError(LatchworkError, ValueError):
    """What was given cannot be used; a command prints the message on one line and exits with 2."""

    exit_code = 2
