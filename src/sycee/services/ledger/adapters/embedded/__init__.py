"""The embedded engine: a compiled kernel over integer arrays, fed by a journal."""
