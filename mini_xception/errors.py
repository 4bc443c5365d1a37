"""The package's only exception."""


class MiniXceptionError(ValueError):
    """An input that cannot be used. The one-line message says what is wrong and what to do about it."""
