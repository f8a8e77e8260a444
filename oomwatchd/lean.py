"""Importing a library without what it would import and nothing here uses.

What a library draws in is resident for years: megabytes on a small board. Stand-ins are there
while it is imported. They give themselves for whatever is asked of them, so that what the
library builds from them comes to nothing. Where a version does not put up with that, it is
imported as it is.
"""

import sys
from types import ModuleType
from typing import Any, Self


class _Nothing:
    """Whatever is asked of it, it gives itself."""

    def __getattr__(self, name: str) -> Self:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __call__(self, *_arguments: object, **_named: object) -> Self:
        return self


class StandIn(ModuleType):
    """Stands in for a module."""

    def __getattr__(self, name: str) -> _Nothing:
        """Give something for whatever is asked of it."""
        if name.startswith("__"):
            raise AttributeError(name)
        return _Nothing()


def import_lean(name: str, unused: tuple[str, ...], empty: tuple[str, ...] = ()) -> Any:  # noqa: ANN401 - a module
    """Import a library without the modules that it does not need here.

    `unused` are stood in for, if its version puts up with that; `empty` ones are in any case, by
    modules with nothing in them. What is imported already stays; what is imported later is the
    real one.

    Raises:
        ImportError: it is not installed.
    """
    if (known := sys.modules.get(name)) is not None:
        return known
    always: dict[str, Any] = {one: ModuleType(one) for one in empty}
    try:
        return _import_beside(name, always | {one: StandIn(one) for one in unused})
    except (ImportError, AttributeError, TypeError, ValueError, LookupError):
        begun = [one for one in sys.modules if one.partition(".")[0] == name]
        for one in begun:
            if sys.modules[one] is not None:
                del sys.modules[one]
        return _import_beside(name, always)


def _import_beside(name: str, stand_ins: dict[str, Any]) -> Any:  # noqa: ANN401 - likewise
    """Import a library while the stand-ins are there, for what is not imported yet."""
    before = set(sys.modules)
    missing = stand_ins.keys() - before
    sys.modules.update((one, stand_ins[one]) for one in missing)
    try:
        __import__(name)
        return sys.modules[name]
    finally:
        for one in sys.modules.keys() - before:
            if one in missing or _holds_stand_ins(one, name):
                del sys.modules[one]


def _holds_stand_ins(module: str, library: str) -> bool:
    """Whether a module that is not the library's own has got hold of a stand-in.

    Whoever else imports it later gets one that has not.
    """
    if module.partition(".")[0] == library:
        return False
    held: dict[str, object] = getattr(sys.modules[module], "__dict__", {})
    return any(isinstance(one, StandIn | _Nothing) for one in held.values())
