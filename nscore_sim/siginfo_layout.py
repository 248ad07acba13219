"""What a siginfo holds, by its signal and its code.  Models kernel/signal.c:siginfo_layout."""

from __future__ import annotations

from nscore.flags import SigCode, Signal

SI_USER, SI_KERNEL = int(SigCode.USER), int(SigCode.KERNEL)

#: The codes below SI_USER that say no sender: their place holds something else.
WITHOUT_SENDER = frozenset((int(SigCode.TIMER), int(SigCode.SIGIO)))
#: Signals whose positive codes have a layout of their own, and how far those go.  kernel/signal.c:sig_sicodes
SIG_SICODES: dict[int, int] = {
    Signal.ILL: 11,
    Signal.FPE: 15,
    Signal.SEGV: 10,
    Signal.BUS: 5,
    Signal.TRAP: 6,
    Signal.CHLD: 6,
    Signal.IO: 6,
    Signal.SYS: 2,
}
NSIGPOLL = 6


def tells_of_a_child(sig: int, code: int) -> bool:
    """Whether its place for a value holds a status: a positive code is a child's, unless the exit signal has codes of its own."""
    return SI_USER < code < SI_KERNEL and (sig == Signal.CHLD or sig not in SIG_SICODES)


def has_si_pid_and_uid(sig: int, code: int) -> bool:
    """Whether it names a process and a user.  include/linux/signal.h:has_si_pid_and_uid"""
    if SI_USER < code < SI_KERNEL:
        return sig == Signal.CHLD or not (code <= SIG_SICODES.get(sig, 0) or code <= NSIGPOLL)
    return code not in WITHOUT_SENDER
