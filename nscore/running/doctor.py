"""doctor: what can be had here, tried; and what to change for the rest.

Everything is tried in children of a fresh interpreter, so that nothing of the caller is changed.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

#: Characters of a line, and of the names in front.
WIDTH, NAMES = 80, 30
#: Seconds after which the interpreter is given up.
PATIENCE = 120.0
#: What the fresh interpreter does.
FRESH = "import sys; sys.path.insert(0, sys.argv[1]); from nscore.running.doctor import report; report()"
PACKAGE = str(Path(__file__).parent.parent.parent)
ABILITY = {"needed": False, "remedy": "", "cause": ""}


def diagnosed() -> list[dict[str, Any]]:
    """What became of each trial: fields as of nscore.running.findings.Finding."""
    if sys.platform != "linux":
        return elsewhere()
    argv = [sys.executable, "-c", FRESH, PACKAGE]
    try:
        fresh = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE, check=False, cwd="/")
    except subprocess.TimeoutExpired as error:
        return [*parsed(error.output or b""), interpreter(f"it did not end within {PATIENCE:g} s")]
    except OSError as error:
        return [interpreter(f"{sys.executable or 'sys.executable'}: {error.strerror}")]
    if fresh.returncode:
        words = fresh.stderr.decode(errors="replace").strip().rpartition("\n")[2] or f"it ended with {fresh.returncode}"
        return [*parsed(fresh.stdout), interpreter(words)]
    return parsed(fresh.stdout)


def parsed(said: bytes) -> list[dict[str, Any]]:
    """The findings that the interpreter has told."""
    return [json.loads(line) for line in said.splitlines() if line.startswith(b"{") and line.endswith(b"}")]


def interpreter(why: str) -> dict[str, Any]:
    """The finding that it failed."""
    return ABILITY | {"ability": "a fresh interpreter", "needed": True, "works": False, "detail": why}


def elsewhere() -> list[dict[str, Any]]:
    """Where there is no Linux."""
    from nscore.backends import available

    why = available("linux")
    assert why is not None
    refused = {"needed": True, "works": False, "detail": why.reason, "remedy": why.remedy, "cause": "not_linux"}
    model = available("sim")
    return [
        ABILITY | {"ability": 'boot("sim")', "works": model is None, "detail": "" if model is None else str(model)},
        *({"ability": name} | refused for name in ('boot("linux")', "run()")),
    ]


def report() -> None:
    """In the fresh interpreter: try everything, a line of JSON each."""
    if sys.platform == "linux":
        from nscore.running.findings import named, tried
        from nscore.running.trials import TRIALS

        told = os.dup(1)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        for ability, needed, body in TRIALS:
            finding = named(tried(body), ability, needed)
            fields = {name: getattr(finding, name) for name in finding.__slots__}
            os.write(told, json.dumps(fields).encode() + b"\n")


def works(findings: Sequence[Mapping[str, Any]]) -> bool:
    """Whether run() and boot() can be had."""
    return all(finding["works"] for finding in findings if finding["needed"]) and any(finding["needed"] for finding in findings)


def table(findings: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The lines of a table, no line longer than WIDTH; what is the same as before is said once."""
    seen: dict[tuple[str, str], str] = {}
    for finding in findings:
        head = f"{finding['ability']:<{NAMES}} {'yes' if finding['works'] else 'NO ':<3}  "
        first = seen.setdefault((finding["cause"], finding["remedy"]), finding["ability"])
        if finding["cause"] and first != finding["ability"]:
            yield from filled(head, f"{finding['cause']}, as of {first}")
            continue
        yield from filled(head, finding["detail"])
        if not finding["works"] and finding["remedy"]:
            yield from filled(" " * (len(head) - 2) + "> ", finding["remedy"])


def filled(head: str, text: str) -> list[str]:
    """Text behind its head, in as many lines as it takes."""
    lines = textwrap.wrap(text, WIDTH - len(head), break_on_hyphens=False) or [""]
    return [f"{head}{lines[0]}".rstrip(), *[" " * len(head) + line for line in lines[1:]]]


def system() -> str:
    """Where this is."""
    python = f"Python {sys.version.split()[0]}"
    if sys.platform == "win32":
        return f"win32, {python}"
    return f"{sys.platform} {os.uname().release} {os.uname().machine}, {python}, user {os.geteuid()}"


def main_doctor(argv: Sequence[str]) -> int:
    """Carry out the command line after "doctor": 0 if run() and boot() work, 1 if not."""
    parser = argparse.ArgumentParser(prog="nscore doctor", description="Try what can be had here, and say what to change for the rest.")
    parser.add_argument("--json", action="store_true", help="an object for programs")
    asked = parser.parse_args(argv)
    findings = diagnosed()
    good = works(findings)
    if asked.json:
        print(json.dumps({"works": good, "system": system(), "abilities": findings}, indent=2))
        return 0 if good else 1
    print(system())
    print()
    for line in table(findings):
        print(line)
    print()
    print("run() and boot() work." if good else "run() or boot() does not work here: see NO above.")
    return 0 if good else 1
