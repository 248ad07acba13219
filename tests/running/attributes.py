"""The attributes that a command has from its caller: how each is changed, and where that is seen.  A program that tries them.

    python -m tests.running.attributes root|nobody|dropped process|thread [NAME...]

Each is changed in a process of its own after a first run(), and what is then seen of a command of ours is compared with what is seen of
subprocess's.  All that can be seen is compared each time; "seen" is where the change must show, so that none is tried in vain.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from nscore.errors import Unavailable
from nscore.linux import boot, calls
from nscore.running import Popen, run
from tests.running import changes, forks, views

TYPE_CHECKING = False
assert not TYPE_CHECKING or sys.platform == "linux"


@dataclass(frozen=True)
class Attribute:
    """One attribute, or an argument of Popen that decides it.

    Attributes:
        change: Changes it in the calling thread; a dictionary that it returns has options of Popen.
        seen: Names of a view of which one must then be another; none where there may be nothing to see.
        prepare: Is called before the first run().
        dropped: Makes nobody of root and changes it; else the change comes first, and then he drops.
        ask: What else the command is to say of itself; None: see views.view.
        root: Whether the change takes root's rights.
        alone: Whether it takes a process of one thread.
        unavailable: Whether the kernel then keeps user namespaces from an ordinary user.
    """

    change: Callable[[], object]
    seen: tuple[str, ...] = ()
    prepare: Callable[[], None] = lambda: None
    dropped: Callable[[], None] | None = None
    ask: str | None = ""
    root: bool = False
    alone: bool = False
    unavailable: bool = False


def argument(*seen: str, root: bool = False, ask: str | None = "", **options: Any) -> Attribute:
    """An argument of Popen."""
    return Attribute(lambda: options, seen, ask=ask, root=root)


INODES = "stat -c '%d %i %F' . ..; ls -a; pwd"
#: The mounts, without numbers and propagation, but for the /proc that is the command's own.
TABLE = "sed -E 's/^[0-9]+ [0-9]+ //; s/ (shared|master|propagate_from|unbindable)[^ ]*//g' /proc/self/mountinfo | grep -v ' / /proc '"
SETPRIV = "setpriv --dump | grep -i -e securebits -e death"

ATTRIBUTES = {
    "cwd": Attribute(changes.chdir, ("seen cwd",), ask=INODES),
    "cwd, deleted": Attribute(changes.chdir_deleted, ("seen cwd",), ask="stat -c %i .; ls -a ."),
    "cwd, in a later mount": Attribute(changes.mount_and_chdir, ("asked",), changes.apart, ask=f"{INODES}; {TABLE}", root=True),
    "cwd, hidden under a mount": Attribute(changes.hide_cwd, ("asked",), changes.apart, ask="ls -a .; stat -c %i .", root=True),
    "root, a plain directory": Attribute(changes.change_root, ("asked",), ask=f"ls -a / .; pwd; {TABLE}", root=True, unavailable=True),
    "mounts, made later": Attribute(changes.mount_and_chdir, ("asked",), changes.apart_and_shared, ask=TABLE, root=True),
    "mounts, of an own namespace": Attribute(changes.mount_apart, ("asked",), ask=TABLE, root=True),
    "umask": Attribute(lambda: os.umask(0o137), ("umask",)),
    "environment": Attribute(changes.environment, ("environ",)),
    "uids, an effective one of an ordinary user": Attribute(
        changes.ids(1, 2, 0), ("seen Uid",), ask=None, dropped=changes.drop_uids, root=True
    ),
    "uids, root effective": Attribute(changes.ids(7, 0, 8), ("seen Uid",), ask=None, dropped=changes.drop_uids, root=True),
    "gids": Attribute(changes.set_gids, ("seen Gid",), ask=None, dropped=changes.drop_but_gids, root=True),
    "groups": Attribute(lambda: calls.setgroups((1, 2, 65533)), ("seen Groups",), dropped=changes.drop_but_groups, root=True),
    "capabilities": Attribute(changes.all_sets, ("CapInh",), dropped=changes.drop_but_capabilities, root=True),
    "capabilities, without SYS_ADMIN": Attribute(changes.without_admin, ("CapBnd",), root=True),
    "securebits": Attribute(lambda: changes.prctl(28, 5), ("asked",), ask=SETPRIV, root=True),
    "no_new_privs": Attribute(lambda: changes.prctl(38, 1), ("NoNewPrivs",)),
    "seccomp": Attribute(changes.seccomp, ("Seccomp_filters", "Seccomp")),
    "label": Attribute(changes.label),
    "rlimits": Attribute(changes.limit, ("limits",)),
    "nice": Attribute(lambda: os.nice(5), ("nice",)),
    "scheduler": Attribute(lambda: os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0)), ("policy",)),
    "scheduler, real-time": Attribute(changes.real_time, ("policy",), root=True),
    "affinity": Attribute(changes.affinity, ("Cpus_allowed_list",)),
    "cgroup": Attribute(changes.cgroup, ("cgroup",), root=True),
    "namespace uts": Attribute(changes.host_name, ("asked",), ask="uname -n", root=True),
    "namespace net": Attribute(lambda: calls.unshare(changes.NEWNET), ("namespace net",), root=True),
    "namespace ipc": Attribute(lambda: calls.unshare(changes.NEWIPC), ("namespace ipc",), root=True),
    "namespace cgroup": Attribute(lambda: calls.unshare(changes.NEWCGROUP), ("namespace cgroup",), root=True),
    "namespace time": Attribute(changes.time_namespace, ("namespace time",), root=True),
    "namespace user": Attribute(changes.user_namespace, ("asked",), ask="uname -n", dropped=changes.user_namespace_of_nobody, alone=True),
    "session": Attribute(os.setsid, ("session", "group")),
    "process group": Attribute(lambda: os.setpgid(0, 0), ("group",)),
    "terminal": Attribute(changes.terminal, ("terminal",)),
    "ignored signals": Attribute(changes.ignore, ("SigIgn",)),
    "handled signals": Attribute(changes.handle),
    "mask": Attribute(changes.block, ("SigBlk",), ask=None),
    "mask, full": Attribute(changes.block_all, ("SigBlk",), ask=None),
    "oom_score_adj": Attribute(lambda: Path("/proc/self/oom_score_adj").write_text("321"), ("oom_score_adj",)),
    "timer slack": Attribute(lambda: changes.prctl(29, 12345), ("timerslack_ns",)),
    "personality": Attribute(changes.personality, ("personality",)),
    "ioprio": Attribute(changes.ioprio, ("ioprio",)),
    "dumpable, which is not inherited": Attribute(lambda: changes.prctl(4, 0), ask="test -r /proc/self/environ && echo readable"),
    "PDEATHSIG, which is not inherited": Attribute(lambda: changes.prctl(1, signal.SIGUSR2), ask=SETPRIV),
    "several at once": Attribute(changes.several, ("limits",)),
    "user=": argument("exception", "seen Uid", root=True, user=changes.NOBODY),
    "user= oneself": Attribute(lambda: {"user": os.geteuid(), "group": os.getegid()}),
    "group= and extra_groups=": argument("exception", "seen Gid", root=True, group=7, extra_groups=[4, 5]),
    "user=, group= and extra_groups=": argument("exception", "seen Uid", root=True, user=7, group=8, extra_groups=[]),
    "extra_groups= of an ordinary user": argument(extra_groups=[]),
    "umask=": argument("umask", umask=0o137),
    "cwd=": argument("seen cwd", cwd="/usr/lib", ask="pwd"),
    "cwd= that is not there": argument("exception", cwd="/not/there"),
    "executable= that is not there": argument("exception", executable="/not/there"),
    "env=": argument("environ", env={"ONLY": "this", "PATH": os.environ.get("PATH", os.defpath)}),
    "start_new_session=": argument("session", start_new_session=True),
    "process_group=0": Attribute(changes.own_group, ("group",)),
    "process_group= of another": Attribute(changes.other_group, ("group",)),
    "restore_signals=False": argument("SigIgn", restore_signals=False),
    "close_fds=False": Attribute(lambda: {"close_fds": not changes.descriptors()}, ("descriptors",)),
    "pass_fds=": Attribute(lambda: {"pass_fds": changes.descriptors()}, ("descriptors",)),
    "preexec_fn=": argument("Umask", "SigBlk", ask=None, preexec_fn=changes.before_exec),
    "preexec_fn= that fails": argument("exception", preexec_fn=changes.fail_before_exec),
    "preexec_fn=, start_new_session= and umask=": argument("session", preexec_fn=changes.before_exec, start_new_session=True, umask=0o3),
}


def tried(attribute: Attribute, dropped: bool) -> list[str]:
    """Change it in the calling thread: in what ours and subprocess's differ then."""
    before = views.view(subprocess.Popen, attribute.ask)
    changed = (attribute.dropped if dropped and attribute.dropped else attribute.change)()
    options = changed if isinstance(changed, dict) else {}
    if dropped and not attribute.dropped:
        changes.drop()
    # Who is not root has no keeper with that capability: exec would take it.
    ordinary = os.geteuid() != 0 or not boot.capabilities() >> boot.CAP_SYS_ADMIN & 1
    theirs = views.view(subprocess.Popen, attribute.ask, **options)
    try:
        ours = views.view(Popen, attribute.ask, **options)
    except Unavailable as why:
        return [] if ordinary and attribute.unavailable else [str(why)]
    wrong = views.differences(theirs, ours, ordinary)
    if attribute.seen and all(before.get(name) == theirs.get(name) for name in attribute.seen):
        wrong.append(f"the change does not show in {attribute.seen}: {[theirs.get(name) for name in attribute.seen]}")
    return wrong


def scenario(attribute: Attribute, where: str, dropped: bool) -> list[str]:
    """A first run(), and then the change, by the main thread or by another one."""
    attribute.prepare()
    run(["true"])
    if where == "process":
        return tried(attribute, dropped)
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(tried, attribute, dropped).result()


@contextmanager
def scratch() -> Iterator[None]:
    """A directory for temporary files, and a cgroup below one's own; both go when nobody is in them any more."""
    with tempfile.TemporaryDirectory(prefix="nscore-attributes-") as place:
        os.chmod(place, 0o755)
        tempfile.tempdir = place
        path = changes.made_cgroup()
        os.environ["ATTRIBUTES_CGROUP"] = path
        try:
            yield
        finally:
            tempfile.tempdir = None
            for _ in range(500 if path else 0):
                try:
                    os.rmdir(path)
                except OSError:
                    time.sleep(0.01)  # who was in it is being taken apart
                else:
                    break


def main(who: str, where: str, *names: str) -> None:
    """Try the attributes, all that can be had by that caller in that way unless some are named, and print what differs as JSON."""
    answers = {}
    with scratch():
        for name in names or ATTRIBUTES:
            attribute = ATTRIBUTES[name]
            if not (attribute.root and who == "nobody") and not (attribute.alone and where == "thread"):
                answers[name] = forks.apart(partial(scenario, attribute, where, who == "dropped"))
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
