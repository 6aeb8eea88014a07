"""Where the keys that wrap all other keys are kept."""
