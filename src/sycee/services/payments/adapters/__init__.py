"""Ways in which money moves: one package per rail, all behind one promise."""
