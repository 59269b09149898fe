"""The waiter over the target `local`: what it calls stable, and what it finds wrong."""

from __future__ import annotations

from gonogo.model.release import Release
from gonogo.rollout.watch import still, watch
from gonogo.stability import Watched
from gonogo.targets.local import LocalTarget
from tests.targets.conftest import Site, eventually, web


def put(site: Site, mode: str, **more: object) -> tuple[LocalTarget, Release]:
    site.commit("first", mode, **more)
    target = site.target()
    release = site.release(target, 1)
    target.up(release)
    return target, release


def watched(site: Site, target: LocalTarget, release: Release, *, window: float = 1.0, timeout: float = 20) -> Watched:
    return watch(
        target, release.artifacts, site.contexts[-1], window=window, timeout=timeout, before=(), interval=0.1
    )  # fmt: skip


def slugs(found: Watched) -> list[str]:
    return [problem.slug for problem in found.problems]


def test_what_holds_still_is_stable_and_stays_so(site: Site) -> None:
    target, release = put(site, "ok")
    found = watched(site, target, release)
    assert found.stable, found
    assert still(target, release.artifacts, found.seen, site.contexts[-1]).problems == ()


def test_s14_healthy_and_then_crashing(site: Site) -> None:
    target, release = put(site, "crash", after=1.5)
    found = watched(site, target, release, window=20)
    assert not found.stable
    assert slugs(found)[0] in {"restarted", "exited"}
    assert "exit code 3" in found.problems[0].message


def test_s15_a_restart_between_two_phases(site: Site) -> None:
    target, release = put(site, "crash", after=6)
    found = watched(site, target, release, window=0.5)
    assert found.stable, found
    eventually(target, lambda seen: seen.restarts >= 1 and seen.health == "healthy", seconds=30)
    assert slugs(still(target, release.artifacts, found.seen, site.contexts[-1])) == ["restarted"]


def test_s25_another_rollout_meanwhile(site: Site) -> None:
    target, release = put(site, "ok")
    found = watched(site, target, release)
    assert found.stable, found
    site.put("second", number=2)
    assert "foreign-change" in slugs(still(target, release.artifacts, found.seen, site.contexts[-1]))


def test_s37_another_artifact_than_was_judged(site: Site) -> None:
    target, _ = put(site, "ok")
    assert slugs(watch(target, {"web": "sha256:another"}, site.contexts[-1], window=1, timeout=5)) == ["wrong-artifact"]


def test_s13_without_a_healthcheck_nothing_is_proven(site: Site) -> None:
    site.params |= {"services": {"web": web(health="")}}
    target, release = put(site, "ok")
    found = watched(site, target, release, timeout=3)
    assert not found.stable
    assert found.unproven == ("web",)


def test_a_service_that_never_gets_well_says_why(site: Site) -> None:
    site.params |= {"services": {"web": web(start_seconds=1)}}
    target, release = put(site, "unhealthy")
    found = watched(site, target, release)
    assert slugs(found) == ["unhealthy"]
    assert "status 503" in found.problems[0].message
