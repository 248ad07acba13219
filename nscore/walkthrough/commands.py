"""The commands that a learner types: externals, builtins, and what starts another shell.

Only as much of each as the script uses, but that much as the command does it.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping

from nscore.flags import CloneFlag, Disposition, Prctl, Signal
from nscore.interface.process import Process
from nscore.tools import nsenter, procfs, ps, pstree, unshare
from nscore.walkthrough.shell import Terminal, name_of


def carry_out(terminal: Terminal, line: str) -> list[str]:
    """Carry out a typed line and return all that appears."""
    lines: list[str] = []
    for command in line.split("; ") if line else ():
        lines += _command(terminal, command)
    return lines + terminal.look()


def _command(terminal: Terminal, command: str) -> list[str]:
    shell = terminal.shell
    if background := SUBSHELL.fullmatch(command):
        shell.background(background[1])
        return []
    if "'" not in command:
        command = command.replace("$$", str(shell.process.getpid()))
    words = shlex.split(command)
    try:
        if words[0] in EXTERNALS:
            return shell.external(words, EXTERNALS[words[0]])
        return BUILTINS[words[0]](terminal, words[1:])
    except OSError as error:
        return [f"bash: {(error.strerror or '').partition(':')[0]}: {name_of(error)}"]


#: "(sleep 1000 &)": a subshell that starts a command, does not wait for it, and ends.
SUBSHELL = re.compile(r"\((\w+) [^&]*&\)")


# --- external commands: the process that does the work, and its arguments


def _hostname(process: Process, words: list[str]) -> list[str]:
    if words:
        process.sethostname(words[-1])
        return []
    return [process.uname().nodename]


def _readlink(process: Process, words: list[str]) -> list[str]:
    return [process.readlink(path) for path in words]


def _cat(process: Process, words: list[str]) -> list[str]:
    return procfs.read(process, words[0]).splitlines()


def _grep(process: Process, words: list[str]) -> list[str]:
    pattern, *paths = words
    found = [(path, line) for path in paths for line in procfs.read(process, path).splitlines() if pattern in line]
    return [f"{path}:{line}" if len(paths) > 1 else line for path, line in found]


def _mount(process: Process, words: list[str]) -> list[str]:
    _, fstype, source, target = words
    process.mount(source, target, fstype)
    return []


def _ps(process: Process, words: list[str]) -> list[str]:
    return ps.text(ps.ps(process)).splitlines()


def _pstree(process: Process, words: list[str]) -> list[str]:
    return pstree.pstree(process, int(words[1]) if len(words) > 1 else 1).splitlines()


def _sh(process: Process, words: list[str]) -> list[str]:
    return [str(process.getpid())]


def _nest(process: Process, words: list[str]) -> list[str]:
    """Clone as deep as it goes, each child in a PID namespace of its own; the deepest tells its numbers."""
    deepest, children, lines = process, [], []
    try:
        while True:
            deepest = deepest.clone(CloneFlag.NEWPID)
            children.append(deepest)
    except OSError as error:
        lines.append(f"clone: {name_of(error)}")
    try:
        deepest.unshare(CloneFlag.NEWPID)
    except OSError as error:
        lines.append(f"unshare: {name_of(error)}")
    numbers = procfs.status(deepest).nspid
    # Its death takes all the others along.
    process.kill(children[0].pid, Signal.KILL)
    process.waitpid(children[0].pid)
    return [f"{len(children)} children, each in the one before", *lines, "NSpid: " + " ".join(map(str, numbers))]


EXTERNALS: Mapping[str, Callable[[Process, list[str]], list[str]]] = {
    "hostname": _hostname,
    "readlink": _readlink,
    "cat": _cat,
    "grep": _grep,
    "mount": _mount,
    "ps": _ps,
    "pstree": _pstree,
    "sh": _sh,
    "./nest": _nest,
}


# --- builtins, and commands that become or start a shell: the terminal, and the arguments


def _echo(terminal: Terminal, words: list[str]) -> list[str]:
    if ">" not in words:
        return [" ".join(words)]
    *text, _, path = words
    try:
        procfs.write(terminal.shell.process, path, " ".join(text))
    except OSError as error:
        return [f"bash: {path}: {name_of(error)}"]
    return []


def _kill(terminal: Terminal, words: list[str]) -> list[str]:
    *option, pid = words
    signal = Signal[option[0][1:]] if option else Signal.TERM
    try:
        terminal.shell.process.kill(int(pid), signal)
    except OSError as error:
        return [f"bash: kill: ({pid}) - {name_of(error)}"]
    return []


def _cd(terminal: Terminal, words: list[str]) -> list[str]:
    terminal.shell.process.chdir(words[-1])
    return []


def _pwd(terminal: Terminal, words: list[str]) -> list[str]:
    return [terminal.shell.process.getcwd()]


def _trap(terminal: Terminal, words: list[str]) -> list[str]:
    action, name = words
    terminal.shell.process.sigaction(Signal[name], Disposition.HANDLE)
    terminal.shell.traps[Signal[name]] = action.removeprefix("echo ")
    return []


def _exit(terminal: Terminal, words: list[str]) -> list[str]:
    terminal.shell.process.exit(0)
    return ["exit"]


def _clone_demo(terminal: Terminal, words: list[str]) -> list[str]:
    """The tutorial's first program: clone a child in new UTS, IPC and PID namespaces that becomes a shell, and wait for it."""
    shell = terminal.shell
    demo = shell.spawn("clone-demo")
    child = demo.clone(CloneFlag.NEWUTS | CloneFlag.NEWIPC | CloneFlag.NEWPID)
    terminal.begin(child, "sh", (demo, shell.process))
    return []


def _subreaper(terminal: Terminal, words: list[str]) -> list[str]:
    """Become a subreaper, then a shell: the mark survives exec."""
    shell = terminal.shell
    process = shell.spawn("subreaper")
    process.prctl(Prctl.SET_CHILD_SUBREAPER, 1)
    terminal.begin(process, "bash", (shell.process,))
    return []


def _unshare(terminal: Terminal, words: list[str]) -> list[str]:
    shell = terminal.shell
    process = shell.spawn("unshare")
    unshare.leave(process, _flags(words))
    if "--fork" not in words:
        terminal.begin(process, "bash", (shell.process,))
        return []
    child = process.fork()
    unshare.arrive(child, mount_proc="--mount-proc" in words)
    terminal.begin(child, "bash", (process, shell.process))
    return []


def _nsenter(terminal: Terminal, words: list[str]) -> list[str]:
    shell = terminal.shell
    process = shell.spawn("nsenter")
    nsenter.enter(process, int(words[words.index("-t") + 1]), _flags(words))
    terminal.begin(process.fork(), "bash", (process, shell.process))
    return []


#: The long options of unshare(1) and nsenter(1).
OPTIONS = {
    "--mount": CloneFlag.NEWNS,
    "--uts": CloneFlag.NEWUTS,
    "--ipc": CloneFlag.NEWIPC,
    "--pid": CloneFlag.NEWPID,
}


def _flags(words: list[str]) -> CloneFlag:
    flags = CloneFlag(0)
    for word in words:
        flags |= OPTIONS.get(word, CloneFlag(0))
    return flags


BUILTINS: Mapping[str, Callable[[Terminal, list[str]], list[str]]] = {
    "echo": _echo,
    "kill": _kill,
    "cd": _cd,
    "pwd": _pwd,
    "trap": _trap,
    "exit": _exit,
    "unshare": _unshare,
    "nsenter": _nsenter,
    "./clone-demo": _clone_demo,
    "./subreaper": _subreaper,
}
