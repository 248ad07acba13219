"""The abilities that doctor tries: each is a function that returns what there is to say, or raises what it fails with."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable

from nscore.backends import boot
from nscore.errors import Unavailable
from nscore.running.asking import level, own
from nscore.running.findings import Body, forked

TYPE_CHECKING = False
assert not TYPE_CHECKING or sys.platform == "linux"

#: What ordinary users are tried as, where root asks.
NOBODY = 65534
NEWNS, NEWUSER, NEWPID = 0x20000, 0x10000000, 0x20000000
PIDFD, SIGCHLD = 0x1000, 17
MS_PRIVATE, MS_REC = 0x40000, 0x4000
SET_DUMPABLE, SET_CHILD_SUBREAPER = 4, 36
AT_FDCWD, MOVE_MOUNT_F_EMPTY_PATH = -100, 4
FSCONFIG_SET_FD, FSCONFIG_CMD_CREATE = 5, 6
#: A PID that nobody has in a new namespace.
CHOSEN = 77
#: Below this level the kernel does not tell exactly: see asking.level.
DEEP = 31


# How to get there


def privileged() -> bool:
    """Whether the process has CAP_SYS_ADMIN in its user namespace."""
    from nscore.linux.boot import CAP_SYS_ADMIN, capabilities

    return bool(capabilities() >> CAP_SYS_ADMIN & 1)


def left(flags: int) -> None:
    """Leave namespaces, and the user namespace too where that gives the right to it."""
    from nscore.linux.calls import mount, unshare
    from nscore.linux.init import map_ids

    ids = None if privileged() else (os.geteuid(), os.getegid())
    unshare(flags | (NEWUSER if ids else 0))
    map_ids(ids)
    if flags & NEWNS:
        mount("none", "/", None, MS_REC | MS_PRIVATE)


def inside(body: Body) -> str:
    """What body says as PID 1 of a new PID namespace, with mounts of its own."""
    left(NEWPID | NEWNS)
    return forked(body)


def child() -> int:
    """A child that sleeps until it is killed."""
    pid = os.fork()
    if pid == 0:
        signal.pause()
        os._exit(0)
    return pid


def ended(pid: int) -> None:
    """Kill a child and reap it."""
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


# Namespaces


def proc() -> str:
    """It shows this process by its own number."""
    from nscore.linux.boot import check_proc

    check_proc()
    return "it shows this PID namespace"


def filters() -> str:
    """Those that are in force are no failure; what they forbid is."""
    with open("/proc/self/status", errors="surrogateescape") as file:
        lines = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
    return {"0": "none", "2": f"{lines.get('Seccomp_filters', 'some')} in force"}.get(lines.get("Seccomp", ""), "unknown")


def limits() -> str:
    """The numbers of this user namespace."""
    numbers = {}
    for kind in ("user", "pid", "mnt", "uts"):
        with open(f"/proc/sys/user/max_{kind}_namespaces") as file:
            numbers[kind] = int(file.read())
    for kind, number in numbers.items():
        if not number:
            raise Unavailable(f"user.max_{kind}_namespaces is 0", f"Raise the sysctl user.max_{kind}_namespaces")
    return "user.max_*_namespaces: " + ", ".join(f"{kind} {number}" for kind, number in numbers.items())


def user_namespace() -> str:
    """That of an ordinary user: the system's root tries it as nobody."""
    from nscore.linux.calls import prctl, setgroups, setresgid, setresuid, unshare
    from nscore.linux.init import map_ids

    with open("/proc/self/uid_map") as file:
        initial = file.read().split() == ["0", "0", "4294967295"]
    if initial and os.geteuid() == 0 and privileged():
        setgroups(())
        setresgid(NOBODY, NOBODY, NOBODY)
        setresuid(NOBODY, NOBODY, NOBODY)
        prctl(SET_DUMPABLE, 1)
    ids = os.geteuid(), os.getegid()
    unshare(NEWUSER)
    map_ids(ids)
    return f"as user {ids[0]}, with one id mapped"


def pid_namespace() -> str:
    """The child of whoever has left is its PID 1."""
    left(NEWPID)
    return forked(lambda: f"PID {os.getpid()} in it, {'with CAP_SYS_ADMIN' if privileged() else 'without CAP_SYS_ADMIN'}")


def nesting() -> str:
    """Two, one in the other; and how deep this process lies."""
    calls = own()
    depth = level(calls) if calls is not None else None

    def second() -> str:
        left(NEWPID)
        return forked(lambda: "")

    left(NEWPID)
    forked(second)
    return "two deep" + ("" if depth is None else f"; this process lies at level {depth} of 32" if depth < DEEP else "; not many fit below")


def entered() -> str:
    """The namespace of a child, by its pidfd."""
    from nscore.linux.calls import pidfd_open, setns

    left(NEWPID)
    pid = child()
    try:
        setns(pidfd_open(pid), NEWPID)
    finally:
        ended(pid)
    return ""


# Processes


def clone3() -> str:
    """With a pidfd."""
    from nscore.linux.calls.creation import raw
    from nscore.linux.own import clone_filter

    filtered = clone_filter("clone3", 0)
    if filtered:
        raise OSError(filtered, f"clone3: {os.strerror(filtered)}")
    pid, _ = raw(PIDFD, SIGCHLD, ())
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    return ""


def set_tid() -> str:
    """A chosen number, in a PID namespace of one's own."""
    from nscore.linux.calls.creation import raw

    def chosen() -> str:
        pid, _ = raw(0, SIGCHLD, (CHOSEN,))
        if pid == 0:
            os._exit(0)
        os.waitpid(pid, 0)
        return f"{pid} was asked for and given"

    left(NEWPID)
    return forked(chosen)


def pidfd() -> str:
    """Of a child."""
    from nscore.linux.calls import pidfd_open

    pid = child()
    try:
        pidfd_open(pid)
    finally:
        ended(pid)
    return ""


def pidfd_signal() -> str:
    """To a child."""
    from nscore.linux.calls import pidfd_open, pidfd_send_signal

    pid = child()
    try:
        pidfd_send_signal(pidfd_open(pid), signal.SIGTERM)
    finally:
        ended(pid)
    return ""


def exit_info() -> str:
    """The status of a process that has been reaped."""
    from nscore.linux.calls import pidfd_get_info, pidfd_open

    pid = child()
    try:
        fd = pidfd_open(pid)
    finally:
        ended(pid)
    if pidfd_get_info(fd)[-1] != signal.SIGKILL:
        raise Unavailable("the kernel does not keep the status of a reaped process", "Upgrade to Linux 6.15, or reap in one place alone")
    return "kept where somebody else has reaped the process"


def subreaper() -> str:
    """Orphans come to whoever asks for them."""
    from nscore.linux.calls import prctl

    prctl(SET_CHILD_SUBREAPER, 1)
    return ""


# Mounts and cgroups


def mounted() -> str:
    """By mount(2)."""
    from nscore.linux.calls import mount

    def body() -> str:
        mount("proc", "/proc", "proc")
        return f"it lists PID {', '.join(name for name in os.listdir('/proc') if name.isdecimal())}"

    return inside(body)


def detached() -> str:
    """By descriptors."""
    return inside(lambda: moved(False))


def named() -> str:
    """For a PID namespace that is named."""
    return inside(lambda: moved(True))


def moved(option: bool) -> str:
    """Make a proc that is nowhere, and put it on /proc."""
    from nscore.linux.calls import fsconfig, fsmount, fsopen, move_mount

    namespace = os.open("/proc/thread-self/ns/pid_for_children", os.O_RDONLY) if option else -1
    fs = fsopen("proc", 1)
    if option:
        try:
            fsconfig(fs, FSCONFIG_SET_FD, "pidns", None, namespace)
        except OSError:
            raise Unavailable("proc does not know the option pidns", "Upgrade to Linux 6.18; run() does without") from None
    fsconfig(fs, FSCONFIG_CMD_CREATE)
    move_mount(fsmount(fs, 1, 0), "", AT_FDCWD, "/proc", MOVE_MOUNT_F_EMPTY_PATH)
    return ""


def cgroup() -> str:
    """A cgroup of one's own below the present one, with cgroup.kill."""
    with open("/proc/self/cgroup", errors="surrogateescape") as file:
        own_path = next((line.rstrip("\n")[3:].rstrip("/") for line in file if line.startswith("0::")), None)
    with open("/proc/self/mountinfo", errors="surrogateescape") as file:
        place = next((line.split()[4] for line in file if " - cgroup2 " in line), None)
    if own_path is None or place is None:
        raise Unavailable("no cgroup v2 hierarchy is mounted", "Mount cgroup2 on /sys/fs/cgroup")
    path = f"{place}{own_path}/nscore-doctor-{os.getpid()}"
    try:
        os.mkdir(path)
    except OSError as error:
        reason = f"{place}{own_path} cannot be written: {error.strerror}"
        raise Unavailable(reason, "Have one delegated (systemd-run --user --scope -p Delegate=yes)") from None
    try:
        if not os.path.exists(f"{path}/cgroup.kill"):
            raise Unavailable("there is no cgroup.kill", "Upgrade to Linux 5.14")
    finally:
        os.rmdir(path)
    return f"below {place}{own_path}, with cgroup.kill"


# nscore


def model() -> str:
    """Everywhere."""
    with boot("sim") as machine:
        return f"it models Linux {machine.init.uname().release}"


def machine() -> str:
    """One is booted and asked."""
    with boot("linux") as machine:
        return f"PID {machine.init.getpid()} answers, at level {machine.level}"


def command(**options: object) -> Body:
    """One is run, and tells its PID."""

    def body() -> str:
        from nscore.running.run import run

        asks = [sys.executable, "-I", "-S", "-c", "import os; print(os.getpid())"]
        said = run(asks, capture_output=True, **options)  # type: ignore[call-overload]
        if said.returncode:
            raise Unavailable(f"the command ended with {said.returncode}: {said.stderr.decode(errors='replace').strip()}")
        return f"the command was PID {said.stdout.decode().strip()}"

    return body


#: What is tried, whether run() or boot() is the ability itself, and how.
TRIALS: tuple[tuple[str, bool, Callable[[], str]], ...] = (
    ("/proc", False, proc),
    ("seccomp filters", False, filters),
    ("limits of namespaces", False, limits),
    ("user namespace", False, user_namespace),
    ("PID namespace", False, pid_namespace),
    ("nested PID namespaces", False, nesting),
    ("setns by pidfd", False, entered),
    ("clone3", False, clone3),
    ("choosing PIDs (set_tid)", False, set_tid),
    ("pidfd_open", False, pidfd),
    ("pidfd_send_signal", False, pidfd_signal),
    ("exit status by pidfd", False, exit_info),
    ("subreaper", False, subreaper),
    ("mount of /proc", False, mounted),
    ("detached mounts", False, detached),
    ("proc's option pidns", False, named),
    ("cgroup v2", False, cgroup),
    ('boot("sim")', False, model),
    ('boot("linux")', True, machine),
    ("run(init=False, proc=False)", False, command(init=False, proc=False)),
    ("run(map_root_user=True)", False, command(map_root_user=True)),
    ("run()", True, command()),
)
