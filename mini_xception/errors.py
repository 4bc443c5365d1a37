"""The package's one exception."""


class MiniXceptionError(ValueError):
    """Bad input: the message says in one line what was wrong and what to do about it."""
