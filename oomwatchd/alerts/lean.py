"""Importing structlog for what is used of it: a wrapped logger and a chain of processors.

The package imports all of its parts at once, and with them asyncio, rich where that is installed,
and much of the standard library: more than a megabyte on a small board that nothing here uses.
Stand-ins are there while it is imported. They give themselves for whatever is asked of them,
so that the defaults that structlog builds from its parts come to nothing. Where a version does
not put up with that, it is imported with nothing missing but asyncio and rich.
"""

import sys
from types import ModuleType
from typing import Any, Self

_UNUSED = (
    "structlog.dev",
    "structlog.processors",
    "structlog.stdlib",
    "structlog.testing",
    "structlog.threadlocal",
    "structlog.tracebacks",
)


class _Nothing:
    """Whatever is asked of it, it gives itself."""

    def __getattr__(self, name: str) -> Self:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __call__(self, *_arguments: object, **_named: object) -> Self:
        return self


class _Part(ModuleType):
    """Stands in for a part of structlog."""

    def __getattr__(self, name: str) -> _Nothing:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Nothing()


def import_structlog() -> Any:  # noqa: ANN401 - the module, where it is not yet imported
    """Import structlog; as little of it as its version puts up with.

    Raises:
        ImportError: it is not installed.
    """
    if (known := sys.modules.get("structlog")) is not None:
        return known
    absent: dict[str, Any] = {"asyncio": ModuleType("asyncio"), "rich": None}
    try:
        return _import_beside(absent | {name: _Part(name) for name in _UNUSED})
    except (ImportError, AttributeError, TypeError, ValueError, LookupError):
        begun = [name for name in sys.modules if name.partition(".")[0] == "structlog"]
        for name in begun:
            if sys.modules[name] is not None:
                del sys.modules[name]
        return _import_beside(absent)


def _import_beside(stand_ins: dict[str, Any]) -> Any:  # noqa: ANN401 - likewise
    """Import structlog while the stand-ins are there, for what is not imported yet."""
    missing = [name for name in stand_ins if name not in sys.modules]
    sys.modules.update((name, stand_ins[name]) for name in missing)
    try:
        import structlog  # noqa: PLC0415 - the stand-ins have to be there first
    finally:
        for name in missing:
            sys.modules.pop(name, None)
    return structlog
