"""An init: PID 1 of a PID namespace, or a subreaper.  It starts one command, forwards signals to it and reaps everything.

The loop is written over Syscalls: it runs in the calling process on Linux, and as a Program wherever programs run.  Every signal that it
acts on is masked and taken, so none comes at a wrong moment; and as two deaths can be one SIGCHLD, each is taken as "reap all there are",
the main child among them, in whatever order they come.
"""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress

from nscore.errors import Unavailable
from nscore.flags import ChildCode, Disposition, IdType, Prctl, SigMask, Signal, WaitOption
from nscore.interface.syscalls import Program, Syscalls
from nscore.results import WaitResult
from nscore.running.init_host import Bare, Host
from nscore.running.init_main import Command
from nscore.running.init_manners import OWN, TERMINAL_STOPS, Manner, Place, Stop, manner_of
from nscore.running.init_voices import Voice

ENDED = frozenset((ChildCode.EXITED, ChildCode.KILLED, ChildCode.DUMPED))


def init(
    argv: Sequence[str],
    *,
    like: str | None = None,
    env: Mapping[str, str] | None = None,
    group: bool | None = None,
    rewrite: Mapping[int, int] | None = None,
    subreaper: bool | None = None,
    pdeathsig: int = 0,
    expected: Collection[int] = (),
) -> int:
    """Be the init of a command, in the calling process, until the command has ended, and return its exit status, 128+n for signal n.

    It is for PID 1, and for a process of one thread that is to be a subreaper.  Every child of the process is reaped, whoever made it.
    When it returns the signals are still masked: what is left to do is to exit, and a signal in that moment must not cost the status.
    In the command SIGPIPE and SIGXFSZ, which Python ignores, have their default actions, whatever they had before Python started.

    Args:
        argv: The command; it is looked for in PATH.
        like: "tini" or "dumb-init": their defaults instead of nscore's.
        env: The command's environment; None is the caller's.
        group: Whether signals are sent to the command's whole process group.
        rewrite: What to send in place of a signal; 0 is nothing.
        subreaper: Whether to adopt orphans where the process is not PID 1; by default, and not like those two.
        pdeathsig: What the calling process is to be sent when its parent dies.
        expected: Exit statuses that are reported as 0.

    Raises:
        Unavailable: This is not Linux.
        RuntimeError: The process has other threads, which the signals would go to.
        ValueError: like is neither; argv is empty; no such signal.
        OSError: fork or prctl fail.

    pid_namespaces(7), prctl(2) on PR_SET_CHILD_SUBREAPER
    """
    manner = manner_of(like, group, rewrite or {}, subreaper, pdeathsig, expected)
    try:
        return init_here(argv, os.environ if env is None else env, manner, Voice())
    except (Unavailable, OSError) as error:
        from nscore.running.explain import annotate

        annotate(error)
        raise


def init_here(argv: Sequence[str], env: Mapping[str, str], manner: Manner, voice: Voice) -> int:
    """As init(), by a manner that is complete."""
    if not argv:
        raise ValueError("init: argv is empty")
    if sys.platform == "linux":
        from nscore.linux.calling import Forking, LinuxHost, other_threads

        if other_threads():
            raise RuntimeError("init: the process has other threads, which the signals would go to")
        calls = Syscalls(Forking(), 0, lambda row: None, itertools.count(1))
        return Init(calls, Command(argv, env, manner, voice), manner, LinuxHost(manner.terminal.name), voice).run()
    raise Unavailable("PID namespaces are Linux's", 'Run it there; init_program() runs on nscore.boot("sim")')


def init_program(main: Program, manner: Manner = OWN) -> Program:
    """A program that is an init, with main as its main child: for Machine.run and Syscalls.clone, on every backend."""
    return lambda calls: Init(calls, main, manner, Bare(), Voice()).run()


class Init:
    """A main child and all orphans, from the first to the main child's end."""

    def __init__(self, calls: Syscalls, main: Program, manner: Manner, host: Host, voice: Voice) -> None:
        self.calls, self.main, self.manner, self.host, self.voice = calls, main, manner, host, voice
        self.options = WaitOption.EXITED | WaitOption.NOHANG | WaitOption.ALL
        if manner.stop is Stop.WITH_CHILD:
            self.options |= WaitOption.STOPPED
        self.pid = 0
        #: Signals that are not to be forwarded the next time that they come.
        self.skipped: set[int] = set()
        self.mask: frozenset[int] = frozenset()
        #: What the main child is to have again: what the init has changed for itself.
        self.actions: dict[int, int] = {}

    def run(self) -> int:
        """Start the main child, and serve until it has ended: its exit status."""
        self.mask = self.calls.sigprocmask(SigMask.BLOCK, ())  # known before it is changed: what came just before may raise just after
        try:
            self.calls.sigprocmask(SigMask.SETMASK, self.manner.collected)
            self.start()
        except BaseException:
            self.calls.sigprocmask(SigMask.SETMASK, self.mask)
            raise
        while True:
            while self.serve() != Signal.CHLD:
                pass
            ended = self.reap(self.voice)
            if ended is not None:
                return self.end(ended)

    def start(self) -> None:
        """Prepare as PID 1 and fork."""
        calls, manner = self.calls, self.manner
        # Ignored, SIGCHLD would have the kernel reap, and no status be left.
        self.act(Signal.CHLD, Disposition.DFL)
        for sig in sorted(manner.ignored):
            self.act(sig, Disposition.IGN)
        if manner.pdeathsig:
            calls.prctl(Prctl.SET_PDEATHSIG, manner.pdeathsig)
        if manner.subreaper:
            calls.prctl(Prctl.SET_CHILD_SUBREAPER, 1)
            self.voice.registered()
        if calls.getpid() != 1 and not calls.prctl(Prctl.GET_CHILD_SUBREAPER):
            self.voice.cannot_reap()
        self.skipped |= self.host.leave(self.voice)
        # Whoever is an init now may have had children that ended unseen; from here on a signal tells of each.
        self.reap(Voice())
        self.pid = calls.fork(self.child)
        if manner.place is Place.GROUP:
            # Whoever is first: what is sent to the group must not come before there is one.  EACCES: it runs the command already.
            with suppress(PermissionError, ProcessLookupError):
                calls.setpgid(self.pid, self.pid)
        self.voice.spawned(self.pid)
        if manner.root:
            calls.chdir("/")

    def act(self, sig: int, action: Disposition) -> None:
        """Change an action, for the init alone.  A handler is none of the main child's, if that is exec'ed or not."""
        before = self.calls.sigaction(sig, action).handler
        self.actions[sig] = Disposition.IGN if before == Disposition.IGN else Disposition.DFL

    def child(self, calls: Syscalls) -> int | None:
        """What the main child does before it is one.  Signals are masked until the end: what comes early is for the command."""
        manner = self.manner
        try:
            if manner.place is Place.SESSION:
                calls.setsid()
            elif manner.place is Place.GROUP:
                calls.setpgid(0, 0)
            self.host.child(self.voice)
            self.voice.placed(manner.place.name)
        except OSError as error:
            self.voice.fatal(error)
            return manner.failed
        for sig, action in {**self.actions, **dict.fromkeys(sorted(manner.defaults), 0)}.items():
            calls.sigaction(sig, action)
        calls.sigprocmask(SigMask.SETMASK, () if manner.unmasked else self.mask)
        return self.main(calls)

    def serve(self) -> int:
        """Wait for a signal and do as it says, unless it tells of children; which it is."""
        try:
            sig = self.calls.sigtimedwait(self.manner.collected).si_signo
        except InterruptedError:  # stopped and continued, or a handler of a signal that is not collected
            return 0
        self.voice.received(sig)
        if sig in self.skipped:
            self.skipped.discard(sig)
            self.voice.skipped(sig)
        elif sig != Signal.CHLD:
            if sig == Signal.CONT:
                self.host.continued(self.pid)
            self.forward(sig)
            if self.manner.stop is Stop.TOLD and sig in TERMINAL_STOPS:
                self.suspend()
        return sig

    def forward(self, sig: int) -> None:
        """Send the main child, or its group, a signal that has come or what it is rewritten to."""
        manner = self.manner
        to = self.rewritten(sig)
        if not to:
            self.voice.dropped(sig)
            return
        # Who has stopped as a job continues as one.
        job = manner.stop is Stop.WITH_CHILD and (to == Signal.CONT or to in TERMINAL_STOPS)
        try:
            self.send(to, manner.group or job)
        except ProcessLookupError:
            self.voice.missed(to)
        except PermissionError:
            if manner.strict:
                raise
        self.voice.forwarded(to)

    def rewritten(self, sig: int) -> int:
        """What is sent in place of a signal."""
        if sig in self.manner.rewrite:
            self.voice.rewritten(sig, self.manner.rewrite[sig])
        return self.manner.rewrite.get(sig, sig)

    def send(self, sig: int, group: bool) -> None:
        """kill(2)"""
        if group and self.manner.place is not Place.CALLER:
            try:
                self.calls.kill(-self.pid, sig)
                return
            except ProcessLookupError:  # its setsid() is still to come
                if self.manner.place is not Place.SESSION:
                    raise
        self.calls.kill(self.pid, sig)

    def suspend(self) -> None:
        """Stop, until somebody continues this process too."""
        self.voice.suspended()
        self.calls.kill(self.calls.getpid(), Signal.STOP)

    def reap(self, voice: Voice) -> WaitResult | None:
        """Reap all that has ended; what became of the main child, if it is among them."""
        ended = None
        while (found := self.found(voice)) is not None:
            main = found.si_pid == self.pid
            if found.si_code not in ENDED:
                if main:
                    self.suspend()
                continue
            voice.reaped(found, main)
            if main:
                ended = found
        return ended

    def found(self, voice: Voice) -> WaitResult | None:
        """A child that has ended, which is one no more, or has stopped."""
        try:
            found = self.calls.waitid(IdType.ALL, 0, self.options)
        except ChildProcessError:
            voice.nothing(children=False)
            return None
        if found is None:
            voice.nothing(children=True)
        return found

    def end(self, main: WaitResult) -> int:
        """The status that the init ends with."""
        manner = self.manner
        status = main.si_status if main.si_code == ChildCode.EXITED else 128 + main.si_status
        if manner.farewell:
            to = self.rewritten(manner.farewell)
            with suppress(ProcessLookupError, PermissionError):
                if to and manner.group:  # its own number may be another's by now
                    self.calls.kill(-self.pid, to)
            (self.voice.forwarded if to else self.voice.dropped)(to)
        self.host.ended(self.pid)
        status = 0 if status in manner.expected else status
        self.voice.ended(status)
        return status
