"""A release tried beside what is there, on the target `local`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from gonogo.model import codec
from gonogo.targets import _strays
from tests.targets.conftest import Site, ask, eventually, web


@pytest.fixture
def values(site: Site) -> Site:
    """A site whose services are told where their database is."""
    site.repository.write(".env.staging", "APP_DATABASE=postgresql://the-one-that-counts\n")
    site.repository.commit("chore: ignore", {".gitignore": ".env.staging\n"})
    front = web(needs=["web"], env={"PORT": "{port}", "APP_BACK": "{web.url}"}, variables=[])
    site.params |= {"env_file": ".env.staging", "services": {"web": web(stop_seconds=2), "front": front}}
    return site


def tried(site: Site) -> list[str]:
    seen = site.target()._services.supervisor.seen() or {}
    return [one for one in seen if "trial" in one]


def test_an_earlier_release_beside_the_present_one(values: Site) -> None:
    first = values.put("first")
    values.put("second", number=2)
    target = values.target()
    before = {eventually(target, lambda seen: seen.health == "healthy", name) for name in ("web", "front")}
    with target.trial(first, {"APP_DATABASE": "postgresql://the-copy"}) as urls:
        assert set(urls) == {"web", "front", "app"}
        assert ask(urls["web"]) == {"release": "first", "env": {"APP_DATABASE": "postgresql://the-copy"}}
        assert ask(urls["app"])["env"] == {"APP_BACK": urls["web"]}, "a trial speaks to itself"
        there = ask(target.url("web"))
        assert there == {"release": "second", "env": {"APP_DATABASE": "postgresql://the-one-that-counts"}}
        assert len(tried(values)) == 2
    assert set(target.instances()) == before
    assert tried(values) == []
    assert not [one for one in (values.directory / "run/units").iterdir() if "trial" in one.name]


def test_a_trial_that_does_not_come_up_is_for_the_smoke_to_judge(site: Site) -> None:
    site.params |= {"services": {"web": web(start_seconds=1)}}
    site.put("first")
    site.commit("broken", "unhealthy")
    target = site.target()
    broken = site.release(target, 2)
    with target.trial(broken, {}) as urls, pytest.raises(OSError, match="503"):
        ask(urls["app"])
    assert any("is not healthy after 1 s: `/health` on port" in line for line in site.contexts[-1].told)


def test_a_trial_ends_with_what_failed_in_it(site: Site) -> None:
    first = site.put("first")
    with pytest.raises(ZeroDivisionError), site.target().trial(first, {}):
        raise ZeroDivisionError
    assert tried(site) == []


CALLER = textwrap.dedent(
    """
    import json, os, signal, sys
    from pathlib import Path
    from gonogo.model import codec
    from gonogo.model.plan import Subject
    from gonogo.model.release import Release, TargetSpec
    from tests.probes.conftest import MemoryContext

    told = json.load(sys.stdin)
    spec = TargetSpec("local", "local", told["params"])
    context = MemoryContext(Path(told["root"]), Subject(told["commit"]), "local", spec=spec)
    with context.reach().trial(codec.load(Release, told["release"]), {}):
        os.kill(os.getpid(), signal.SIGKILL)
    """
)


def test_s51_what_a_trial_left_behind_is_swept(site: Site) -> None:
    first = site.put("first")
    eventually(site.target(), lambda seen: seen.health == "healthy")
    told = {"params": site.params, "root": str(site.repository.root), "commit": first.commit}
    done = subprocess.run(
        [sys.executable, "-c", CALLER],
        input=codec.canonical({**told, "release": codec.dump(first)}),
        cwd=Path(__file__).parents[2],
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    (left,) = tried(site)
    pids = _strays.marked(_strays.UNIT, left)
    assert pids
    target = site.target()
    assert [one.service for one in target.instances()] == ["web"], "it is no part of what is there"
    with target.trial(first, {}):
        assert left not in tried(site)
    assert not any(_strays.alive(pid) for pid in pids)
    assert tried(site) == []


def test_putting_a_release_there_sweeps_a_trial_too(site: Site) -> None:
    first = site.put("first")
    told = {"params": site.params, "root": str(site.repository.root), "commit": first.commit}
    subprocess.run(
        [sys.executable, "-c", CALLER],
        input=codec.canonical({**told, "release": codec.dump(first)}),
        cwd=Path(__file__).parents[2],
        check=False,
    )
    site.put("second", number=2)
    assert tried(site) == []
    assert os.path.exists(site.directory / "current")  # noqa: PTH110 - through the link
