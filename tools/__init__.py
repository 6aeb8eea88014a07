"""Our own checks and commands for developers."""
