"""The target `local`: real releases of a small application under a real supervisor, put there, back and forward."""

from __future__ import annotations

import dataclasses
import json
import os
import stat
from pathlib import Path

import pytest

from gonogo.model import codec
from gonogo.model.observation import Trouble
from gonogo.model.outcome import Outcome
from gonogo.model.release import Difference, Instance, Release
from gonogo.plugins import OutOfReach
from gonogo.targets._strays import free_port
from gonogo.targets.local import LocalTarget
from tests.targets.conftest import Site, ask, eventually, web


def healthy(one: Instance) -> bool:
    return one.health == "healthy"


def changes(target: LocalTarget, release: Release) -> dict[str, str]:
    return {one.service: one.change for one in target.differences(release)}


def test_a_release_is_put_there_and_answers(site: Site) -> None:
    release = site.put("first")
    target = site.target()
    one = eventually(target, healthy)
    assert (one.status, one.restarts, one.exit, one.release) == ("running", 0, None, "r1")
    assert one.artifact == release.artifacts["web"]
    assert ask(target.url("app"))["release"] == "first"
    assert (site.directory / "current").resolve() == Path(release.facts["directory"])


def test_s34_an_identical_release_is_left_alone(site: Site) -> None:
    release = site.put("first")
    before = eventually(site.target(), healthy)
    again = site.target()
    assert again.differences(release) == (Difference("web", "untouched"),)
    ran = again.up(dataclasses.replace(release, number=2))
    assert b"untouched" in ran.out
    assert again.instances() == (before,)


def test_the_next_release_takes_the_place_of_the_first(site: Site) -> None:
    first = site.put("first")
    before = eventually(site.target(), healthy)
    site.commit("second")
    target = site.target()
    second = site.release(target, 2)
    assert target.differences(second) == (Difference("web", "recreate", "artifact"),)
    assert target.up(second).exit == 0
    one = eventually(target, healthy)
    assert one.id != before.id
    assert (one.artifact, one.release) == (second.artifacts["web"], "r2")
    assert second.artifacts != first.artifacts
    assert second.config == first.config
    assert ask(target.url("web"))["release"] == "second"


def test_s42_s43_back_and_forward_are_exact(site: Site) -> None:
    first = site.put("first")
    second = site.put("second", number=2)
    target = site.target()
    forward = eventually(target, healthy)
    for back in (1, 2):  # twice in a row: what is gone back to is the release asked for, whatever was touched last
        assert target.up(first).exit == 0, back
        assert eventually(target, healthy).artifact == first.artifacts["web"]
        assert ask(target.url("web"))["release"] == "first"
    assert target.up(second).exit == 0
    after = eventually(target, healthy)
    assert dataclasses.replace(after, id="", started="") == dataclasses.replace(forward, id="", started="")
    assert ask(target.url("web"))["release"] == "second"


def test_s44_the_configuration_comes_back_with_its_release(site: Site) -> None:
    values = site.repository.write(".env.staging", "APP_SECRET=the-first-long-secret\n")
    site.params |= {"env_file": ".env.staging"}
    site.repository.commit("chore: ignore", {".gitignore": ".env.staging\n"})
    first = site.put("first")
    values.write_text("APP_SECRET=another-long-secret\nAPP_NEW=yes\n")
    site.commit("second")
    target = site.target()
    second = site.release(target, 2)
    assert second.config != first.config
    (difference,) = target.differences(second)
    assert difference.why == "artifact; variables `APP_NEW`, `APP_SECRET`"
    target.up(second)
    eventually(target, healthy)
    assert ask(target.url("web"))["env"] == {"APP_SECRET": "another-long-secret", "APP_NEW": "yes"}
    back = site.target()
    assert back.up(first).exit == 0
    eventually(back, healthy)
    assert ask(back.url("web"))["env"] == {"APP_SECRET": "the-first-long-secret"}
    assert "the-first-long-secret" in site.contexts[-1].secrets, "a value that only the old release has is secret too"


def test_values_are_in_no_command_line_and_no_open_file(site: Site) -> None:
    secret = "a-very-secret-value"
    site.repository.write(".env.staging", f"APP_SECRET={secret}\n")
    site.params |= {"env_file": ".env.staging"}
    site.repository.commit("chore: ignore", {".gitignore": ".env.staging\n"})
    site.put("first")
    target = site.target()
    eventually(target, healthy)
    for line in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            assert secret.encode() not in line.read_bytes()
        except OSError:
            continue
    for file in (one for one in site.directory.rglob("*") if one.is_file()):
        if secret in file.read_text(errors="replace"):
            assert stat.S_IMODE(file.stat().st_mode) & 0o077 == 0, file
    kept = b"".join(site.contexts[-2].blobs.values())
    assert secret.encode() not in kept
    assert "a-very-secret-value" not in repr(target._services.units())


@pytest.mark.parametrize("value", ["a$b${HOME}$$", 'it\'s "quoted"', "ünï %s %% {port} # no comment", "two\nlines"])
def test_s31_a_value_reaches_the_service_as_it_is(site: Site, value: str) -> None:
    quoted = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    site.repository.write(".env.staging", f'APP_VALUE="{quoted}"\n')
    site.params |= {"env_file": ".env.staging"}
    site.repository.commit("chore: ignore", {".gitignore": ".env.staging\n"})
    site.put("first")
    target = site.target()
    eventually(target, healthy)
    assert ask(target.url("web"))["env"] == {"APP_VALUE": value}


def test_variables_are_given_only_where_they_are_taken(site: Site) -> None:
    site.repository.write(".env.staging", "APP_ONE=1\nAPP_TWO=2\n")
    site.params |= {"env_file": ".env.staging", "services": {"web": web(variables=["*_ONE"])}}
    site.repository.commit("chore: ignore", {".gitignore": ".env.staging\n"})
    site.put("first")
    target = site.target()
    eventually(target, healthy)
    assert ask(target.url("web"))["env"] == {"APP_ONE": "1"}


def test_services_start_after_what_they_need(site: Site) -> None:
    front = web(needs=["back"], env={"PORT": "{port}", "APP_BACK": "{back.url}", "APP_COMMIT": "{commit}"})
    site.params |= {"services": {"front": front, "back": web()}}
    release = site.put("first")
    target = site.target()
    starts = {one.service: float(one.started.split()[0]) for one in target.instances()}
    assert starts["back"] < starts["front"]
    eventually(target, healthy, "front")
    told = ask(target.url("app"))["env"]
    assert told == {"APP_BACK": target.url("back"), "APP_COMMIT": release.commit}
    assert target.url("front") == target.url("app") != target.url("back")


def test_a_service_that_the_next_release_lacks_ends(site: Site) -> None:
    site.params |= {"services": {"web": web(), "worker": web()}}
    site.put("first")
    site.params |= {"services": {"web": web()}}
    site.commit("second")
    target = site.target()
    second = site.release(target, 2)
    assert changes(target, second) == {"web": "recreate", "worker": "remove"}
    assert target.up(second).exit == 0
    assert [one.service for one in target.instances()] == ["web"]


def test_a_port_may_come_from_an_input(site: Site) -> None:
    port = free_port()
    site.params |= {"services": {"web": web(port=f"127.0.0.1:{port}")}}
    site.put("first")
    target = site.target()
    eventually(target, healthy)
    assert target.url("app") == f"http://127.0.0.1:{port}"


def test_what_drifted_is_told(site: Site) -> None:
    release = site.put("first")
    target = site.target()
    one = eventually(target, healthy)
    target._services.supervisor.stop(one.id, 2)
    (difference,) = target.differences(release)
    assert difference == Difference("web", "recreate", "it should run, and is exited")
    assert target.up(release).exit == 0
    assert eventually(target, healthy).id != one.id


# --- what is kept --------------------------------------------------------------------------------------------


def test_s36_a_release_whose_directory_is_gone(site: Site) -> None:
    first = site.put("first")
    site.put("second", number=2)
    target = site.target()
    assert target.present(first) is None
    trees = target._home.trees
    trees_gone = trees.path(first.artifacts["web"])
    trees_gone.rename(site.directory / "elsewhere")
    gone = target.present(first)
    assert gone == Trouble(
        Outcome.FAIL,
        "release-gone",
        f"the directory of r1 is gone: `{trees_gone}`",
        "choose another release, or roll out its commit again",
    )
    before = (eventually(target, healthy),)
    with pytest.raises(OutOfReach, match="the directory of r1 is gone"):
        target.up(first)
    assert target.instances() == before, "nothing was touched"


@pytest.mark.parametrize("change", ["content", "extra", "executable"])
def test_s37_a_release_that_was_changed(site: Site, change: str) -> None:
    first = site.put("first")
    file = Path(first.facts["directory"]) / "release.json"
    file.parent.chmod(0o755)
    if change == "content":
        file.chmod(0o644)
        file.write_text(json.dumps({"name": "other"}))
    elif change == "extra":
        file.with_name("more.py").write_text("")
    else:
        file.chmod(0o755)
    gone = site.target().present(first)
    assert gone is not None
    assert (gone.outcome, gone.slug) == (Outcome.FAIL, "release-mutated")


def test_s37_a_configuration_that_was_changed(site: Site) -> None:
    first = site.put("first")
    file = site.directory / "configs" / f"{first.config}.json"
    file.write_text(file.read_text().replace("/health", "/"))
    gone = site.target().present(first)
    assert gone is not None
    assert gone.slug == "config-mutated"


def test_a_release_directory_cannot_be_written(site: Site) -> None:
    release = site.put("first")
    for path in (tree := Path(release.facts["directory"]), *tree.rglob("*")):
        assert path.stat().st_mode & 0o222 == 0, path


def test_forgetting_removes_what_nothing_else_needs(site: Site) -> None:
    first = site.put("first")
    second = site.put("second", number=2)
    target = site.target()
    target.forget(first)
    assert target.present(first) is not None
    assert target.present(second) is None
    again = target.keep(dataclasses.replace(second, number=3))
    target.forget(second)
    assert target.present(again) is None, "the same directory is kept for another release"
    target.forget(again)
    assert Path(again.facts["directory"]).is_dir(), "it runs"


def test_drafts_that_nothing_came_of_are_swept(site: Site) -> None:
    first = site.put("first")
    site.repository.write(".env.staging", "APP_SECRET=never-used-after-all\n")
    site.repository.commit("chore: ignore", {".gitignore": ".env.staging\n"})
    site.params |= {"env_file": ".env.staging"}
    site.commit("draft only")
    target = site.target()
    draft = target.draft()
    left = (Path(draft.facts["directory"]), site.directory / "configs" / f"{draft.config}.json")
    gone = target.keep(dataclasses.replace(first, number=9))
    target.forget(gone)
    assert all(path.exists() for path in left), "the run that made it may be about to put it there"
    for path in (*left, Path(first.facts["directory"])):
        os.utime(path, (0, 0))
    target.forget(gone)
    assert not any(path.exists() for path in left)
    assert target.present(first) is None


def test_a_draft_is_the_commit_and_not_the_working_tree(site: Site) -> None:
    site.commit("first")
    target = site.target()
    draft = target.draft()
    site.repository.write("release.json", '{"name": "not committed"}')
    again = site.target().draft()
    assert draft == again
    assert draft.number == 0
    assert json.loads((Path(draft.facts["directory"]) / "release.json").read_text())["name"] == "first"


def test_s35_a_draft_of_a_dirty_tree_says_so(site: Site) -> None:
    site.commit("first")
    target = site.target()
    context = site.contexts[-1]
    context.subject = dataclasses.replace(context.subject, dirty=("release.json",))
    assert not target.draft().clean


def test_a_draft_is_built_and_copied_into(site: Site) -> None:
    site.params |= {"build": ["mkdir built", "echo made >built/by-build"], "copy": ["dist"], "migrations": "migrations"}
    site.repository.commit("feat: migrations", {f"migrations/{one}/up.sql": "" for one in ("2_b", "1_a")})
    site.commit("first")
    with pytest.raises(OutOfReach, match="`dist` is to be copied into the release, and is not there"):
        site.target().draft()
    site.repository.write("dist/index.js", "one")
    draft = site.target().draft()
    tree = Path(draft.facts["directory"])
    assert (tree / "built/by-build").read_text() == "made\n"
    assert (tree / "dist/index.js").read_text() == "one"
    assert draft.migrations == ("1_a", "2_b")
    site.repository.write("dist/index.js", "two")
    assert site.target().draft().artifacts != draft.artifacts, "another build of the same commit is another release"


def test_a_build_that_fails(site: Site) -> None:
    site.params |= {"build": ["echo no such thing >&2; exit 3"]}
    site.commit("first")
    with pytest.raises(OutOfReach, match=r"cannot be made: `echo .*`: exit code 3: no such thing"):
        site.target().draft()
    assert not list((site.directory / "releases").iterdir())
    assert not list((site.directory / "builds").iterdir())


def test_a_missing_env_file(site: Site) -> None:
    site.params |= {"env_file": ".env.staging"}
    site.commit("first")
    with pytest.raises(OutOfReach, match=r"the env file `.env.staging` cannot be read"):
        site.target().draft()


@pytest.mark.parametrize(
    ("services", "message"),
    [
        ({"web": web(needs=["bakc"]), "back": web()}, "`web` needs `bakc`, which is no service"),
        ({"web": web(needs=["back"]), "back": web(needs=["web"])}, "services need each other: web -> back -> web"),
        ({"web": web(env={"PORT": "{prot}"})}, "asks for `{prot}`, which the target does not know"),
        ({"web": web(command="sh -c 'echo")}, "the command of `web` cannot be read"),
        ({"web": web(port="<staging>")}, "`<staging>` is no port for the service `web`"),
        ({}, "the target declares no services"),
        ({"Web/1": web()}, "`Web/1` is no name for a service"),
        ({"web": web(cwd="../..")}, "`../..` of `web` leads out of the release"),
    ],
)
def test_services_that_make_no_sense(site: Site, services: dict[str, object], message: str) -> None:
    site.params |= {"services": services}
    site.commit("first")
    with pytest.raises(OutOfReach) as caught:
        site.target().draft()
    assert message in caught.value.message
    assert caught.value.help


def test_a_directory_that_cannot_be_made(site: Site) -> None:
    site.params |= {"directory": str(site.directory.with_name("file") / "target")}
    site.directory.with_name("file").write_text("")
    site.commit("first")
    trouble = site.target().trouble()
    site.made.clear()
    assert trouble is not None
    assert "cannot make the target's directory" in trouble.message


def test_where_it_lives_by_itself(site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    site.params |= {"directory": ""}
    site.commit("first")
    first = site.repository.git("rev-parse", "HEAD")
    site.commit("second")
    assert site.target()._home.directory == tmp_path / "state" / "gonogo" / "targets" / first[:12] / "local"


def test_params_as_a_checklist_stores_them(site: Site) -> None:
    site.commit("first")
    dumped = codec.dump(site.target()._params)
    assert dumped["services"]["web"]["port"] == 0
