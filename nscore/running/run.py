"""run(): a command to its end, and with it everything that it has started."""

from __future__ import annotations

import subprocess
import time
from typing import Any, overload

from nscore.running.popen import Popen
from nscore.running.results import CalledProcessError, CompletedProcess, TimeoutExpired
from nscore.running.signatures import passing_on_to

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing_extensions import Unpack

    from nscore.running.keywords import Arguments, RunByEncoding, RunByErrors, RunByNewlines, RunByText, RunInBytes, RunInEither


@overload
def run(args: Arguments, **options: Unpack[RunByText]) -> CompletedProcess[str]: ...
@overload
def run(args: Arguments, **options: Unpack[RunByEncoding]) -> CompletedProcess[str]: ...
@overload
def run(args: Arguments, **options: Unpack[RunByErrors]) -> CompletedProcess[str]: ...
@overload
def run(args: Arguments, **options: Unpack[RunByNewlines]) -> CompletedProcess[str]: ...
@overload
def run(args: Arguments, **options: Unpack[RunInBytes]) -> CompletedProcess[bytes]: ...
@overload
def run(args: Arguments, **options: Unpack[RunInEither]) -> CompletedProcess[Any]: ...
@passing_on_to(Popen.__init__)
def run(
    *args: Any, input: Any = None, capture_output: bool = False, timeout: float | None = None, check: bool = False, **options: Any
) -> CompletedProcess[Any]:
    """Run a command in a PID namespace of its own and return when nothing of it is left.

    Arguments, result and exceptions are subprocess.run's; Popen has those beyond them.  When the command has ended, when the time is up,
    when an exception (Ctrl-C, say) goes through here, and when the calling process dies, the kernel ends everything that the command has
    started.  The time begins with the call, so that a slow birth does not make it later.

    Raises:
        TimeoutExpired: The command ran still after timeout seconds; output and stderr are what was read so far.
        CalledProcessError: check, and the exit status is not 0.
        Unavailable, Unkillable, ChildProcessError, OSError, ValueError: As Popen and Popen.wait.
    """
    options = piped(input, capture_output, options)
    begun = time.monotonic()
    process: Popen[Any] = Popen.__new__(Popen)
    process._watch = len(args) > 1 or subprocess.PIPE in (options.get("stdin"), options.get("stdout"), options.get("stderr"))
    try:
        # Within the try: an interrupt between the birth and the with block would else leave the command.
        process.__init__(*args, **options)  # type: ignore[misc]
        with process:
            try:
                left = None if timeout is None else max(0.0, timeout - (time.monotonic() - begun))
                stdout, stderr = process.communicate(input, timeout=left)
            except TimeoutExpired as expired:
                expired.timeout = timeout or 0.0
                raise
            status: int = process.returncode
        if check and status:
            raise CalledProcessError(status, process.args, output=stdout, stderr=stderr)
        completed: CompletedProcess[Any] = CompletedProcess(process.args, status, stdout, stderr)
        if process.guarantee is not completed.guarantee:
            completed.guarantee = process.guarantee
        return completed
    except BaseException:
        process.abandon()
        raise


def piped(input: Any, capture_output: bool, options: dict[str, Any]) -> dict[str, Any]:
    """The options of Popen with the pipes that input and capture_output need."""
    if input is not None:
        if options.get("stdin") is not None:
            raise ValueError("stdin and input arguments may not both be used.")
        options["stdin"] = subprocess.PIPE
    if capture_output:
        if options.get("stdout") is not None or options.get("stderr") is not None:
            raise ValueError("stdout and stderr arguments may not be used with capture_output.")
        options["stdout"] = options["stderr"] = subprocess.PIPE
    return options
