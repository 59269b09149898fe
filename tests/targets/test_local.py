"""The target `local`: real releases of a small application, real supervisor."""

from __future__ import annotations

from tests.targets.conftest import Site, ask, eventually


def test_a_release_is_put_there_and_answers(site: Site) -> None:
    release = site.put("first")
    target = site.target()
    one = eventually(target, lambda seen: seen.health == "healthy")
    assert (one.status, one.restarts, one.exit, one.release) == ("running", 0, None, "r1")
    assert one.artifact == release.artifacts["web"]
    assert ask(target.url("app"))["release"] == "first"
    assert (site.directory / "current").resolve() == site.directory / "releases" / one.artifact[7:39]
