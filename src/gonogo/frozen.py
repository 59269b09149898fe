"""`dataclass(frozen=True, slots=True)` that costs little to declare: a drop-in for the standard library's.

The standard one writes and compiles six functions for each class as its module is imported. Every run imports some 150
of them, more than it ever makes objects of, and that was a third of its start-up. Here all classes share five of these
functions, and `__init__` is compiled when the first object is made.
https://docs.python.org/3/library/dataclasses.html says what they do; `tests/test_frozen.py` compares.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any, NoReturn

__all__ = ["dataclass"]

if TYPE_CHECKING:
    from dataclasses import dataclass
else:

    def dataclass(cls: Any = None, /, **options: Any) -> Any:
        """Decorate a class as `dataclasses.dataclass` would; what is not frozen with slots is left to that."""
        if options == {"frozen": True, "slots": True}:
            return _made
        return dataclasses.dataclass(cls, **options)


def _made(cls: Any) -> Any:
    made: Any = dataclasses.dataclass(init=False, repr=False, eq=False, slots=True)(cls)
    for field in dataclasses.fields(made):
        if field.kw_only or not field.init:
            raise TypeError(f"`{field.name}` of `{cls.__name__}` can only be a plain field here")

    def first(self: Any, *given: Any, **named: Any) -> None:
        made.__init__ = _init_of(made)  # from now on this is what makes its objects
        made.__init__(self, *given, **named)

    first.__name__, first.__qualname__ = "__init__", f"{made.__qualname__}.__init__"
    made.__init__ = first
    for name, function in _SHARED.items():
        if name not in cls.__dict__ or cls.__dict__[name] is None:
            setattr(made, name, function)
    return made


def _init_of(made: Any) -> Any:
    """The `__init__` that the standard library would have given it, in one function instead of three."""
    scope: dict[str, Any] = {"_anew": _ANEW}
    takes, puts = [], []
    for field in dataclasses.fields(made):
        name, value = field.name, field.name
        scope[f"_put_{name}"] = getattr(made, name).__set__  # the slot itself: `__setattr__` lets nobody through
        if field.default_factory is not dataclasses.MISSING:
            scope[f"_make_{name}"] = field.default_factory
            takes.append(f"{name}=_anew")
            value = f"_make_{name}() if {name} is _anew else {name}"
        elif field.default is not dataclasses.MISSING:
            scope[f"_default_{name}"] = field.default
            takes.append(f"{name}=_default_{name}")
        else:
            takes.append(name)
        puts.append(f" _put_{name}(self, {value})")
    puts += [" self.__post_init__()"] if hasattr(made, "__post_init__") else []
    text = "\n".join([f"def __init__(self, {', '.join(takes)}):", *(puts or [" pass"])])
    exec(text, scope)  # noqa: S102 - of names that are Python's own, as the standard library does it
    init = scope["__init__"]
    init.__qualname__, init.__module__ = f"{made.__qualname__}.__init__", made.__module__
    init.__annotations__ = {field.name: field.type for field in dataclasses.fields(made)} | {"return": None}
    return init


_ANEW = dataclasses.MISSING
"""Stands, as a default, for what each object is given anew, such as an empty list."""


@cache
def _read(made: Any, use: str) -> Callable[[Any], tuple[Any, ...]]:
    """What takes the values out of an object that it is compared, or hashed, by."""
    fields = dataclasses.fields(made)
    if use == "hash":
        names = [field.name for field in fields if (field.compare if field.hash is None else field.hash)]
    else:
        names = [field.name for field in fields if field.compare]
    return lambda one: tuple([getattr(one, name) for name in names])


def _eq(self: Any, other: Any) -> Any:
    if other.__class__ is not self.__class__:
        return NotImplemented
    kind: Any = type(self)
    values = _read(kind, "eq")
    return values(self) == values(other)


def _hash(self: Any) -> int:
    kind: Any = type(self)
    return hash(_read(kind, "hash")(self))


def _repr(self: Any) -> str:
    shown = [f"{field.name}={getattr(self, field.name)!r}" for field in dataclasses.fields(self) if field.repr]
    return f"{self.__class__.__qualname__}({', '.join(shown)})"


def _setattr(self: Any, name: str, value: object) -> NoReturn:  # noqa: ARG001 - the signature of `__setattr__`
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _delattr(self: Any, name: str) -> NoReturn:  # noqa: ARG001 - the signature of `__delattr__`
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")


def _getstate(self: Any) -> list[Any]:
    return [getattr(self, field.name) for field in dataclasses.fields(self)]


def _setstate(self: Any, state: list[Any]) -> None:
    for field, value in zip(dataclasses.fields(self), state, strict=True):
        object.__setattr__(self, field.name, value)


_SHARED = {
    "__eq__": _eq,
    "__hash__": _hash,
    "__repr__": _repr,
    "__setattr__": _setattr,
    "__delattr__": _delattr,
    "__getstate__": _getstate,
    "__setstate__": _setstate,
}
"""What every class has in common, each unless the class has its own."""
