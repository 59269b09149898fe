"""`gonogo report --format html` in a real repository: what lies about the run, and what must not be shown."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from gonogo.owners import keys
from tests.cli.conftest import Gonogo, Repository
from tests.outputs.pages import png

SECRET = "s3cr3t-9f8a7b6c5d4e3f2a1b0c"
CHECKLIST = """\
gonogo: 1
title: A linted thing
secret_files: [.env.staging]
phases:
  - id: "1"
    title: Look
    gates:
      - title: Lint
        owners: [Ada]
        commands: [{run: sh lint.sh, reports: [{path: eslint.json, parser: eslint_json}]}]
        criteria: ["lint.errors == 0"]
"""
MESSAGE = '{{"ruleId": "no-secrets", "severity": 2, "message": "Found one", "line": {}, "column": 5}}'


def lint(repository: Repository, *paths: str, line: int = 3) -> None:
    """A linter that finds something in these files."""
    message = MESSAGE.format(line)
    files = ",".join(f'{{"filePath": "{path}", "messages": [{message}], "errorCount": 1}}' for path in paths)
    repository.write("gonogo.yaml", CHECKLIST)
    repository.write(".gitignore", "eslint.json\n.env.staging\n*.html\n")
    repository.write("lint.sh", f"echo '[{files}]' > eslint.json\necho the end of it\nexit 1\n")


def report(gonogo: Gonogo, file: Path) -> str:
    assert gonogo("report", "--format", "html", "-o", str(file)).exit == 0
    return file.read_text()


def test_source_lines_are_those_of_the_commit_that_ran(repository: Repository, gonogo: Gonogo) -> None:
    lint(repository, "src/a.js")
    repository.write("src/a.js", "one();\ntwo();\nthree(as_it_was);\nfour();\n")
    repository.commit()
    assert gonogo("run").exit == 1
    repository.write("src/a.js", "changed since\n" * 9)
    page = report(gonogo, repository.root / "out.html")
    assert "three(as_it_was);" in page
    assert "changed since" not in page
    assert "the end of it" in page


def test_a_file_that_differed_from_the_commit_shows_its_place_only(repository: Repository, gonogo: Gonogo) -> None:
    lint(repository, "src/a.js")
    repository.write("src/a.js", "committed();\n" * 5)
    repository.commit()
    repository.write("src/a.js", "edited();\n" * 5)
    assert gonogo("run", "--allow-dirty").exit == 1
    page = report(gonogo, repository.root / "out.html")
    assert "src/a.js:3:5" in page
    assert "edited();" not in page
    assert "committed();" not in page


def test_s74_a_secret_in_a_source_line_is_redacted(repository: Repository, gonogo: Gonogo) -> None:
    lint(repository, "src/a.js")
    repository.write("src/a.js", f"one();\ntwo();\nlogin('{SECRET}');\n")
    repository.write(".env.staging", f"API_KEY={SECRET}\n")
    repository.commit()
    assert gonogo("run").exit == 1
    page = report(gonogo, repository.root / "out.html")
    assert "login(&#39;[redacted]&#39;);" in page
    assert SECRET not in page


def test_a_report_that_points_out_of_the_repository_shows_nothing_of_it(
    repository: Repository, gonogo: Gonogo, tmp_path: Path
) -> None:
    outside = tmp_path / "outside.js"
    outside.write_text("private();\n" * 9)
    lint(repository, str(outside), "../outside.js", "src/../../outside.js", "--help")
    repository.commit()
    assert gonogo("run").exit == 1
    page = report(gonogo, repository.root / "out.html")
    assert "4 findings" in page
    assert "private();" not in page


def test_evidence_is_linked_from_where_the_page_lies(repository: Repository, gonogo: Gonogo) -> None:
    lint(repository, "src/a.js")
    repository.commit()
    assert gonogo("run").exit == 1
    (repository.root / "public" / "deep").mkdir(parents=True)
    page = report(gonogo, repository.root / "public" / "deep" / "out.html")
    start = page.index('href="../../.gonogo/state/evidence/') + len('href="')
    target = page[start : page.index('"', start)]
    assert (repository.root / "public" / "deep" / target).is_file()
    assert str(repository.root) not in page.replace(f">{repository.root}", "")


def test_without_its_evidence_a_page_is_written_all_the_same(repository: Repository, gonogo: Gonogo) -> None:
    lint(repository, "src/a.js")
    repository.commit()
    assert gonogo("run").exit == 1
    for file in sorted((repository.root / ".gonogo/state/evidence").rglob("*"), reverse=True):
        file.unlink() if file.is_file() else file.rmdir()
    assert "1 finding" in report(gonogo, repository.root / "out.html")


def test_run_writes_the_page_too(repository: Repository, gonogo: Gonogo) -> None:
    file = repository.root.parent / "run.html"
    assert gonogo("run", "--format", "html", "-o", str(file)).exit == 0
    assert '<span class="word">GO</span>' in file.read_text()


SHOWN = """\
gonogo: 1
title: A thing with a dashboard
roster: {owners: {DevOps: [ada]}}
phases:
  - id: "1"
    title: Look
    gates:
      - {title: Dashboard, owners: [DevOps], questions: [Does the dashboard look right?]}
"""


def test_a_picture_that_a_person_attached_stands_in_the_page(
    repository: Repository, gonogo: Gonogo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what only claims to be one does not: an SVG runs, a text is no picture."""
    monkeypatch.setattr(keys, "ROUNDS", 1)
    monkeypatch.setenv(keys.DIRECTORY_VARIABLE, str(tmp_path / "keys"))
    (tmp_path / "passphrase").write_text("a long enough phrase\n")
    monkeypatch.setenv(keys.PASSPHRASE_VARIABLE, str(tmp_path / "passphrase"))
    picture = png(300, 200)
    for name, data in (("seen.png", picture), ("odd.svg", b"<svg onload=x>"), ("odd.jpg", b"no picture")):
        (tmp_path / name).write_bytes(data)
    assert gonogo("keys", "new", "ada", "--email", "ada@example.org").exit == 0
    repository.write("gonogo.yaml", SHOWN)
    repository.commit()
    assert gonogo("run").exit == 3
    attached = [word for name in ("seen.png", "odd.svg", "odd.jpg") for word in ("--attach", str(tmp_path / name))]
    assert gonogo("sign", "--gate", "dashboard", "--go", "-m", "all panels have data", *attached).exit == 0
    assert gonogo("run", "--resume").exit == 0
    page = report(gonogo, tmp_path / "out.html")
    assert page.count("<img ") == 1
    assert base64.b64encode(picture).decode() in page
    assert 'alt="Attached by ' in page
    assert "who says: all panels have data" in page
