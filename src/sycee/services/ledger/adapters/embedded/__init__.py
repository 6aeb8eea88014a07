"""The embedded engine: one writer, books in memory, a log of batches on disk."""
