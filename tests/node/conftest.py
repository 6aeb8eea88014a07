"""The same platforms as the stories'."""

from tests.system.conftest import platform

__all__ = ["platform"]
