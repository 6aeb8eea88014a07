"""Random bytes are handed out once, here and in children."""

from __future__ import annotations

import os

from sycee.runtime.entropy import Entropy


def test_no_byte_is_handed_out_twice():
    entropy = Entropy()
    taken = [entropy.take(8) for _ in range(5000)]
    assert {len(each) for each in taken} == {8}
    assert len(set(taken)) == len(taken)


def test_more_than_a_page_can_be_taken():
    assert len(set(Entropy().take(100_000))) == 256


def test_a_child_process_gets_other_bytes_than_its_parent():
    """SE8."""
    entropy = Entropy()
    entropy.take(8)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writer, entropy.take(8))
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reader, 8) != entropy.take(8)
    os.close(reader)
    os.close(writer)
