"""Real runs, sealed: a small one that nobody signed, and one that two people took part in."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gonogo.bundle.proof import Proof
from gonogo.bundle.seal import Sealed, seal
from gonogo.bundle.verify import verify
from gonogo.cli.main import run as gonogo
from gonogo.engine import deliver
from gonogo.ledger import Ledger
from gonogo.ledger.view import view
from gonogo.model.roster import Person
from gonogo.model.run import RunView
from gonogo.model.sign_off import Word
from gonogo.owners import keys, sign_off
from gonogo.owners.keys import Key
from gonogo.owners.sign_off import Saying
from tests import repository
from tests.bundle import forge
from tests.bundle.forge import Files

PASSPHRASE = "correct horse battery staple"

SMALL = """\
gonogo: 1
title: A small thing
phases:
  - id: "1"
    title: Look
    gates:
      - title: Says hello
        owners: [Ada]
        commands: [sh hello.sh]
        criteria: ["exit == 0", 'output.contains("hello")']
"""

LARGE = """\
gonogo: 1
title: A thing with owners
roster:
  owners:
    DevOps: [ada]
    Backend: {people: [ada, ben], quorum: 2}
sign_offs: [DevOps]
phases:
  - id: "1"
    title: Look
    gates:
      - title: Unit tests
        owners: [Backend]
        commands:
          - {run: sh tests.sh, reports: [{path: out/junit.xml}]}
        criteria: ["tests.failed == 0 && tests.passed > 0"]
        evidence: [out/junit.xml]
      - title: Talks much
        owners: [Backend]
        commands: [sh talk.sh]
        criteria: ["exit == 0"]
        evidence: [talk.log]
      - title: Dashboard
        owners: [DevOps]
        commands:
          - {kind: person, question: Does the dashboard look right?}
        criteria: [person.agrees]
evidence_bundle:
  - group: Tests
    items: [out/junit.xml, out/coverage.json]
  - group: Monitoring
    items: [Grafana screenshots]
"""

JUNIT = """\
<testsuite name="unit" tests="3" failures="0" errors="0" skipped="0" time="0.1">
  <testcase classname="a" name="one" time="0.01"/>
  <testcase classname="a" name="two" time="0.01"/>
  <testcase classname="b" name="three" time="0.01"/>
</testsuite>
"""


@dataclass
class Repository(repository.Repository):
    """A git repository with runs in it; its author is neither of the people who sign."""

    author = "Cleo"

    def run(self, *arguments: str) -> int:
        """`gonogo run` in it."""
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(self.root)
            return int(gonogo(["run", *arguments]))

    def seal(self, path: Path, *signers: Key, run: str = "") -> Sealed:
        ledger = Ledger(self.state / "ledger.db")
        try:
            return seal(ledger, run, self.state, path, signers)
        finally:
            ledger.close()

    def view(self, run: str = "") -> RunView:
        ledger = Ledger(self.state / "ledger.db")
        try:
            return view(ledger, run)
        finally:
            ledger.close()

    def say(
        self, key: Key, owner: str, word: Word = Word.GO, *, gate: str = "", question: str = "", run: str = ""
    ) -> None:
        """Sign what the run is now, and hand it in."""
        seen = self.view(run)
        saying = Saying(owner, word, "because", gate, question)
        envelope, _ = sign_off.make(seen, saying, key, "2026-11-22T10:00:00Z")
        assert deliver(envelope, run_id=seen.id, root=self.root, state=self.state)


def repository_at(root: Path, checklist: str) -> Repository:
    root.mkdir()
    made = Repository(root)
    made.git("init", "-q", "-b", "main")
    made.write("gonogo.yaml", checklist)
    made.write("hello.sh", "echo hello\n")
    made.write("tests.sh", f"mkdir -p out; cat > out/junit.xml <<'END'\n{JUNIT}END\n")
    made.write("talk.sh", "seq 1 400000\n")
    made.write(".gitignore", ".gonogo/state/\nout/\n")
    made.commit()
    return made


@pytest.fixture(scope="session", autouse=True)
def _own_keys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keys of these tests only, and quick ones: the rounds that make guessing slow are not what is tested."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("GONOGO_")]:
            patch.delenv(name)
        patch.setenv("GONOGO_KEYS", str(tmp_path_factory.mktemp("keys")))
        patch.setattr(keys, "ROUNDS", 1)
        yield


@dataclass(frozen=True)
class People:
    """Two people with their keys; their public halves in PEM."""

    ada: Key
    ben: Key
    pem: dict[str, str]


@pytest.fixture(scope="session")
def people(_own_keys: None) -> People:
    pem = {person: keys.create(person, PASSPHRASE) for person in ("ada", "ben", "mallory")}
    return People(keys.unlock("ada", lambda: PASSPHRASE), keys.unlock("ben", lambda: PASSPHRASE), pem)


@pytest.fixture(scope="session")
def mallory(people: People) -> Key:
    """Somebody whose key nobody trusts."""
    return keys.unlock("mallory", lambda: PASSPHRASE)


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """One green gate; GO, without any sign-off."""
    made = repository_at(tmp_path_factory.mktemp("small") / "thing", SMALL)
    assert made.run() == 0
    return made


@pytest.fixture(scope="session")
def large(tmp_path_factory: pytest.TempPathFactory, people: People) -> Repository:
    """Tests, a long log, an answered question, another run in between, and the word of DevOps: from HOLD to GO."""
    root = tmp_path_factory.mktemp("large") / "thing"
    made = repository_at(root, LARGE)
    for person in ("ada", "ben"):
        keys.write(root, Person(person, person.title(), people.pem[person], (f"{person}@example.org",)))
    made.commit()
    assert made.run() == 3
    run = made.view().id
    made.say(people.ada, "DevOps", gate="dashboard", question="dashboard:1")
    made.run("--gate", "talks-much")
    assert made.run("--resume", run) == 3
    made.say(people.ada, "DevOps", run=run)
    assert made.run("--resume", run) == 0
    return made


@pytest.fixture(scope="session")
def decided(large: Repository) -> str:
    """The id of the large repository's run that two people took part in."""
    with contextlib.closing(Ledger(large.state / "ledger.db")) as ledger:
        return ledger.runs()[0]


@pytest.fixture(scope="session")
def unsigned(small: Repository, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("unsigned") / "small.zip"
    small.seal(path)
    return path


@pytest.fixture(scope="session")
def signed(large: Repository, decided: str, people: People, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sealed by Ben."""
    path = tmp_path_factory.mktemp("signed") / "large.zip"
    large.seal(path, people.ben, run=decided)
    return path


@pytest.fixture
def verified(tmp_path: Path) -> Callable[..., Proof]:
    """Verify files, packed canonically, or bytes as they are."""

    def checked(content: Files | bytes, **demands: Any) -> Proof:
        path = tmp_path / "bundle.zip"
        path.write_bytes(content if isinstance(content, bytes) else forge.repacked(content))
        return verify(path, **demands)

    return checked
