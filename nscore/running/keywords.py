"""The types of the keywords of run() and Popen, for type checkers alone."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import IO, Any, Literal, TypeAlias, TypedDict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, StrOrBytesPath
    from typing_extensions import Required

    from nscore.running.mounts import Mount
    from nscore.running.users import Extent

    Arguments: TypeAlias = StrOrBytesPath | Sequence[StrOrBytesPath]
    File: TypeAlias = int | IO[Any] | None


class Options(TypedDict, total=False):
    """What Popen takes beside the command, but for the four that decide between text and bytes."""

    bufsize: int
    executable: StrOrBytesPath | None
    stdin: File
    stdout: File
    stderr: File
    preexec_fn: Callable[[], object] | None
    close_fds: bool
    shell: bool
    cwd: StrOrBytesPath | None
    env: Mapping[bytes, StrOrBytesPath] | Mapping[str, StrOrBytesPath] | None
    startupinfo: Any
    creationflags: int
    restore_signals: bool
    start_new_session: bool
    pass_fds: Collection[int]
    user: str | int | None
    group: str | int | None
    extra_groups: Iterable[str | int] | None
    umask: int
    pipesize: int
    process_group: int | None
    hostname: str | None
    init: bool
    proc: bool
    mounts: Sequence[Mount]
    uid_map: Iterable[Extent] | None
    gid_map: Iterable[Extent] | None
    map_root_user: bool
    map_current_user: bool
    weaker: Sequence[str]


class ByText(Options, total=False):
    """Text, by its name."""

    text: Required[Literal[True]]
    encoding: str | None
    errors: str | None
    universal_newlines: bool | None


class ByEncoding(Options, total=False):
    """Text, by its encoding."""

    text: bool | None
    encoding: Required[str]
    errors: str | None
    universal_newlines: bool | None


class ByErrors(Options, total=False):
    """Text, by what becomes of what cannot be decoded."""

    text: bool | None
    encoding: str | None
    errors: Required[str]
    universal_newlines: bool | None


class ByNewlines(Options, total=False):
    """Text, by its older name."""

    text: bool | None
    encoding: str | None
    errors: str | None
    universal_newlines: Required[Literal[True]]


class InBytes(Options, total=False):
    """Bytes."""

    text: Literal[False] | None
    encoding: None
    errors: None
    universal_newlines: Literal[False] | None


class InEither(Options, total=False):
    """One or the other: it is seen at run time."""

    text: bool | None
    encoding: str | None
    errors: str | None
    universal_newlines: bool | None


class RunOptions(TypedDict, total=False):
    """What run() takes beyond these and its input."""

    capture_output: bool
    timeout: float | None
    check: bool


class RunByText(ByText, RunOptions, total=False):
    input: str | None


class RunByEncoding(ByEncoding, RunOptions, total=False):
    input: str | None


class RunByErrors(ByErrors, RunOptions, total=False):
    input: str | None


class RunByNewlines(ByNewlines, RunOptions, total=False):
    input: str | None


class RunInBytes(InBytes, RunOptions, total=False):
    input: ReadableBuffer | None


class RunInEither(InEither, RunOptions, total=False):
    input: str | ReadableBuffer | None
