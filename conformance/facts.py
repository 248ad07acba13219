"""What a model cannot know of a real machine and has to be told: boot("sim", like=facts(machine))."""

from __future__ import annotations

from conformance.views import read
from nscore import Machine

#: Lines of /proc/1/status that go into the facts.
KEYS = ("Uid", "Gid", "Groups", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Umask")

#: Views of PID 1, by the name of the fact.
VIEWS = {
    "uid_map": "/proc/1/uid_map",
    "gid_map": "/proc/1/gid_map",
    "setgroups": "/proc/1/setgroups",
    "limits": "/proc/1/limits",
    "oom_score_adj": "/proc/1/oom_score_adj",
    "threads_max": "/proc/sys/kernel/threads-max",
}


def facts(machine: Machine) -> dict[str, object]:
    """Ids, capabilities, umask, groups, limits, names and level of a machine's PID 1, read through its own calls."""
    init = machine.init
    status = dict(line.split(":\t", 1) for line in read(init, "/proc/1/status").splitlines() if ":\t" in line)
    uname = init.uname()
    return {
        "level": machine.level,
        "uname": (uname.sysname, uname.nodename, uname.release, uname.version, uname.machine, uname.domainname),
        **{key: status[key].strip() for key in KEYS},
        **{name: read(init, path) for name, path in VIEWS.items()},
    }
