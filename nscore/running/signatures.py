"""What inspect.signature() and help() show of a function that passes most of its arguments on."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


def passing_on_to(inner: Callable[..., Any]) -> Callable[[F], F]:
    """Show the parameters of inner where a function has *args and **options for it."""

    def decorate(function: F) -> F:
        shown = inspect.signature(function)
        own = [p for p in shown.parameters.values() if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
        hidden = {"self", *(p.name for p in own)}
        both = own + [p for p in inspect.signature(inner).parameters.values() if p.name not in hidden]
        parameters = sorted(both, key=lambda p: p.kind)
        setattr(function, "__signature__", shown.replace(parameters=parameters))  # noqa: B010 - a function's type has no such attribute
        return function

    return decorate
