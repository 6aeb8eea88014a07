"""Books as text: what is read from it and how it is written."""
