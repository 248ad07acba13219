"""What nscore's own exceptions say: Unavailable, whose reason names a step that the kernel refused; Blocked and Gone."""

from __future__ import annotations

import errno
import os
import re

from nscore.errors import Unavailable
from nscore.flags import CloneFlag, MountFlag
from nscore.running.failures import Failure, errno_name

MACHINE = int(CloneFlag.NEWPID | CloneFlag.NEWNS | CloneFlag.NEWUTS | CloneFlag.NEWIPC)
KEPT = int(CloneFlag.NEWPID | CloneFlag.NEWNS)
NEWUSER, NEWPID = int(CloneFlag.NEWUSER), int(CloneFlag.NEWPID)

#: What a reason says, by a word.
REASONS = (
    (r"^/proc shows ", "foreign_proc"),
    (r"^RLIMIT_NOFILE ", "descriptors"),
    (r"C library", "c_library"),
    (r"needs Linux|are Linux's", "not_linux"),
    (r"^no backend is called|the model has no release", "no_such_backend"),
    (r"/proc/PID/schedstat", "schedstat"),
    (r"/proc/PID/syscall", "cap_sys_ptrace"),
    (r"loses sight", "cap_sys_ptrace"),
    (r"cannot share", "shared"),
    (r"need clone3", "seccomp"),
    (r"^clone: ", "way_of_cloning"),
    (r"zygote|keeper|small interpreter|died before|the trial failed", "interpreter"),
)

#: The steps of boot and of run, and the calls that they are; the flags of an ordinary user's have CLONE_NEWUSER too.
STEPS: dict[str, tuple[str, dict[str, object]]] = {
    "clone": ("clone", {"flags": MACHINE}),
    "mount of /proc": ("mount", {"fstype": "proc", "target": "/proc", "flags": 0}),
    "/proc": ("move_mount", {"fsname": "proc"}),
    "id maps": ("write", {"path": "/proc/self/uid_map"}),
    "mount namespace": ("unshare", {"flags": int(CloneFlag.NEWNS)}),
    "hostname": ("unshare", {"flags": int(CloneFlag.NEWUTS)}),
    "user namespace": ("setns", {"nstype": NEWUSER}),
    "new user namespace": ("unshare", {"flags": NEWUSER}),
    "setns": ("setns", {"nstype": NEWPID}),
    "unshare": ("unshare", {"flags": KEPT}),
    "fsopen": ("fsopen", {"fsname": "proc"}),
    "fsconfig": ("fsconfig", {"fsname": "proc"}),
    "fsmount": ("fsmount", {"fsname": "proc"}),
    "mount": ("mount", {"target": "/", "flags": int(MountFlag.SLAVE | MountFlag.REC)}),
    "clone3": ("clone", {"flags": NEWPID}),
    "fork": ("clone", {"flags": 0}),
    "settle": ("clone", {"flags": 0}),
}
WHO = re.compile(r"^(root|an ordinary user) cannot |^the command cannot ")


def refusal(error: Unavailable) -> Failure | None:
    """The call that the kernel refused, as the reason tells it: "WHO cannot DO IT here: STEP: STRERROR"."""
    match = WHO.match(error.reason)
    number = number_of(error.reason)
    if match is None or not number:
        return None
    step = next((part for part in reversed(error.reason.split(": ")[1:-1]) if part in STEPS), "")
    call, arguments = STEPS.get(step, ("unshare", {"flags": KEPT}))
    arguments = dict(arguments)
    flags = arguments.get("flags")
    if match[1] == "an ordinary user" and call in ("unshare", "clone") and isinstance(flags, int) and flags:
        arguments["flags"] = flags | NEWUSER
    made = () if call in ("unshare", "clone") else ("mnt", "pid", "uts", "user")
    return Failure(call, errno_name(number), arguments, said=step or call, made=made)


def number_of(reason: str) -> int:
    """The errno whose words the reason ends with; 0 of none."""
    words = reason.rpartition(": ")[2]
    return next((number for number in errno.errorcode if os.strerror(number) == words), 0)


#: What a call that has not returned waits for, and what would end it.
CHILD = (
    "the child that it waits for lives, or is the init of a namespace that waits until its last member has been reaped",
    "End the child, or pass WaitOption.NOHANG; reap what sits in the namespace but has its parent outside",
)
READER = ("nobody writes, and somebody still holds the other end", "Write, or close every copy of the other end, those in children too")
BLOCKED: dict[str, tuple[str, str]] = {
    "waitid": CHILD,
    "waitpid": CHILD,
    "read": READER,
    "recvmsg": READER,
    "write": ("the pipe is full, and nobody reads", "Read the other end"),
    "sendmsg": ("the socket is full, and nobody reads", "Read the other end"),
    "poll": ("none of the descriptors is ready", "Pass a timeout, or make one of them ready"),
    "sigtimedwait": ("none of the signals is pending", "Send one, or pass seconds"),
    "pause": ("no signal with a handler arrives", "Send one: what is ignored or has its default action does not end a pause"),
    "clone": ("the vfork child has neither exec'ed nor ended", "Let it: the parent sleeps until then"),
    "open": ("nobody has opened the other end of the fifo", "Open it, or pass NONBLOCK"),
    "execve": ("the process has other threads that do not end", "Let them end"),
    "exit": ("the process is stopped", "Send SIGCONT"),
}
BLOCKED_OTHERWISE = ("the process is stopped, or what it waits for does not come", "Look at its state in /proc/PID/status; T is stopped")

#: What Gone says: a pattern, a word, the words, a remedy.
ENDED = (
    (r"machine is closed", "machine_closed", "the machine is closed, and everything in it has ended", "Boot another"),
    (
        r"the process ended in",
        "ended_in_call",
        "the process ended in the call: by its own doing, by a signal, or with its PID namespace, whose init has ended",
        "Wait for it in its parent: its status says which",
    ),
    (
        r"",
        "ended",
        "the process has ended, or has become an image that nobody drives (execve)",
        "Wait for it in its parent; exec machine.image",
    ),
)
