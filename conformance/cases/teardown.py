"""The end of an init, and of its namespace.  kernel/pid_namespace.c"""

from __future__ import annotations

from conformance.case import case
from conformance.expect import raises
from conformance.scenes import has_ended, injected
from conformance.views import state
from nscore import (
    CloneFlag,
    Machine,
    PollEvent,
    Process,
    Signal,
)

NEWPID = CloneFlag.NEWPID


@case("SIG-14", "INIT-06", "INIT-07", "INIT-09")
def an_init_waits_for_the_last_number_of_its_namespace(m: Machine) -> None:
    """A victim that its parent outside does not reap holds it up for ever: it is no zombie, takes signals and drops them."""
    inner = m.init.clone(NEWPID)
    father = m.init.fork()
    victim = injected(father, inner.pid)
    pidfd = m.init.pidfd_open(inner.pid)
    m.init.kill(inner.pid, Signal.KILL)
    waiting = m.init.start(Process.waitpid, inner.pid)
    m.settle()
    assert not waiting.done
    assert has_ended(victim)
    assert state(father, inner.pid) in "SI"
    assert father.readlink(f"/proc/{inner.pid}/ns/pid")
    for link in ("exe", "ns/pid_for_children"):
        with raises("ENOENT"):
            father.readlink(f"/proc/{inner.pid}/{link}")
    for sig in (0, Signal.KILL, Signal.TERM):
        father.kill(inner.pid, sig)
    assert father.waitpid(-1) == (4, Signal.KILL)
    assert waiting.result() == (inner.pid, Signal.KILL)
    assert m.init.poll([(pidfd, PollEvent.IN)], 0)
