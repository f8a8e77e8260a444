"""Which kernel a report is of: as the log says, else as its form allows, never more."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reportforms import ERAS, prefixed, print_report
from reportforms import reports as made_reports
from reportmaker import banner, report, zone

from oomwatchd.explain.kernel import kernel_of, name_of, narrowed, version_before
from oomwatchd.model import Version
from oomwatchd.report.gather import reports
from oomwatchd.report.record import Report
from oomwatchd.report.signs import SIGNS, Window


def unnamed(*signs: str, flags: str | None = None, **changes: object) -> Report:
    """Make a report whose kernel is not named."""
    made = report(zone(), flags=flags, signs=frozenset(signs))._replace(release=None)
    return made._replace(**changes)  # type: ignore[arg-type]


def window(made: Report) -> tuple[str, str]:
    """Give the oldest and the newest that it can be of."""
    found = kernel_of(made)
    return name_of(found.since), name_of(found.last)


# --- Where nothing tells, or lies ---


def test_a_report_that_tells_nothing_may_be_of_any_kernel() -> None:
    """From 2.6.18 to the newest."""
    found = kernel_of(unnamed())
    assert (found.release, found.source, found.is_certain) == (None, "form", False)
    assert (found.version, found.since, found.before) == ((2, 6, 18), (2, 6, 18), None)


@pytest.mark.parametrize("release", ["", "x.y", "next", "\x1b[2J", "1"])
def test_a_release_that_is_none_is_not_believed(release: str) -> None:
    """Its form tells then."""
    found = kernel_of(unnamed("zone: boost")._replace(release=release))
    assert found.since == (5, 16, 0)
    assert found.release is None


def test_signs_that_contradict_each_other_leave_the_newest() -> None:
    """Vendors add what is newer to what is older."""
    assert narrowed([Window((5, 16, 0), None), Window(None, (2, 6, 19))]) == ((5, 16, 0), None)


def test_a_sign_that_nobody_knows_tells_nothing() -> None:
    """No more than its absence."""
    assert kernel_of(unnamed("of another planet")) == kernel_of(unnamed())


# --- Where the log names it ---


def test_the_stack_dump_names_the_kernel() -> None:
    """Over what the log's boot message says: the report may be of the boot before."""
    made = report(zone(), release="4.4.39-tegra", banner=banner("5.10.1"))
    found = kernel_of(made)
    assert (found.release, found.source) == ("4.4.39-tegra", "stack dump")
    assert found.version == found.since == found.last == (4, 4, 39)
    assert found.is_certain


def test_a_boot_message_names_it_too() -> None:
    """Old stack dumps have no release; the compiler's name tells the architecture."""
    made = report(zone(), architecture=None)._replace(
        release=None, banner=banner("2.6.28.9", "(arm-none-linux-gnueabi-gcc) #1")
    )
    found = kernel_of(made)
    assert (found.release, found.source) == ("2.6.28.9", "boot message")
    assert found.version == (2, 6, 28)
    assert found.architecture == "arm"


@pytest.mark.parametrize(
    ("compiler", "architecture"),
    [
        ("aarch64-linux-gnu-gcc", "arm64"),
        ("mipsel-openwrt-linux", "mips"),
        ("x86_64-linux-gnu-gcc-12", "x86_64"),
        ("gcc", None),
    ],
)
def test_a_compiler_tells_the_architecture_or_nothing(
    compiler: str, architecture: str | None
) -> None:
    """No guess beyond it."""
    made = report(zone(), release="6.1.0", banner=banner("6.1.0", f"({compiler})"))
    assert kernel_of(made._replace(architecture=None)).architecture == architecture
    assert kernel_of(made).architecture == "arm"


# --- Where its form tells ---


@pytest.mark.parametrize("sign", SIGNS)
def test_each_sign_narrows_the_window(sign: str) -> None:
    """To what it says, and nothing else."""
    found = kernel_of(unnamed(sign))
    since, before = SIGNS[sign]
    assert found.since == (since or (2, 6, 18))
    assert found.before == before
    assert found.version == found.since


@pytest.mark.parametrize(
    ("signs", "expected"),
    [
        (("Active_anon:",), ("2.6.28", "2.6.31")),
        (("oom_adj= and oom_score_adj=", "tasks: cpu oom_adj oom_score_adj"), ("2.6.36", "3.5")),
        (("zone: free_pcp", "zone: isolated(anon)"), ("4.1", "4.7")),
        (("figures of nodes", "zone: pagetables", "names of GFP flags"), ("4.8", "5.10")),
        (("zone: boost", "tasks: pgtables_bytes"), ("5.16", "6.7")),
    ],
)
def test_several_signs_narrow_it_together(
    signs: tuple[str, ...], expected: tuple[str, str]
) -> None:
    """The newest beginning, the oldest end."""
    assert window(unnamed(*signs)) == expected


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        ("__alloc_pages_internal", ("2.6.26", "2.6.30")),
        ("__alloc_pages_nodemask", ("2.6.31", "5.12")),
        ("warn_alloc_failed", ("3.0", "4.8")),
        ("kernel_clone", ("5.10", "6.18")),
        ("__alloc_pages_noprof", ("6.10", "6.18")),
    ],
)
def test_functions_of_the_stack_tell_the_age(function: str, expected: tuple[str, str]) -> None:
    """As long as they were called so."""
    assert window(unnamed(trace=(function,))) == expected


def test_a_mask_tells_its_family() -> None:
    """0xd0 was GFP_KERNEL up to 4.3, and is a nonsense later."""
    made = report(zone(), release="4.1.0", flags="GFP_KERNEL")._replace(release=None)
    assert kernel_of(made).last < (4, 4, 0)


@pytest.mark.parametrize("release", ["2.6.28", "4.4.0", "4.5.0"])
def test_a_mask_of_nothing_tells_no_family(release: str) -> None:
    """A page fault's kill has it in every kernel up to 5.14; names stand beside it since 4.6."""
    found = kernel_of(report(zone(), release=release, flags="")._replace(release=None))
    assert (found.since, found.before) == ((2, 6, 18), (4, 6, 0))


@settings(deadline=None, max_examples=100)
@given(st.data())
def test_a_kernels_own_report_is_never_taken_for_another_ages(data: st.DataObject) -> None:
    """Without its name, its version is in the window that the form allows."""
    version = data.draw(st.sampled_from(ERAS))
    made = data.draw(made_reports(version))
    assert made.header is not None
    made = made._replace(header=made.header._replace(gfp_mask=0))
    (found,) = reports([prefixed(print_report(made, version), "none")])
    kernel = kernel_of(found._replace(release=None, trace=()))  # its functions are of any age
    assert kernel.since <= version
    assert kernel.before is None or version < kernel.before


@pytest.mark.parametrize(
    ("version", "name"),
    [
        ((2, 6, 31), "2.6.30"),
        ((3, 0, 0), "2.6.39"),
        ((4, 0, 0), "3.19"),
        ((5, 0, 0), "4.20"),
        ((6, 0, 0), "5.19"),
        ((4, 4, 0), "4.3"),
    ],
)
def test_the_series_before_one(version: Version, name: str) -> None:
    """As one calls it."""
    assert name_of(version_before(version)) == name


# --- Page sizes ---


@pytest.mark.parametrize("page_kib", [4, 8, 16, 64])
def test_the_smallest_block_is_a_page(page_kib: int) -> None:
    """In the free lists."""
    found = kernel_of(report(zone(page_kib=page_kib), architecture="arm64"))
    assert (found.page_size, found.knows_page_size) == (page_kib * 1024, True)


@pytest.mark.parametrize("page_kib", [1, 3, 12, 128, 9_999_999_999])
def test_a_page_of_a_size_that_no_kernel_has_is_damage(page_kib: int) -> None:
    """The usual size is taken, and not said to be known."""
    made = report(zone()._replace(smallest_block_kib=page_kib), architecture="arm64")
    found = kernel_of(made)
    assert (found.page_size, found.knows_page_size) == (4096, False)


@pytest.mark.parametrize(
    ("architecture", "release", "expected"),
    [
        ("arm64", "6.1.0", (4096, False)),
        ("powerpc", "6.1.0", (4096, False)),
        (None, "6.1.0", (4096, False)),
        ("arm", "6.1.0", (4096, True)),
        ("x86_64", "6.1.0", (4096, True)),
        ("arm64", "6.12.1-arm64-16k", (16384, True)),
        ("arm64", "6.6.0-64k-lts", (65536, True)),
        ("arm64", "6.6.0-640k", (4096, False)),
    ],
)
def test_without_free_lists_the_architecture_or_the_release_tells(
    architecture: str | None, release: str, expected: tuple[int, bool]
) -> None:
    """Where there is a choice, and no name, it is not known."""
    made = report(zone(blocks=None, free=1000), architecture=architecture)._replace(release=release)
    found = kernel_of(made)
    assert (found.page_size, found.knows_page_size) == expected
