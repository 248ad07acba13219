"""explain(): which check of the kernel failed, and what to change.

The exception says which call failed with which error, its traceback with which arguments and in which process; that process is asked for
the facts, through its own calls; and a table in the order of the kernel's checks has the first that the facts show to fail.  A model's
process is asked as a real one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from nscore.errors import Blocked, Gone, Unavailable
from nscore.interface.caller import DECLARED
from nscore.interface.calls import Calls
from nscore.interface.syscalls import Syscalls
from nscore.running.asking import asked, facts_of
from nscore.running.causes import decided
from nscore.running.facts import Facts
from nscore.running.failures import Failure, failure_of
from nscore.running.refusals import BLOCKED, BLOCKED_OTHERWISE, ENDED, REASONS, refusal


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why something failed.

    Attributes:
        cause: A word for programs: max_pid_namespaces, seccomp, chroot, dead_init.
        words: Which check failed, with the numbers.
        remedy: What to change; "" where nothing helps.
        rule: Where the kernel checks, and the rules of the catalogue.
    """

    cause: str
    words: str
    remedy: str
    rule: str

    def __str__(self) -> str:
        return f"{self.words}. {self.remedy}" if self.remedy else self.words


def explain(error: BaseException, calls: Calls | None = None, *, call: str | None = None, **arguments: object) -> Explanation | None:
    """Say which check failed, and what to change; None of an exception that nothing is known of.

    It looks at the process as it is now, so call it at once; nothing is changed by it.

    Args:
        error: What nscore raised, or what os and the like raised for a system call.
        calls: The process that made the call: a driven Process or a program's Syscalls.  By default the one that the traceback shows,
            or else the calling process.
        call: The system call, where neither the message nor the traceback names it (as of os.unshare).
        arguments: The call's arguments, by the names that Calls has for them (flags, fd, nstype, ...), where the traceback does not
            have them.
    """
    if isinstance(error, Unavailable):
        return unavailable(error, calls)
    if isinstance(error, Blocked):
        return blocked(error)
    if isinstance(error, Gone):
        cause, words, remedy = next(row[1:] for row in ENDED if re.search(row[0], str(error)))
        return Explanation(cause, words, remedy, "")
    if isinstance(error, OSError):
        return failed(failure_of(error, call, arguments), calls)
    return None


def annotate(error: BaseException) -> None:
    """Note on the exception what explain() says, as add_note does (from Python 3.11 on it is shown with the traceback); once.

    It never raises, whatever it meets: what is to be seen is the error itself.
    """
    try:
        explained = explain(error)
        if explained is None:
            return
        if str(explained) in str(error):
            return
        words = str(explained).removeprefix(f"{error.reason}: " if isinstance(error, Unavailable) else "")
        text = f"nscore: {explained.cause}: {words}"
        notes = getattr(error, "__notes__", [])
        if text in notes:
            return
        error.__notes__ = [*notes, text]
    except Exception:
        return


def failed(failure: Failure, calls: Calls | None) -> Explanation | None:
    """Of a call: what the tables say, or at least what the interface documents."""
    who = asked(calls or failure.caller)
    facts = Facts() if who is None else facts_of(who, failure)
    return judged(failure, facts) or documented(failure)


def judged(failure: Failure, facts: Facts) -> Explanation | None:
    """The decision, of the facts alone."""
    row = decided(failure, facts)
    if row is None:
        return None
    values = {"failure": failure, "facts": facts, "target": facts.target, "numbers": facts.numbers}
    return Explanation(row.name, row.words.format(**values), row.remedy.format(**values), row.rule)


def documented(failure: Failure) -> Explanation | None:
    """What the call's documentation says of the error: one or more checks, the first that applies."""
    method = Syscalls.clone if failure.call == "clone" else DECLARED[failure.call].method if failure.call in DECLARED else None
    text = (method.__doc__ or "") if method else ""
    checks = re.findall(rf"^\s+{failure.errno}: (.*)$", text, re.MULTILINE)
    if not checks:
        return None
    source = text.strip().splitlines()[-1].strip()
    return Explanation("documented", f"{failure.call}: {' Or: '.join(checks)}".rstrip("."), "", source)


def unavailable(error: Unavailable, calls: Calls | None) -> Explanation:
    """What it says itself, by a word; where the kernel refused a step, which check that was."""
    failure = refusal(error)
    found = failed(failure, calls) if failure is not None else None
    if found is not None and found.cause != "documented":
        return Explanation(found.cause, f"{error.reason}: {found.words}", found.remedy or error.remedy, found.rule)
    cause = next((name for pattern, name in REASONS if re.search(pattern, error.reason)), "unavailable")
    return Explanation(cause, error.reason, error.remedy, "")


def blocked(error: Blocked) -> Explanation:
    """What the pending call waits for."""
    name = re.split(r"[ :]", str(error).rpartition("still in ")[2] or str(error))[0]
    table: Mapping[str, tuple[str, str]] = BLOCKED
    words, remedy = table.get(name, BLOCKED_OTHERWISE)
    return Explanation("blocked", f"{name}: {words}", remedy, "")
