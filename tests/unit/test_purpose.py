"""What the memory was for: told from the functions of a stack dump."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oomwatchd.explain.purpose import USES, Purpose, purpose

DUMP = ("dump_stack", "dump_header", "oom_kill_process", "out_of_memory", "__alloc_pages_nodemask")


def told(
    functions: str, order: int | None = 0, architecture: str | None = "arm", comm: str = "sh"
) -> Purpose:
    """Tell from functions that stand one outside of another; there is an answer."""
    found = purpose((*DUMP, *functions.split()), comm, order, architecture)
    assert found is not None
    return found


def test_no_stack_tells_nothing() -> None:
    """A report without a stack dump, or with the allocator's own functions alone."""
    assert purpose((), None, None, None) is None
    assert purpose(DUMP, "sh", 0, "arm") is None


def test_unknown_functions_tell_nothing() -> None:
    """A vendor's driver that nobody knows; the allocator it used would be no answer either."""
    assert purpose((*DUMP, "acme_probe_it", "acme_thread"), "acme", 2, "arm") is None


def test_what_was_interrupted_is_not_asked() -> None:
    """A driver's interrupt comes while a process starts: that has no part in it."""
    stack = "acme_fill __do_softirq irq_exit handle_IRQ __irq_svc dup_mm copy_process do_fork"
    assert purpose((*DUMP, *stack.split()), "sh", 0, "arm") is None


def test_who_touched_a_page_is_not_asked() -> None:
    """A fault while a message is copied: the page is what the memory was for."""
    stack = "handle_mm_fault do_page_fault __dabt_svc memcpy unix_stream_sendmsg"
    assert told(stack).key == "user_page"


def test_only_the_allocators_is_not_sure() -> None:
    """Small objects serve many ends."""
    found = told("new_slab __slab_alloc kmem_cache_alloc acme_open")
    assert (found.key, found.sure) == ("slab", False)
    assert told("kmalloc_order __kmalloc acme_open", order=4).key == "kmalloc"
    assert told("kmalloc_order acme_do acme_ioctl vfs_ioctl", order=4).function == "acme_ioctl"


def test_reclaim_is_asked_for_itself() -> None:
    """What swaps out on the way needs memory; who waits for it does not matter."""
    stack = "zs_malloc zram_bvec_rw swap_writepage shrink_zone try_to_free_pages do_anonymous_page"
    assert told(stack).key == "swap_out"
    stack = "kmem_cache_alloc acme_shrink shrink_slab try_to_free_pages do_anonymous_page"
    assert told(stack).key == "slab"


def test_a_thread_of_the_kernel_may_tell_by_its_name() -> None:
    """Where the stack is missing: some threads do one thing only. It is not sure."""
    found = purpose((), "khugepaged", 9, "x86_64")
    assert found is not None
    assert (found.key, found.sure) == ("huge_page", False)
    assert purpose((), "kswapd0", 0, "arm") is None


@pytest.mark.parametrize(
    ("stack", "key"),
    [
        ("get_pgd_slow mm_init mm_alloc do_execve sys_execve", "page_directory"),
        ("pgd_alloc mm_init dup_mm copy_process do_fork sys_fork", "page_directory"),
        ("alloc_thread_info dup_task_struct copy_process", "kernel_stack"),
        ("pte_alloc_one __pte_alloc copy_page_range dup_mm copy_process", "page_table"),
        ("new_slab kmem_cache_alloc dup_mm copy_process", "process_start"),
        ("do_anonymous_page handle_mm_fault do_page_fault", "user_page"),
        ("do_wp_page handle_mm_fault do_page_fault", "copy_on_write"),
        ("read_swap_cache_async swapin_readahead handle_mm_fault", "swap_in"),
        ("__do_page_cache_readahead ra_submit filemap_fault __do_fault", "read_ahead"),
        ("__page_cache_alloc filemap_fault __do_fault handle_mm_fault", "page_cache"),
        ("grow_dev_page __getblk ext4_get_inode_loc ext4_iget", "page_cache"),
        ("kmem_cache_alloc jbd2_journal_start ext4_da_write_begin sys_write", "filesystem"),
        ("__kmalloc __alloc_skb sock_alloc_send_pskb unix_stream_sendmsg", "unix_socket"),
        ("__alloc_skb netlink_dump netlink_recvmsg", "netlink"),
        ("__alloc_skb sk_stream_alloc_skb tcp_sendmsg", "tcp_send"),
        ("__alloc_skb sock_alloc_send_skb __ip_append_data udp_sendmsg", "udp_send"),
        ("__alloc_skb acme_do", "socket_buffer"),
        ("__alloc_skb __netdev_alloc_skb fec_enet_rx_napi net_rx_action", "network_receive"),
        ("__alloc_skb dev_alloc_skb rt2x00queue_alloc_rxskb", "wifi"),
        ("rtl8169_rx_interrupt rtl8169_poll net_rx_action", "network_receive"),
        ("skb_copy tg3_start_xmit dev_hard_start_xmit tcp_write_xmit", "network_transmit"),
        ("sk_prot_alloc tcp_v4_rcv ip_rcv __netif_receive_skb ieee80211_rx", "tcp"),
        ("__dma_alloc arm_dma_alloc acme_probe driver_probe_device", "dma_coherent"),
        ("dma_alloc_coherent e100_alloc_cbs e100_up dev_open devinet_ioctl", "dma_coherent"),
        ("__dma_alloc snd_malloc_dev_pages snd_pcm_lib_malloc_pages", "sound"),
        ("alloc_contig_range cma_alloc acme_ioctl", "cma"),
        ("kmalloc_order __kmalloc proc_submiturb usbdev_ioctl", "usb"),
        ("vb2_dc_alloc __vb2_queue_alloc vb2_core_reqbufs", "video"),
        ("shmem_getpage_gfp shmem_read_mapping_page_gfp drm_gem_get_pages", "graphics"),
        ("shmem_getpage_gfp generic_perform_write vfs_write", "tmpfs"),
        ("shmem_getpage_gfp generic_perform_write xwrite unpack_to_rootfs", "initramfs"),
        ("alloc_pipe_info create_pipe_files sys_pipe", "pipe"),
        ("kmalloc_order seq_read proc_reg_read vfs_read", "seq_file"),
        ("load_msg do_msgsnd sys_msgsnd", "ipc_message"),
        ("__vmalloc_node load_module sys_init_module", "module_load"),
        ("vzalloc alloc_one_pg_vec_page packet_set_ring", "packet_ring"),
        ("xt_alloc_table_info do_replace do_ipt_set_ctl", "iptables"),
        ("tty_buffer_alloc tty_insert_flip_string uart_insert_char", "tty"),
        ("request_firmware acme_probe", "firmware"),
        ("moom_callback process_one_work", "sysrq"),
        ("pagefault_out_of_memory mm_fault_error do_page_fault", "page_fault_oom"),
        ("kmem_cache_alloc squashfs_alloc_inode alloc_inode", "filesystem"),
        ("binder_mmap mmap_region", "binder"),
    ],
)
def test_the_most_telling_function_decides(stack: str, key: str) -> None:
    """From the allocator outward, past what serves many ends."""
    found = told(stack)
    assert found.key == key
    assert found.sure


def test_a_page_directory_is_hard_to_get_on_32_bit_arm() -> None:
    """There it is four pages in one piece; elsewhere, and with LPAE, it is not said."""
    stack = "pgd_alloc mm_init mm_alloc do_execve"
    assert told(stack, 2, "arm").what == (
        "starting a process: its page directory (16 KiB in one piece on 32-bit ARM)"
    )
    assert told(stack, 0, "arm").what == "starting a process: its page directory"
    assert told(stack, 2, None).what == "starting a process: its page directory"


def test_what_the_compiler_inlined_is_told_by_the_order() -> None:
    """pgd_alloc() inside mm_init(), the stack of a thread inside copy_process()."""
    assert told("mm_init do_execve", 2, "arm").key == "page_directory"
    assert told("mm_init do_execve", 0, "arm").key == "process_start"
    assert told("copy_process.part.7 do_fork", 1, "arm").key == "kernel_stack"
    # Not where it was a slab that was to grow: its order says nothing.
    assert told("new_slab kmem_cache_alloc copy_process do_fork", 1, "arm").key == "process_start"


def test_the_module_is_named_where_it_helps() -> None:
    """Which driver it was, as far as the stack names modules."""
    trace = (*DUMP, "__netdev_alloc_skb", "rx_submit [usbnet]", "smsc95xx_thing [smsc95xx]")
    found = purpose(trace, None, 0, "arm")
    assert found is not None
    assert found.what == "a packet that a network driver receives (module usbnet)"
    found = purpose((*DUMP, "unix_stream_sendmsg [unix]"), None, 2, "arm")
    assert found is not None
    assert found.what == "a message on a unix socket"


def test_what_compilers_add_to_names_is_passed_over() -> None:
    """Parts and copies of functions count as the function."""
    for name in ("do_wp_page.isra.0", "do_wp_page.constprop.12", "do_wp_page.cold"):
        assert told(name).function == "do_wp_page"


def test_the_table_can_be_read_aloud() -> None:
    """Each text goes on from "The memory was for ", and each use has functions."""
    for use in USES:
        assert use.what == use.what.strip(" .")
        assert use.functions.split()
        assert use.key.isidentifier()


known = st.sampled_from(sorted({name for use in USES for name in use.functions.split()}))


@given(
    trace=st.lists(known | st.text(max_size=30), max_size=64).map(tuple),
    comm=st.none() | st.text(max_size=16),
    order=st.none() | st.integers(-1, 40),
    architecture=st.none() | st.sampled_from(["arm", "arm64", "mips", "x86_64", ""]),
)
def test_any_stack_can_be_told_of(
    trace: tuple[str, ...], comm: str | None, order: int | None, architecture: str | None
) -> None:
    """Whatever a damaged log has for a stack; what decided stands in it."""
    found = purpose(trace, comm, order, architecture)
    if found is not None and found.function:
        assert any(frame.startswith(found.function) for frame in trace)
