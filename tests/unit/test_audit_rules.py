"""What the audit says of one fact at a time: when it speaks, and when it has nothing to say."""

from pathlib import Path
from typing import Any, NamedTuple

import pytest
from builders import make_kernel, make_meminfo, make_sample, make_stanza
from hypothesis import given, settings
from hypothesis import strategies as st

from oomwatchd.assess.assessment import assess
from oomwatchd.assess.sample import Sample
from oomwatchd.audit.facts import Facts, Tunables
from oomwatchd.audit.finding import Finding, Level
from oomwatchd.audit.findings import findings
from oomwatchd.model import Capabilities, DemandSpec, Request, Version
from oomwatchd.procfs.buddyinfo import BuddyZone
from oomwatchd.procfs.pagetypeinfo import Pagetypeinfo, PagetypeZone
from oomwatchd.settings import Config, Remedies, Survival

EVERYTHING = Capabilities(
    compaction=True,
    per_node_compaction=True,
    compact_async=True,
    reclaim=True,
    drop_caches=True,
    pagetypeinfo=True,
    psi=True,
    kmsg=True,
)
THERE = Facts(
    has_proc_sys=True,
    has_compact_memory=True,
    has_drop_caches=True,
    has_pagetypeinfo=True,
    has_psi_file=True,
    read_only=False,
    uid=0,
    capabilities=EVERYTHING,
)
BUILT_IN = DemandSpec("process", 2, None, Request.KERNEL, 4, 2)
MET = DemandSpec("camera", 2, None, Request.KERNEL, 4, 2)
PAGES = 60000
"""What the sample's zone manages."""
BLOCK = 1024


class Case(NamedTuple):
    """What is given, and what the topic's finding must be: None for no finding at all."""

    topic: str
    level: Level | None
    words: str = ""
    facts: Facts = THERE
    version: Version | None = (6, 1, 0)
    sample: Sample = make_sample()
    config: Config = Config()
    specs: tuple[DemandSpec, ...] = (MET,)


def audit(case: Case) -> tuple[Finding, ...]:
    """Run all rules over a case."""
    kernel = make_kernel(case.version, page_size=case.sample.kernel.page_size)
    sample = case.sample._replace(kernel=kernel)
    return findings(case.facts, assess(sample, case.specs), case.config)


def having(**facts: Any) -> Facts:  # noqa: ANN401 - any field
    """Make facts of a system that has everything, but for what is told."""
    return THERE._replace(**facts)


def lacking(**capabilities: bool) -> Capabilities:
    """Make the capabilities of a system that lacks some."""
    return EVERYTHING._replace(**capabilities)


def tuned(**tunables: int) -> Facts:
    """Make facts with some tunables."""
    return having(tunables=Tunables(**tunables))


def sized(**zone: int) -> Sample:
    """Make a sample whose one zone is otherwise."""
    return make_sample(zoneinfo=(make_stanza(**zone),))


def with_memory(**facts: int | None) -> Sample:
    """Make a sample with another meminfo."""
    return make_sample(meminfo=make_meminfo(**facts))


TWO_NODES = make_sample(
    buddyinfo=tuple(BuddyZone(node, "Normal", (200,) * 11) for node in (0, 1)),
    zoneinfo=(make_stanza(), make_stanza(node=1)),
    pagetypeinfo=None,
)
WITH_DMA32 = make_sample(
    zoneinfo=(make_stanza(zone="DMA32", managed=0, present=0), make_stanza()), pagetypeinfo=None
)
SET_ASIDE = make_sample(
    pagetypeinfo=Pagetypeinfo(
        BLOCK,
        {
            (0, "Normal"): PagetypeZone(
                {"Movable": (200,) * 11, "HighAtomic": (0,) * 11}, {"HighAtomic": 1}, None
            )
        },
    )
)
LARGE_PAGES = make_sample(kernel=make_kernel(page_size=16384))
BY_ORDER = Config(demands=(DemandSpec("a", 3, None, Request.KERNEL),))
BY_SIZE = Config(demands=(DemandSpec("a", None, 65536, Request.KERNEL),))
CMA_SPEC = DemandSpec("video", 4, None, Request.CMA, 1, 0)
SMALL = with_memory(total_kib=249000)
P, N, OK = Level.PROBLEM, Level.NOTE, Level.OK

CASES = {
    # The kernel itself.
    "version unknown": Case("kernel", P, "not known", version=None),
    "older than 3.2": Case("kernel", P, "Linux 3.1.9 is older than 3.2", version=(3, 1, 9)),
    "3.2": Case("kernel", None, version=(3, 2, 0)),
    "large pages, demands by order": Case(
        "page-size", N, "order 2 is 64 KiB here, not 16 KiB", sample=LARGE_PAGES, config=BY_ORDER
    ),
    "large pages, demands by size": Case("page-size", OK, sample=LARGE_PAGES, config=BY_SIZE),
    "usual pages": Case("page-size", None, config=BY_ORDER),
    "no pagetypeinfo": Case("pagetypeinfo", N, "no /proc/pag", having(has_pagetypeinfo=False)),
    "pagetypeinfo closed": Case(
        "pagetypeinfo", N, "cannot be read", having(capabilities=lacking(pagetypeinfo=False))
    ),
    "pagetypeinfo open": Case("pagetypeinfo", OK),
    "pressure off": Case("psi", N, "cannot be read", having(capabilities=lacking(psi=False))),
    "pressure missing": Case(
        "psi", N, "only polls", having(capabilities=lacking(psi=False), has_psi_file=False)
    ),
    "before pressure": Case(
        "psi",
        None,
        facts=having(capabilities=lacking(psi=False), has_psi_file=False),
        version=(4, 19, 0),
    ),
    "pressure": Case("psi", OK),
    # Compaction.
    "no /proc/sys": Case(
        "compaction", P, "no /proc/sys/vm:", having(has_proc_sys=False, has_compact_memory=False)
    ),
    "before compaction": Case(
        "compaction", P, "2.6.35", having(has_compact_memory=False), version=(2, 6, 34)
    ),
    "not compiled in, needing huge pages": Case(
        "compaction", P, "CONFIG_HUGETLB_PAGE", having(has_compact_memory=False), (2, 6, 37)
    ),
    "not compiled in": Case(
        "compaction", P, "without CONFIG_COMPACTION", having(has_compact_memory=False)
    ),
    "not root": Case(
        "compaction",
        P,
        "not for uid 1000",
        having(uid=1000, capabilities=lacking(compaction=False)),
    ),
    "read-only": Case(
        "compaction",
        P,
        "ReadWritePaths=/proc/sys/vm/compact_memory",
        having(read_only=True, capabilities=lacking(compaction=False)),
    ),
    "refused to root": Case(
        "compaction", P, "user namespace", having(capabilities=lacking(compaction=False))
    ),
    "compaction forbidden": Case(
        "compaction", N, "forbids", config=Config(remedies=Remedies(compact=False))
    ),
    "compaction": Case("compaction", OK),
    "compaction not known": Case("compaction", None, facts=Facts()),
    "caches closed": Case("drop-caches", N, "", having(capabilities=lacking(drop_caches=False))),
    "caches closed as all is": Case(
        "drop-caches",
        None,
        facts=having(capabilities=lacking(drop_caches=False, compaction=False)),
    ),
    "caches open": Case("drop-caches", None),
    "nodes not one by one": Case(
        "nodes",
        N,
        "2 nodes",
        having(capabilities=lacking(per_node_compaction=False)),
        sample=TWO_NODES,
    ),
    "nodes one by one": Case("nodes", None, sample=TWO_NODES),
    "one node": Case("nodes", None, facts=having(capabilities=lacking(per_node_compaction=False))),
    "less than a pageblock each": Case(
        "mobility",
        P,
        "is off",
        having(pages_per_block=BLOCK, migratetypes=6, present_pages=6143, managed_pages=5800),
    ),
    "less for large pages": Case(
        "mobility",
        P,
        "4 KiB pages",
        having(pages_per_block=BLOCK, migratetypes=6, present_pages=6143),
        sample=LARGE_PAGES,
    ),
    "hardly a pageblock each": Case(
        "mobility",
        N,
        "may be off",
        having(pages_per_block=BLOCK, migratetypes=6, present_pages=6144, managed_pages=6143),
    ),
    "a pageblock each": Case(
        "mobility",
        None,
        facts=having(pages_per_block=BLOCK, migratetypes=6, present_pages=6500, managed_pages=6144),
    ),
    # Memory.
    "CMA wanted, none there": Case(
        "cma", P, '"video"', sample=with_memory(cma_total_kib=0), specs=(CMA_SPEC,)
    ),
    "CMA wanted, no CMA in the kernel": Case("cma", P, "no CMA area", specs=(CMA_SPEC,)),
    "CMA wanted, not told of": Case("cma", None, version=(3, 10, 0), specs=(CMA_SPEC,)),
    "no CMA, none wanted": Case("cma", None, sample=with_memory(cma_total_kib=0)),
    "a large CMA area": Case(
        "cma", N, "a large part of 256 MiB", sample=with_memory(cma_total_kib=65537)
    ),
    "a small CMA area": Case("cma", OK, sample=with_memory(cma_total_kib=65536)),
    "no swap": Case("swap", OK, "no swap", having(swap_total_kib=0)),
    "swap": Case("swap", OK, "64 MiB of swap", having(swap_total_kib=65536)),
    "swap not known": Case("swap", None),
    "root in RAM": Case("root", N, "(tmpfs)", having(root_fs="tmpfs")),
    "root in an initramfs": Case("root", N, "(rootfs)", having(root_fs="rootfs")),
    "root on flash": Case("root", None, facts=having(root_fs="ubifs")),
    "built-in levels without a page cache": Case(
        "levels",
        N,
        'demand "process" (4 and 2 blocks)',
        having(root_fs="rootfs"),
        specs=(BUILT_IN,),
    ),
    "stated levels without a page cache": Case(
        "levels",
        None,
        facts=having(root_fs="rootfs"),
        config=Config(demands=(BUILT_IN,)),
        specs=(BUILT_IN,),
    ),
    "stated without levels, without a page cache": Case(
        "levels",
        N,
        'demand "process" (4 and 2 blocks)',
        having(root_fs="rootfs"),
        config=Config(demands=(BUILT_IN._replace(warning=None, critical=None),)),
        specs=(BUILT_IN,),
    ),
    "one level stated, without a page cache": Case(
        "levels",
        None,
        facts=having(root_fs="rootfs"),
        config=Config(demands=(BUILT_IN._replace(warning=None),)),
        specs=(BUILT_IN,),
    ),
    "built-in levels with a page cache": Case(
        "levels", None, facts=having(root_fs="ext4"), specs=(BUILT_IN,)
    ),
    "what does not wait, without a page cache": Case(
        "levels",
        None,
        facts=having(root_fs="rootfs"),
        specs=(DemandSpec("memory", 0, None, Request.MOVABLE, 4, 2),),
    ),
    "atomic requests, none watched": Case(
        "atomic", N, "(4096 KiB are set aside as HighAtomic)", sample=SET_ASIDE
    ),
    "atomic requests, watched": Case(
        "atomic",
        None,
        sample=SET_ASIDE,
        specs=(DemandSpec("camera", 2, None, Request.ATOMIC),),
    ),
    "no atomic requests": Case("atomic", None),
    # Demands.
    "never to be met": Case(
        "demands", P, "can never be met", specs=(DemandSpec("x", 11, None, Request.KERNEL),)
    ),
    "low, much available": Case(
        "demands", N, "to 1 or less", specs=(DemandSpec("x", 10, None, Request.KERNEL, 9, 1),)
    ),
    "low, little available": Case(
        "demands",
        N,
        "oomwatchctl",
        sample=with_memory(available_kib=50000),
        specs=(DemandSpec("x", 10, None, Request.KERNEL, 9, 5),),
    ),
    "low in single pages": Case(
        "demands",
        N,
        "headroom 128 MiB",
        specs=(DemandSpec("x", 0, None, Request.MOVABLE, 50000, 1),),
    ),
    "not to be judged": Case("demands", N, "cannot be judged", sample=make_sample(buddyinfo=None)),
    "met": Case("demands", OK),
    "a burst that is cut short": Case(
        "burst",
        N,
        "headroom falls by 24",
        having(tunables=Tunables(watermark_boost_factor=15000), pages_per_block=BLOCK),
        specs=(DemandSpec("x", 4, None, Request.ATOMIC, 40, 24),),
    ),
    "a burst that is stated with the boost": Case(
        "burst",
        None,
        facts=having(tunables=Tunables(watermark_boost_factor=15000), pages_per_block=BLOCK),
        specs=(DemandSpec("x", 4, None, Request.ATOMIC, 40, 25),),
    ),
    "a burst in a zone too small to boost": Case(
        "burst",
        None,
        facts=having(tunables=Tunables(watermark_boost_factor=15000), pages_per_block=16384),
        specs=(DemandSpec("x", 4, None, Request.ATOMIC, 40, 2),),
    ),
    "a burst without a boost": Case(
        "burst",
        None,
        facts=having(tunables=Tunables(watermark_boost_factor=0), pages_per_block=BLOCK),
        specs=(DemandSpec("x", 4, None, Request.ATOMIC, 40, 2),),
    ),
    "a burst of what may sleep": Case(
        "burst",
        None,
        facts=having(tunables=Tunables(watermark_boost_factor=15000), pages_per_block=BLOCK),
        specs=(DemandSpec("x", 4, None, Request.KERNEL, 40, 2),),
    ),
    "nothing watched": Case("demands", None, specs=()),
    # Watermarks.
    "one boost more than doubles": Case(
        "boost",
        N,
        "zone Normal by a pageblock (4096 KiB), though high is only 2916 KiB",
        having(tunables=Tunables(watermark_boost_factor=15000), pages_per_block=BLOCK),
        sample=SMALL,
    ),
    "high is above a pageblock": Case(
        "boost",
        None,
        facts=having(tunables=Tunables(watermark_boost_factor=15000), pages_per_block=512),
        sample=SMALL,
    ),
    "a large device": Case(
        "boost",
        None,
        facts=having(tunables=Tunables(watermark_boost_factor=15000), pages_per_block=BLOCK),
        sample=with_memory(total_kib=262145),
    ),
    "never boosted": Case(
        "boost",
        None,
        facts=having(tunables=Tunables(watermark_boost_factor=0), pages_per_block=BLOCK),
        sample=SMALL,
    ),
    "a zone too small to boost": Case(
        "boost",
        None,
        facts=having(tunables=Tunables(watermark_boost_factor=15000), pages_per_block=16384),
        sample=SMALL,
    ),
    "a small zone boosted all the same": Case(
        "boost",
        N,
        "64 MiB",
        having(tunables=Tunables(watermark_boost_factor=15000), pages_per_block=16384),
        version=(5, 6, 0),
        sample=SMALL,
    ),
    "hardly a reserve": Case(
        "min-free", N, "default here is about 1959", tuned(min_free_kbytes=979)
    ),
    "a great reserve": Case(
        "min-free", N, "kept back.", having(tunables=Tunables(min_free_kbytes=3919), thp=False)
    ),
    "a great reserve before 4.4": Case(
        "min-free",
        N,
        "large blocks in proportion",
        having(tunables=Tunables(min_free_kbytes=3919), thp=False),
        version=(4, 3, 0),
    ),
    "a reserve for huge pages": Case(
        "min-free", None, facts=having(tunables=Tunables(min_free_kbytes=3919), thp=True)
    ),
    "more than huge pages ask for": Case(
        "min-free", N, "", having(tunables=Tunables(min_free_kbytes=16384), thp=True)
    ),
    "the usual reserve": Case("min-free", None, facts=tuned(min_free_kbytes=1959)),
    "another shift": Case(
        "vendor", N, "at 4 instead of 1", tuned(min_free_order_shift=4), version=(3, 18, 0)
    ),
    "the usual shift": Case("vendor", OK, "", tuned(min_free_order_shift=1), version=(3, 18, 0)),
    "a shift without effect": Case("vendor", None, facts=tuned(min_free_order_shift=4)),
    "extra free": Case("vendor", N, "extra_free_kbytes is 4096", tuned(extra_free_kbytes=4096)),
    "no extra free": Case("vendor", None, facts=tuned(extra_free_kbytes=0)),
    # Other settings.
    "another threshold": Case(
        "extfrag-threshold", N, "orders above 3", tuned(extfrag_threshold=900)
    ),
    "another threshold before 4.9": Case(
        "extfrag-threshold", N, "for a request", tuned(extfrag_threshold=0), version=(4, 8, 0)
    ),
    "the usual threshold": Case("extfrag-threshold", None, facts=tuned(extfrag_threshold=500)),
    "no proactive compaction": Case("proactiveness", N, "is 0", tuned(compaction_proactiveness=0)),
    "much proactive compaction": Case(
        "proactiveness", N, "is 21", tuned(compaction_proactiveness=21)
    ),
    "usual proactive compaction": Case(
        "proactiveness", None, facts=tuned(compaction_proactiveness=20)
    ),
    "locked pages stay": Case("unevictable", N, "", tuned(compact_unevictable_allowed=0)),
    "locked pages move": Case("unevictable", None, facts=tuned(compact_unevictable_allowed=1)),
    "defrag_mode without effect": Case("defrag-mode", N, "little effect", tuned(defrag_mode=1)),
    "defrag_mode": Case(
        "defrag-mode", N, "mix pageblocks.", tuned(defrag_mode=1), sample=WITH_DMA32
    ),
    "no defrag_mode": Case("defrag-mode", None, facts=tuned(defrag_mode=0)),
    # Killing.
    "panic for good": Case("panic", P, "stands still", tuned(panic_on_oom=1, panic=0)),
    "panic and reboot": Case("panic", N, "would kill.", tuned(panic_on_oom=1, panic=10)),
    "panic always": Case("panic", N, "control group", tuned(panic_on_oom=2, panic=-1)),
    "no panic": Case("panic", None, facts=tuned(panic_on_oom=0, panic=0)),
    "whoever asks dies": Case("allocating-task", N, "", tuned(oom_kill_allocating_task=1)),
    "the largest dies": Case("allocating-task", None, facts=tuned(oom_kill_allocating_task=0)),
    "early kills": Case("lru-gen", N, "is 1000", having(lru_gen_min_ttl_ms=1000)),
    "no early kills": Case("lru-gen", None, facts=having(lru_gen_min_ttl_ms=0)),
    "Android's killer": Case("lowmemorykiller", N, "", having(lowmemorykiller=True)),
    "no killer": Case("lowmemorykiller", None, facts=having(lowmemorykiller=False)),
    "another compactor": Case(
        "daemons", P, "one of the two", having(processes=frozenset({"adaptivemmd", "sh"}))
    ),
    "a long name": Case(
        "daemons", N, "TriggerKernelOom", having(processes=frozenset({"low-memory-moni"}))
    ),
    "only a notifier": Case("daemons", OK, "", having(processes=frozenset({"psi-notify"}))),
    "others": Case("daemons", None, facts=having(processes=frozenset({"sh", "early"}))),
    # Surroundings.
    "lxcfs": Case("container", P, "host", having(lxcfs=True, container="lxc")),
    "a container": Case("container", N, "(docker)", having(lxcfs=False, container="docker")),
    "no container": Case("container", None, facts=having(lxcfs=False)),
    "another size in meminfo": Case(
        "meminfo", N, "ballooned", having(managed_pages=PAGES), sample=with_memory(total_kib=264001)
    ),
    "the same size in meminfo": Case(
        "meminfo", None, facts=having(managed_pages=PAGES), sample=with_memory(total_kib=264000)
    ),
    "another size by lxcfs": Case(
        "meminfo", None, facts=having(managed_pages=9 * PAGES, lxcfs=True)
    ),
    "hidden processes": Case("hidepid", N, "", having(hidepid=True, sees_others=False)),
    "seen through": Case("hidepid", None, facts=having(hidepid=True, sees_others=True)),
    "none hidden": Case("hidepid", None, facts=having(hidepid=False)),
    "real-time": Case("realtime", N, "no remedy runs", having(realtime="PREEMPT_RT")),
    "real-time, allowed": Case(
        "realtime",
        N,
        "all the same",
        having(realtime="PREEMPT_RT"),
        config=Config(remedies=Remedies(realtime=True)),
    ),
    "not real-time": Case("realtime", None),
    # The daemon itself.
    "to be killed": Case("protection", P, "is -500, not -900", having(oom_score_adj=-500)),
    "to be killed where anybody is": Case(
        "protection",
        P,
        "not -1000",
        having(oom_score_adj=-900, tunables=Tunables(oom_kill_allocating_task=1)),
    ),
    "as configured": Case(
        "protection",
        OK,
        "is 0",
        having(oom_score_adj=0),
        config=Config(survival=Survival(oom_score_adj=0)),
    ),
    "protected": Case("protection", OK, "", having(oom_score_adj=-900)),
    "not locked": Case("protection", P, "not locked", having(locked_kib=0)),
    "not to be locked": Case(
        "protection",
        None,
        facts=having(locked_kib=0),
        config=Config(survival=Survival(lock_memory=False)),
    ),
    "locked": Case("protection", OK, "memory locked", having(locked_kib=9000)),
    "no daemon": Case("protection", None),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_rule_speaks_where_it_applies_and_only_there(case: Case) -> None:
    """One finding of the level, whose sentences hold the words; or none on the topic."""
    found = [finding for finding in audit(case) if finding.topic == case.topic]
    assert [finding.level for finding in found] == ([case.level] if case.level else [])
    assert all(case.words in f"{finding.text} {finding.change}" for finding in found)


@pytest.mark.parametrize("name", ["earlyoom", "nohang", "systemd-oomd", "oomd", "lmkd", "bustd"])
def test_every_killer_is_named_with_what_it_means(name: str) -> None:
    """A note each, also beside others."""
    case = Case("daemons", N, facts=having(processes=frozenset({name, "init", "psi-notify"})))
    notes = [found for found in audit(case) if (found.topic, found.level) == ("daemons", N)]
    assert [note.text.split()[0] for note in notes] == [name]
    assert notes[0].change


def test_nothing_known_is_nothing_said_of_the_system() -> None:
    """Without facts and files the audit says that it cannot judge, and no more."""
    nothing = make_sample(buddyinfo=None, zoneinfo=None, pagetypeinfo=None, meminfo=None)
    found = audit(Case("", None, facts=Facts(), version=None, sample=nothing))
    assert [(finding.topic, finding.level) for finding in found] == [("kernel", P), ("demands", N)]


def test_every_topic_is_in_the_man_page_and_has_its_cases() -> None:
    """Both ways: those of the rules, and the two that the client adds."""
    manual = (Path(__file__).parents[2] / "man" / "oomwatchctl.1").read_text()
    listed = manual.partition("The topics are")[2].partition(".It ")[0].partition(".El")[0]
    topics = {line.split()[1] for line in listed.splitlines() if line.startswith(".Cm ")}
    assert topics == {case.topic for case in CASES.values()} | {"daemon", "configuration"}


NUMBERS = st.one_of(st.none(), st.integers(-(10**18), 10**18))
COUNTS = st.one_of(st.none(), st.integers(0, 1 << 62))
YES_NO = st.one_of(st.none(), st.booleans())
TEXT = st.one_of(st.none(), st.text(max_size=40))
ANY_FACTS = st.builds(
    Facts,
    capabilities=st.one_of(
        st.none(), st.builds(Capabilities, *[st.booleans()] * len(Capabilities._fields))
    ),
    tunables=st.builds(Tunables, *[NUMBERS] * len(Tunables._fields)),
    processes=st.one_of(st.none(), st.frozensets(st.text(max_size=15), max_size=3)),
    **dict.fromkeys(("root_fs", "container", "realtime"), TEXT),
    **dict.fromkeys(("oom_score_adj", "lru_gen_min_ttl_ms"), NUMBERS),
    **dict.fromkeys(
        (
            *("uid", "pages_per_block", "migratetypes", "managed_pages", "present_pages"),
            *("swap_total_kib", "locked_kib"),
        ),
        COUNTS,
    ),
    **dict.fromkeys(
        (
            *("has_proc_sys", "has_compact_memory", "has_drop_caches", "has_pagetypeinfo"),
            *("read_only", "has_psi_file", "thp", "lowmemorykiller", "hidepid", "sees_others"),
            "lxcfs",
        ),
        YES_NO,
    ),
)


@settings(deadline=None, max_examples=300)
@given(ANY_FACTS, st.sampled_from([case.sample for case in CASES.values()]))
def test_any_facts_are_judged_in_clean_sentences(facts: Facts, sample: Sample) -> None:
    """Nothing is raised, whatever a damaged tree tells; foreign text does no harm."""
    for finding in audit(Case("", None, facts=facts, sample=sample)):
        for sentence in (finding.text, finding.change or "."):
            assert sentence.isascii()
            assert sentence.isprintable()
            assert sentence.endswith(".")


@pytest.mark.parametrize(("name", "found"), [("process", True), ("socket", False)])
def test_an_example_of_levels_is_named_where_there_is_one(name: str, *, found: bool) -> None:
    """The profile states levels for process starts alone."""
    specs = (BUILT_IN._replace(name=name),)
    said = audit(Case("levels", N, facts=having(root_fs="rootfs"), specs=specs))
    (finding,) = [finding for finding in said if finding.topic == "levels"]
    assert f"[demand {name}]" in (finding.change or "")
    assert ("read-only-root-in-ram.conf" in (finding.change or "")) is found


def test_problems_come_first_then_notes() -> None:
    """Whatever the order of the rules."""
    facts = tuned(panic_on_oom=1, panic=0, compaction_proactiveness=0)
    levels = [finding.level for finding in audit(Case("", None, facts=facts))]
    assert levels == sorted(levels, key=[P, N, OK].index)
    assert {P, N, OK} == set(levels)
