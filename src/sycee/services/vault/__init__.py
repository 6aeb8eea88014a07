"""Card numbers, and the keys they are sealed with."""
