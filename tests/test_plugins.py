"""Kinds of other people: a plugin that cannot be imported is told as a mistake, whichever way it came."""

from __future__ import annotations

from pathlib import Path

import pytest

from gonogo import plugins
from gonogo.errors import InputError

OUTPUT = '''
from gonogo.plugins import output

@output("shout", media_type="text/plain")
def shout(view):
    """In capitals."""
    return view.id.upper()
'''


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
