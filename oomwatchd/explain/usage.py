"""Advice by what the memory was wanted for, and by what it was used for."""

from collections.abc import Iterator

from oomwatchd.explain.memory import tells_managed
from oomwatchd.explain.situation import Situation
from oomwatchd.units import describe_size

_MUCH = 0.25
_NOTABLE = 0.15
_PAGE_TABLES = 0.05
_FULL = 20
"""Swap of which less than this part is free is full."""

_PURPOSES = {
    "process_start": (
        "Start processes while memory is still in large pieces, and keep them: a helper that "
        "stays, instead of one for each task. Each start needs such a block again."
    ),
    "unix_socket": (
        "Send smaller messages: on kernels up to 3.11 a unix socket takes a block of 16 KiB for "
        "each write of about 8 KiB or more; for one of less than a page it takes a single page."
    ),
    "network_receive": (
        "A packet was dropped, no more: single reports under load are harmless. Where they are "
        "many: a smaller MTU (no jumbo frames), smaller rings, or a driver that receives into "
        "single pages."
    ),
    "usb": "Smaller transfers (URBs) need smaller blocks: most USB drivers have an option for it.",
    "sound": "Take sound buffers at start (prealloc in /proc/asound), or smaller ones.",
    "dma_coherent": (
        "Give the driver a CMA area (CONFIG_DMA_CMA, cma=), or have it take its buffers at start."
    ),
    "seq_file": (
        "Reading a large file of /proc takes one block for its whole text up to 3.14: read it "
        "seldom, or through a smaller one."
    ),
    "packet_ring": "A smaller block size of the packet ring (tp_block_size) takes smaller blocks.",
    "iptables": "Large rule sets take large blocks on old kernels: fewer rules, or ipset.",
}


def by_purpose(it: Situation) -> Iterator[str]:
    """Give advice by what the memory was wanted for."""
    key = it.asked.purpose_key
    if key in ("page_directory", "kernel_stack"):
        key = "process_start"
    if it.asked.order and key in _PURPOSES:
        yield _PURPOSES[key]


def by_uses(it: Situation) -> Iterator[str]:
    """Give advice by what has the memory."""
    uses = it.uses
    in_ram_kib = (uses.shmem_kib or 0) + (uses.unevictable_kib or 0)
    if it.share(in_ram_kib) >= _NOTABLE:
        yield (
            f"{_size(in_ram_kib)} are shared memory, tmpfs, a root file system in RAM or locked: "
            "nothing of that can be dropped. Limit tmpfs (size=), and keep logs and files off it."
        )
    if it.asked.purpose_key == "initramfs":
        yield "A smaller initramfs or kernel leaves more: this is while it is unpacked."
        return
    if it.share(uses.slab_unreclaimable_kib) >= _MUCH:
        names = ", ".join(slab.name for slab in it.report.slabs[:3])
        found = f" (largest: {names})" if names else ""
        yield (
            f"{_size(uses.slab_unreclaimable_kib)} are slab that cannot be reclaimed{found}: "
            "watch /proc/slabinfo for what grows."
        )
    if it.share(uses.page_tables_kib) >= _PAGE_TABLES:
        yield (
            f"{_size(uses.page_tables_kib)} are page tables: many processes that map much. "
            "Fewer processes, or threads."
        )
    if it.share(uses.unaccounted_kib) >= _MUCH:
        kernel = "" if tells_managed(it.kernel) else ", and the kernel itself"
        yield (
            f"{_size(uses.unaccounted_kib)} are in no list of the report: drivers' buffers, "
            f"graphics, network queues, modules{kernel}. That is the first place to look."
        )
    if it.share(uses.anon_kib) >= _MUCH:
        largest = " (see the largest tasks)" if it.report.tasks else ""
        enders = "earlyoom or systemd-oomd end" if it.is_at_least(4, 20) else "earlyoom ends"
        yield (
            f"Programs hold {_size(uses.anon_kib)}{largest}: one that grows for days leaks."
            + (f" {enders} the right one earlier than the kernel does." if it.is_kill else "")
        )
    can_swap = it.is_at_least(3, 14) and it.share(uses.anon_kib) >= _NOTABLE
    if uses.swap_total_kib == 0 and can_swap:
        yield "There is no swap: compressed swap in RAM (zram) holds two to three times as much."
    elif (
        uses.swap_total_kib
        and uses.swap_free_kib is not None
        and uses.swap_free_kib * _FULL < uses.swap_total_kib
    ):
        yield f"Swap is full ({_size(uses.swap_total_kib)}): more of it only delays the end."


def _size(kib: int | None) -> str:
    return describe_size((kib or 0) << 10)
