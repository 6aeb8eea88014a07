"""The reference model of the books: (books, batch, timestamp) gives results, and nothing else does.

Plain Python over exact integers, no clock, no I/O: the same batches at the same timestamps always
give the same books, which is what lets a journal of batches stand for all balances.
"""
