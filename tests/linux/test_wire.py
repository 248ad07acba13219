"""nscore.linux.wire: messages of any length arrive whole, errnos by their names."""

from __future__ import annotations

import errno
import os
import socket
import sys
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

assert not TYPE_CHECKING or sys.platform == "linux"

from nscore.linux import wire

Pair = tuple[int, int]


@pytest.fixture
def pair() -> Iterator[Pair]:
    one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with one, other:
        yield one.fileno(), other.fileno()


@pytest.mark.parametrize("size", [0, 1, *range(wire.LIMIT - 12, wire.LIMIT + 3), 2 * wire.LIMIT - 5, 1 << 20])
def test_a_message_arrives_whole(pair: Pair, size: int) -> None:
    message = ("name", (bytes(size), None, "text", -1, 1 << 63))
    sender = threading.Thread(target=wire.send, args=(pair[0], message))
    sender.start()
    assert wire.receive(pair[1]) == message
    sender.join()
    wire.send(pair[0], "next")
    assert wire.receive(pair[1]) == "next"


def test_no_packet_is_empty_and_only_the_last_is_short() -> None:
    for size in range(wire.LIMIT - 12, wire.LIMIT + 3):
        parts = wire.packets(bytes(size))
        assert [len(part) == wire.LIMIT for part in parts] == [True] * (len(parts) - 1) + [False]
        assert parts[-1]


def test_the_end_is_none(pair: Pair) -> None:
    one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    one.close()
    assert wire.receive(other.fileno()) is None
    assert wire.receive_descriptors(other.fileno()) == (None, ())
    with pytest.raises(BrokenPipeError):
        wire.send_descriptors(other.fileno(), 1, ())
    other.close()


def test_descriptors_come_along_and_are_not_inherited(pair: Pair) -> None:
    wire.send_descriptors(pair[0], ("x",), (0, 1))
    message, descriptors = wire.receive_descriptors(pair[1])
    assert message == ("x",)
    assert len(descriptors) == 2
    moved = wire.reserve(descriptors[0])
    assert moved >= wire.RESERVED
    assert not any(os.get_inheritable(fd) for fd in (moved, descriptors[1]))
    os.close(moved)
    os.close(descriptors[1])


def test_an_errno_has_the_name_of_the_man_pages() -> None:
    names = {number: wire.errno_name(number) for number in errno.errorcode}
    assert (names[errno.EOPNOTSUPP], names[errno.EDEADLK], names[errno.EAGAIN]) == ("EOPNOTSUPP", "EDEADLK", "EAGAIN")
    assert wire.errno_name(524) == "E524"
    assert len(set(names.values())) == len(names)
