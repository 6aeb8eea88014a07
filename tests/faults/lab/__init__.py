"""What campaigns share: clients that remember, checks that can fail, and platforms to break."""
