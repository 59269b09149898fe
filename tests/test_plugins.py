"""Kinds of other people: a plugin that cannot be imported is told as a mistake, whichever way it came."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from gonogo import plugins
from gonogo.errors import InputError
from gonogo.registry import kinds_in, modules
from gonogo.seams import Kind

OUTPUT = '''
from gonogo.plugins import output

@output("shout", media_type="text/plain")
def shout(view):
    """In capitals."""
    return view.id.upper()
'''


def test_no_two_kinds_that_come_with_gonogo_share_a_name() -> None:
    declared = [
        kind
        for package in ("parsers", "tools", "probes", "actions", "outputs", "notices")
        for module in modules(package)
        for kind in kinds_in(module)
        if isinstance(kind, Kind)
    ]
    known = plugins.builtin()
    shelves = (known.probes, known.parsers, known.tools, known.outputs, known.notices)
    assert sorted(kind.name for kind in declared) == sorted(name for shelf in shelves for name in shelf)


@pytest.mark.parametrize(
    ("asked", "others"),
    [
        ("plugins.load().probes['command']", "gonogo.probes.git"),
        ("plugins.load().outputs['text']", "gonogo.outputs.html"),
    ],
)
def test_a_kind_asked_for_by_name_waits_for_no_other(asked: str, others: str) -> None:
    code = f"import sys\nfrom gonogo import plugins\n{asked}\nassert {others!r} not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_kind_is_found_whatever_its_module_is_called() -> None:
    assert plugins.load().tools["uv"].module == "gonogo.tools.python_module"


def test_what_every_command_yields_needs_no_kind_at_all() -> None:
    code = """
import sys
from gonogo import plugins
assert plugins.load().observation_types["exit"].name == "exit"
assert not [name for name in sys.modules if name.startswith(("gonogo.probes", "gonogo.parsers", "gonogo.families"))]
assert "tests.failed" in plugins.load().observation_types
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_plugin_of_the_repository(tmp_path: Path) -> None:
    (tmp_path / "shouting.py").write_text(OUTPUT)
    assert plugins.load(tmp_path).outputs["shout"].doc == "In capitals."
    assert "shout" not in plugins.builtin().outputs


def test_a_broken_plugin_of_the_repository(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("1 / 0\n")
    with pytest.raises(InputError, match=r"cannot import plugin `broken.py`: ZeroDivisionError") as caught:
        plugins.load(tmp_path)
    assert caught.value.diagnostics[0].help == f"mend {tmp_path}/broken.py, or move it out of {tmp_path}"


def test_a_name_that_is_taken(tmp_path: Path) -> None:
    (tmp_path / "again.py").write_text(OUTPUT.replace('"shout"', '"text"'))
    with pytest.raises(InputError, match="two kinds are called `text`"):
        plugins.load(tmp_path)


@pytest.mark.parametrize("body", ["1 / 0", "import no_such_module_anywhere"])
def test_a_broken_plugin_that_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    (tmp_path / "shouting_package.py").write_text(body)
    about = tmp_path / "shouting-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: shouting\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[gonogo.kinds]\nshouting = shouting_package\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(InputError, match="cannot import plugin `shouting_package`"):
        plugins.load()
