"""A row of the tables: which check of the kernel fails a call, how that is seen in the facts, and what to change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from nscore.flags import Capability, CloneFlag
from nscore.running.facts import Facts
from nscore.running.failures import Failure

Applies = Callable[[Failure, Facts], bool]


@dataclass(frozen=True, slots=True)
class Cause:
    """The rows of a call stand in the order in which the kernel checks; the first that applies is the cause.

    Attributes:
        name: What tests and programs know it by.
        errnos: With which errors the kernel says it.
        applies: Whether the facts show it.
        words: Which check it was, with fields of failure (failure), facts (facts), target (target) and numbers (numbers) in braces.
        remedy: What to change; "" where the call as such cannot be had.
        rule: Where the kernel checks, and the rules of the catalogue.
    """

    name: str
    errnos: str
    applies: Applies
    words: str
    remedy: str
    rule: str


def always(failure: Failure, facts: Facts) -> bool:
    """For the last row of an error: nothing more is known."""
    return True


def flagged(*flags: int) -> Applies:
    """One of the flags was among the call's."""
    wanted = sum(int(flag) for flag in flags)
    return lambda failure, facts: bool(failure.flags() & wanted)


def lacks(*capabilities: Capability) -> Applies:
    """The process has none of the capabilities."""

    def applies(failure: Failure, facts: Facts) -> bool:
        return facts.capabilities is not None and not any(facts.capabilities >> capability & 1 for capability in capabilities)

    return applies


def both(*all_of: Applies) -> Applies:
    """Each of them applies."""
    return lambda failure, facts: all(one(failure, facts) for one in all_of)


def pending(failure: Failure, facts: Facts) -> bool:
    """Children are to be born in another PID namespace than the process's own."""
    return facts.pid_ns is not None and facts.pid_for_children not in (None, facts.pid_ns)


def own_user_namespace(failure: Failure, facts: Facts) -> bool:
    """The process is not in the initial user namespace: what it has of capabilities is worth nothing outside its own."""
    return facts.initial_user is False


def foreign(kind: str) -> Applies:
    """The process's namespace of that kind is owned by a user namespace above its own."""
    return lambda failure, facts: facts.owned is not None and kind not in facts.owned and kind not in failure.made


def target(**fields: object) -> Applies:
    """Fields of facts.target have these values."""
    return lambda failure, facts: all(getattr(facts.target, name) == value for name, value in fields.items())


NEWUSER, NEWPID, NEWNS = int(CloneFlag.NEWUSER), int(CloneFlag.NEWPID), int(CloneFlag.NEWNS)
#: The kinds of namespaces that clone makes, in the order in which the kernel makes them: user.max_KIND_namespaces.
FLAGS = {
    "user": NEWUSER,
    "mnt": NEWNS,
    "uts": int(CloneFlag.NEWUTS),
    "ipc": int(CloneFlag.NEWIPC),
    "pid": NEWPID,
    "cgroup": int(CloneFlag.NEWCGROUP),
    "net": int(CloneFlag.NEWNET),
    "time": int(CloneFlag.NEWTIME),
}
NEW = sum(FLAGS.values()) - NEWUSER

# Causes of many calls.

FILTERED = Cause(
    "seccomp",
    "EPERM ENOSYS EACCES",
    lambda failure, facts: bool(facts.filtered) and facts.filtered == failure.errno,
    "a seccomp filter answers {failure.call} with {failure.errno}: the kernel was never asked",
    "Run it without that filter: in a container with --security-opt seccomp=unconfined or --cap-add SYS_ADMIN, under systemd without "
    "RestrictNamespaces= and SystemCallFilter=",
    "kernel/seccomp.c:__seccomp_filter",
)
CAP_SYS_ADMIN = Cause(
    "cap_sys_admin",
    "EPERM",
    lacks(Capability.SYS_ADMIN),
    "{failure.call} takes CAP_SYS_ADMIN, and the process (user {facts.uid}) does not have it",
    "Run it as root, or make a user namespace first or with it (CLONE_NEWUSER), where its creator has all capabilities",
    "kernel/nsproxy.c:copy_namespaces; rule CREATE",
)
DESCRIPTORS = Cause(
    "descriptors",
    "EMFILE ENFILE",
    always,
    "no descriptor is free: RLIMIT_NOFILE of the process (EMFILE) or fs.file-max of the system (ENFILE)",
    "Close what is not needed, or raise the limit",
    "fs/file.c:alloc_fd",
)
CONFINED = Cause(
    "security_module",
    "EACCES EPERM",
    lambda failure, facts: facts.label not in (None, "unconfined", "kernel") and "unconfined" not in str(facts.label),
    "a security module probably forbids {failure.call} to what runs as {facts.label}",
    "Allow it in the profile, or run it in another (in a container: --security-opt apparmor=unconfined or label=disable)",
    "security/security.c",
)
