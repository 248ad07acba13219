"""nscore_sim/af_unix.py, skbuff.py: when a socket's buffer is full, in numbers that Linux 6.18 gave for the same calls."""

from __future__ import annotations

import pytest

from conformance.expect import raises
from nscore import Calls, Machine, MessageFlag, PollEvent, Process
from nscore.flags import AddressFamily, Disposition, Signal, SocketType

STREAM, DGRAM, SEQPACKET = SocketType.STREAM, SocketType.DGRAM, SocketType.SEQPACKET
DONTWAIT, OUT = MessageFlag.DONTWAIT, PollEvent.OUT


def fill(process: Process, fd: int, size: int) -> int:
    """How many messages of size go in."""
    sent = 0
    while True:
        try:
            process.sendmsg(fd, bytes(size), flags=DONTWAIT)
        except BlockingIOError:
            return sent
        sent += 1


@pytest.mark.parametrize("type", [STREAM, DGRAM, SEQPACKET])
@pytest.mark.parametrize(("size", "messages", "read"), [(1, 278, 209), (1000, 93, 70)])
def test_messages_take_memory_and_room_is_when_a_quarter_is_left(
    machine: Machine, type: SocketType, size: int, messages: int, read: int
) -> None:
    init = machine.init
    a, b = init.socketpair(AddressFamily.UNIX, type)
    assert fill(init, a, size) == messages
    for _ in range(read):
        assert init.poll(((a, OUT),), 0) == ()
        init.recvmsg(b, size)
    assert init.poll(((a, OUT),), 0) == ((a, OUT),)


def test_a_stream_takes_a_part_and_a_packet_goes_whole(machine: Machine) -> None:
    init = machine.init
    a, _ = init.socketpair()
    assert init.sendmsg(a, bytes(400_000), flags=DONTWAIT) == 219264
    c, _ = init.socketpair(AddressFamily.UNIX, SEQPACKET)
    with raises("EMSGSIZE"):
        init.sendmsg(c, bytes(212_961))
    assert init.sendmsg(c, bytes(212_960)) == 212_960
    with raises("EAGAIN"):
        init.sendmsg(c, b"x", flags=DONTWAIT)


def test_a_sender_goes_on_where_it_was(machine: Machine) -> None:
    a, b = machine.init.socketpair()
    sender = machine.init.fork()
    sending = sender.start(Calls.sendmsg, a, bytes(300_000), (a,))
    received, rights = 0, 0
    while received < 300_000:
        machine.settle()
        message = machine.init.recvmsg(b, 36_544, DONTWAIT)
        received += len(message.data)
        rights += len(message.rights)
    machine.settle()
    assert (sending.result(), rights) == (300_000, 1)


@pytest.mark.parametrize(
    ("type", "name"),
    [(STREAM, "ECONNRESET"), (SEQPACKET, "ECONNRESET"), (DGRAM, "ECONNREFUSED")],
)
def test_who_sleeps_when_the_other_end_is_closed_gets_no_signal(machine: Machine, type: SocketType, name: str) -> None:
    a, b = machine.init.socketpair(AddressFamily.UNIX, type)
    sender = machine.init.fork()
    sender.sigaction(Signal.PIPE, Disposition.HANDLE)
    sender.close(b)
    fill(sender, a, 50_000)
    sending = sender.start(Calls.sendmsg, a, b"x")
    machine.settle()
    assert not sending.done
    machine.init.close(b)
    machine.settle()
    with raises(name):
        sending.result()
    assert sender.received() == ()
    if type is STREAM:
        with raises("EPIPE"):
            sender.sendmsg(a, b"x")
        assert [info.si_signo for info in sender.received()] == [Signal.PIPE]
