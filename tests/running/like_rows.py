"""What tini 0.19.0 and dumb-init 1.2.5 do, as Debian has them, behaviour by behaviour: each row was seen of the real one.

A row is: what it is about, how that is looked at, the arguments (@NAME is a script of init_scenes.py), what is seen, the scene's options.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

assert not TYPE_CHECKING or sys.platform == "linux"

from tests.running.init_scenes import (  # noqa: E402  what only Linux has
    answer,
    at_a_terminal,
    forbidden,
    forwarded,
    grouped,
    inherited,
    observed,
    output,
    said,
    status,
    warned,
)

NOT_PID_1 = "[WARN  tini (N)] Tini is not running as PID 1 and isn't registered as a child subreaper."
DETACH = "[dumb-init] Unable to detach from controlling tty (errno=25 Inappropriate ioctl for device).\n"
NOT_SENT = "[dumb-init] Translating signal 10 to 0.\n[dumb-init] Not forwarding signal 0 to children (ignored).\n"
ATTACH = "[dumb-init] Unable to attach to controlling tty (errno=25 Inappropriate ioctl for device).\n"
SPAWNED = "[INFO  tini (1)] Spawned child process 'sh' with pid '2'\n"
SEEN = "[DEBUG tini (1)] Received SIGCHLD\n[DEBUG tini (1)] Reaped child with pid: '2'\n"
EXITED = "[INFO  tini (1)] Main child exited normally (with status '3')\n"
REGISTERED = "[TRACE tini (1)] Registered as child subreaper\n"
TRACE = "[TRACE tini (1)] No child to wait\n[TRACE tini (1)] Exiting: child has exited\n"
CHILD = "[dumb-init] Child spawned with PID 2.\n"
GONE = """\
[dumb-init] Received signal 17.
[dumb-init] A child with PID 2 exited with exit status 3.
[dumb-init] Forwarded signal 15 to children.
[dumb-init] Child exited with status 3. Goodbye.
"""
GONE_UNTOLD = GONE.replace("Forwarded signal 15 to children.", "Not forwarding signal 0 to children (ignored).") + (
    "[dumb-init] Translating signal 15 to 0."
)
CLOSED = ("sh", "-c", 'exec "$@" <&-', "sh")
EXIT_3 = ("sh", "-c", "exit 3")


@dataclass(frozen=True)
class Row:
    """One behaviour."""

    what: str
    scene: Callable[..., Any]
    args: Sequence[str]
    seen: Any
    options: dict[str, Any] = field(default_factory=dict)


def refused(letter: str, value: str) -> tuple[int, str, str]:
    return 1, "", f"[FATAL tini (1)] Not a valid option for -{letter}: {value}"


def tini_exec(code: int, name: str, why: str) -> tuple[int, str, str]:
    return code, "", f"[FATAL tini (2)] exec {name} failed: {why}\n"


def dumb_exec(name: str, why: str) -> tuple[int, str, str]:
    return 2, "", f"[dumb-init] {name}: {why}\n"


FILES = {"files": True}
DEATHS = (("TERM", 143), ("KILL", 137), ("SEGV", 139))
NO_REWRITING = ("32:1", "0:1", "1:32", "1:-1", "1", "x:1", "TERM:1")

TINI = (
    Row("exit status 0", status, ["true"], 0),
    Row("exit status 3", status, ["--", *EXIT_3], 3),
    Row("exit status 255", status, ["--", "sh", "-c", "exit 255"], 255),
    *(Row(f"death by {sig}", status, ["--", "sh", "-c", f"kill -{sig} $$"], code) for sig, code in DEATHS),
    Row("a missing command", output, ["nosuch"], tini_exec(127, "nosuch", "No such file or directory"), FILES),
    Row("an empty command", output, [""], tini_exec(127, "", "No such file or directory"), FILES),
    Row("no permission, by its path", output, ["./denied"], tini_exec(126, "./denied", "Permission denied"), FILES),
    Row("no permission, by its name", output, ["denied"], tini_exec(126, "denied", "Permission denied"), FILES),
    Row("a directory", output, ["/usr"], tini_exec(126, "/usr", "Permission denied"), FILES),
    Row("below a file", output, ["./plain/x"], tini_exec(1, "./plain/x", "Not a directory"), FILES),
    Row("a loop of links", output, ["./loop"], tini_exec(1, "./loop", "Too many levels of symbolic links"), FILES),
    Row("a loop of links in PATH", output, ["loop"], tini_exec(1, "loop", "Too many levels of symbolic links"), FILES),
    Row("a script without a first line", output, ["plain", "x"], (0, "by a shell x\n", ""), FILES),
    Row("options after the command are tini's", answer, EXIT_3, (1, "", "tini: invalid option -- 'c'")),
    Row("but not with POSIXLY_CORRECT", answer, EXIT_3, (3, "", ""), {"env": {"POSIXLY_CORRECT": "1"}}),
    Row("-- among the arguments", output, ["echo", "a", "--", "-v", "b"], (0, "a -v b\n", "")),
    Row("no command", answer, [], (1, "", "written")),
    Row("no command after --", answer, ["--"], (1, "", "written")),
    Row("an unknown option", answer, ["-x", "true"], (1, "", "tini: invalid option -- 'x'")),
    Row("the first option wins: -h", answer, ["-h", "-x"], (0, "written", "")),
    Row("the first option wins: -x", answer, ["-x", "-h"], (1, "", "tini: invalid option -- 'x'")),
    Row("--version", answer, ["--version"], (0, "written", "")),
    Row("--version and more", answer, ["--version", "true"], (1, "", "tini: invalid option -- '-'")),
    Row("-l", answer, ["-l"], (0, "written", "")),
    Row("-e: status", status, ["-e3", "-e", "143", "--", *EXIT_3], 0),
    Row("-e: a signal's status", status, ["-e", "143", "--", "sh", "-c", "kill $$"], 0),
    Row("-e: another status", status, ["-e", "4", "--", *EXIT_3], 3),
    Row("-e: space before it", status, ["-e", " 3", "--", *EXIT_3], 0),
    Row("-e: nothing is 0", status, ["-e", "", "--", *EXIT_3], 3),
    Row("-e: missing", answer, ["-e"], (1, "", "tini: option requires an argument -- 'e'")),
    *(Row(f"-e: {value}", answer, ["-e", value, "true"], refused("e", value)) for value in ("256", "-1", "x", "3x")),
    *(Row(f"-p: {name}", answer, ["-p", name, "true"], refused("p", name)) for name in ("KILL", "9", "sigkill", "SIGPWR", "SIGRTMIN")),
    Row("-p: right after it", status, ["-pSIGHUP", "true"], 0),
    Row("-p: the parent's death", observed, ["-p", "SIGTERM", "--", "@reports"], ("sent 15\n", NOT_PID_1), {"observer": "orphaner"}),
    Row("-v", output, ["-v", "--", *EXIT_3], (3, SPAWNED + EXITED, "")),
    Row("-v -v", output, ["-vv", "--", *EXIT_3], (3, SPAWNED + SEEN + EXITED, "")),
    Row("-v -v -v", output, ["-svvv", "--", *EXIT_3], (3, f"{REGISTERED}{SPAWNED}{SEEN}{EXITED}{TRACE}", "")),
    Row("TINI_VERBOSITY outdoes -v", output, ["-v", "--", *EXIT_3], (3, "", ""), {"env": {"TINI_VERBOSITY": "x"}}),
    Row("TINI_VERBOSITY", output, ["--", *EXIT_3], (3, SPAWNED + EXITED, ""), {"env": {"TINI_VERBOSITY": "2"}}),
    Row("every signal", forwarded, ["--"], (7, [f"{sig}: []" for sig in (4, 5, 6, 7, 8, 11, 17, 31)])),
    Row("signals go to the child alone", grouped, ["--"], (7, "child has\n")),
    Row("-g", grouped, ["-g", "--"], (7, "child has 10\n")),
    Row("TINI_KILL_PROCESS_GROUP", grouped, ["--"], (7, "child has 10\n"), {"env": {"TINI_KILL_PROCESS_GROUP": ""}}),
    Row(
        "group, session, parent, directory, mask",
        output,
        ["--", "@place"],
        (0, "leads its group True its session False parent 1 init is in /usr masked\n", ""),
        {"cwd": "/usr"},
    ),
    Row("what is masked and ignored before", inherited, ["--"], "SigBlk:\t0000000000000200\nSigIgn:\t0000000000204002\n"),
    Row("the environment", output, ["--", "env"], (0, "A=b\nPATH=/usr/bin:/bin\n", ""), {"only": {"A": "b", "PATH": "/usr/bin:/bin"}}),
    Row("orphans", output, ["--", "@orphans"], (0, "left 0\n", "")),
    Row("-w", warned, ["-w", "--", "@orphans"], (0, 20)),
    Row("no -w", warned, ["--", "@orphans"], (0, 0)),
    Row("neither PID 1 nor -s", observed, ["--", "@adopted"], ("by the init False\nstatus 0\n", NOT_PID_1)),
    Row("-s", observed, ["-s", "--", "@adopted"], ("by the init True\nstatus 0\n", "")),
    Row("TINI_SUBREAPER", observed, ["--", "@adopted"], ("by the init True\nstatus 0\n", ""), {"env": {"TINI_SUBREAPER": ""}}),
    Row(
        "TSTP and CONT",
        observed,
        ["--", "sleep", "60"],
        ("main T init S\nmain S init S\nstatus 143\n", NOT_PID_1),
        {"observer": "job", "words": ["0.3"]},
    ),
    Row("the rest of the group at the end", observed, ["--", "@leaves a child"], ("status 0 child has\n", NOT_PID_1), {"observer": "heir"}),
    Row("a signal that it may not send", forbidden, ["--"], "ends with 1", {"patience": 20}),
    Row("standard input closed", output, ["true"], (1, "", "[FATAL tini (2)] tcsetpgrp failed: Bad file descriptor\n"), {"around": CLOSED}),
    Row("a terminal", at_a_terminal, ["--"], "leads its group True session False; foreground True; ready; signal 2; 5"),
)

DUMB_INIT = (
    Row("exit status 0", status, ["true"], 0),
    Row("exit status 3", status, EXIT_3, 3),
    Row("exit status 255", status, ["sh", "-c", "exit 255"], 255),
    *(Row(f"death by {sig}", status, ["sh", "-c", f"kill -{sig} $$"], code) for sig, code in DEATHS),
    Row("a missing command", output, ["nosuch"], dumb_exec("nosuch", "No such file or directory"), FILES),
    Row("an empty command", output, [""], dumb_exec("", "No such file or directory"), FILES),
    Row("no permission, by its path", output, ["./denied"], dumb_exec("./denied", "Permission denied"), FILES),
    Row("no permission, by its name", output, ["denied"], dumb_exec("denied", "Permission denied"), FILES),
    Row("a directory", output, ["/usr"], dumb_exec("/usr", "Permission denied"), FILES),
    Row("below a file", output, ["./plain/x"], dumb_exec("./plain/x", "Not a directory"), FILES),
    Row("a script without a first line", output, ["plain", "x"], (0, "by a shell x\n", ""), FILES),
    Row("options after the command are the command's", output, ["echo", "-v", "--", "b"], (0, "-v -- b\n", "")),
    Row("-- before the command", output, ["--", "echo", "--", "b"], (0, "-- b\n", "")),
    Row("a dash is a command", answer, ["-", "true"], (2, "", "[dumb-init] -: No such file or directory")),
    Row("no command", answer, [], (1, "", "written")),
    Row("no command after --", answer, ["--"], (1, "", "written")),
    Row("an unknown option", answer, ["-x", "true"], (1, "", "dumb-init: invalid option -- 'x'")),
    Row("an unknown word", answer, ["--nope", "true"], (1, "", "dumb-init: unrecognized option '--nope'")),
    Row("the first option wins: -h", answer, ["-h", "-x"], (0, "", "written")),
    Row("the first option wins: -x", answer, ["-x", "-h"], (1, "", "dumb-init: invalid option -- 'x'")),
    *(Row(option, answer, [option], (0, "", "written")) for option in ("-h", "--help", "-V", "--version")),
    Row(
        "a word that could be two",
        answer,
        ["--ver", "true"],
        (1, "", "dumb-init: option '--ver' is ambiguous; possibilities: '--verbose' '--version'"),
    ),
    Row("a word with an argument", answer, ["--verb=3", "true"], (1, "", "dumb-init: option '--verbose' doesn't allow an argument")),
    Row("a word without its argument", answer, ["--rew"], (1, "", "dumb-init: option '--rewrite' requires an argument")),
    Row("a letter without its argument", answer, ["-r"], (1, "", "dumb-init: option requires an argument -- 'r'")),
    *(
        Row(f"-r: {value}", answer, ["-r", value, "true"], (1, "", "written"))
        for value in ("32:1", "0:1", "1:32", "1:-1", "1", "x:1", "TERM:1")
    ),
    *(Row(f"-r: {value}", answer, ["-r", value, "true"], (0, "", "")) for value in (" 15: 10x", "15:-0")),
    Row("-v", said, ["-v", *EXIT_3], (3, sorted(f"{DETACH}{CHILD}{ATTACH}[dumb-init] setsid complete.\n{GONE}".splitlines()))),
    Row("-v: TERM rewritten to nothing", said, ["-cvr15:0", *EXIT_3], (3, sorted(f"{CHILD}{GONE_UNTOLD}".splitlines()))),
    Row(
        "-v: a signal",
        output,
        ["-cv", "sh", "-c", "trap : USR1; kill -USR1 1; exit 3"],
        (3, "", f"{CHILD}[dumb-init] Received signal 10.\n[dumb-init] Forwarded signal 10 to children.\n{GONE}"),
    ),
    Row(
        "-v: a signal that is not forwarded",
        output,
        ["-cvr10:0", "sh", "-c", "kill -USR1 1; exit 3"],
        (3, "", f"{CHILD}[dumb-init] Received signal 10.\n{NOT_SENT}{GONE}"),
    ),
    Row(
        "DUMB_INIT_DEBUG and DUMB_INIT_SETSID",
        output,
        EXIT_3,
        (3, "", f"[dumb-init] Running in debug mode.\n[dumb-init] Not running in setsid mode.\n{CHILD}{GONE}"),
        {"env": {"DUMB_INIT_DEBUG": "1", "DUMB_INIT_SETSID": "0"}},
    ),
    Row("every signal", forwarded, [], (7, ["17: []"])),
    Row("-r: another", forwarded, ["-r", "15:10"], (7, ["15: [10]", "17: []"])),
    Row("-r: none", forwarded, ["--rewrite=10:0"], (7, ["10: []", "17: []"])),
    Row("-r: the last counts", forwarded, ["-r1:2", "-r", "1:12"], (7, ["1: [12]", "17: []"])),
    Row("signals go to the session's group", grouped, [], (7, "child has 10\n")),
    Row("-c: signals go to the child alone", grouped, ["-c"], (7, "child has\n")),
    Row("DUMB_INIT_SETSID", grouped, [], (7, "child has\n"), {"env": {"DUMB_INIT_SETSID": "0"}}),
    Row(
        "group, session, parent, directory, mask",
        output,
        ["@place"],
        (0, "leads its group True its session True parent 1 init is in / masked\n", ""),
        {"cwd": "/usr"},
    ),
    Row(
        "-c: group, session, parent, directory, mask",
        output,
        ["-c", "@place"],
        (0, "leads its group False its session False parent 1 init is in / masked\n", ""),
    ),
    Row("what is masked and ignored before", inherited, [], "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n"),
    Row("the environment", output, ["env"], (0, "A=b\nPATH=/usr/bin:/bin\n", ""), {"only": {"A": "b", "PATH": "/usr/bin:/bin"}}),
    Row("orphans", output, ["@orphans"], (0, "left 0\n", "")),
    Row("not PID 1", observed, ["@adopted"], ("by the init False\nstatus 0\n", "")),
    Row(
        "TSTP and CONT",
        observed,
        ["sleep", "60"],
        ("main T init T\nmain S init S\nstatus 143\n", ""),
        {"observer": "job", "words": ["20"]},
    ),
    Row(
        "-c: TSTP and CONT",
        observed,
        ["-c", "sleep", "60"],
        ("main T init T\nmain S init S\nstatus 143\n", ""),
        {"observer": "job", "words": ["20"]},
    ),
    Row("TERM for the rest of the group at the end", observed, ["@leaves a child"], ("status 0 child has 15\n", ""), {"observer": "heir"}),
    Row("rewritten, too", observed, ["-r15:10", "@leaves a child"], ("status 0 child has 10\n", ""), {"observer": "heir"}),
    Row("-c: nothing for the rest", observed, ["-c", "@leaves a child"], ("status 0 child has\n", ""), {"observer": "heir"}),
    Row("a signal that it may not send", forbidden, [], "lives", {"patience": 0.3}),
    Row("standard input closed", output, ["true"], (0, "", ""), {"around": CLOSED}),
    Row("a terminal", at_a_terminal, [], "leads its group True session True; foreground True; ready; signal 2; 5"),
    Row("-c: a terminal", at_a_terminal, ["-c"], "leads its group False session False; foreground False; ready; signal 2; 5"),
)

TABLE = {"tini": TINI, "dumb-init": DUMB_INIT}
