"""What services stand on. It knows machines, never money."""
