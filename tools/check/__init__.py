"""Everything that must hold of the code before its tests are worth running."""
