"""Our `dataclass(frozen=True, slots=True)` and the standard library's: whatever is asked, both answer alike."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
from collections.abc import Callable
from dataclasses import field
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from gonogo import frozen
from gonogo.model.observation import Trouble
from gonogo.model.outcome import Outcome


def declared(decorate: Callable[..., Any]) -> Any:
    """The same classes, made by one decorator or the other."""

    @decorate(frozen=True, slots=True)
    class Base:
        """A thing."""

        name: str
        size: int = 3
        parts: list[int] = field(default_factory=list)
        secret: str = field(default="hidden", repr=False)
        span: int = field(default=0, compare=False)

        @property
        def double(self) -> int:
            """Twice the size."""
            return 2 * self.size

    @decorate(frozen=True, slots=True)
    class Deeper(Base):
        """A thing that looks at itself."""

        more: tuple[str, ...] = ()

        def __post_init__(self) -> None:
            if self.size < 0:
                raise ValueError("too small")

    @decorate(frozen=True, slots=True)
    class Told:
        """A thing with words of its own."""

        @decorate(frozen=True, slots=True)
        class Nothing:
            """A thing without a field."""

        name: str

        def __repr__(self) -> str:
            return f"<{self.name}>"

    return Base, Deeper, Told


OURS, THEIRS = declared(frozen.dataclass), declared(dataclasses.dataclass)


def outcome(act: Callable[[], Any]) -> object:
    """What comes of it: a value in words, or the error. Ours is named like theirs."""
    try:
        return str(act()).replace(" at 0x", "")
    except Exception as error:  # the comparison is about which, and what it says
        return type(error).__name__, str(error)


@pytest.mark.parametrize(
    "asked",
    [
        lambda base, deeper, told: base("a"),
        lambda base, deeper, told: base("a", 4, [1], secret="s", span=2),
        lambda base, deeper, told: base(),
        lambda base, deeper, told: base("a", nothing=1),
        lambda base, deeper, told: base("a", 1, [], "s", 0, 9),
        lambda base, deeper, told: base("a").parts is base("a").parts,
        lambda base, deeper, told: base("a") == base("a", span=7),
        lambda base, deeper, told: base("a") == base("b"),
        lambda base, deeper, told: base("a") == "a",
        lambda base, deeper, told: base("a") == deeper("a"),
        lambda base, deeper, told: hash(base("a")),
        lambda base, deeper, told: hash(told("a")) == hash(told("a")),
        lambda base, deeper, told: len({told("a"), told("a"), told("b")}),
        lambda base, deeper, told: deeper("a", more=("x",)),
        lambda base, deeper, told: deeper("a", -1),
        lambda base, deeper, told: deeper("a", 5).double,
        lambda base, deeper, told: told("a"),
        lambda base, deeper, told: setattr(base("a"), "size", 4),
        lambda base, deeper, told: setattr(deeper("a"), "size", 4),
        lambda base, deeper, told: delattr(base("a"), "size"),
        lambda base, deeper, told: dataclasses.replace(base("a", 9), name="b"),
        lambda base, deeper, told: dataclasses.replace(deeper("a"), size=-1),
        lambda base, deeper, told: dataclasses.asdict(deeper("a", parts=[1, 2])),
        lambda base, deeper, told: [(f.name, f.type, f.compare, f.repr) for f in dataclasses.fields(deeper)],
        lambda base, deeper, told: dataclasses.is_dataclass(base),
        lambda base, deeper, told: base.__slots__,
        lambda base, deeper, told: deeper.__slots__,
        lambda base, deeper, told: hasattr(base("a"), "__dict__"),
        lambda base, deeper, told: copy.deepcopy(base("a", parts=[1])),
        lambda base, deeper, told: copy.copy(deeper("a", more=("x",))),
        lambda base, deeper, told: TypeAdapter(told).validate_python({"name": "a"}),
        lambda base, deeper, told: TypeAdapter(told).validate_python({"nom": "a"}),
        lambda base, deeper, told: (told("a"), inspect.signature(told))[1],
        lambda base, deeper, told: (deeper("a"), deeper.__init__.__qualname__)[1],
        lambda base, deeper, told: base.__doc__,
        lambda base, deeper, told: told.Nothing() == told.Nothing(),
        lambda base, deeper, told: told.Nothing(1),
    ],
)
def test_both_answer_alike(asked: Callable[..., Any]) -> None:
    for _ in range(2):  # the first object is made otherwise than those after it
        assert outcome(lambda: asked(*OURS)) == outcome(lambda: asked(*THEIRS))


def test_it_survives_a_pickle() -> None:
    trouble = Trouble(Outcome.FAIL, "slug", "message", "help")
    assert pickle.loads(pickle.dumps(trouble)) == trouble


def test_other_options_are_left_to_the_standard_library() -> None:
    @frozen.dataclass
    class Plain:
        name: str

    @frozen.dataclass(slots=True)
    class Open:
        name: str

    one, other = Plain("a"), Open("a")
    one.name = other.name = "b"
    assert (str(one).rpartition(".")[2], str(other).rpartition(".")[2]) == ("Plain(name='b')", "Open(name='b')")


def test_declaring_compiles_nothing() -> None:
    @frozen.dataclass(frozen=True, slots=True)
    class Declared:
        name: str

    def written_in() -> dict[str, str]:
        methods = [name for name, value in vars(Declared).items() if hasattr(value, "__code__")]
        return {name: Path(vars(Declared)[name].__code__.co_filename).name for name in methods}

    assert {"__init__", "__eq__", "__hash__", "__repr__", "__setattr__", "__delattr__"} <= set(written_in())
    assert set(written_in().values()) == {"frozen.py"}
    Declared("a")
    assert {name for name, file in written_in().items() if file != "frozen.py"} == {"__init__"}


@pytest.mark.parametrize("odd", [field(init=False, default=1), field(kw_only=True)])
def test_what_is_not_foreseen_is_refused(odd: Any) -> None:
    with pytest.raises(TypeError, match="`name`"):

        @frozen.dataclass(frozen=True, slots=True)
        class Odd:
            name: int = odd
