"""The one exception of the package."""


class MiniXceptionError(ValueError):
    """An input that cannot be used. The message is one line: what is wrong, and what to do about it."""
