"""How a process changes what its commands inherit: the calling thread alone, wherever the kernel has it by thread."""

from __future__ import annotations

import ctypes
import fcntl
import os
import resource
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nscore.linux import calls
from tests.running import forks, views

TYPE_CHECKING = False
assert not TYPE_CHECKING or sys.platform == "linux"

NEWTIME, NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWNET, FS = (
    0x80,
    0x20000,
    0x2000000,
    0x4000000,
    0x8000000,
    0x10000000,
    0x40000000,
    0x200,
)
MS_BIND, MS_REC, MS_PRIVATE, MS_SHARED = 0x1000, 0x4000, 1 << 18, 1 << 20
NOBODY = 65534

libc = ctypes.CDLL(None, use_errno=True)


def drop() -> None:
    """Become nobody, the calling thread alone."""
    calls.setgroups(())
    calls.setresgid(NOBODY, NOBODY, NOBODY)
    calls.setresuid(NOBODY, NOBODY, NOBODY)


def checked(result: int) -> None:
    """The result of a function of the C library."""
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def prctl(option: int, *args: int) -> None:
    checked(libc.prctl(option, *[ctypes.c_ulong(arg) for arg in (*args, 0, 0, 0, 0)[:4]]))


# Directories, roots and mounts.  The main thread's directory is not to move with the calling thread's: unshare(CLONE_FS).


def apart(propagation: int = MS_PRIVATE) -> None:
    """A mount namespace and a directory of the caller's own."""
    calls.unshare(NEWNS | FS)
    calls.mount(None, "/", None, MS_REC | propagation)


def apart_and_shared() -> None:
    apart(MS_SHARED)


def folder() -> str:
    """A directory, which goes with the program's own."""
    return tempfile.mkdtemp()


def chdir() -> None:
    calls.unshare(FS)
    os.chdir(folder())


def chdir_deleted() -> None:
    chdir()
    os.rmdir(os.getcwd())


def mount_and_chdir() -> None:
    calls.unshare(FS)
    place = folder()
    calls.mount("later", place, "tmpfs")
    os.mkdir(f"{place}/inside")
    os.chdir(f"{place}/inside")


def mount_apart() -> None:
    apart()
    calls.mount("later", folder(), "tmpfs")


def hide_cwd() -> None:
    calls.unshare(FS)
    below, above = folder(), folder()
    Path(below, "below").touch()
    os.chdir(below)
    calls.mount(above, below, None, MS_BIND)


def change_root() -> None:
    """The root is a plain directory, no mount."""
    apart()
    root = folder()
    os.chmod(root, 0o755)
    for name in ("bin", "lib", "lib64", "usr", "proc", "dev", *(["root"] if os.geteuid() == 0 else [])):
        if os.path.isdir(f"/{name}"):
            os.mkdir(f"{root}/{name}")
            calls.mount(f"/{name}", f"{root}/{name}", None, MS_BIND | MS_REC)
    for name in {sys.prefix, sys.base_prefix, str(Path(__file__).parents[2])}:
        if not os.path.isdir(root + name):
            os.makedirs(root + name)
            calls.mount(name, root + name, None, MS_BIND | MS_REC)
    os.mkdir(f"{root}/only")
    calls.chroot(root)
    os.chdir("/only")


# Ids and rights.


def capabilities(effective: int, permitted: int, inheritable: int, bounding: int, ambient: int) -> None:
    """Have these, of those that one has."""
    has = calls.capget()[1]
    for number in range(has.bit_length()):
        if not bounding >> number & 1:
            prctl(24, number)  # PR_CAPBSET_DROP
    calls.capset(effective & has, permitted & has, inheritable & has)
    for number in range(ambient.bit_length()):
        if ambient >> number & 1:
            prctl(47, 2, number)  # PR_CAP_AMBIENT_RAISE


NET_BIND, SETPCAP, CHOWN, SYS_ADMIN, NET_ADMIN = 1 << 10, 1 << 8, 1, 1 << 21, 1 << 12


def all_sets() -> None:
    most = ~CHOWN
    capabilities(most & ~NET_ADMIN, most, NET_BIND | SETPCAP, most, NET_BIND)


def without_admin() -> None:
    most = ~SYS_ADMIN
    capabilities(most, most, NET_BIND, most, NET_BIND)


def drop_but_capabilities() -> None:
    """All five sets of an ordinary user's."""
    prctl(8, 1)  # PR_SET_KEEPCAPS
    drop()
    keep = NET_BIND | SETPCAP
    calls.capset(NET_BIND, keep, NET_BIND)
    prctl(47, 2, 10)


def ids(real: int, effective: int, saved: int) -> Callable[[], None]:
    return lambda: calls.setresuid(real, effective, saved)


def set_gids() -> None:
    calls.setgroups((4, 5))
    calls.setresgid(7, 8, 9)


def drop_but_gids() -> None:
    set_gids()
    calls.setresuid(NOBODY, NOBODY, NOBODY)


def drop_but_groups() -> None:
    calls.setgroups((1, 2, 65533))
    calls.setresgid(NOBODY, NOBODY, NOBODY)
    calls.setresuid(NOBODY, NOBODY, NOBODY)


def drop_uids() -> None:
    calls.setgroups(())
    calls.setresgid(NOBODY, NOBODY, NOBODY)
    calls.setresuid(NOBODY, 65533, 65532)


def seccomp() -> None:
    """A filter that lets everything pass."""
    program = ctypes.create_string_buffer(struct.pack("HBBI", 6, 0, 0, 0x7FFF0000))  # BPF_RET, SECCOMP_RET_ALLOW
    prctl(38, 1)  # PR_SET_NO_NEW_PRIVS
    header = ctypes.create_string_buffer(struct.pack("HP", 1, ctypes.addressof(program)))
    prctl(22, 2, ctypes.addressof(header))  # PR_SET_SECCOMP


def label() -> None:
    """It is compared as it is: to change it takes a policy that allows that."""
    try:
        Path("/proc/self/attr/current").read_text()
    except OSError as error:
        raise forks.Impossible(f"no security module gives labels here: {error}") from None


# Limits and the scheduler.

RLIMIT_RTTIME = 15  #: which resource does not name
LIMITS = {
    "RLIMIT_AS": 1 << 40,
    "RLIMIT_CORE": 4096,
    "RLIMIT_CPU": 1000,
    "RLIMIT_DATA": 1 << 38,
    "RLIMIT_FSIZE": 1 << 30,
    "RLIMIT_MEMLOCK": 65536,
    "RLIMIT_MSGQUEUE": 4096,
    "RLIMIT_NICE": 0,
    "RLIMIT_NOFILE": 77,
    "RLIMIT_NPROC": 1000,
    "RLIMIT_RSS": 1 << 35,
    "RLIMIT_RTPRIO": 0,
    "RLIMIT_RTTIME": 10_000_000,
    "RLIMIT_SIGPENDING": 100,
    "RLIMIT_STACK": 4 << 20,
}


def limit() -> None:
    for name, value in LIMITS.items():
        number: int = getattr(resource, name, RLIMIT_RTTIME)
        _, hard = resource.getrlimit(number)
        hard = value + 5 if hard == resource.RLIM_INFINITY else min(hard, value + 5)
        resource.setrlimit(number, (min(value, hard), hard))


def affinity() -> None:
    processors = os.sched_getaffinity(0)
    if len(processors) < 2:
        raise forks.Impossible("there is one processor")
    os.sched_setaffinity(0, {max(processors)})


def ioprio() -> None:
    if views.IOPRIO_GET is None:
        raise forks.Impossible("the number of ioprio_get is not known here")
    checked(libc.syscall(views.IOPRIO_GET - 1, 1, 0, 2 << 13 | 6))


def made_cgroup() -> str:
    """The directory of a new cgroup below one's own, in a hierarchy where that can be had; else an empty text."""
    own = {kinds: path for _, kinds, path in (line.split(":", 2) for line in Path("/proc/self/cgroup").read_text().splitlines())}
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, place, kind, options = line.split()[:4]
        if kind not in ("cgroup", "cgroup2"):
            continue
        for kinds, path in own.items():
            if (kind == "cgroup2") is (not kinds) and set(kinds.split(",")) <= {"", *options.split(",")}:
                made = f"{place}{path.rstrip('/')}/nscore-attributes-{os.getpid()}"
                try:
                    os.mkdir(made)
                except OSError:
                    continue
                return made
    return ""


def cgroup() -> None:
    """One below the program's own, in a hierarchy where that can be done."""
    path = os.environ["ATTRIBUTES_CGROUP"]
    if not path:
        raise forks.Impossible("no cgroup can be made")
    try:
        Path(path, "tasks" if os.path.exists(f"{path}/tasks") else "cgroup.procs").write_text("0")
    except OSError as error:
        raise forks.Impossible(f"no cgroup can be joined: {error}") from None


def time_namespace() -> None:
    try:
        calls.unshare(NEWTIME)
    except OSError as error:
        raise forks.Impossible(f"no time namespaces: {error}") from None


def user_namespace() -> None:
    """The thread in which the first command was born ends on its own, after run()."""
    while len(os.listdir("/proc/self/task")) > 1:
        time.sleep(0.001)
    uid, gid = os.geteuid(), os.getegid()
    calls.unshare(NEWUSER)
    Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")
    calls.unshare(NEWUTS)
    calls.sethostname("mapped")


def user_namespace_of_nobody() -> None:
    drop()
    prctl(4, 1)  # PR_SET_DUMPABLE: else the files of his own maps are root's
    user_namespace()


def host_name() -> None:
    calls.unshare(NEWUTS)
    calls.sethostname("changed")


def personality() -> None:
    checked(libc.personality(0x0040000))  # ADDR_NO_RANDOMIZE


# Terminals and signals.


def terminal() -> None:
    _, slave = os.openpty()
    os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)


def ignore() -> None:
    """The disposition is the whole process's, and set by the call, as Python refuses it to all threads but one."""
    calls.sigaction(signal.SIGUSR1, 1)
    calls.sigaction(signal.SIGINT, 1)


def handle() -> None:
    """A handler is none of the command's."""
    libc.signal.argtypes = (ctypes.c_int, ctypes.c_void_p)
    libc.signal(signal.SIGUSR2, ctypes.cast(libc.abs, ctypes.c_void_p))


def block() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGUSR1, signal.SIGALRM, 40))


def block_all() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())


def environment() -> None:
    os.environ["NSCORE_CHANGED"] = "\u00e9 changed"


def real_time() -> None:
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(3))
    except PermissionError as error:
        raise forks.Impossible(f"no real-time scheduling: {error}") from None


def several() -> None:
    os.umask(0o013)
    os.nice(4)
    for change in (limit, block, chdir, seccomp):
        change()


# What Popen is to do with the command before exec.


LEADERS: list[subprocess.Popen[bytes]] = []


def other_group() -> dict[str, Any]:
    """The group of a process that lives outside, and as long as the caller."""
    if sys.version_info < (3, 11):
        raise forks.Impossible("process_group= is of 3.11 and later")
    leader = subprocess.Popen(["cat"], stdin=subprocess.PIPE, process_group=0)
    LEADERS.append(leader)
    return {"process_group": leader.pid}


def own_group() -> dict[str, Any]:
    if sys.version_info < (3, 11):
        raise forks.Impossible("process_group= is of 3.11 and later")
    return {"process_group": 0}


def descriptors() -> tuple[int, int]:
    """One that is inherited, and one that is not."""
    inherited, other = os.pipe()
    os.set_inheritable(inherited, True)
    return inherited, other


def before_exec() -> None:
    os.umask(0o055)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGUSR2,))


def fail_before_exec() -> None:
    raise LookupError("before exec")
