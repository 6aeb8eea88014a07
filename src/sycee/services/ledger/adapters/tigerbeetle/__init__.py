"""The books in a TigerBeetle cluster, through the C library of its official Python package."""
