"""nscore_sim/pipe.py, select.py, af_unix.py, scm.py: data between processes, and waiting for it."""

from __future__ import annotations

import pytest

from conformance.expect import raises
from nscore import Calls, Machine
from nscore.flags import CloneFlag, Disposition, MessageFlag, OpenFlag, PollEvent, SigActionFlag, Signal, SocketType
from nscore.results import Credentials, Message

IN, OUT = PollEvent.IN, PollEvent.OUT
SOL_SOCKET, SO_PASSCRED = 1, 16


def test_a_reader_waits_for_a_writer_or_for_the_last_of_them_to_go(machine: Machine) -> None:
    a = machine.init.fork()
    r, w = a.pipe2()
    b = a.fork()
    reading = b.start(Calls.read, r, 10)
    machine.settle()
    assert not reading.done
    a.write(w, b"hello")
    machine.settle()
    assert reading.result() == b"hello"
    b.close(w)
    reading = b.start(Calls.read, r, 10)
    a.close(w)
    machine.settle()
    assert reading.result() == b""


def test_a_reader_is_interrupted_unless_the_call_is_made_again(machine: Machine) -> None:
    a = machine.init.fork()
    r, w = a.pipe2()
    b = a.fork()
    b.sigaction(Signal.USR1, Disposition.HANDLE)
    reading = b.start(Calls.read, r, 1)
    machine.settle()
    machine.init.kill(3, Signal.USR1)
    machine.settle()
    with pytest.raises(InterruptedError):
        reading.result()
    b.sigaction(Signal.USR1, Disposition.HANDLE, SigActionFlag.RESTART)
    reading = b.start(Calls.read, r, 1)
    machine.settle()
    machine.init.kill(3, Signal.USR1)
    machine.settle()
    assert not reading.done
    a.write(w, b"z")
    machine.settle()
    assert reading.result() == b"z"


def test_a_writer_without_readers_gets_sigpipe(machine: Machine) -> None:
    a = machine.init.fork()
    r, w = a.pipe2()
    a.close(r)
    a.sigaction(Signal.PIPE, Disposition.IGN)
    with pytest.raises(BrokenPipeError):
        a.write(w, b"x")
    assert a.poll([(w, OUT)], 0) == ((w, OUT | PollEvent.ERR),)


def test_a_full_pipe_holds_the_writer_and_small_writes_are_whole(machine: Machine) -> None:
    a = machine.init.fork()
    r, w = a.pipe2()
    b = a.fork()
    writing = b.start(Calls.write, w, b"k" * 70000)
    machine.settle()
    assert not writing.done
    assert len(a.read(r, 65536)) == 65536
    machine.settle()
    assert writing.result() == 70000
    assert len(a.read(r, 65536)) == 70000 - 65536
    r, w = a.pipe2(OpenFlag.NONBLOCK)
    a.write(w, b"y" * 65536)
    a.read(r, 4095)
    with pytest.raises(BlockingIOError):
        a.write(w, b"z" * 4096)
    assert a.poll([(w, OUT), (r, IN)], 0) == ((r, IN),)


def test_poll_waits_for_a_time(machine: Machine) -> None:
    a = machine.init.fork()
    r, w = a.pipe2()
    waiting = a.start(Calls.poll, [(r, IN)], 50)
    machine.settle()
    assert not waiting.done
    machine.sleep(0.2)
    assert waiting.result() == ()
    assert a.poll([(r, IN), (w, OUT), (99, IN), (-1, IN)], 0) == ((w, OUT), (99, PollEvent.NVAL))


def test_two_ends_to_read_wake_both(machine: Machine) -> None:
    a = machine.init.fork()
    (r1, w1), (r2, _) = a.pipe2(), a.pipe2()
    b = a.fork()
    waiting = b.start(Calls.poll, [(r1, IN), (r2, IN), (r1, IN)], -1)
    machine.settle()
    a.write(w1, b"x")
    machine.settle()
    assert waiting.result() == ((r1, IN), (r1, IN))


def test_a_message_carries_descriptors(machine: Machine) -> None:
    a = machine.init.fork()
    ours, theirs = a.socketpair()
    r, w = a.pipe2()
    b = a.fork()
    b.close(r)
    b.close(w)
    a.sendmsg(ours, b"take", (r, w))
    assert b.recvmsg(theirs, 10) == Message(b"take", (r, w), None, 0)
    b.write(w, b"there")
    assert a.read(r, 9) == b"there"
    with raises("EBADF"):
        a.sendmsg(ours, b"x", (99,))
    with pytest.raises(BlockingIOError):
        b.recvmsg(theirs, 1, MessageFlag.DONTWAIT)


def test_credentials_are_numbers_of_whoever_receives(machine: Machine) -> None:
    """SCM-01, SCM-03, SCM-06 to SCM-08"""
    a = machine.init.fork()
    ours, theirs = a.socketpair()
    a.setsockopt(ours, SOL_SOCKET, SO_PASSCRED, 1)
    inner = a.clone(CloneFlag.NEWPID)
    inner.sendmsg(theirs, b"up")
    assert a.recvmsg(ours, 9).credentials == Credentials(inner.pid, 0, 0)
    a.sendmsg(ours, b"down")
    inner.setsockopt(theirs, SOL_SOCKET, SO_PASSCRED, 1)
    assert inner.recvmsg(theirs, 9).credentials == Credentials(0, 0, 0)
    with pytest.raises(ProcessLookupError):
        inner.sendmsg(theirs, b"x", (), Credentials(inner.pid, 0, 0))
    inner.setresuid(7, 7, 7)
    with pytest.raises(PermissionError):
        inner.sendmsg(theirs, b"x", (), Credentials(1, 8, 0))


def test_data_of_two_senders_does_not_merge(machine: Machine) -> None:
    """SCM-10"""
    a = machine.init.fork()
    ours, theirs = a.socketpair()
    b = a.fork()
    a.sendmsg(ours, b"1")
    b.sendmsg(ours, b"2")
    assert a.recvmsg(theirs, 9).data == b"12"
    a.setsockopt(theirs, SOL_SOCKET, SO_PASSCRED, 1)
    a.sendmsg(ours, b"1")
    b.sendmsg(ours, b"2")
    assert (a.read(theirs, 9), a.read(theirs, 9)) == (b"1", b"2")


def test_datagrams_keep_their_bounds(machine: Machine) -> None:
    a = machine.init.fork()
    ours, theirs = a.socketpair(type=SocketType.DGRAM)
    a.sendmsg(ours, b"abcdef")
    a.sendmsg(ours, b"")
    assert a.recvmsg(theirs, 3) == Message(b"abc", (), None, MessageFlag.TRUNC)
    assert a.recvmsg(theirs, 3) == Message(b"", (), None, 0)
    a.close(ours)
    with pytest.raises(ConnectionRefusedError):
        a.sendmsg(theirs, b"x")


def test_an_end_that_is_closed(machine: Machine) -> None:
    a = machine.init.fork()
    ours, theirs = a.socketpair()
    a.sendmsg(theirs, b"unread")
    a.sendmsg(ours, b"left")
    a.close(ours)
    assert a.recvmsg(theirs, 9).data == b"left"
    with pytest.raises(ConnectionResetError):
        a.recvmsg(theirs, 9)
    assert a.recvmsg(theirs, 9) == Message(b"", (), None, 0)
    with pytest.raises(BrokenPipeError):
        a.sendmsg(theirs, b"x", (), None, MessageFlag.NOSIGNAL)
