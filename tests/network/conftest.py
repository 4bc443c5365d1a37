"""The local Hub of tests/checkpoint, for tests that load and publish networks."""

from tests.checkpoint.conftest import hub

__all__ = ["hub"]
