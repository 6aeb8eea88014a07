"""The embedded engine: a compiled kernel over integer arrays, fed by a hash-chained journal."""
