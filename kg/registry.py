"""One registry per kind of thing: Reckon's own, one file each in a folder or below it, and those a shop's packages bring as entry points.

    METRICS: Registry[Metric] = Registry("metric", Metric, group="reckon.metrics", package="gnn.metrics")

A module of the folder calls `METRICS.register(...)` where it is imported; that is all it takes to add one. A shop's package names its object in
the entry-point group (`[project.entry-points."reckon.metrics"]`). Both are loaded when the registry is first asked, never at import.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pkgutil import walk_packages
from typing import Any, Generic, Protocol, TypeVar

from kg.errors import ConfigError, ReckonError
from kg.validation.suggest import closest

log = logging.getLogger("reckon.plugins")

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")


class Named(Protocol):
    """What every registered object has.

    Attributes:
        name: What configuration, commands and answers call it.
    """

    @property
    def name(self) -> str: ...  # noqa: D102  (described above)


T = TypeVar("T", bound=Named)


class Registry(Generic[T]):
    """The things of one kind, by name.

    Args:
        kind: What they are called in messages, singular ("metric").
        contract: The Protocol whose members each must have.
        group: The entry-point group of those that other packages bring; empty for none.
        package: The folder whose modules, at any level, register Reckon's own; empty where they are registered by hand.
        order: Sort key of `names` and `all`; by name where unset.
        error: What `get` raises for an unknown name.
        check: Says what is wrong with a thing beyond what the contract says, such as a suffix that another one has; "" where nothing is.

    Attributes:
        broken: Plug-ins that could not be used: entry-point name → why. They stop none of the others.
    """

    def __init__(
        self,
        kind: str,
        contract: type[Any],
        *,
        group: str = "",
        package: str = "",
        order: Callable[[T], Any] | None = None,
        error: type[ReckonError] = ConfigError,
        check: Callable[[T], str] | None = None,
    ) -> None:
        self.kind, self.group = kind, group
        self._contract, self._package, self._order, self._error = contract, package, order, error
        self._check = check
        self._things: dict[str, T] = {}
        self._broken: dict[str, str] = {}
        self._loaded = self._loading = False
        self._lock = threading.RLock()

    def register(self, thing: T) -> T:
        """Add a thing of Reckon's own and return it.

        Raises:
            ValueError: It does not satisfy the contract, its name cannot be used, or the name is taken: a mistake in the code.
        """
        wrong = self._wrong(thing)
        if wrong:
            raise ValueError(f"{self.kind} {thing!r} {wrong}")
        self._things[thing.name] = thing
        return thing

    def get(self, name: str) -> T:
        """Return the thing of a name.

        Raises:
            ReckonError: There is none, or its plug-in cannot be loaded; of the class that the registry was given.
        """
        self._load()
        if name in self._things:
            return self._things[name]
        if name in self._broken:
            raise self._error(f"the {self.kind} {name!r} cannot be used: {self._broken[name]}", hint="mend or remove the package that brings it")
        near = closest(name, self._things)
        raise self._error(
            f"there is no {self.kind} {name!r}", hint=f"did you mean {near!r}?" if near else f"known are {', '.join(self.names()) or 'none'}"
        )

    def names(self) -> list[str]:
        """Return the names, in order."""
        return [thing.name for thing in self.all()]

    def all(self) -> list[T]:
        """Return everything registered, in order."""
        self._load()
        order = self._order
        return sorted(self._things.values(), key=lambda thing: thing.name if order is None else (order(thing), thing.name))

    @property
    def broken(self) -> Mapping[str, str]:
        """Plug-ins that could not be used: entry-point name → why."""
        self._load()
        return self._broken

    def __contains__(self, name: object) -> bool:
        self._load()
        return name in self._things

    def __iter__(self) -> Iterator[T]:
        return iter(self.all())

    def _load(self) -> None:
        if not self._loaded:
            with self._lock:
                self._load_once()

    def _load_once(self) -> None:
        if self._loaded or self._loading:  # a module of the folder may look something up while it is imported
            return
        self._loading = True
        try:
            if self._package:
                folder = import_module(self._package)
                for module in sorted(walk_packages(folder.__path__, f"{self._package}."), key=lambda module: module.name):
                    import_module(module.name)
            for entry in sorted(entry_points(group=self.group), key=lambda entry: (entry.name, entry.value)) if self.group else ():
                self._load_entry(entry)
            self._loaded = True
        finally:
            self._loading = False

    def _load_entry(self, entry: EntryPoint) -> None:
        """Load one plug-in; whatever is wrong with it is reported by its name, and the others are loaded all the same."""
        try:
            loaded = entry.load()
            thing = loaded() if isinstance(loaded, type) else loaded
            wrong = self._wrong(thing) or ("" if thing.name == entry.name else f"is called {thing.name!r}, its entry point {entry.name!r}")
        except (Exception, SystemExit) as error:
            wrong = f"{type(error).__name__}: {error}"
        if wrong:
            self._broken[entry.name] = f"{entry.value} {wrong}" if not wrong.startswith(entry.value) else wrong
            log.warning("the %s plug-in %r is left out: %s", self.kind, entry.name, self._broken[entry.name])
        else:
            self._things[thing.name] = thing

    def _wrong(self, thing: Any) -> str:
        name = getattr(thing, "name", None)
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            return f"has no name that can be used ({name!r}): lower case letters, digits and '_', at most 63"
        lacking = sorted(member for member in _members(self._contract) if not hasattr(thing, member))
        if lacking:
            return f"lacks {', '.join(lacking)} of {self._contract.__name__}"
        if self._things.get(name, thing) is not thing:
            return f"uses the name {name!r}, which is taken"
        return self._check(thing) if self._check else ""


def _members(contract: type[Any]) -> set[str]:
    """Return what a Protocol asks for."""
    own = {
        name for base in contract.__mro__ for name in [*vars(base), *getattr(base, "__annotations__", {})] if base not in (object, Protocol, Generic)
    }
    return {name for name in own if not name.startswith("_")}
