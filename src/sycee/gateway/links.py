"""Addresses of our own pages, as they are shown to callers."""

from __future__ import annotations


class Links:
    """The public base address, known for certain once the door is open."""

    def __init__(self, base_url: str = "") -> None:
        self.base_url = base_url

    def absolute(self, url: str) -> str:
        """A page's address for those outside; foreign addresses stay as they are."""
        return self.base_url + url if url.startswith("/") else url

    def error(self, code: str) -> str:
        """Where an error code is explained."""
        return f"{self.base_url}/docs#error-{code}"
