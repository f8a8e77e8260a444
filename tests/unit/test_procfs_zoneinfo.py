"""/proc/zoneinfo through the eras of its text."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import (
    ZONEINFO_ERAS,
    ZoneinfoEra,
    print_zoneinfo,
    shows_where_and_what,
    zoneinfos,
)

from oomwatchd.errors import ParseError
from oomwatchd.procfs.zoneinfo import ZoneinfoZone, parse

ABSENT = ZoneinfoZone(0, "Normal", *[None] * 10)

LINUX_2_6_18 = b"""\
Node 0, zone   Normal
  pages free     1775
        min      316
        low      395
        high     474
        active   10113
        inactive 8712
        scanned  0 (a: 12 i: 4)
        spanned  28672
        present  28671
    nr_anon_pages 5917
        protection: (0, 0, 0, 0)
  pagesets
    cpu: 0 pcp: 0
              count: 7
              low:   0
              high:  18
              batch: 3
  all_unreclaimable: 0
  prev_priority:     12
  temp_priority:     12
  start_pfn:         4096
"""

LINUX_3_10 = b"""\
Node 0, zone   Normal
  pages free     7000
        min      500
        low      625
        high     750
        scanned  0
        spanned  65536
        present  65536
        managed  62000
    nr_free_pages 7000
    nr_inactive_anon 9
    nr_free_cma  1200
        protection: (0, 0)
  pagesets
    cpu: 0
              count: 100
              high:  186
              batch: 31
  vm stats threshold: 8
  all_unreclaimable: 0
  start_pfn:         0
  inactive_ratio:    1
"""

LINUX_6_13 = b"""\
Node 0, zone   Normal
  per-node stats
      nr_inactive_anon 46596
      nr_free_cma_like 3
  pages free     14329
        boost    1024
        min      1413
        low      1912
        high     2411
        promo    2910
        spanned  524288
        present  524288
        managed  499712
        cma      16384
        protection: (0, 0, -1, 12)
      nr_free_pages 14329
      nr_free_pages_blocks 512
      nr_free_cma  600
  pagesets
    cpu: 0
              count:    319
              high:     378
              batch:    63
              high_min: 378
              high_max: 12000
  node_unreclaimable:  0
  start_pfn:           512
Node 0, zone  Movable
  pages free     0
        boost    0
        min      0
        low      0
        high     0
        promo    0
        spanned  0
        present  0
        managed  0
        cma      0
        protection: (0, 0, 0, 0)
"""

LINUX_5_8_EMPTY = b"""\
Node 0, zone   Normal
  pages free     0
        min      0
        low      0
        high     0
        spanned  0
        present  0
        managed  0
"""


def test_a_stanza_of_2_6_18() -> None:
    """Neither managed nor CMA nor boost: present counts, the rest is None."""
    (zone,) = parse(LINUX_2_6_18)
    assert zone == ABSENT._replace(
        free=1775, min=316, low=395, high=474, present=28671, protection=(0, 0, 0, 0)
    )


def test_a_stanza_of_3_10() -> None:
    """Managed and free CMA pages; `high:` of the per-CPU lists is another thing."""
    (zone,) = parse(LINUX_3_10)
    assert zone == ABSENT._replace(
        free=7000,
        min=500,
        low=625,
        high=750,
        present=65536,
        managed=62000,
        nr_free_cma=1200,
        protection=(0, 0),
    )


def test_the_stanzas_of_6_13() -> None:
    """Boost, CMA total and counters behind protection; empty zones are printed."""
    normal, movable = parse(LINUX_6_13.replace(b"-1", b"7"))
    assert normal == ZoneinfoZone(
        node=0,
        zone="Normal",
        free=14329,
        boost=1024,
        min=1413,
        low=1912,
        high=2411,
        present=524288,
        managed=499712,
        cma=16384,
        nr_free_cma=600,
        protection=(0, 0, 7, 12),
    )
    assert movable.protection == (0, 0, 0, 0)


def test_an_empty_zone_of_5_8_ends_before_protection() -> None:
    """What that kernel leaves out is None."""
    (zone,) = parse(LINUX_5_8_EMPTY)
    assert zone.protection is None


FAULTS = {
    "empty": (b"", "zoneinfo:1: no zone in the file"),
    "another file": (b"MemTotal: 1 kB\n", 'zoneinfo:1: no zone in the file: "MemTotal: 1 kB"'),
    "a word for a mark": (
        LINUX_3_10.replace(b"500", b"many"),
        'zoneinfo:3: not a number as the kernel prints it: "        min      many"',
    ),
    "no number": (
        LINUX_3_10.replace(b"min      500", b"min      "),
        'zoneinfo:3: not a number as the kernel prints it: "        min      "',
    ),
    "a negative reserve": (
        LINUX_6_13,
        'zoneinfo:15: not a number as the kernel prints it: "        protection: (0, 0, -1, 12)"',
    ),
    "a zone twice": (
        LINUX_3_10 * 2,
        'zoneinfo:23: the zone stands twice: "Node 0, zone   Normal"',
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_names_file_line_and_text(name: str) -> None:
    """What no kernel prints is refused in one line that shows it."""
    data, message = FAULTS[name]
    with pytest.raises(ParseError) as caught:
        parse(data)
    assert str(caught.value) == message
    assert shows_where_and_what(caught.value, "zoneinfo")


@pytest.mark.parametrize("era", ZONEINFO_ERAS, ids=lambda era: era.since)
@settings(deadline=None, max_examples=25)
@given(data=st.data())
def test_what_the_kernel_prints_is_read_back(era: ZoneinfoEra, data: st.DataObject) -> None:
    """Any numbers come back as they were, and what an era does not print is None."""
    zones = data.draw(zoneinfos(era))
    assert parse(print_zoneinfo(zones, era)) == zones
