"""The directory in which a target lives, and what is chosen there once: its token, its salt, its ports."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from gonogo.config import git_output, state_directory
from gonogo.frozen import dataclass
from gonogo.plugins import OutOfReach
from gonogo.targets._durable import guarded, read_json, write, write_json
from gonogo.targets._local_memory import Memory
from gonogo.targets._local_services import Services
from gonogo.targets._local_trees import Trees
from gonogo.targets._strays import free_port


def place(root: Path, name: str, given: str) -> Path:
    """Where the target `name` of the repository with the checkout `root` lives; absolute.

    As `given`, relative to the main worktree; else below this user's state directory, named after the repository's
    first commit, so that clones share it.
    """
    if given:
        home = state_directory(root).parent.parent
        return Path(os.path.abspath(home / Path(given).expanduser()))  # noqa: PTH100 - links are left as they are
    import platformdirs  # only where it is needed

    roots = git_output(root, "rev-list", "--max-parents=0", "HEAD") or b"unborn"
    return platformdirs.user_state_path("gonogo") / "targets" / roots.decode().split()[-1][:12] / name


@dataclass(frozen=True, slots=True)
class Home:
    """A target's directory, whether it is there or not."""

    directory: Path

    def made(self) -> Path:
        """The directory, made where it is not there; raises `OutOfReach` where it cannot be."""
        try:
            for part in ("builds", "configs", "kept", "releases"):
                (self.directory / part).mkdir(mode=0o700, parents=True, exist_ok=True)
            self.directory.chmod(0o711)  # the server of a database may run as another user, and passes through
        except OSError as error:
            raise OutOfReach(
                f"cannot make the target's directory `{self.directory}`: {error.strerror}",
                help="free it, or set the target's `directory`",
            ) from error
        return self.directory

    @property
    def token(self) -> str:
        """Names the target among all of this machine."""
        return hashlib.sha256(os.fsencode(self.directory.resolve())).hexdigest()[:16]

    @property
    def memory(self) -> Memory:
        """Its lock and its state."""
        return Memory(self.directory)

    @property
    def trees(self) -> Trees:
        """Its release directories."""
        return Trees(self.made())

    def services(self, wait: Callable[[float], bool]) -> Services:
        """What runs there."""
        return Services.of(self.made(), self.token, wait)

    def port(self, name: str, wanted: int | None) -> int | None:
        """The port of a service: as wanted; for 0 a free one, chosen once and remembered."""
        if wanted != 0:
            return wanted
        file = self.made() / "ports.json"
        with guarded(self.directory / ".guard"):
            known = dict(read_json(file) or {})
            if name not in known:
                known[name] = free_port(known.values())
                write_json(file, known)
        return int(known[name])

    def salt(self) -> bytes:
        """What digests of configurations are salted with."""
        file = self.made() / "salt"
        with guarded(self.directory / ".guard"):
            if not file.exists():
                write(file, secrets.token_bytes(32))
            return file.read_bytes()
