"""One changed byte anywhere is found: in the file as it lies there, and in a file that was packed again around it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from gonogo.bundle.verify import verify
from tests.bundle import forge

MUTATIONS = 10_000
REPACKED = 2_000


def _changes(size: int, count: int, seed: int) -> Iterator[tuple[int, int]]:
    """(place, what to xor with): every place at least once where the count allows, then at random."""
    chance = random.Random(seed)
    places = list(range(size))
    chance.shuffle(places)
    for at in range(count):
        yield places[at % size], chance.randrange(1, 256)


def _accepted(path: Path, content: bytes) -> bool:
    path.write_bytes(content)
    return verify(path).broken is None


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "mutant.zip"


def test_ten_thousand_mutations_none_accepted(unsigned: Path, place: Path) -> None:
    whole = unsigned.read_bytes()
    assert _accepted(place, whole)
    content = bytearray(whole)
    accepted = []
    for at, bits in _changes(len(content), MUTATIONS, seed=3):
        content[at] ^= bits
        if _accepted(place, bytes(content)):
            accepted.append((at, bits))
        content[at] ^= bits
    assert accepted == []


@pytest.mark.parametrize("bundle", ["unsigned", "signed"])
def test_mutations_of_files_packed_again(bundle: str, place: Path, request: pytest.FixtureRequest) -> None:
    """Beyond the checksums of the packing: manifest, evidence, ledger, statements and signatures, byte for byte."""
    whole = request.getfixturevalue(bundle).read_bytes()
    files = forge.unpacked(whole)
    sizes = [(name, len(data)) for name, data in sorted(files.items()) if len(data) < 200_000]
    total = sum(size for _, size in sizes)
    for at, bits in _changes(total, REPACKED, seed=4):
        name, place_in = _locate(sizes, at)
        data = bytearray(files[name])
        data[place_in] ^= bits
        small = {n: d for n, d in files.items() if len(d) < 200_000} | {name: bytes(data)}
        assert not _accepted(place, forge.repacked(files | small)), (name, place_in, bits)


def _locate(sizes: list[tuple[str, int]], at: int) -> tuple[str, int]:
    for name, size in sizes:
        if at < size:
            return name, at
        at -= size
    raise AssertionError


def test_bytes_left_out_and_added(unsigned: Path, place: Path) -> None:
    whole = unsigned.read_bytes()
    chance = random.Random(5)
    for _ in range(500):
        at = chance.randrange(len(whole))
        assert not _accepted(place, whole[:at] + whole[at + 1 :])
        assert not _accepted(place, whole[:at] + bytes([chance.randrange(256)]) + whole[at:])
        assert not _accepted(place, whole[:at])


def test_every_proof_says_why(unsigned: Path, place: Path) -> None:
    content = bytearray(unsigned.read_bytes())
    for at, bits in _changes(len(content), 300, seed=6):
        content[at] ^= bits
        place.write_bytes(content)
        broken = verify(place).broken
        assert broken is not None
        assert broken.told
        content[at] ^= bits
