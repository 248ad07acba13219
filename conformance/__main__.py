"""python3 -m conformance [--backend sim|linux|both] [-k PATTERN] [--json]"""

from __future__ import annotations

import argparse
import sys
import time

from conformance.report import as_json, print_report
from conformance.run import Runner, selected
from nscore import available


def main(argv: list[str] | None = None) -> int:
    """Run the cases; 1 where one fails, 2 where a backend that was named cannot be had."""
    parser = argparse.ArgumentParser(prog="python3 -m conformance", description="Cases that hold a backend to the kernel's rules.")
    parser.add_argument("--backend", default="both", help="sim, linux, both (the default) or the name of an entry point")
    parser.add_argument("-k", metavar="PATTERN", help="only cases whose name, family or rules contain it")
    parser.add_argument("--json", action="store_true", help="one object with the counts and the rules")
    options = parser.parse_args(argv)
    backends = ("linux", "sim") if options.backend == "both" else (options.backend,)
    for backend in backends:
        if why := available(backend):
            print(f"{backend}: {why}", file=sys.stderr)
            return 2
    cases = selected(options.k)
    if not cases:
        print(f"no case matches {options.k!r}", file=sys.stderr)
        return 2
    start = time.monotonic()
    runner = Runner(backends)
    results = [result for case in cases for result in runner.run(case)]
    if options.json:
        print(as_json(results))
    else:
        print_report(results, time.monotonic() - start)
    return 1 if any(result.failure for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
