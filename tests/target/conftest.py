"""Fixtures of target tests: guests are built where that is possible, and booted on demand.

A test that is marked `target` is skipped where a tool is missing, and says which. With
OOMWATCHD_TARGET=required, as in CI, it fails instead; with OOMWATCHD_TARGET=no it is skipped.
"""

import os
import shutil
from collections.abc import Mapping

import pytest
from target.debs import default_cache
from target.guest import Boot, Guests, Options, Result
from target.machines import ARM, ARM64, MACHINES, Machine
from target.wheel import project_wheel

TOOLS = (
    *(machine.qemu[0] for machine in MACHINES.values()),
    *(f"{machine.triplet}-{machine.compiler}" for machine in MACHINES.values()),
    *("apt-get", "apt-cache", "dpkg-deb", "make", "mke2fs"),
)


def pytest_configure(config: pytest.Config) -> None:
    """Declare the mark."""
    config.addinivalue_line("markers", "target: boots a guest; needs QEMU (tests/target)")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip target tests where they cannot run."""
    wanted = os.environ.get("OOMWATCHD_TARGET", "")
    # mke2fs lies where only root's path leads.
    path = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
    missing = [tool for tool in TOOLS if shutil.which(tool, path=path) is None]
    if wanted == "required" or (wanted != "no" and not missing):
        return
    why = f"target tests need {', '.join(missing)}: see tests/target/packages.txt"
    skip = pytest.mark.skip(reason="OOMWATCHD_TARGET=no" if wanted == "no" else why)
    for item in items:
        if item.get_closest_marker("target"):
            item.add_marker(skip)


@pytest.fixture(scope="session")
def guests() -> Guests:
    """Give what builds and boots guests."""
    return Guests(default_cache(), project_wheel)


@pytest.fixture(scope="session", params=[ARM, ARM64], ids=lambda machine: machine.name)
def machine(request: pytest.FixtureRequest) -> Machine:
    """Give each kind of machine in turn."""
    given: Machine = request.param
    return given


@pytest.fixture(scope="session")
def boot(guests: Guests, machine: Machine) -> Boot:
    """Boot a guest of each kind of machine in turn."""
    return _boot(guests, machine)


@pytest.fixture(scope="session")
def arm(guests: Guests) -> Boot:
    """Boot the ARM device."""
    return _boot(guests, ARM)


@pytest.fixture(scope="session")
def arm64(guests: Guests) -> Boot:
    """Boot the arm64 device."""
    return _boot(guests, ARM64)


def _boot(guests: Guests, machine: Machine) -> Boot:
    def boot(run: str, files: Mapping[str, bytes] | None = None, **options: object) -> Result:
        given = Options(**options)  # type: ignore[arg-type] # checked by the tuple's own names
        return guests.boot(machine, run, given, files=files).checked()

    return boot
