"""pipe(7), poll(2): what is ready, what waits, what is refused.  fs/pipe.c, fs/select.c"""

from __future__ import annotations

from conformance.case import case
from conformance.descriptors import is_cloexec, ready
from conformance.expect import raises
from conformance.steps import reap
from nscore import (
    Calls,
    Disposition,
    Machine,
    MessageFlag,
    OpenFlag,
    PollEvent,
    Signal,
    SocketType,
)

CREAT = OpenFlag.CREAT
PIPE_BUFFER = 65536


@case()
def a_pipe_has_two_ends(m: Machine) -> None:
    """Each for one direction, without offsets; its end is where the last writer is gone."""
    with raises("EINVAL"):
        m.init.pipe2(CREAT)
    reader, writer = m.init.pipe2(OpenFlag.CLOEXEC)
    assert (reader, writer, is_cloexec(m.init, reader)) == (3, 4, True)
    with raises("EBADF"):
        m.init.write(reader, b"x")
    with raises("EBADF"):
        m.init.read(writer, 1)
    for fd in (reader, writer):
        with raises("ESPIPE"):
            m.init.lseek(fd, 0)
        with raises("ESPIPE"):
            m.init.pread(fd, 1, 0)
    child = m.init.fork()
    m.init.close(writer)
    child.write(writer, b"words")
    assert (m.init.read(reader, 2), m.init.read(reader, 9)) == (b"wo", b"rds")
    pending = m.init.start(Calls.read, reader, 9)
    assert not pending.done
    child.close(writer)
    assert pending.result() == b""


@case()
def a_pipe_without_readers(m: Machine) -> None:
    """EPIPE, and SIGPIPE kills who does not ignore it."""
    reader, writer = m.init.pipe2()
    m.init.close(reader)
    ignoring, handling, other = m.init.fork(), m.init.fork(), m.init.fork()
    ignoring.sigaction(Signal.PIPE, Disposition.IGN)
    handling.sigaction(Signal.PIPE, Disposition.HANDLE)
    for process in (ignoring, handling):
        with raises("EPIPE"):
            process.write(writer, b"x")
    assert [info.si_signo for info in handling.received()] == [Signal.PIPE]
    other.start(Calls.write, writer, b"x")
    assert m.init.waitpid(other.pid) == (other.pid, Signal.PIPE)


@case()
def a_pipe_that_does_not_block(m: Machine) -> None:
    """EAGAIN where it is empty or full; a write of more than fits is a partial one."""
    reader, writer = m.init.pipe2(OpenFlag.NONBLOCK)
    with raises("EAGAIN"):
        m.init.read(reader, 1)
    assert m.init.write(writer, b"x" * (PIPE_BUFFER + 10)) == PIPE_BUFFER
    with raises("EAGAIN"):
        m.init.write(writer, b"x")
    assert len(m.init.read(reader, PIPE_BUFFER * 2)) == PIPE_BUFFER
    m.init.close(writer)
    assert m.init.read(reader, 1) == b""


@case()
def a_full_pipe_waits_for_its_reader(m: Machine) -> None:
    """Until there is room; a handler ends the wait: EINTR, if nothing was written."""
    reader, writer = m.init.pipe2()
    m.init.write(writer, b"x" * PIPE_BUFFER)
    child = m.init.fork()
    child.sigaction(Signal.USR1, Disposition.HANDLE)
    pending = child.start(Calls.write, writer, b"y" * 10)
    m.init.kill(child.pid, Signal.USR1)
    with raises("EINTR"):
        pending.result()
    pending = child.start(Calls.write, writer, b"y" * 10)
    assert not pending.done
    m.init.read(reader, PIPE_BUFFER)
    assert pending.result() == 10
    assert m.init.read(reader, 20) == b"y" * 10


# --- sockets and poll


@case("SCM-01")
def a_socketpair_that_does_not_block(m: Machine) -> None:
    """EAGAIN to receive nothing; a handler ends a wait with EINTR."""
    one, other = m.init.socketpair()
    with raises("EAGAIN"):
        m.init.recvmsg(one, 1, MessageFlag.DONTWAIT)
    child = m.init.fork()
    child.sigaction(Signal.USR1, Disposition.HANDLE)
    pending = child.start(Calls.recvmsg, other, 10)
    m.init.kill(child.pid, Signal.USR1)
    with raises("EINTR"):
        pending.result()


@case()
def poll_says_what_is_ready(m: Machine) -> None:
    """Of a pipe: writable at once, readable with data, HUP without writers, ERR without readers; NVAL for no descriptor."""
    reader, writer = m.init.pipe2()
    assert (ready(m.init, reader), ready(m.init, writer, PollEvent.OUT)) == (0, PollEvent.OUT)
    m.init.write(writer, b"x")
    assert m.init.poll(((reader, PollEvent.IN), (writer, PollEvent.OUT), (99, PollEvent.IN), (-1, PollEvent.IN)), 0) == (
        (reader, PollEvent.IN),
        (writer, PollEvent.OUT),
        (99, PollEvent.NVAL),
    )
    copy = m.init.dup(writer)
    m.init.close(writer)
    assert ready(m.init, reader) == PollEvent.IN
    m.init.close(copy)
    assert ready(m.init, reader) == PollEvent.IN | PollEvent.HUP
    m.init.read(reader, 1)
    assert ready(m.init, reader) == PollEvent.HUP
    reader, writer = m.init.pipe2()
    m.init.close(reader)
    assert ready(m.init, writer, PollEvent.OUT) == PollEvent.OUT | PollEvent.ERR


@case()
def poll_waits(m: Machine) -> None:
    """For an event, for its time, or for a handler."""
    reader, writer = m.init.pipe2()
    child = m.init.fork()
    child.sigaction(Signal.USR1, Disposition.HANDLE)
    waiting = child.start(Calls.poll, ((reader, PollEvent.IN),), -1)
    assert not waiting.done
    m.init.write(writer, b"x")
    assert waiting.result() == ((reader, PollEvent.IN),)
    m.init.read(reader, 1)
    assert child.start(Calls.poll, ((reader, PollEvent.IN),), 20).result() == ()
    waiting = child.start(Calls.poll, ((reader, PollEvent.IN),), -1)
    m.init.kill(child.pid, Signal.USR1)
    with raises("EINTR"):
        waiting.result()
    m.init.close(reader)
    reap(m.init, child)
    one, other = m.init.socketpair(type=SocketType.SEQPACKET)
    assert ready(m.init, one, PollEvent.IN | PollEvent.OUT) == PollEvent.OUT
    m.init.close(other)
    assert ready(m.init, one, PollEvent.IN | PollEvent.RDHUP) & PollEvent.HUP
