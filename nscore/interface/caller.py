"""A method is its declaration: @syscall checks the arguments, asks the task, records the call and converts the result.

The annotations say everything: what a parameter accepts and what a result becomes.  They are read at a call's first use, and plain
ints that fit take a short way past all of it.
"""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Callable, Collection, Sequence
from typing import Annotated, Concatenate, ParamSpec, Protocol, TypeAlias, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from nscore.errors import Errno, fail
from nscore.interface.backend import Args, Fate, Outcome, Plain

P = ParamSpec("P")
R = TypeVar("R")
C = TypeVar("C", bound="Caller")

#: C's ranges: what does not fit would be cut off on its way into the kernel.
CInt: TypeAlias = Annotated[int, range(-(1 << 31), 1 << 31)]
CUint: TypeAlias = Annotated[int, range(1 << 32)]
CLong: TypeAlias = Annotated[int, range(-(1 << 63), 1 << 63)]
CUlong: TypeAlias = Annotated[int, range(1 << 64)]
#: A uid_t or gid_t; -1, as in os, stands for the one that means none.
CId: TypeAlias = Annotated[int, range(-1, 1 << 32)]
#: A length: what os rejects below zero and the kernel cuts off above.
CSize: TypeAlias = Annotated[int, range(1 << 31)]
#: Seconds for the caller, integer nanoseconds below the waist.
Seconds: TypeAlias = Annotated[float, "seconds"]
#: A set of signal numbers; a sorted tuple below the waist.
SignalSet: TypeAlias = Annotated[Collection[int], "signals"]

Convert: TypeAlias = "Callable[[object], Plain]"
#: (the caller's ordinal of creation, name, arguments or None where a pending call returned, outcome)
Row: TypeAlias = "tuple[int, str, Args | None, Outcome]"
Record: TypeAlias = "Callable[[Row], None]"


class Asker(Protocol):
    """What Caller needs of a Task or a Driven."""

    def call(self, name: str, args: Args) -> Outcome: ...


class Caller:
    """Who makes the calls: a task, its ordinal of creation, and where its calls are recorded."""

    __slots__ = ("_record", "_task", "_who")

    def __init__(self, task: Asker, who: int, record: Record) -> None:
        self._task, self._who, self._record = task, who, record

    def _ask(self, name: str, args: Args) -> Outcome:
        out = self._task.call(name, args)
        self._record((self._who, name, args, out))
        return out


class Declaration:
    """What a call's annotations say, read at its first use."""

    __slots__ = ("arity", "as_it_is", "check", "convert", "defaults", "method", "name", "ranges", "result", "signature")

    def __init__(self, method: Callable[..., object], check: Callable[[Args], None] | None) -> None:
        self.method, self.name, self.check = method, method.__name__, check
        self.signature: inspect.Signature | None = None
        self.convert: tuple[Convert, ...] = ()
        self.ranges: tuple[tuple[int, int], ...] = ()
        self.defaults: Args = ()
        self.arity = -1
        self.result: Callable[[Plain], object] | None = None
        self.as_it_is = False  #: a plain result is the annotated one

    def read(self) -> inspect.Signature:
        self.signature = inspect.signature(self.method)
        hints = get_type_hints(self.method, include_extras=True)
        names = list(self.signature.parameters)[1:]
        self.result = result_of(hints["return"])
        self.as_it_is = self.result is None
        self.convert = tuple(argument_of(hints[name], f"{self.name}: {name}") for name in names)
        self.ranges = tuple(_range_of(convert) for convert in self.convert)
        given = [parameter.default for parameter in list(self.signature.parameters.values())[1:]]
        optional = len([default for default in given if default is not inspect.Parameter.empty])
        last = len(names) - optional
        self.defaults = tuple([convert(value) for convert, value in zip(self.convert[last:], given[last:])])
        # A call with a check of its own has no short way.
        self.arity = -1 if self.check else len(names)
        return self.signature

    def fitting(self, args: tuple[object, ...]) -> Args | None:
        """args, completed by defaults, if there is nothing to convert: plain ints in range.  The short way of nearly every call."""
        for value, (low, high) in zip(args, self.ranges):
            if value.__class__ is not int or not low <= value < high:
                return None
        missing = self.arity - len(args)
        if missing:
            if not 0 < missing <= len(self.defaults):
                return None
            args += self.defaults[-missing:]
        return args  # type: ignore[return-value]

    def plain(self, args: tuple[object, ...], kwargs: dict[str, object]) -> Args:
        """Raise TypeError, OverflowError or ValueError before anything happened, or return what crosses the waist."""
        signature = self.signature or self.read()
        if kwargs or len(args) != len(self.convert):
            bound = signature.bind(None, *args, **kwargs)
            bound.apply_defaults()
            args = tuple(bound.arguments.values())[1:]
        plain = tuple([convert(value) for convert, value in zip(self.convert, args)])
        if self.check is not None:
            self.check(plain)
        return plain

    def returned(self, out: Outcome) -> object:
        """The annotated record of an outcome, or its OSError."""
        if isinstance(out, Errno):
            raise fail(out.name, self.name)
        assert not isinstance(out, Fate)
        if self.signature is None:
            self.read()
        return self.result(out) if self.result else out


#: Every call that the interface declares: backends' tables are held against its keys.
DECLARED: dict[str, Declaration] = {}
_METHODS: dict[Callable[..., object], Declaration] = {}


def syscall(method: Callable[Concatenate[C, P], R]) -> Callable[Concatenate[C, P], R]:
    """Make the declared method a call."""
    return _syscall(method, None)


def checked(check: Callable[[Args], None]) -> Callable[[Callable[Concatenate[C, P], R]], Callable[Concatenate[C, P], R]]:
    """As syscall, where annotations cannot say what fits: check raises TypeError or ValueError."""
    return lambda method: _syscall(method, check)


def declaration(call: Callable[..., object]) -> Declaration:
    """The declaration behind Calls.name.  A bound method would bring a second process along, so it is a TypeError."""
    try:
        return _METHODS[call]
    except (KeyError, TypeError):
        name = getattr(call, "__qualname__", type(call).__name__)
        raise TypeError(f"start: {name} of {type(call).__name__} is no method of Calls") from None


def _syscall(method: Callable[Concatenate[C, P], R], check: Callable[[Args], None] | None) -> Callable[Concatenate[C, P], R]:
    declared = DECLARED[method.__name__] = Declaration(method, check)
    name, plain, returned, fitting = declared.name, declared.plain, declared.returned, declared.fitting

    @functools.wraps(method)
    def call(self: C, /, *args: P.args, **kwargs: P.kwargs) -> R:
        given: Args = ()
        if args or kwargs or declared.arity:
            given = (None if kwargs else fitting(args)) or plain(args, kwargs)
        out = self._ask(name, given)
        if out is None or (declared.as_it_is and out.__class__ is not Errno):
            return out  # type: ignore[return-value]
        return returned(out)  # type: ignore[return-value]

    _METHODS[call] = declared
    return call


# --- arguments: anything in, a plain value out


def argument_of(hint: object, where: str) -> Convert:
    """The check and conversion of one parameter.  where is "call: parameter", for the message."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return functools.partial(_ANNOTATED.get(parts[1], _integer) if isinstance(parts[1], str) else _integer, where, parts[1])
    if origin in (Union, types.UnionType):
        return _either([p for p in parts if p is not types.NoneType], types.NoneType in parts, where)
    if origin is tuple:
        return functools.partial(_members, where, tuple(argument_of(p, where) for p in parts))
    if origin in (Sequence, Collection):
        return functools.partial(_sequence, where, argument_of(parts[0], where))
    if isinstance(hint, type):
        if issubclass(hint, int):
            return functools.partial(_integer, where, range(-(1 << 31), 1 << 31))
        if hasattr(hint, "__dataclass_fields__"):
            return functools.partial(_record, where, hint)
        if hint in _SIMPLE:
            return functools.partial(_SIMPLE[hint], where)
    raise TypeError(f"{where}: {hint!r} cannot cross the waist")


def result_of(hint: object) -> Callable[[Plain], object] | None:
    """From a plain result to the annotated one; None where it is that already."""
    origin, parts = get_origin(hint), [p for p in get_args(hint) if p is not types.NoneType]
    if origin in (Union, types.UnionType):
        return result_of(parts[0]) if len(parts) == 1 else None
    if origin is Annotated and parts[1] == "seconds":
        return lambda plain: cast(int, plain) / 1_000_000_000
    if origin is frozenset:
        return lambda plain: frozenset(cast(Args, plain))
    if hint is bool:
        return bool
    if hasattr(hint, "__dataclass_fields__"):
        return functools.partial(_made, cast("type[object]", hint))
    return None


def _made(record: type[object], plain: Plain) -> object:
    if plain is None:
        return None
    fields = cast(Args, plain)
    nested = get_type_hints(record)
    values = [value if not isinstance(value, tuple) else _field(hint, value) for value, hint in zip(fields, nested.values())]
    return record(*values)


def _field(hint: object, value: Args) -> object:
    convert = result_of(hint)
    return convert(value) if convert else value


def _range_of(convert: Convert) -> tuple[int, int]:
    if isinstance(convert, functools.partial) and convert.func is _integer:
        allowed = cast(range, convert.args[1])
        return allowed.start, allowed.stop
    return 1, 0


def _either(parts: Sequence[object], none: bool, where: str) -> Convert:
    """CloneFlag | int is one check, the last: the enum is there for the reader.  int | str is two."""
    if str in parts and len(parts) > 1:
        number = argument_of(next(p for p in parts if p is not str), where)
        return lambda value: _path(where, value) if isinstance(value, str) else number(value)
    one = argument_of(parts[-1], where)
    return (lambda value: None if value is None else one(value)) if none else one


def _integer(where: str, allowed: range, value: object) -> Plain:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{where} must be int, not {type(value).__name__}")
    number = int(value)
    if not allowed.start <= number < allowed.stop:
        raise OverflowError(f"{where}: {number} does not fit")
    return number


def _seconds(where: str, kind: str, value: object) -> Plain:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise TypeError(f"{where} must be a number of seconds, not {type(value).__name__}")
    if not 0 <= value < 1 << 33:
        raise ValueError(f"{where}: {value} is no duration")
    return round(value * 1_000_000_000)


def _signals(where: str, kind: str, value: object) -> Plain:
    if isinstance(value, (str, bytes)) or not isinstance(value, Collection):
        raise TypeError(f"{where} must be a collection of signals, not {type(value).__name__}")
    numbers = [_integer(where, range(-(1 << 31), 1 << 31), number) for number in value]
    for number in numbers:
        if not 1 <= cast(int, number) <= 64:
            raise ValueError(f"{where}: {number!r} is no signal")
    return tuple(sorted(set(cast("list[int]", numbers))))


def _path(where: str, value: object) -> Plain:
    if not isinstance(value, str):
        raise TypeError(f"{where} must be str, not {type(value).__name__}")
    if "\0" in value:
        raise ValueError(f"{where}: embedded null character")
    return str(value)


def _bytes(where: str, value: object) -> Plain:
    if not isinstance(value, bytes):
        raise TypeError(f"{where} must be bytes, not {type(value).__name__}")
    return bytes(value)


def _members(where: str, parts: tuple[Convert, ...], value: object) -> Plain:
    if not isinstance(value, (list, tuple)):
        raise TypeError(f"{where} must be a tuple, not {type(value).__name__}")
    if len(value) != len(parts):
        raise TypeError(f"{where}: {value!r} has not {len(parts)} members")
    return tuple([convert(member) for convert, member in zip(parts, value)])


def _sequence(where: str, one: Convert, value: object) -> Plain:
    if not isinstance(value, (list, tuple)):
        raise TypeError(f"{where} must be a list or tuple, not {type(value).__name__}")
    return tuple([one(member) for member in value])


def _record(where: str, record: type[object], value: object) -> Plain:
    if not isinstance(value, record):
        raise TypeError(f"{where} must be {record.__name__}, not {type(value).__name__}")
    hints = get_type_hints(record)
    return tuple([argument_of(hint, f"{where}.{name}")(getattr(value, name)) for name, hint in hints.items()])


_ANNOTATED: dict[str, Callable[..., Plain]] = {"seconds": _seconds, "signals": _signals}
_SIMPLE: dict[type, Callable[..., Plain]] = {str: _path, bytes: _bytes}
