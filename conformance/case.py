"""@case: a plain function that shows rules of the catalogue on a machine; the registry of all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from conformance.rules import RULES
from nscore import Machine

Function: TypeAlias = "Callable[[Machine], None]"

#: What a machine can lack; the texts say what has it.
NEEDS: Mapping[str, str] = {
    "root": "the machine's root is the host's root: ids are not mapped",
    "many_ids": "the machine maps more ids than one",
    "set_tid": "CAP_CHECKPOINT_RESTORE over the machine's namespaces",
    "reboot": "CAP_SYS_BOOT over the machine's namespaces",
    "6.14": "pid_max is the namespace's own",
    "6.18": "proc has the option pidns",
    "before 7.2": "a proc becomes a subset by a remount, and is a proc as any",
    "before 7.3": "a signal to the parent namespace names its sender by the sender's own number",
    "no autoreap": "a clone3 that refuses AUTOREAP, which came after 6.18",
    "copied directories": "a setns that asks of a copy who shares the directories, as from 6.16 to 7.2",
    "shared handlers": "processes that share their handlers, as a model can have them and driven processes on linux cannot",
    "shared siginfo": "one siginfo for all targets of a group's signal, as before 6.1.190, 6.12.111 and 7.0",
}


@dataclass(frozen=True, slots=True)
class Case:
    """A case: its function and the rules that it proves.

    Attributes:
        needs: Keys of NEEDS; where the machine lacks one, the case is skipped on both backends, aloud.
    """

    name: str
    family: str
    function: Function
    rules: tuple[str, ...]
    needs: tuple[str, ...] = ()


#: All cases, in the order of their files.
CASES: list[Case] = []


def case(*rules: str, needs: tuple[str, ...] = ()) -> Callable[[Function], Function]:
    """Register a case that proves rules; without one, what the docstrings of the interface say."""
    unknown = [rule for rule in rules if rule not in RULES] + [need for need in needs if need not in NEEDS]
    if unknown:
        raise LookupError(f"not in the catalogue: {unknown}")

    def register(function: Function) -> Function:
        family = function.__module__.rpartition(".")[2]
        CASES.append(Case(function.__name__, family, function, rules, needs))
        return function

    return register
