"""The rules of the books, compiled: (state, batch, timestamp) gives results and rows.

No clock, no randomness, no I/O, no allocation: only arrays. The reference model in ``domain`` is
what it must agree with, code by code and bit by bit; where one of the two is unclear, read that.
Records are rows of sixteen 64-bit words (``words``), which is TigerBeetle's layout.
"""
