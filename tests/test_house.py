"""The walls of the house, the tables' completeness and the docstrings' errnos."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

import pytest

import nscore
from conformance.run import Runner, selected
from nscore.backends import BUILT_IN, find
from nscore.interface.caller import DECLARED
from tests.unproven import UNPROVEN

ROOT = Path(__file__).parent.parent

RECORDS = ("nscore.flags", "nscore.results", "nscore.errors", "nscore.trace")
INTERFACE = (*RECORDS, "nscore.interface")
SIM_FORBIDDEN = "os sys time random signal threading socket subprocess platform ctypes"

#: Room (the longest prefix wins): what it may import of ours, what it may not import of the standard library.
WALLS: Mapping[str, tuple[tuple[str, ...], str]] = {
    "nscore.flags": ((), "ctypes os errno"),
    "nscore.results": (RECORDS[:1], "ctypes os errno"),
    "nscore.errors": (RECORDS[:2], "ctypes"),
    "nscore.trace": (RECORDS[:3], "ctypes os errno"),
    "nscore.interface": (INTERFACE, "os sys ctypes time"),
    "nscore.linux": ((*RECORDS, "nscore.interface.backend", "nscore.linux"), ""),
    "nscore_sim": ((*RECORDS, "nscore.interface.backend", "nscore_sim"), SIM_FORBIDDEN),
    "nscore_sim.chooser": ((*RECORDS, "nscore.interface.backend", "nscore_sim"), SIM_FORBIDDEN.replace("random ", "")),
    "nscore_sim.program": ((*RECORDS, "nscore.interface.backend", "nscore_sim"), SIM_FORBIDDEN.replace("threading ", "")),
    "nscore.tools": (("nscore.interface", *RECORDS[:3], "nscore.tools"), "ctypes"),
    "nscore.walkthrough": (("nscore.interface", *RECORDS, "nscore.tools", "nscore.backends", "nscore.walkthrough"), "ctypes"),
    "nscore.running": ((*RECORDS, "nscore.interface", "nscore.tools", "nscore.backends", "nscore.linux", "nscore.running"), "ctypes"),
    "nscore.backends": (("nscore.interface", "nscore.errors"), ""),
    "nscore.__main__": (("nscore",), "ctypes"),
    "nscore": (("nscore",), "ctypes"),
    "conformance": (("nscore", "conformance"), "ctypes"),
}


def modules() -> Iterator[tuple[str, Path]]:
    """Every module of ours that a wall stands around."""
    for top in ("nscore", "nscore_sim", "conformance"):
        for path in sorted((ROOT / top).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            yield name.removesuffix(".__init__"), path


def imports(tree: ast.AST) -> Iterator[str]:
    """What a module imports, absolute names."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0 and node.module, f"a relative import in line {node.lineno}"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def executed(statement: ast.AST) -> Iterator[ast.stmt]:
    """The import statements that are executed with a module: those in no function."""
    if isinstance(statement, (ast.Import, ast.ImportFrom)):
        yield statement
    elif not isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)):
        for child in ast.iter_child_nodes(statement):
            yield from executed(child)


def within(name: str, rooms: tuple[str, ...]) -> bool:
    return any(name == room or name.startswith(f"{room}.") for room in rooms)


def breaches(name: str, source: str) -> list[str]:
    """The walls that the module of that name and text crosses."""
    room = max((room for room in WALLS if within(name, (room,))), key=len)
    ours, forbidden = WALLS[room]
    tree = ast.parse(source)
    found = []
    if room == "nscore.running":  # it is imported where there is no Linux
        outer = ast.Module([node for statement in tree.body for node in executed(statement)], [])
        found = [f"{name} imports {it} outside a function" for it in imports(outer) if within(it, ("nscore.linux",))]
    for imported in imports(tree):
        top = imported.partition(".")[0]
        if top in ("nscore", "nscore_sim", "conformance", "tests"):
            public = name.startswith("conformance") or room in ("nscore", "nscore.__main__")
            if not within(imported, ours) or (public and top == "nscore" and within(imported, ("nscore.linux",))):
                found.append(f"{name} imports {imported}")
        elif top in forbidden.split():
            found.append(f"{name} imports {imported}")
    return found


def test_no_wall_is_crossed() -> None:
    crossed = [breach for name, path in modules() for breach in breaches(name, path.read_text())]
    assert not crossed


@pytest.mark.parametrize("room", WALLS)
def test_a_planted_breach_of_each_wall_is_caught(room: str) -> None:
    ours, forbidden = WALLS[room]
    outside = "tests.test_house" if ours else "nscore.interface.calls"
    assert breaches(f"{room}.x" if room not in RECORDS else room, f"from {outside} import x")
    for name in forbidden.split():
        assert breaches(room, f"import {name}")


def test_what_runs_everywhere_imports_linux_inside_functions_alone() -> None:
    line = "from nscore.linux.birth import born"
    assert breaches("nscore.running.x", line)
    assert breaches("nscore.running.x", f"if True:\n    {line}")
    assert not breaches("nscore.running.x", f"def f():\n    {line}")


def test_ctypes_libraries_are_loaded_in_one_place() -> None:
    users = [name for name, path in modules() if re.search(r"\b(CDLL|PyDLL)\(", path.read_text())]
    assert users == ["nscore.linux.calls.syscall"]


#: What a table may have beyond the declared calls: what only a program or a process can do.
EXTRA = frozenset(("clone", "execve", "exit", "exit_thread", "fork", "thread"))


def unequal(table: Collection[str]) -> set[str]:
    """The names in which a backend's table and the interface differ."""
    return (set(table) - EXTRA) ^ set(DECLARED)


@pytest.mark.parametrize("backend", BUILT_IN)
def test_a_backend_has_every_declared_call(backend: str) -> None:
    if backend == "linux" and sys.platform != "linux":
        pytest.skip("linux needs Linux")
    assert not unequal(find(backend).calls)


def test_a_name_that_a_table_lacks_or_has_beyond_is_caught() -> None:
    assert unequal(set(DECLARED) - {"setns"}) == {"setns"}
    assert unequal({*DECLARED, "no_such_call"}) == {"no_such_call"}


def test_every_call_says_what_it_raises() -> None:
    for name, declared in DECLARED.items():
        doc = declared.method.__doc__
        assert doc, name
        assert re.search(r"\(2\)|\(7\)", doc), f"{name}: no man page"


def test_overrides_have_no_docstring_of_their_own() -> None:
    assert all(not name.startswith("_") for name in nscore.__all__)


def documented() -> dict[str, list[str]]:
    """The errnos of each call's docstring, in order."""
    return {name: re.findall(r"^\s+(E[A-Z0-9]+): ", declared.method.__doc__ or "", re.MULTILINE) for name, declared in DECLARED.items()}


def test_an_errno_that_is_documented_is_proven_by_a_case() -> None:
    proven = proven_errnos()
    assert unproven(documented(), proven) == UNPROVEN
    # And it would be seen: a planted errno that no case comes to, and a case that is gone.
    assert unproven({"kill": ["EDEADLK"]}, proven) == {"kill": ("EDEADLK",)}
    assert unproven({"kill": ["ESRCH"]}, proven - {("kill", "ESRCH")}) == {"kill": ("ESRCH",)}


def unproven(documents: Mapping[str, list[str]], proven: set[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    """The errnos of docstrings that no case comes to, by call."""
    missing = {name: tuple(e for e in dict.fromkeys(errnos) if (name, e) not in proven) for name, errnos in documents.items()}
    return {name: errnos for name, errnos in missing.items() if errnos}


def proven_errnos() -> set[tuple[str, str]]:
    """The (call, errno) pairs that the cases come to; the model shows them all, and linux is held against it."""
    runner = Runner(("sim",))
    return {pair for case in selected(None) for pair in runner.once(case, "sim").errnos}
