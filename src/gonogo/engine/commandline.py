"""From the text of a command to what is executed: words, or a shell; the program's file; why there is none."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path

from gonogo.model.observation import Trouble
from gonogo.model.outcome import Outcome

SHELL = "/bin/sh"

_NEEDS_SHELL = frozenset("|&;<>()$`\\*?[]{}~#!\n\r")
_NEEDS_SHELL_IN_DOUBLE_QUOTES = frozenset("$`\\\n\r")
_BUILT_IN_WORDS = """
. : alias bg break case cd command continue do done elif else esac eval exec exit export fg fi for function getopts
hash if in jobs local read readonly return set shift source then times trap type ulimit umask unalias unset until
wait while
"""
_BUILT_IN = frozenset(_BUILT_IN_WORDS.split())
_PLAIN_WORD = re.compile(r"[^ \t]+")
_PLACEHOLDER = re.compile(r"<[A-Za-z][\w .|/-]{0,80}…?>")
_VARIABLE = re.compile(r"\$\{([A-Za-z_]\w*)\}")


_NOT_FOUND_EXIT = 127
_NOT_EXECUTABLE_EXIT = 126


class CannotStart(Exception):
    """There is nothing to execute; carries the trouble that says why."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.message)
        self.trouble = trouble


def trouble(slug: str, message: str, help: str = "") -> Trouble:  # noqa: A002 - the reader's word for it
    """A trouble of the process itself: the look broke."""
    return Trouble(Outcome.ERROR, slug, message, help)


def tool_missing(name: str, how: str = "is not installed, or not on the PATH") -> Trouble:
    """The trouble of a program that is not there."""
    return trouble("tool-missing", f"`{name}` {how}", f"install `{name}`, or correct the command")


def words(text: str) -> tuple[str, ...] | None:
    """The words of a plain command, quotes taken off; None: it needs a shell."""
    quote = ""
    for character in text:
        if quote:
            if character == quote:
                quote = ""
            elif quote == '"' and character in _NEEDS_SHELL_IN_DOUBLE_QUOTES:
                return None
        elif character in "'\"":
            quote = character
        elif character in _NEEDS_SHELL:
            return None
    if quote:
        return None
    found = tuple(shlex.split(text) if "'" in text or '"' in text else _PLAIN_WORD.findall(text))
    if not found or found[0] in _BUILT_IN or re.match(r"[A-Za-z_]\w*=", found[0]):
        return None
    return found


def unfilled(command: str | Sequence[str], env: Mapping[str, str]) -> str:
    """The first placeholder that nobody filled in, such as `<staging>` or `${GIT_SHA}`; empty: there is none.

    A shell would read `<staging>` as a redirection. Within quotes only one in the place of a URL's host counts, for
    `"<div>"` is text; `${NAME}` is left to the shell where the variable is set.
    """
    if isinstance(command, str) and "<" not in command and "${" not in command:
        return ""
    if not isinstance(command, str):
        return next((word for word in command if _PLACEHOLDER.fullmatch(word)), "") or _in_url(" ".join(command))
    for variable in _VARIABLE.finditer(_without(command, "'")):
        if variable[1] not in env and not _assigned(variable[1], command):
            return variable[0]
    bare = _PLACEHOLDER.search(_without(command, "'\""))
    return bare[0] if bare else _in_url(command)


def _in_url(text: str) -> str:
    match = re.search(r"(?:://|@)(<[A-Za-z][\w .|/-]{0,80}>)", text)
    return match[1] if match else ""


def _assigned(name: str, command: str) -> bool:
    """Whether the command gives the variable its value itself: `for`, `read`, `X=…`."""
    return bool(re.search(rf"\b{name}=|\bfor\s+{name}\b|\bread\b[^;|&]*\b{name}\b", command))


def _without(text: str, quotes: str) -> str:
    """The text with what stands in those quotes blanked."""
    for quote in quotes:
        text = re.sub(rf"{quote}[^{quote}]*{quote}", lambda m: " " * len(m[0]), text)
    return text


def argv_of(command: str | Sequence[str], env: Mapping[str, str]) -> tuple[tuple[str, ...], bool]:
    """What to execute, and whether that is a shell. Raises `CannotStart` for a placeholder nobody filled in."""
    placeholder = unfilled(command, env)
    if placeholder:
        raise CannotStart(
            trouble(
                "unfilled-placeholder",
                f"`{placeholder}` was never filled in, so the command was not run",
                f"give it with `--input {placeholder.strip('<>${}')}=…`",
            )
        )
    if not isinstance(command, str):
        argv: tuple[str, ...] | None = tuple(command)
    elif "\0" in command:
        argv = ()
    else:
        argv = words(command) if command.strip() else ()
    if argv is None:
        assert isinstance(command, str)
        return (*_shell(command, env), "-c", command), True
    if not argv or not argv[0] or any("\0" in word for word in argv):
        raise CannotStart(trouble("no-command", "there is no command to run", "write one, or remove the entry"))
    return argv, False


def _shell(command: str, env: Mapping[str, str]) -> tuple[str, ...]:
    """The shell for a text. `go vet ./... | tee vet.log` exits like `tee`, which would hide that the look failed.

    So a pipe is run by bash with `pipefail` where bash is there; other text, and machines without it, by /bin/sh.
    """
    piped = re.search(r"(?<!\|)\|(?!\|)", _without(command, "'\""))
    bash = shutil.which("bash", path=env.get("PATH", os.defpath)) if piped else None
    return (bash, "-o", "pipefail") if bash else (SHELL,)


def program(name: str, cwd: Path, env: Mapping[str, str]) -> str:
    """The file that `name` means, looked up as a shell in `cwd` would; raises `CannotStart` where there is none.

    A name with a slash stays as it is, relative to `cwd`, and nobody looks: a script sees it as `$0`, and messages
    repeat it.
    """
    if "/" in name:
        return name
    forbidden = ""
    for directory in env.get("PATH", os.defpath).split(os.pathsep):
        path = os.path.join(cwd, directory, name)  # noqa: PTH118 - pathlib would take a third of the start-up
        if os.access(path, os.X_OK) and stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116 - as above
            return path
        forbidden = forbidden or (path if os.path.isfile(path) else "")  # noqa: PTH113 - as above
    if forbidden:
        raise CannotStart(not_executable(forbidden))
    raise CannotStart(tool_missing(name))


def demand_executable(name: str, path: Path) -> None:
    """Raise `CannotStart` where the file that `name` means is not there, or not to be executed."""
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        raise CannotStart(tool_missing(name, "is not there")) from None
    except OSError as error:
        raise CannotStart(trouble("permission", f"cannot reach `{name}`: {error.strerror}")) from error
    if not stat.S_ISREG(mode) or not os.access(path, os.X_OK):
        raise CannotStart(not_executable(name))


def not_executable(name: str) -> Trouble:
    """The trouble of a file that is there and may not be run."""
    return trouble("permission", f"`{name}` is not executable", f"chmod +x {shlex.quote(name)}")


def interpreter(path: str) -> str:
    """The interpreter that the file's first line names, as written; empty: it names none."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - as above
            first = file.read(256).split(b"\n", 1)[0]
    except OSError:
        return ""
    return first[2:].decode("utf-8", "backslashreplace").lstrip(" ") if first.startswith(b"#!") else ""


_NOT_FOUND = (
    re.compile(
        r"""(?m)^(?:[^\s:]*/)?(?:ba|da|z|k)?sh: (?:line )?(?:\d+: )?(?P<name>[^:\n]{1,200}): (?:command )?not found"""
    ),
    re.compile(r"""(?m)^(?:[^\s:]*/)?env: [\u2018'"]?(?P<name>[^:\n\u2019'"]{1,200})[\u2019'"]?: No such file"""),
    re.compile(r"""(?m)^[^\n]{0,80}?(?P<name>[^:\s]{1,200}): (?:command )?not found"""),
)
_DENIED = re.compile(r"(?m)(?P<name>[^:\s]{1,200}): (?:Permission denied|cannot execute)")


def told_by_exit(exit_code: int, printed: str, argv: Sequence[str]) -> Trouble | None:
    """The trouble that 126 and 127 mean, where nothing ran, whoever said so; None for any other exit code."""
    if exit_code == _NOT_FOUND_EXIT:
        found = next((m for p in _NOT_FOUND if (m := p.search(printed))), None)
        return tool_missing(found["name"].strip() if found else argv[0], "was not found (exit 127)")
    if exit_code == _NOT_EXECUTABLE_EXIT:
        denied = _DENIED.search(printed)
        name = denied["name"] if denied else argv[0]
        return trouble("permission", f"`{name}` cannot be executed (exit 126)", f"make `{name}` executable")
    return None
