"""What a Dockerfile says before it is built: its stages, and which image each one stands on in the end.

Source: https://docs.docker.com/reference/dockerfile/ (`FROM`, and `ARG` before the first of them).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_CONTINUED = re.compile(r"\\[ \t]*\n")
_ARG = re.compile(r"^\s*ARG\s+(?P<all>.+)$", re.IGNORECASE)
_FROM = re.compile(r"^\s*FROM\s+(?:--\S+\s+)*(?P<image>\S+)(?:\s+AS\s+(?P<name>\S+))?\s*$", re.IGNORECASE)
_REFERENCE = re.compile(r"\$(?:\{(?P<name>\w+)(?::?-(?P<default>[^}]*))?\}|(?P<bare>\w+))")


@dataclass
class Dockerfile:
    """Its stages, in order."""

    args: dict[str, str] = field(default_factory=dict)
    """What is declared before the first stage, with its default."""
    declared: set[str] = field(default_factory=set)
    """Names of every `ARG`, wherever it stands."""
    stages: list[tuple[str, str]] = field(default_factory=list)
    """(name, lower case, empty where it has none; what it stands on, as written)."""

    def base(self, target: str, given: Mapping[str, str]) -> str:
        """The image that a stage stands on in the end (`scratch` too); empty where there is no such stage."""
        names = [name for name, _ in self.stages]
        if target and target.lower() not in names:
            return ""
        at = names.index(target.lower()) if target else len(names) - 1
        while at >= 0:
            image = self._filled(self.stages[at][1], given)
            earlier = names[:at]
            if image.lower() not in earlier:
                return image
            at = len(earlier) - 1 - earlier[::-1].index(image.lower())
        return ""

    def _filled(self, image: str, given: Mapping[str, str]) -> str:
        values = {**self.args, **{name: value for name, value in given.items() if name in self.args}}
        return _REFERENCE.sub(lambda found: values.get(found["name"] or found["bare"]) or found["default"] or "", image)


def read(text: str) -> Dockerfile:
    """A Dockerfile, as far as its stages go."""
    found = Dockerfile()
    for line in _CONTINUED.sub(" ", text).splitlines():
        if line.lstrip().startswith("#"):
            continue
        if argument := _ARG.match(line):
            for one in argument["all"].split():
                name, _, value = one.partition("=")
                found.declared.add(name)
                if not found.stages:
                    found.args[name] = value.strip("\"'")
        elif stage := _FROM.match(line):
            found.stages.append(((stage["name"] or "").lower(), stage["image"]))
    return found
