"""Kernel files are read whole, with no more reads than it takes."""

import os
from pathlib import Path

import pytest

from oomwatchd.system.files import KernelFile

BUFFER_BYTES = 16 * 1024


@pytest.mark.parametrize("length", [0, 1, BUFFER_BYTES - 1, BUFFER_BYTES, 3 * BUFFER_BYTES + 5])
@pytest.mark.parametrize("single_record", [False, True])
def test_a_text_of_any_length_is_read_whole(
    length: int, tmp_path: Path, *, single_record: bool
) -> None:
    """Whether or not one read is enough."""
    path = tmp_path / "text"
    path.write_bytes(b"x" * length)
    file = KernelFile(str(path), single_record=single_record)
    assert file.read() == b"x" * length
    assert file.read() == b"x" * length
    file.close()


@pytest.mark.parametrize(("single_record", "reads"), [(False, 2), (True, 1)])
def test_the_end_of_a_single_record_needs_no_proof(
    reads: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, single_record: bool
) -> None:
    """Others may go on after any record."""
    path = tmp_path / "text"
    path.write_bytes(b"MemTotal: 1 kB\n")
    file = KernelFile(str(path), single_record=single_record)
    offsets: list[int] = []
    pread = os.pread

    def counted(descriptor: int, length: int, offset: int) -> bytes:
        offsets.append(offset)
        return pread(descriptor, length, offset)

    monkeypatch.setattr(os, "pread", counted)
    file.read()
    file.close()
    assert len(offsets) == reads
