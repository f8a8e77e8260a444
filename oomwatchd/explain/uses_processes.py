"""Uses of memory: processes, their pages, and the kernel's own work for them.

Source: mm/, kernel/, fs/exec.c, arch/*/mm/ of Linux 2.6.18 to 6.18, by the names that stand in
stack dumps.
"""

from oomwatchd.explain.use import Use

USES = (
    Use(
        "page_fault_oom",
        "a page fault (the kernel no longer knew of which kind)",
        "pagefault_out_of_memory",
    ),
    Use("sysrq", "nothing: somebody asked for a kill (sysrq-f)", "moom_callback sysrq_handle_moom"),
    Use(
        "page_directory",
        "starting a process: its page directory",
        "pgd_alloc get_pgd_slow _pgd_alloc __pgd_alloc",
    ),
    Use(
        "kernel_stack",
        "starting a process or a thread: its stack in the kernel",
        "dup_task_struct alloc_thread_info* alloc_thread_stack_node*",
    ),
    Use(
        "page_table",
        "a page table of a process",
        "pte_alloc* __pte_alloc* *_pte_alloc_one* pmd_alloc* __pmd_alloc* pud_alloc* "
        "__pud_alloc* __p4d_alloc* page_table_alloc* pte_fragment_alloc pmd_install",
    ),
    Use(
        "process_start",
        "a program's memory, in one piece where there is no MMU",
        "load_flat_binary load_flat_file do_mmap_private",
    ),
    Use(
        "process_start",
        "starting a process",
        "mm_init mm_alloc bprm_mm_init dup_mm dup_mmap copy_mm do_execve* compat_do_execve* "
        "bprm_execve load_elf_binary setup_arg_pages shift_arg_pages search_binary_handler "
        "prepare_binprm begin_new_exec flush_old_exec copy_strings* do_execveat_common "
        "kernel_execve sys_execve __do_execve_file alloc_bprm",
    ),
    Use(
        "process_start",
        "starting a process or a thread",
        "copy_process do_fork _do_fork kernel_clone sys_clone sys_fork sys_vfork copy_files "
        "dup_fd copy_fs copy_sighand copy_signal alloc_pid copy_namespaces copy_creds",
    ),
    Use(
        "swap_in",
        "a page that comes back from swap",
        "do_swap_page swapin_readahead read_swap_cache_async swap_cluster_readahead "
        "swap_vma_readahead shmem_swapin* __read_swap_cache_async swapin_folio",
    ),
    Use(
        "swap_out",
        "the swap itself, as a page was to be written to it",
        "zram_* __zram_* zs_malloc zcomp_* zswap_* zbud_alloc z3fold_alloc zpool_malloc "
        "swap_writepage* __swap_writepage* add_to_swap* get_swap_bio sio_pool_init "
        "zs_zpool_malloc",
    ),
    Use(
        "copy_on_write",
        "a page of a process, copied as it is written to",
        "do_wp_page wp_page_copy do_cow_fault do_huge_pmd_wp_page* hugetlb_cow hugetlb_wp "
        "break_ksm copy_present_page* folio_prealloc page_copy_prealloc",
    ),
    Use(
        "huge_page",
        "a huge page",
        "do_huge_pmd_* khugepaged* __khugepaged* collapse_huge_page alloc_hugepage* "
        "alloc_huge_page* alloc_fresh_huge* alloc_buddy_huge* *alloc_surplus_huge* hugetlb_* "
        "alloc_hugetlb_folio* vma_alloc_anon_folio_pmd alloc_pool_huge* set_max_huge_pages "
        "alloc_charge_folio",
    ),
    Use(
        "page_migration",
        "a page that takes another's place",
        "migrate_pages do_migrate_pages migrate_misplaced_* alloc_migrat* alloc_misplaced_* "
        "new_node_page",
        90,
    ),
    Use(
        "user_page",
        "a page of a process",
        "do_anonymous_page alloc_zeroed_user_* vma_alloc_zeroed_* alloc_anon_folio do_no_page",
    ),
    Use(
        "user_page",
        "a page of a process",
        "handle_mm_fault __handle_mm_fault handle_pte_fault do_fault* __do_fault* "
        "do_pte_missing faultin_page __get_user_pages* get_user_pages* populate_vma_page_range "
        "__mm_populate do_read_fault* do_shared_fault*",
        60,
    ),
    Use(
        "binder",
        "messages between processes (Android's binder)",
        "binder_*",
    ),
    Use(
        "ipc_message",
        "a message in a queue (System V or POSIX)",
        "load_msg do_msgsnd ksys_msgsnd sys_msgsnd do_mq_timedsend sys_mq_timedsend alloc_msg",
    ),
    Use(
        "ipc",
        "semaphores or shared memory (System V)",
        "newary newseg ipcget sem_* ksys_semget",
        80,
    ),
    Use(
        "module_load",
        "loading a module",
        "load_module init_module_from_file module_alloc* sys_init_module sys_finit_module "
        "move_module layout_and_allocate idempotent_init_module",
    ),
    Use(
        "bpf",
        "a BPF program or map",
        "bpf_* __bpf_* sk_attach_filter* __get_filter sys_bpf __sys_bpf seccomp_*",
    ),
    Use(
        "perf",
        "tracing or profiling",
        "perf_* rb_alloc* ring_buffer_* __ring_buffer_* tracing_* __tracing_* ftrace_* "
        "trace_array_* trace_seq_*",
    ),
    Use(
        "kexec",
        "loading the kernel for a crash dump or a restart",
        "kimage_* do_kexec_load kexec_* crash_*",
    ),
    Use(
        "waiting",
        "waiting for files or sockets (select, poll, epoll)",
        "__pollwait pollwait do_select do_sys_poll do_poll ep_* eventpoll* epoll_* ep_ptable*",
        90,
    ),
    Use(
        "notification",
        "watching files (inotify)",
        "inotify_* fsnotify* fanotify_* __fsnotify* inotify_handle_event",
        90,
    ),
    Use(
        "io_uring",
        "the rings of io_uring",
        "io_uring_* io_allocate_scq_urings io_mem_alloc io_create_region* __io_uring* io_sq_* "
        "io_region_*",
    ),
    Use("aio", "asynchronous input and output", "aio_* ioctx_alloc io_setup sys_io_setup", 90),
    Use("futex", "waiting for a lock of a process (futex)", "futex_* do_futex", 80),
    Use("ptrace", "watching a process (ptrace)", "ptrace_* sys_ptrace", 80),
    Use("timer", "a timer", "sys_timer_create do_timer_create timerfd_* hrtimer_init*", 80),
    Use(
        "mapping",
        "the record of a mapping of a process",
        "vm_area_alloc vm_area_dup split_vma __split_vma anon_vma_* __anon_vma_prepare mas_* "
        "vma_merge* __vma_adjust mprotect_fixup",
        70,
    ),
    Use(
        "mapping",
        "what a program maps into its memory",
        "mmap_region __mmap_region do_mmap* do_brk* sys_brk do_munmap do_vmi_*",
        30,
        sure=False,
    ),
    Use(
        "cgroup",
        "a control group",
        "cgroup_* mem_cgroup_css_* mem_cgroup_alloc cpuset_css* css_create alloc_mem_cgroup*",
        80,
    ),
    Use("keys", "keys in the kernel's keyring", "key_alloc keyring_* request_key* add_key*", 80),
)
