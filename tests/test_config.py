from __future__ import annotations

from pathlib import Path

import pytest

from gonogo.config import Settings, gather, prepare_state, seconds
from gonogo.errors import InputError, OperationError


def test_later_sources_win() -> None:
    settings = gather(
        {"jobs": 3, "target": None, "unknown": 1},
        {"GONOGO_JOBS": "2", "GONOGO_TARGET": "local", "GONOGO_TIME_BUDGET": "15m", "GONOGO_KEEP_GOING": "yes"},
    )
    assert (settings.jobs, settings.target, settings.time_budget, settings.keep_going) == (3, "local", 900.0, True)
    assert settings.sources["jobs"] == "command line"
    assert settings.sources["target"] == "GONOGO_TARGET"
    assert settings.sources["allow_dirty"] == "default"


def test_no_color() -> None:
    assert gather({}, {"NO_COLOR": "1"}).colour == "never"
    assert gather({}, {"NO_COLOR": ""}).colour == "auto"
    assert gather({}, {"NO_COLOR": "1", "GONOGO_COLOUR": "always"}).colour == "always"


def test_every_bad_value_is_told() -> None:
    with pytest.raises(InputError) as caught:
        gather(
            {},
            {"GONOGO_JOBS": "-1", "GONOGO_KEEP_GOING": "perhaps", "GONOGO_TIME_BUDGET": "soon", "GONOGO_COLOUR": "x"},
        )
    assert len(caught.value.diagnostics) == 4


@pytest.mark.parametrize(("text", "value"), [("90", 90), ("90s", 90), ("1.5m", 90), ("2h", 7200)])
def test_durations(text: str, value: float) -> None:
    assert seconds(text) == value


@pytest.mark.parametrize("text", ["0", "-1s", "m", "inf", "nan", "1d", ""])
def test_no_durations(text: str) -> None:
    with pytest.raises(ValueError, match="say a duration"):
        seconds(text)


def test_workers_follow_the_cores_unless_told() -> None:
    assert Settings().workers >= 1
    assert Settings(jobs=7).workers == 7


def test_the_state_directory_is_private_and_ignored(tmp_path: Path) -> None:
    made = prepare_state(tmp_path / ".gonogo" / "state")
    assert (made / ".gitignore").read_text() == "*\n"
    assert made.stat().st_mode & 0o077 == 0
    (tmp_path / "file").write_text("")
    with pytest.raises(OperationError, match="cannot write the state directory"):
        prepare_state(tmp_path / "file" / "state")
