"""What is typed, in which terminal, and why it comes out as it does: the tutorial as a table.

Nothing that comes out stands here.  The numbers in what is typed are those that the lines before have shown.
"""

from __future__ import annotations

from dataclasses import dataclass

PS = "ps -eo uid,pid,ppid,s,cmd"
UNSHARE = "unshare --uts --pid --mount --fork --mount-proc /bin/bash"
COUNTER = "/proc/sys/kernel/ns_last_pid"


@dataclass(frozen=True, slots=True)
class Line:
    """A line that is typed.

    Attributes:
        terminal: 1 or 2.
        typed: "" for a look at what has appeared by itself; LAST is pid_max - 2.
        says: What is done, before it is.
        why: The kernel's reason.
        rules: The rules that the reason rests on.
        needs: A file that has to be writable; the line is left out where a kernel lacks it.
    """

    terminal: int
    typed: str
    says: str
    why: str
    rules: tuple[str, ...]
    needs: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """Lines that are played on one machine, fresh from boot."""

    name: str
    title: str
    lines: tuple[Line, ...]


A = Part(
    "A",
    "A shell in new UTS, IPC and PID namespaces",
    (
        Line(
            1,
            "./clone-demo",
            "A program clones a child with NEWUTS, NEWIPC and NEWPID that becomes a shell.",
            "clone creates the namespaces and puts the child into them; the caller itself stays where it is.",
            ("CREATE-02", "ALLOC-24"),
        ),
        Line(
            1,
            "echo $$",
            "The shell is the first process of its PID namespace.",
            "A process has a number in its own namespace and one in each ancestor, each counted on its own. The first in a fresh one is 1.",
            ("ALLOC-01", "ALLOC-24", "VIS-04"),
        ),
        Line(
            1,
            "hostname -b demo",
            "It names its host, and only its own UTS namespace has the name.",
            "A new UTS namespace starts with a copy of the names; from then on they are separate.",
            ("UTS-01",),
        ),
        Line(
            2,
            PS,
            "From outside it is an ordinary process, and its parent is who cloned it.",
            "Seen from an ancestor namespace, a process has that namespace's number for it.",
            ("VIS-02", "PROC-20"),
        ),
        Line(
            1,
            PS,
            "Inside, ps still shows the outer processes.",
            "A proc mount is bound to one PID namespace for ever, whoever reads it, and the mount namespace is still the outer one.",
            ("PROC-01", "PROC-12"),
        ),
        Line(
            1,
            "cd -P /proc/self; pwd",
            "In that /proc the shell is its outer number.",
            "/proc/self is the reader's number in the mount's namespace, not in the reader's own.",
            ("PROC-11",),
        ),
        Line(
            1,
            "cd /; mount -t proc proc /proc",
            "A new mount of proc ...",
            "The mount shows the namespace that the caller of mount lives in.",
            ("PROC-01", "PROC-04"),
        ),
        Line(
            1,
            PS,
            "... shows the shell's own namespace: the shell is 1, ps has the next number.",
            "Every fork takes the next number, also where the process that had the last one is gone.",
            ("PROC-06", "ALLOC-03"),
        ),
        Line(
            1,
            "pstree -pl",
            "No ancestor is in sight.",
            "Nothing of an ancestor namespace has a number below, so it cannot be seen or named there.",
            ("VIS-02",),
        ),
        Line(
            2,
            PS,
            "But the mount namespace was shared: the host now sees that proc too.",
            "Both shells look through the same mount namespace, in which the newer mount covers the older.",
            ("PROC-12", "PROC-04"),
        ),
        Line(
            2,
            "cat /proc/self/comm",
            "And whoever has no number in it has no /proc/self.",
            "self has no target where the reader is invisible in the mount's namespace.",
            ("PROC-11",),
        ),
        Line(
            2,
            "mount -t proc proc /proc",
            "It mounts its own once more ...",
            "Now the third mount lies on top, of the host's namespace, and for the shell inside as well.",
            ("PROC-01", "PROC-04"),
        ),
        Line(
            2,
            PS,
            "... and sees everything again. A mount namespace of its own spares all this.",
            "unshare --mount-proc makes one, as part B does.",
            ("MNT-10",),
        ),
        Line(
            1,
            "exit",
            "The shell ends, and with it its namespace.",
            "The last process of a namespace was its init; nobody can be born there any more.",
            ("INIT-01", "INIT-14"),
        ),
    ),
)

B = Part(
    "B",
    "Three nested namespaces: h1, h2 and h3",
    (
        Line(
            1,
            "readlink /proc/$$/ns/pid",
            "The outermost namespace; the number is an inode's.",
            "Two namespaces are the same if their inodes are, as long as both live.",
            ("NSFS-LINK-02", "NSFS-LINK-03"),
        ),
        Line(
            1,
            UNSHARE,
            "unshare leaves the namespaces, forks, and the child becomes a shell.",
            "unshare(2) and setns(2) never move the caller into another PID namespace, only its later children: hence --fork. "
            "All mounts are made private before the new proc is mounted, so that nobody else sees it.",
            ("CREATE-01", "PFC-06", "MNT-18"),
        ),
        Line(
            1, "hostname -b h1", "Level one. hostname is the second process here.", "The UTS namespace is a new one.", ("UTS-01", "UTS-02")
        ),
        Line(
            1,
            "echo $$",
            "The shell is PID 1.",
            "The first child after unshare is the new namespace's init.",
            ("PFC-06", "ALLOC-24"),
        ),
        Line(
            1,
            "readlink /proc/$$/ns/pid",
            "The namespace is another one.",
            "/proc is the new mount, so $$ is looked up in the new namespace.",
            ("NSFS-LINK-03", "PROC-01"),
        ),
        Line(
            1,
            UNSHARE,
            "The same once more, inside.",
            "A child is born in its parent's namespace for children, and may unshare again at once.",
            ("CREATE-06", "CREATE-03"),
        ),
        Line(1, "hostname -b h2", "Level two.", "Its UTS namespace was copied from h1's and is its own.", ("UTS-01",)),
        Line(1, "echo $$", "PID 1 again.", "Each namespace counts from 1.", ("ALLOC-01",)),
        Line(1, "readlink /proc/$$/ns/pid", "A third namespace.", "Each has its own inode.", ("NSFS-LINK-03",)),
        Line(1, UNSHARE, "And once more.", "32 namespaces can nest below the initial one.", ("CREATE-08",)),
        Line(1, "hostname -b h3", "Level three.", "Forks here count in every namespace above as well.", ("ALLOC-17",)),
        Line(1, "echo $$", "PID 1 again.", "Each namespace counts from 1.", ("ALLOC-01",)),
        Line(1, "readlink /proc/$$/ns/pid", "A fourth namespace.", "Each has its own inode.", ("NSFS-LINK-03",)),
        Line(
            1,
            "pstree -pl",
            "In h3 nobody but the shell and pstree is to be seen.",
            "hostname and readlink had 2 and 3; numbers of the dead are not reused at once.",
            ("VIS-02", "ALLOC-03"),
        ),
        Line(
            2,
            "pstree -pl 2",
            "From the outermost, terminal 1 is a chain through three namespaces.",
            "The real parent relation crosses namespaces freely.",
            ("VIS-06", "VIS-02"),
        ),
        Line(
            2,
            "readlink /proc/6/ns/pid /proc/10/ns/pid /proc/14/ns/pid",
            "The three shells inside are in the three namespaces.",
            "The link is of the namespace that the process lives in.",
            ("NSFS-LINK-02", "NSFS-LINK-03"),
        ),
        Line(
            2,
            "grep NSpid /proc/6/status /proc/10/status /proc/14/status",
            "And have one number a level, outermost first.",
            "NSpid lists the numbers from the mount's level down to the process's own.",
            ("PROC-21", "ALLOC-01"),
        ),
        Line(
            2,
            "nsenter --uts --mount --pid -t 6 /bin/bash",
            "Terminal 2 enters h1: setns into its namespaces, and a fork.",
            "setns into a PID namespace is allowed downwards only, and takes only the later children.",
            ("SETNS-01", "SETNS-02"),
        ),
        Line(
            2,
            "echo $$",
            "The new shell is the 13th process that h1 has seen.",
            "An injected process takes the next number of the namespace's one counter; h2's and h3's processes have numbers here too.",
            ("ALLOC-25", "ALLOC-17"),
        ),
        Line(
            2,
            "pstree -pl",
            "h1's tree goes down into h2 and h3. The new shell is not in it ...",
            "Its parent has no number here, so that it hangs on nobody.",
            ("VIS-02", "VIS-03"),
        ),
        Line(
            2,
            PS,
            "... since its parent lives outside: its PPID is 0, as that of PID 1.",
            "A number that is not visible reads as 0; it is no error.",
            ("VIS-05", "PROC-20"),
        ),
        Line(
            1,
            "kill -KILL 1",
            "From inside, h3's shell cannot be killed: it is the init.",
            "KILL and STOP from a sender whom the init can see are dropped, and the sender is told 0.",
            ("SIG-03",),
        ),
        Line(
            1,
            "kill 13",
            "Nor can h3 signal anybody above, or even name one.",
            "A number is looked up in the caller's own namespace, and nobody above has one there.",
            ("VIS-01",),
        ),
        Line(
            2,
            "kill 9",
            "From h1, TERM for h3's shell, which is 9 here: nothing, since it ignores TERM.",
            "A signal that the target ignores does nothing, whoever sends it. An interactive bash ignores TERM.",
            ("SIG-05",),
        ),
        Line(
            2,
            "kill -USR1 9",
            "USR1 has its default action, which would be the end: nothing either.",
            "What an init has no handler for is discarded when it is sent, from an ancestor namespace too; only KILL and STOP are forced.",
            ("SIG-01", "SIG-04"),
        ),
        Line(
            1,
            "trap 'echo got HUP' HUP",
            "h3's shell installs a handler.",
            "With a handler a signal is no longer at its default action.",
            ("SIG-05",),
        ),
        Line(2, "kill -HUP 9", "HUP from h1 ...", "kill says 0 in each of these cases.", ("SIG-05",)),
        Line(1, "", "... is delivered.", "A signal with a handler is delivered from anywhere.", ("SIG-05", "VIS-03")),
        Line(
            2,
            "kill -KILL 9",
            "KILL from above ends h3's shell.",
            "KILL from a sender whom the init cannot see is forced; an ancestor's signals go down to every level.",
            ("SIG-02", "SIG-15"),
        ),
        Line(
            1,
            "",
            "Its unshare waited for it and ends in the same way; h2's shell says so.",
            "An init's death is reported to its parent like any other, across the namespaces.",
            ("INIT-03", "VIS-06"),
        ),
        Line(1, "hostname", "Terminal 1 is back in h2.", "uname reads the caller's own UTS namespace.", ("UTS-03",)),
        Line(2, "pstree -pl", "h3 and its unshare are gone.", "After the wait, every number of the dead is free.", ("WAIT-11", "INIT-04")),
        Line(2, "exit", "Terminal 2 leaves h1.", "An injected process is an ordinary member: its end is its own alone.", ("SETNS-13",)),
    ),
)

C = Part(
    "C",
    "What follows from it",
    (
        Line(1, UNSHARE, "A namespace, and a shell in it as PID 1.", "As in part B.", ("CREATE-01", "PFC-06")),
        Line(1, "hostname -b c1", "Its host name is its own.", "As in part B.", ("UTS-01",)),
        Line(
            1,
            "(sleep 1000 &)",
            "A subshell starts a sleep and ends: an orphan.",
            "When a process exits, its children get a new parent.",
            ("REPARENT-01",),
        ),
        Line(
            1,
            PS,
            "It went to PID 1 of its namespace ...",
            "The init of the dead father's namespace adopts.",
            ("REPARENT-01", "REPARENT-09"),
        ),
        Line(
            2,
            PS,
            "... and not to the outermost one, as is seen from outside.",
            "The search for a new parent stops where the level changes.",
            ("REPARENT-01", "VIS-06"),
        ),
        Line(
            1,
            "./subreaper /bin/bash",
            "A program does prctl(PR_SET_CHILD_SUBREAPER, 1) and becomes a shell.",
            "The mark belongs to the process, survives exec, and is not inherited by fork.",
            ("REPARENT-06",),
        ),
        Line(1, "(sleep 2000 &)", "Another orphan ...", "Its father, the subshell, ends.", ("REPARENT-01",)),
        Line(
            1,
            PS,
            "... went to the nearest living ancestor that is a subreaper.",
            "A subreaper inside the namespace comes before its init.",
            ("REPARENT-04", "REPARENT-05"),
        ),
        Line(
            1,
            "unshare --pid --mount --fork --mount-proc /bin/bash",
            "A namespace below it, and a shell in that.",
            "A namespace's parent is the one that its creator lives in.",
            ("CREATE-03",),
        ),
        Line(
            2,
            "kill -KILL 5",
            "From outside, c1's PID 1 is killed.",
            "An init that exits takes all of its namespace and below with it, and reaps them; only then is its own death reported.",
            ("INIT-01", "INIT-02", "INIT-04"),
        ),
        Line(1, "", "Terminal 1 is outside again ...", "The unshare waited for the init, and ends as it ended.", ("INIT-03",)),
        Line(
            2,
            PS,
            "... and nobody of c1 and of what was below is left.",
            "When the wait for an init returns, no task of its namespace exists any more, not even as a zombie.",
            ("INIT-04",),
        ),
        Line(
            1,
            "unshare --pid /bin/bash",
            "Without --fork the shell itself stays outside ...",
            "unshare sets the namespace for children alone, and execve keeps that.",
            ("CREATE-01", "CREATE-07"),
        ),
        Line(
            1,
            "sh -c 'echo $$'",
            "... and its first command is PID 1 of the new namespace.",
            "The first fork creates its init.",
            ("PFC-06",),
        ),
        Line(
            1,
            "sh -c 'echo $$'",
            "That has ended: nothing can be created there any more.",
            "A fork into a namespace that lost its init is ENOMEM, for ever.",
            ("INIT-14", "PFC-06"),
        ),
        Line(1, "exit", "The shell outside is well.", "It never was in the namespace.", ("CREATE-01",)),
        Line(
            1,
            "unshare --pid --mount --fork --mount-proc /bin/bash",
            "A fresh namespace, to count on.",
            "Each has a counter of its own.",
            ("ALLOC-03",),
            COUNTER,
        ),
        Line(
            1,
            "sh -c 'echo $$'; sh -c 'echo $$'",
            "Numbers count up ...",
            "The next task takes the lowest free number from the counter on.",
            ("ALLOC-03",),
            COUNTER,
        ),
        Line(
            1,
            "cat /proc/sys/kernel/pid_max",
            "... to the one below this ...",
            "pid_max itself is never given out. Since 6.14 every PID namespace has its own.",
            ("ALLOC-04", "SYSCTL-09"),
            COUNTER,
        ),
        Line(
            1,
            f"echo LAST > {COUNTER}",
            "... which we need not fork to reach: the counter can be written.",
            "The write sets the counter of the writer's own namespace; it needs CAP_SYS_ADMIN or CAP_CHECKPOINT_RESTORE over it.",
            ("SYSCTL-01", "SYSCTL-02", "SYSCTL-05"),
            COUNTER,
        ),
        Line(
            1,
            "sh -c 'echo $$'; sh -c 'echo $$'; sh -c 'echo $$'",
            "Then they wrap, to 300: those below are not given twice.",
            "Once the counter is past it, the search begins at 300, RESERVED_PIDS.",
            ("ALLOC-05", "ALLOC-06"),
            COUNTER,
        ),
        Line(1, "exit", "Back outside.", "The namespace went with its init.", ("INIT-01",), COUNTER),
        Line(
            1,
            "./nest",
            "A program clones NEWPID, its child again, and so on, as deep as it goes.",
            "32 namespaces nest below the initial one; a clone or unshare beyond is ENOSPC. The deepest has a number in each.",
            ("CREATE-08", "ALLOC-01", "PROC-21"),
        ),
        Line(2, UNSHARE, "Two namespaces side by side: one in terminal 2 ...", "Both have the same parent.", ("CREATE-03",)),
        Line(1, UNSHARE, "... and one in terminal 1 ...", "Siblings share nothing but their ancestors.", ("VIS-02",)),
        Line(
            2, "pstree -pl", "... which does not see the other ...", "A process has no number in a sibling of its namespace.", ("VIS-02",)
        ),
        Line(1, "pstree -pl", "... nor is seen by it.", "Own namespace and ancestors, and none other.", ("VIS-02", "ALLOC-01")),
    ),
)

PARTS = (A, B, C)
