"""The git probe on real repositories: messages, hooks that are tried, secrets, ignored files."""

from __future__ import annotations

from pathlib import Path

import pytest

from gonogo.model.outcome import Outcome
from gonogo.model.plan import Subject
from gonogo.shapes import SHAPES
from tests.probes.conftest import Look, MemoryContext, Repository

# --- commits -------------------------------------------------------------------------------------------------


def test_the_commits_of_a_branch(look: Look, repository: Repository) -> None:
    repository.commit("before any convention")
    repository.git("switch", "--quiet", "-c", "feature")
    repository.commit("feat(api): a thing")
    bad = repository.commit("fixed stuff")
    seen = look("git", commits=True)
    assert seen.values["commits.checked"] == 2
    assert seen.values["commits.nonconforming"] == 1
    assert seen.findings == [bad]
    assert "`fixed stuff`: not of the form `type(scope): text`" in seen.reading.findings[0].message


def test_merges_and_reverts_are_shown_apart(look: Look, repository: Repository) -> None:
    repository.commit("chore: begin")
    repository.git("switch", "--quiet", "-c", "feature")
    repository.commit("feat: one", {"a.txt": "a"})
    repository.git("revert", "--no-edit", "HEAD")
    repository.git("switch", "--quiet", "-c", "side", "main")
    repository.commit("fix: two", {"b.txt": "b"})
    repository.git("switch", "--quiet", "feature")
    repository.git("merge", "--quiet", "--no-ff", "-m", "Merge branch 'side'", "side")
    seen = look("git", commits=True)
    assert seen.values["commits.merges"] == 1
    assert seen.values["commits.reverts"] == 1
    assert seen.values["commits.checked"] == 2
    assert seen.values["commits.nonconforming"] == 0


def test_on_the_main_branch_the_last_50(look: Look, repository: Repository) -> None:
    repository.commit("long ago, before the convention")
    for number in range(50):
        repository.commit(f"chore: number {number}")
    seen = look("git", commits=True)
    assert seen.values["commits.checked"] == 50
    assert seen.values["commits.nonconforming"] == 0


def test_what_is_not_on_the_remote_main_branch(look: Look, repository: Repository, tmp_path: Path) -> None:
    repository.commit("long ago")
    repository.git("update-ref", "refs/remotes/origin/main", "HEAD")
    repository.commit("fix: new here")
    seen = look("git", commits=True)
    assert seen.values["commits.checked"] == 1
    assert seen.values["commits.nonconforming"] == 0


def test_a_base_that_is_named(look: Look, repository: Repository) -> None:
    first = repository.commit("nothing conventional")
    repository.commit("fix: one")
    assert look("git", commits=True, base=first).values["commits.checked"] == 1
    unknown = look("git", commits=True, base="no-such-branch")
    assert unknown.troubles == {"no-base": Outcome.UNKNOWN}
    assert unknown.values == {}


def test_only_merges_check_nothing(look: Look, repository: Repository) -> None:
    repository.commit("chore: begin")
    repository.git("switch", "--quiet", "-c", "feature")
    repository.commit('Revert "something"')
    seen = look("git", commits=True)
    assert seen.troubles == {"no-commits": Outcome.UNKNOWN}
    assert "commits.nonconforming" not in seen.values


def test_a_repository_without_commits(look: Look, repository: Repository) -> None:
    seen = look("git", commits=True)
    assert seen.troubles == {"no-history": Outcome.UNKNOWN}
    assert seen.values == {}


def test_a_shallow_clone_is_not_the_whole_range(
    look: Look, repository: Repository, tmp_path_factory: pytest.TempPathFactory, context: MemoryContext
) -> None:
    repository.commit("not conventional at all")
    repository.commit("fix: the newest")
    clone = tmp_path_factory.mktemp("clone")
    repository.git("clone", "--quiet", "--depth=1", f"file://{repository.root}", str(clone))
    context.root = clone
    seen = look("git", commits=True)
    assert seen.troubles == {"shallow-clone": Outcome.UNKNOWN}
    assert seen.values == {}


@pytest.mark.parametrize(
    ("subject", "conforms"),
    [
        ("feat: a", True),
        ("feat(api)!: a", True),
        ("fix(deps-dev): a", True),
        ("FIX: a", True),
        ("feat:a", False),
        ("feat : a", False),
        ("feat(): a", False),
        ("wip: a", False),
        ("fixup! feat: a", False),
        ("Feature added", False),
        ("feat: ", False),
    ],
)
def test_conventional_or_not(look: Look, repository: Repository, subject: str, conforms: bool) -> None:
    repository.commit("chore: begin")
    repository.git("switch", "--quiet", "-c", "feature")
    repository.git("commit", "--quiet", "--allow-empty", "--cleanup=verbatim", "-m", subject)
    assert look("git", commits=True).values["commits.nonconforming"] == (0 if conforms else 1)


def test_types_can_be_chosen(look: Look, repository: Repository) -> None:
    repository.commit("deps: bump")
    assert look("git", commits=True).values["commits.nonconforming"] == 1
    assert look("git", commits=True, types=("deps",)).values["commits.nonconforming"] == 0
    assert look("git", commits=True, types=()).values["commits.nonconforming"] == 0


# --- hooks ---------------------------------------------------------------------------------------------------

REFUSING = '#!/bin/sh\ngrep -Eq "^(feat|fix|chore): " "$1" || { echo "subject has no type" >&2; exit 1; }\n'
# As husky 9 writes it into `.husky/_`, which git ignores and `npm install` makes.
HUSKY = """#!/usr/bin/env sh
n=$(basename "$0")
s=$(dirname "$(dirname "$0")")/$n
[ ! -f "$s" ] && exit 0
[ "${HUSKY-}" = "0" ] && exit 0
export PATH="node_modules/.bin:$PATH"
sh -e "$s" "$@"
c=$?
[ $c != 0 ] && echo "husky - $n script failed (code $c)"
[ $c = 127 ] && echo "husky - command not found in PATH=$PATH"
exit $c
"""


def active(look: Look) -> tuple[object, str]:
    seen = look("git", hooks=True)
    return seen.values.get("hooks.active"), "".join(finding.message for finding in seen.reading.findings)


def test_a_hook_that_refuses(look: Look, repository: Repository) -> None:
    repository.write(".git/hooks/commit-msg", REFUSING, executable=True)
    seen = look("git", hooks=True)
    assert seen.values == {"hooks.active": True}
    assert seen.reading.notes == ("`.git/hooks/commit-msg` refused a bad message: subject has no type",)
    assert seen.troubles == {}


def test_no_hook(look: Look, repository: Repository) -> None:
    assert active(look)[0] is False


def test_hooks_present_as_files_but_not_active(look: Look, repository: Repository) -> None:
    repository.write(".husky/commit-msg", "npx --no -- commitlint --edit $1\n", executable=True)
    assert active(look) == (False, "git looks for `.git/hooks/commit-msg`, and there is none: no message is checked")
    repository.git("config", "core.hooksPath", ".husky/_")
    assert active(look) == (False, "git looks for `.husky/_/commit-msg`, and there is none: no message is checked")


def husky(repository: Repository, script: str | None) -> None:
    repository.git("config", "core.hooksPath", ".husky/_")
    repository.write(".husky/_/h", HUSKY)
    repository.write(".husky/_/commit-msg", '#!/usr/bin/env sh\n. "$(dirname "$0")/h"\n', executable=True)
    if script is not None:
        repository.write(".husky/commit-msg", script)


def test_what_a_hook_says_is_not_what_npm_says(look: Look, repository: Repository) -> None:
    script = REFUSING.replace("exit 1;", "echo 'npm warn Unknown user config' >&2; exit 1;")
    repository.write(".git/hooks/commit-msg", script, executable=True)
    assert look("git", hooks=True).reading.notes == (
        "`.git/hooks/commit-msg` refused a bad message: subject has no type",
    )


def test_husky(look: Look, repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HUSKY", raising=False)
    husky(repository, 'grep -q "^chore: " "$1"\n')
    assert active(look) == (True, "")
    monkeypatch.setenv("HUSKY", "0")
    assert active(look) == (False, "`.husky/_/commit-msg` accepts a bad message")


def test_husky_without_the_script_it_calls(look: Look, repository: Repository) -> None:
    husky(repository, None)
    assert active(look) == (False, "`.husky/_/commit-msg` accepts a bad message")


def test_husky_without_what_its_script_calls(look: Look, repository: Repository) -> None:
    husky(repository, "no-such-commitlint --edit $1\n")
    seen = look("git", hooks=True)
    assert seen.troubles == {"hook-broken": Outcome.ERROR}
    assert seen.values == {}


def test_a_hook_that_is_not_executable(look: Look, repository: Repository) -> None:
    repository.write(".git/hooks/commit-msg", REFUSING)
    assert active(look) == (False, "`.git/hooks/commit-msg` is not executable: git passes it over")


@pytest.mark.parametrize("line", ["#!/no/such/interpreter", "#!/usr/bin/env no-such-interpreter"])
def test_a_hook_without_its_interpreter(look: Look, repository: Repository, line: str) -> None:
    repository.write(".git/hooks/commit-msg", f"{line}\nexit 1\n", executable=True)
    value, why = active(look)
    assert value is False
    assert why.endswith(", which is not there")


def test_a_hook_that_accepts_anything(look: Look, repository: Repository) -> None:
    repository.write(".git/hooks/commit-msg", "#!/bin/sh\nexit 0\n", executable=True)
    assert active(look) == (False, "`.git/hooks/commit-msg` accepts a bad message")


def test_a_hook_that_refuses_everything(look: Look, repository: Repository) -> None:
    repository.write(".git/hooks/commit-msg", "#!/bin/sh\necho broken >&2\nexit 1\n", executable=True)
    assert active(look) == (False, "`.git/hooks/commit-msg` refuses a good message too: broken")


def test_a_hook_that_hangs(look: Look, repository: Repository, context: MemoryContext) -> None:
    repository.write(".git/hooks/commit-msg", "#!/bin/sh\nexec sleep 60\n", executable=True)
    context.timeout = 0.5
    seen = look("git", hooks=True)
    assert seen.troubles == {"hook-broken": Outcome.ERROR}
    assert seen.values == {}


def test_trying_a_hook_makes_no_commit(look: Look, repository: Repository) -> None:
    head = repository.commit("chore: begin")
    repository.write(".git/hooks/commit-msg", REFUSING, executable=True)
    look("git", hooks=True)
    assert repository.git("rev-parse", "HEAD") == head
    assert repository.git("status", "--porcelain") == ""


# --- secrets -------------------------------------------------------------------------------------------------

FAKE = {shape.rule: shape.example.decode() for shape in SHAPES}


@pytest.mark.parametrize("rule", FAKE)
def test_a_secret_in_a_tracked_file(look: Look, repository: Repository, rule: str) -> None:
    repository.commit("chore: begin", {"src/config.ts": f"// config\nexport const key = '{FAKE[rule]}';\n"})
    seen = look("git", secrets=True)
    assert seen.values == {"secrets.committed": 1}
    (finding,) = seen.reading.findings
    assert (finding.id, finding.path, finding.line) == (f"{rule}:src/config.ts", "src/config.ts", 2)
    assert FAKE[rule].encode() not in seen.stored


def test_no_secret(look: Look, repository: Repository) -> None:
    files = {
        "a.ts": "const AKIA = 1\n",
        ".env.example": "TOKEN=<generate>\nB=1\n",
        "docs/aws.md": "such as AKIAIOSFODNN7EXAMPLE\n",
    }
    repository.commit("chore: begin", files)
    repository.write("untracked.txt", FAKE["github-token"])
    seen = look("git", secrets=True)
    assert seen.values == {"secrets.committed": 0}
    assert seen.troubles == {}


@pytest.mark.parametrize(
    "line",
    [
        "postgres://app:f8Kq2mV9@localhost:5432/app",
        "postgres://app:f8Kq2mV9@db:5432/app",
        "https://user:f8Kq2mV9@host.example.com/x",
        "postgres://app:app@db.prod.io/app",
        "postgres://app:<password>@db.prod.io/app",
        "postgres://app:${DB_PASSWORD}@db.prod.io/app",
        "postgres://app:changeme@db.prod.io/app",
        "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "npm_config_user_agent_and_whatever_else_npm_sets",
        "secret_access_key: str",
    ],
)
def test_what_guards_nothing_is_no_secret(look: Look, repository: Repository, line: str) -> None:
    repository.commit("chore: begin", {"notes.txt": f"{line}\n"})
    assert look("git", secrets=True).findings == []


def test_a_password_in_the_url_of_an_example_file(look: Look, repository: Repository) -> None:
    url = "postgres://app:f8Kq" + "2mV9@db.prod.io/app"
    repository.commit("chore: begin", {".env.example": f"DATABASE_URL={url}\n", "src/db.ts": f'connect("{url}")\n'})
    assert look("git", secrets=True).findings == ["url-password:src/db.ts"]


@pytest.mark.parametrize("path", ["production.env", "config/staging.env", "app.env.local", ".env", "deploy/.env.prod"])
def test_env_files_by_any_name(look: Look, repository: Repository, path: str) -> None:
    repository.commit("chore: begin", {path: "DB_PASSWORD=real-value\n", "example.env": "A=b\n"})
    assert look("git", secrets=True).findings == [f"env-file:{path}"]


def test_a_secret_that_only_the_commit_still_holds(look: Look, repository: Repository) -> None:
    repository.commit("chore: begin", {"a.txt": FAKE["github-token"]})
    repository.write("a.txt", "cleaned, but not committed\n")
    seen = look("git", secrets=True)
    assert seen.values == {"secrets.committed": 1}
    assert seen.findings == ["committed:a.txt"]


def test_tracked_env_files(look: Look, repository: Repository) -> None:
    repository.commit("chore: begin", {".env.staging": "# x\nDB_PASSWORD=real-value\nEMPTY=\nTODO=changeme\n"})
    repository.commit("chore: more", {"backend/.env": "A=<fill-in>\n", "backend/.env.example": "A=real\n"})
    seen = look("git", secrets=True)
    assert seen.findings == ["env-file:.env.staging"]
    assert seen.reading.findings[0].message == "a tracked env file that holds values: `DB_PASSWORD`"
    assert seen.reading.findings[0].line == 2
    assert b"real-value" not in seen.stored


def test_allowed_paths_are_shown(look: Look, repository: Repository) -> None:
    repository.commit("chore: begin", {"tests/data/key.pem": FAKE["private-key"]})
    seen = look("git", secrets=True, allow=("tests/data/*",))
    assert seen.values == {"secrets.committed": 0}
    assert seen.reading.notes == ("not searched for secrets: tests/data/*",)


def test_without_a_commit_nothing_was_searched(look: Look, repository: Repository) -> None:
    repository.write("a.txt", FAKE["github-token"])
    seen = look("git", secrets=True)
    assert seen.troubles == {"not-searched": Outcome.UNKNOWN}
    assert seen.values == {}


def test_odd_file_names(look: Look, repository: Repository) -> None:
    name = "-a b\n\u00e9:\u2713.txt"
    repository.write(name, FAKE["github-token"])
    repository.git("add", "--", name)
    repository.commit("chore: begin")
    assert look("git", secrets=True).findings == [f"github-token:{name}"]


# --- the tree ------------------------------------------------------------------------------------------------


def test_the_tree(look: Look, repository: Repository, context: MemoryContext) -> None:
    commit = repository.commit("chore: begin", {".gitignore": "*.log\n", "build.log": "x", "a.txt": "a"})
    context.subject = Subject(commit=commit, dirty=("a.txt",), pushed=False)
    seen = look("git", tree=True)
    assert seen.values == {"tree.clean": False, "tree.pushed": False, "tree.tracked_ignored": 1}
    assert seen.findings == ["dirty:a.txt", "ignored:build.log"]


def test_whether_it_is_pushed_may_be_unknown(look: Look, repository: Repository, context: MemoryContext) -> None:
    context.subject = Subject(commit=repository.commit("chore: begin"), pushed=None)
    assert look("git", tree=True).values == {"tree.clean": True, "tree.tracked_ignored": 0}


def test_all_parts_where_none_is_named(look: Look, repository: Repository, context: MemoryContext) -> None:
    context.subject = Subject(commit=repository.commit("chore: begin"))
    seen = look("git")
    assert set(seen.values) >= {"commits.nonconforming", "hooks.active", "secrets.committed", "tree.clean"}


def test_outside_of_any_repository(look: Look, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    seen = look("git")
    assert seen.values == {}
    assert set(seen.troubles) == {"no-history", "no-git", "not-searched"}
