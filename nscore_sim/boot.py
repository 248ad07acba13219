"""Booting the model: the options of boot("sim"), and the machine's init.  (No kernel file.)

The options are the model's own: release, level, seed or choose or replay, like (what conformance read of a real machine), faults.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

from nscore.errors import Errno, Unavailable, fail
from nscore.flags import CloneFlag, MountFlag, OpenFlag, Prctl, Signal
from nscore.interface.backend import Plain
from nscore_sim.chooser import Choose, Chooser, first, replayed, seeded
from nscore_sim.cred import Cred, set_cred_ucounts
from nscore_sim.entry import enter
from nscore_sim.fault_inject import KINDS
from nscore_sim.fork import kernel_clone
from nscore_sim.kernel import Kernel
from nscore_sim.release import RELEASES, Release
from nscore_sim.sched import schedule
from nscore_sim.sigpending import SIGCHLD
from nscore_sim.syscalls import TABLE
from nscore_sim.task import Task
from nscore_sim.ucount import UCOUNT_RLIMIT_NPROC, dec_rlimit_ucounts, inc_rlimit_ucounts
from nscore_sim.utsname import NewUtsname

OPTIONS = ("choose", "faults", "level", "like", "release", "replay", "seed")

#: The namespaces of a machine.
NAMESPACES = int(CloneFlag.NEWPID | CloneFlag.NEWNS | CloneFlag.NEWUTS | CloneFlag.NEWIPC)

#: The lines of /proc/PID/limits, in the order of RLIMIT_*.
LIMITS = (
    "Max cpu time",
    "Max file size",
    "Max data size",
    "Max stack size",
    "Max core file size",
    "Max resident set",
    "Max processes",
    "Max open files",
    "Max locked memory",
    "Max address space",
    "Max file locks",
    "Max pending signals",
    "Max msgqueue size",
    "Max nice priority",
    "Max realtime priority",
    "Max realtime timeout",
)
RLIM_INFINITY = (1 << 64) - 1


def boot_kernel(options: Mapping[str, object]) -> tuple[Kernel, Task, Task]:
    """A kernel, the outermost process above the machine, and the machine's init, which has done what PID 1 does first."""
    for name in options:
        if name not in OPTIONS:
            raise TypeError(f"boot: sim has no option {name!r}")
    like = cast("Mapping[str, object]", options.get("like") or {})
    kernel = Kernel(Chooser(chosen(options), foreign=options.get("choose") is not None), release(options.get("release")))
    wanted = faults(options.get("faults"))
    outer = kernel.init_task
    for _ in range(level(options.get("level", like.get("level", 1))) - 1):
        outer = kernel_clone(outer, int(CloneFlag.NEWPID), SIGCHLD, ())[0]
    user = resemble(outer, like) if like else False
    init = kernel_clone(outer, NAMESPACES | (int(CloneFlag.NEWUSER) if user else 0), SIGCHLD, ())[0]
    schedule(kernel)
    if user:
        map_ids(init, like)
    isolate(init)
    kernel.chooser.choices.clear()
    kernel.faults = wanted
    return kernel, outer, init


def chosen(options: Mapping[str, object]) -> Choose:
    """Who makes the choices: one of seed, choose and replay, or the first possibility always."""
    given = [name for name in ("seed", "choose", "replay") if options.get(name) is not None]
    if len(given) > 1:
        raise TypeError(f"boot: {given[0]} and {given[1]} exclude each other")
    if not given:
        return first
    value = options[given[0]]
    if given[0] == "seed" and isinstance(value, int):
        return seeded(value)
    if given[0] == "replay" and isinstance(value, str):
        return replayed(value)
    if given[0] == "choose" and callable(value):
        return cast(Choose, value)
    raise TypeError(f"boot: {given[0]} cannot be {type(value).__name__}")


def release(name: object) -> Release:
    """The kernel build of that name, the newest of a series, the newest of all for None."""
    if name is not None and not isinstance(name, str):
        raise TypeError(f"boot: release must be str, not {type(name).__name__}")
    found = [row for row in RELEASES.values() if name is None or row.name == name or row.name.startswith(f"{name}.")]
    if not found:
        raise Unavailable(f"the model has no release {name!r}", f"It has {', '.join(RELEASES)}")
    return found[-1]


def level(value: object) -> int:
    """How deep the machine's PID namespace lies."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"boot: level must be int, not {type(value).__name__}")
    if not 1 <= value <= 32:
        raise ValueError(f"boot: level {value} is not in 1 to 32")
    return value


def resemble(task: Task, like: Mapping[str, object]) -> bool:
    """Make task like the process that boots real machines; whether its machines have a user namespace of their own."""
    lines = {name: str(value) for name, value in like.items()}
    uid_map = lines["uid_map"].split()
    user = uid_map != ["0", "0", "4294967295"]
    resemble_cred(task.cred, lines, user)
    assert task.fs is not None and task.nsproxy is not None
    task.fs.umask = int(lines["Umask"], 8)
    task.no_new_privs = lines["NoNewPrivs"] == "1"
    task.signal.rlim = limits(lines["limits"])
    task.signal.oom_score_adj = int(lines["oom_score_adj"])
    names = [str(name).encode() for name in cast("tuple[str, ...]", like["uname"])]
    sysname, nodename, uts_release, version, machine, domainname = names
    task.nsproxy.uts_ns.name = NewUtsname(sysname, nodename, uts_release, version, machine, domainname)
    kernel = task.kernel
    kernel.max_threads = int(lines["threads_max"])
    kernel.init_user_ns.ucount_max = [kernel.max_threads // 2] * len(kernel.init_user_ns.ucount_max)
    return user


def resemble_cred(cred: Cred, lines: Mapping[str, str], user: bool) -> None:
    """Root's capabilities as the real root has them; an ordinary user's ids and none."""
    if user:
        cred.uid = cred.suid = cred.euid = cred.fsuid = int(lines["uid_map"].split()[1])
        cred.gid = cred.sgid = cred.egid = cred.fsgid = int(lines["gid_map"].split()[1])
        cred.cap_permitted = cred.cap_effective = 0
        recount(cred)
        return
    cred.uid, cred.euid, cred.suid, cred.fsuid = map(int, lines["Uid"].split())
    cred.gid, cred.egid, cred.sgid, cred.fsgid = map(int, lines["Gid"].split())
    cred.groups = tuple(map(int, lines["Groups"].split()))
    cred.cap_inheritable, cred.cap_permitted = int(lines["CapInh"], 16), int(lines["CapPrm"], 16)
    cred.cap_effective, cred.cap_bset = int(lines["CapEff"], 16), int(lines["CapBnd"], 16)
    cred.cap_ambient = int(lines["CapAmb"], 16)
    recount(cred)


def recount(cred: Cred) -> None:
    """Count the task for whom it has become."""
    dec_rlimit_ucounts(cred.ucounts, UCOUNT_RLIMIT_NPROC, 1)
    set_cred_ucounts(cred)
    inc_rlimit_ucounts(cred.ucounts, UCOUNT_RLIMIT_NPROC, 1)


def limits(text: str) -> tuple[tuple[int, int], ...]:
    """The limits of /proc/PID/limits, (soft, hard) each."""
    rows = {line[:26].strip(): line[26:].split()[:2] for line in text.splitlines()[1:]}

    def value(word: str) -> int:
        return RLIM_INFINITY if word == "unlimited" else int(word)

    return tuple([(value(rows[name][0]), value(rows[name][1])) for name in LIMITS])


def faults(value: object) -> dict[str, tuple[int, str]] | None:
    """Failures that are asked for: {"alloc_pid": (n, "EAGAIN")} fails the n-th call of that function once the machine is booted."""
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise TypeError(f"boot: faults must be a mapping, not {type(value).__name__}")
    return {kind: fault(kind, wanted) for kind, wanted in value.items()}


def fault(kind: object, wanted: object) -> tuple[int, str]:
    """Which call of kind fails, and with which errno."""
    if kind not in KINDS:
        raise ValueError(f"boot: faults: {kind!r} cannot be made to fail; {' and '.join(KINDS)} can")
    if not isinstance(wanted, tuple) or [type(part) for part in wanted] != [int, str]:
        raise TypeError(f"boot: faults: {kind} takes (n, errno), not {wanted!r}")
    n, name = wanted
    if n < 1:
        raise ValueError(f"boot: faults: calls of {kind} are counted from 1, not from {n}")
    try:
        fail(name, "boot")
    except ValueError:
        raise ValueError(f"boot: faults: {name!r} is no errno") from None
    return n, name


def do(task: Task, name: str, *args: Plain) -> Plain:
    """Let task make a call that must not fail."""
    function: Callable[..., object] = TABLE[name]
    enter(task, function, args)  # type: ignore[arg-type]
    result = task.result
    assert not isinstance(result, Errno), f"{name}: {result}"
    return cast(Plain, result)


def map_ids(init: Task, like: Mapping[str, object]) -> None:
    """Become 0 in a new user namespace, from inside."""
    for name, text in (("setgroups", "deny"), ("uid_map", like["uid_map"]), ("gid_map", like["gid_map"])):
        fd = do(init, "open", f"/proc/self/{name}", int(OpenFlag.WRONLY), 0)
        do(init, "write", fd, str(text).encode())
        do(init, "close", fd)


def isolate(init: Task) -> None:
    """What PID 1 of a machine does first, as on linux: a session and a name of its own, private mounts, a proc of its own namespace."""
    proc = int(MountFlag.NOSUID | MountFlag.NODEV | MountFlag.NOEXEC)
    do(init, "prctl", int(Prctl.SET_PDEATHSIG), int(Signal.KILL))
    do(init, "setsid")
    do(init, "mount", "none", "/", None, int(MountFlag.REC | MountFlag.PRIVATE), None)
    do(init, "mount", "proc", "/proc", "proc", proc, None)
    do(init, "chdir", "/")
    do(init, "prctl", int(Prctl.SET_NAME), "init")
