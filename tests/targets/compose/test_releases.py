"""The Compose target on a real engine: releases put there, kept, told apart."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gonogo.model.outcome import Outcome
from gonogo.plugins import OutOfReach
from gonogo.rollout.watch import watch
from tests.targets.compose.tiny import A, B, Tiny, stored


def changes(tiny: Tiny, commit: str) -> dict[str, str]:
    target = tiny.target(commit)
    return {one.service: one.change for one in target.differences(target.draft())}


def test_a_release_is_put_there_and_holds_still(tiny: Tiny) -> None:
    identity = tiny.build(A)
    context = tiny.context(A)
    target = tiny.target(A, context)
    assert target.trouble() is None
    draft = target.draft()
    assert draft.artifacts == {"web": identity}
    assert changes(tiny, A) == {"web": "create"}
    release = target.keep(replace(draft, number=1))
    assert target.up(release).exit == 0
    seen = watch(target, release.artifacts, context, window=2, timeout=30, before=())
    assert seen.stable, seen
    (one,) = seen.seen
    assert (one.artifact, one.release, one.health) == (identity, "r1", "healthy")


def test_s34_the_same_image_and_configuration_change_nothing(tiny: Tiny) -> None:
    release = tiny.deploy(A, 1)
    before = tiny.container()
    assert changes(tiny, A) == {"web": "untouched"}
    again = tiny.target(A)
    second = again.keep(replace(again.draft(), number=2))
    assert second.config == release.config
    assert again.up(second).exit == 0
    assert (tiny.container()["Id"], tiny.container()["State"]["StartedAt"]) == (
        before["Id"],
        before["State"]["StartedAt"],
    )


def test_s42_back_and_forward_again_is_exactly_the_new_one(tiny: Tiny) -> None:
    tiny.set(GREETING="old")
    first = tiny.deploy(A, 1)
    tiny.set(GREETING="new $1 'and' more".replace("'", ""))
    second = tiny.deploy(B, 2)
    new = tiny.container()
    target = tiny.target(B)
    assert target.up(first).exit == 0
    old = tiny.container()
    assert old["Image"] == first.artifacts["web"] != second.artifacts["web"]
    assert "GREETING=old" in old["Config"]["Env"], "the configuration of that release came back with its image"
    assert target.up(second).exit == 0
    forward = tiny.container()
    assert new["Image"] == forward["Image"]
    assert _settled(new["Config"]) == _settled(forward["Config"])
    assert new["HostConfig"] == forward["HostConfig"]


def _settled(part: dict[str, Any]) -> dict[str, Any]:
    """Without what Compose writes anew each time."""
    ours = {
        k: v
        for k, v in part["Labels"].items()
        if not k.startswith(("com.docker.compose.project", "com.docker.compose.replace"))
    }
    return {**part, "Hostname": "", "Labels": ours, "Env": sorted(part["Env"])}


def test_s31_a_dollar_in_a_value_arrives_as_it_is(tiny: Tiny) -> None:
    tiny.set(GREETING="pa$$word$1")
    tiny.deploy(A, 1)
    assert "GREETING=pa$$word$1" in tiny.container()["Config"]["Env"]


def test_s26_a_tag_that_was_moved_after_the_build(tiny: Tiny) -> None:
    judged = tiny.build(A, "judged")
    tiny.build(A, "made by somebody else")
    target = tiny.target(A, tiny.context(A, {"web": judged}))
    with pytest.raises(OutOfReach, match="is not the image that was judged"):
        target.draft()


def test_s36_an_image_that_goes_after_it_was_judged_is_missed(tiny: Tiny) -> None:
    tiny.build(A)
    target = tiny.target(A)
    draft = target.draft()
    tiny.engine.docker("rmi", "--force", tiny.image(A))
    with pytest.raises(OutOfReach, match="the image of `web` is gone"):
        target.keep(replace(draft, number=1))


def test_s30_files_that_broke_since_the_lock_was_taken_make_no_release(tiny: Tiny) -> None:
    tiny.build(A)
    assert tiny.target(A).trouble() is None
    tiny.write("docker-compose.yml", "services: {web: {image: 'x', build: ., environment: {A: '${NOT_THERE}'}}}")
    with pytest.raises(OutOfReach, match="`NOT_THERE`"):
        tiny.target(A).draft()


def test_an_image_of_another_commit_is_not_the_subjects(tiny: Tiny) -> None:
    tiny.build(A, label=B)
    with pytest.raises(OutOfReach, match="an image of commit `bbbbbbbbbbbb`, and not of the subject"):
        tiny.target(A).draft()
    with pytest.raises(OutOfReach, match="there is no image"):
        tiny.target(B).draft()


def test_s30_a_variable_without_a_value(tiny: Tiny) -> None:
    tiny.write("docker-compose.yml", "services: {web: {image: 'x', build: ., environment: {A: '${NOT_THERE}'}}}")
    trouble = tiny.target(A).trouble()
    assert trouble is not None
    assert (trouble.slug, trouble.outcome) == ("compose-config", Outcome.ERROR)
    assert "`NOT_THERE`" in trouble.message


def test_a_variable_of_this_shell_does_not_reach_the_files(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GREETING", "from the shell")
    monkeypatch.setenv("COMPOSE_PROJECT_NAME", "somebody-elses")
    tiny.set(GREETING="from the file")
    tiny.deploy(A, 1)
    assert "GREETING=from the file" in tiny.container()["Config"]["Env"]


def test_drift_is_told_by_its_parts_and_never_by_its_values(tiny: Tiny) -> None:
    tiny.deploy(A, 1)
    tiny.set(GREETING="very-secret-value", MODE="")
    target = tiny.target(A)
    (found,) = target.differences(target.draft())
    assert (found.change, found.why) == ("recreate", "environment.GREETING")


def test_a_container_that_a_person_put_there_is_told(tiny: Tiny) -> None:
    tiny.build(A)
    tiny.compose("up", "--detach", "--no-build", "web")
    target = tiny.target(A)
    (found,) = target.differences(target.draft())
    assert (found.change, found.why) == ("recreate", "not put there by gonogo")


def test_s2_what_a_killed_compose_left_is_mended(tiny: Tiny) -> None:
    release = tiny.deploy(A, 1)
    name = tiny.container()["Name"].lstrip("/")
    tiny.engine.docker("rename", name, f"0123456789ab_{name}")
    target = tiny.target(A)
    assert [one.change for one in target.differences(release)] == ["recreate"]
    assert target.up(release).exit == 0
    assert tiny.container()["Name"] == f"/{name}"


def test_s2_a_half_made_twin_goes(tiny: Tiny) -> None:
    release = tiny.deploy(A, 1)
    old = tiny.container()
    name = old["Name"].lstrip("/")
    labels = [part for k, v in old["Config"]["Labels"].items() for part in ("--label", f"{k}={v}")]
    tiny.engine.docker("create", "--name", f"0123456789ab_{name}", *labels, tiny.image(A))
    assert tiny.target(A).up(release).exit == 0
    assert tiny.container()["Id"] == old["Id"]
    assert len(tiny.target(A).instances()) == 1


def test_s33_a_dependency_is_made_once_and_never_touched(tiny: Tiny) -> None:
    tiny.write(
        "docker-compose.yml",
        (tiny.root / "docker-compose.yml").read_text()
        + "    depends_on: [store]\n  store:\n    image: redis:7-alpine\n    environment: {SIZE: '${SIZE:-1}'}\n",
    )
    tiny.build(A)
    assert changes(tiny, A) == {"web": "create", "store": "create"}
    tiny.deploy(A, 1)
    store = tiny.container("store")
    tiny.set(SIZE="2")
    target = tiny.target(A)
    planned = {one.service: one for one in target.differences(target.draft())}
    assert planned["store"].change == "untouched"
    assert planned["store"].why.startswith("differs in environment.SIZE, and is left alone")
    tiny.deploy(B, 2)
    assert tiny.container("store")["Id"] == store["Id"]
    assert tiny.container("store")["State"]["StartedAt"] == store["State"]["StartedAt"]


def test_s36_an_image_that_was_pruned_is_missed_beforehand(tiny: Tiny) -> None:
    release = tiny.deploy(A, 1)
    tiny.deploy(B, 2)
    target = tiny.target(B)
    assert target.present(release) is None
    tiny.engine.docker("rm", "--force", f"gonogo-pin-{tiny.project}-web-r1")
    tiny.engine.docker("rmi", "--force", release.artifacts["web"])
    trouble = target.present(release)
    assert trouble is not None
    assert (trouble.slug, trouble.outcome) == ("image-missing", Outcome.FAIL)
    assert "build commit aaaaaaaaaaaa again" in trouble.help


def test_s37_a_retention_tag_that_was_moved(tiny: Tiny) -> None:
    release = tiny.deploy(A, 1)
    tiny.engine.docker("tag", tiny.build(B), f"gonogo/{tiny.project}-web:r1")
    trouble = tiny.target(A).present(release)
    assert trouble is not None
    assert (trouble.slug, trouble.outcome) == ("target-mutated", Outcome.FAIL)


def test_s38_an_image_without_a_tag_survives_a_prune(tiny: Tiny) -> None:
    release = tiny.deploy(A, 1)
    tiny.engine.docker("rm", "--force", tiny.container()["Id"])
    tiny.engine.docker("rmi", tiny.image(A))
    mine = f"label=org.opencontainers.image.revision={A}"
    tiny.engine.docker("image", "prune", "--force", "--all", "--filter", mine)
    assert tiny.target(A).present(release) is None
    assert tiny.target(A).up(release).exit == 0


def test_forgetting_a_release_lets_its_image_go(tiny: Tiny) -> None:
    release = tiny.deploy(A, 1)
    target = tiny.target(A)
    target.forget(release)
    names = tiny.engine.docker("images", "--format", "{{.Repository}}")
    assert f"gonogo/{tiny.project}-web" not in names
    assert target._memory.config(1) is None
    target.forget(release)


def test_s44_without_its_configuration_a_release_is_not_put_back(tiny: Tiny) -> None:
    release = tiny.deploy(A, 1)
    target = tiny.target(A)
    target._memory.drop_config(1)
    assert tiny.target(A).present(release) is None, "the present configuration is the same"
    tiny.set(GREETING="another")
    trouble = tiny.target(A).present(release)
    assert trouble is not None
    assert trouble.slug == "configuration-missing"


def test_secrets_reach_nothing_that_is_kept(tiny: Tiny) -> None:
    """Nothing that Docker was asked brought them: the store would have to redact what it knows, and more."""
    tiny.write(
        "docker-compose.yml",
        (tiny.root / "docker-compose.yml").read_text().replace("{MODE: ", "{JWT_SECRET: s3cr3t-0f-th3-f1l3, MODE: "),
    )
    tiny.build(A)
    context = tiny.context(A)
    target = tiny.target(A, context)
    release = target.keep(replace(target.draft(), number=1))
    target.up(release)
    target.differences(release)
    target.instances()
    target.autopsy(target.since())
    assert b"s3cr3t-0f-th3-f1l3" not in stored(context)
    assert "s3cr3t-0f-th3-f1l3" in context.secrets
    assert "s3cr3t" not in repr(release)
    assert not [path for path in tiny.root.parent.rglob("*") if path.is_file() and b"s3cr3t-0f" in path.read_bytes()][
        1:
    ]


def test_autopsy_and_logs(tiny: Tiny) -> None:
    tiny.set(MODE="crash", AFTER="0")
    tiny.build(A)
    context = tiny.context(A)
    target = tiny.target(A, context)
    since = target.since()
    release = target.keep(replace(target.draft(), number=1))
    target.up(release)
    seen = watch(target, release.artifacts, context, window=5, timeout=30, before=())
    assert [problem.slug for problem in seen.problems] == ["restarted"]
    names = {blob.name for blob in target.autopsy(since)}
    assert {"autopsy/ps/stdout", "autopsy/inspect/stdout", "autopsy/events/stdout"} <= names
    assert b'"die"' in stored(context)


def test_s24_s17_copies_and_one_shots_as_the_files_say(tiny: Tiny) -> None:
    text = (tiny.root / "docker-compose.yml").read_text()
    more = "    deploy: {replicas: 2}\n    depends_on: {init: {condition: service_completed_successfully}}\n"
    init = "  init:\n    image: redis:7-alpine\n    entrypoint: ['true']\n"
    tiny.write("docker-compose.yml", text + more + init)
    release = tiny.deploy(A, 1)
    context = tiny.context(A)
    target = tiny.target(A, context)
    seen = watch(target, {**release.artifacts, "init": ""}, context, window=1, timeout=30)
    assert seen.stable, seen
    assert "`init` did its work and ended" in seen.notes
    one, _ = (one for one in target.instances() if one.service == "web")
    tiny.engine.docker("rm", "--force", one.id)
    assert sorted(one.status for one in target.instances() if one.service == "web") == ["absent", "running"]


def test_s79_names_with_dots_capitals_and_spaces(tiny: Tiny) -> None:
    text = (tiny.root / "docker-compose.yml").read_text().replace("  web:", "  Web.App_1:")
    tiny.write("docker-compose.yml", text)
    tiny.build(A)
    target = tiny.target(A)
    release = target.keep(replace(target.draft(), number=1))
    assert target.up(release).exit == 0
    assert target.present(release) is None
    assert [one.service for one in target.instances()] == ["Web.App_1"]
    target.forget(release)


DEPENDENCY = """\
    depends_on: {store: {condition: service_healthy}}
  store:
    image: redis:7-alpine
    entrypoint: [sh, -c, "sleep 2; touch /tmp/ready; exec sleep 600"]
    stop_grace_period: 0s
    healthcheck: {test: "CHECK", interval: 1s, retries: 1, start_period: 20s}
"""


def test_what_it_depends_on_is_well_before_it_starts(tiny: Tiny) -> None:
    text = (tiny.root / "docker-compose.yml").read_text()
    tiny.write("docker-compose.yml", text + DEPENDENCY.replace("CHECK", "test -e /tmp/ready"))
    tiny.deploy(A, 1)
    first = next(one for one in tiny.container("store")["State"]["Health"]["Log"] if one["ExitCode"] == 0)
    assert first["End"] < tiny.container()["State"]["StartedAt"]


def test_without_what_it_depends_on_it_is_not_started(tiny: Tiny) -> None:
    text = (tiny.root / "docker-compose.yml").read_text()
    sick = DEPENDENCY.replace("CHECK", "false").replace("20s", "1s")
    tiny.write("docker-compose.yml", text + sick)
    tiny.build(A)
    target = tiny.target(A)
    ran = target.up(target.keep(replace(target.draft(), number=1)))
    assert ran.exit is None
    assert [trouble.slug for trouble in ran.troubles] == ["dependency"]
    assert [one.service for one in target.instances()] == ["store"]


def test_a_release_knows_the_migrations_in_its_tree(tiny: Tiny) -> None:
    tiny.build(A)
    assert tiny.target(A).draft().migrations == ()
    for name in ("2_more", "1_first"):
        (tiny.root / "prisma/migrations" / name).mkdir(parents=True)
        tiny.write(f"prisma/migrations/{name}/migration.sql", "select 1;")
    assert tiny.target(A).draft().migrations == ("1_first", "2_more")
    with pytest.raises(OutOfReach, match="`db` is no folder"):
        tiny.target(A, migrations="db").draft()
