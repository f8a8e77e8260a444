"""Uses of memory: files, their pages in the page cache, and file systems.

Source: fs/ and mm/filemap.c of Linux 2.6.18 to 6.18, by the names that stand in stack dumps.
"""

from oomwatchd.explain.use import Use

USES = (
    Use(
        "initramfs",
        "unpacking the initramfs",
        "unpack_to_rootfs populate_rootfs do_populate_rootfs xwrite",
    ),
    Use(
        "firmware",
        "loading firmware for a device",
        "fw_get_filesystem_firmware* request_firmware* _request_firmware* fw_load_* "
        "firmware_loading_* fw_realloc_* fw_grow_paged_buf kernel_read_file* "
        "firmware_data_write assign_fw fw_map_pages*",
    ),
    Use(
        "tmpfs",
        "a file in tmpfs, or shared memory",
        "shmem_* __shmem_* ramfs_* simple_write_begin",
        97,
    ),
    Use(
        "read_ahead",
        "reading a file ahead",
        "*page_cache_readahead* ra_submit *page_cache_ra_* ondemand_readahead* "
        "*page_cache_async_ra* *page_cache_sync_ra* do_sync_mmap_readahead* "
        "do_async_mmap_readahead force_page_cache_r* ra_alloc_folio do_page_cache_ra "
        "readahead_expand page_cache_readahead_*",
    ),
    Use(
        "page_cache",
        "a page of a file that is written",
        "grab_cache_page_write_begin generic_file_buffered_write* __grab_cache_page",
    ),
    Use(
        "page_cache",
        "a page of a file that is written",
        "generic_perform_write *_write_begin *_prepare_write iomap_write_* "
        "iomap_file_buffered_write",
        94,
    ),
    Use(
        "page_cache",
        "a page of a program or of a mapped file",
        "filemap_fault filemap_nopage *_filemap_fault* page_cache_read",
    ),
    Use(
        "page_cache",
        "a block of a file system or of a device",
        "grow_dev_page grow_buffers* __getblk* __bread* alloc_page_buffers* alloc_buffer_head* "
        "create_empty_buffers grow_dev_folio bdev_getblk block_write_* block_read_* "
        "create_page_buffers read_dev_sector block_page_mkwrite sb_bread* folio_alloc_buffers",
    ),
    Use(
        "page_cache",
        "a page of a file",
        "add_to_page_cache* __add_to_page_cache* find_or_create_page pagecache_get_page "
        "__filemap_get_folio* do_generic_file_read* generic_file_buffered_read filemap_read "
        "filemap_get_pages do_read_cache_* read_cache_page* read_mapping_* __page_cache_alloc "
        "do_generic_mapping_read filemap_create_folio filemap_add_folio page_cache_alloc* "
        "filemap_alloc_folio* generic_file_splice_read filemap_splice_read",
        97,
    ),
    Use(
        "pipe",
        "the buffers of a pipe",
        "alloc_pipe_info pipe_write pipe_fcntl pipe_set_size fcntl_setpipe pipe_resize_ring "
        "create_pipe_files do_pipe* anon_pipe_* fifo_open splice_direct_to_actor",
        98,
    ),
    Use(
        "seq_file",
        "a file of /proc or /sys that is read",
        "seq_read* single_open* seq_buf_alloc seq_open* proc_reg_read* kernfs_fop_read* "
        "sysfs_read_file sysfs_kf_seq_show kernfs_seq_show proc_single_show proc_pid_* "
        "pagemap_read environ_read mem_read proc_file_read",
        98,
    ),
    Use(
        "proc_sys",
        "a setting of the kernel that is read or written (/proc/sys)",
        "proc_sys_* do_rw_proc proc_do* __do_proc_* sysctl_*",
    ),
    Use(
        "mount",
        "mounting a file system",
        "*_fill_super mount_bdev get_sb_bdev mount_fs vfs_get_tree do_mount path_mount "
        "get_tree_bdev* mount_block_root sget sget_fc sget_userns alloc_super do_new_mount",
        94,
    ),
    Use(
        "filesystem",
        "the file system (ext4 and its kin)",
        "ext2_* ext3_* ext4_* __ext3_* __ext4_* jbd2_* __jbd2_* journal_* do_get_write_access "
        "add_transaction_credits start_this_handle",
        96,
    ),
    Use("filesystem", "the file system (FAT)", "fat_* vfat_* __fat_* msdos_* exfat_*", 96),
    Use("filesystem", "the file system (UBIFS)", "ubifs_* ubi_*", 96),
    Use("filesystem", "the file system (JFFS2)", "jffs2_*", 96),
    Use("filesystem", "the file system (YAFFS)", "yaffs_* yaffs2_*", 96),
    Use("filesystem", "the file system (SquashFS)", "squashfs_*", 96),
    Use("filesystem", "the file system (F2FS)", "f2fs_* __f2fs_*", 96),
    Use("filesystem", "the file system (EROFS)", "erofs_* z_erofs_*", 96),
    Use("filesystem", "the file system (XFS)", "xfs_* _xfs_* __xfs_* kmem_alloc* kmem_zone_*", 96),
    Use("filesystem", "the file system (Btrfs)", "btrfs_* __btrfs_* alloc_extent_buffer*", 96),
    Use("filesystem", "the file system (overlayfs)", "ovl_*", 96),
    Use("filesystem", "the file system (FUSE)", "fuse_*", 96),
    Use("filesystem", "the file system (Ceph)", "ceph_*", 96),
    Use("filesystem", "the file system (reiserfs)", "reiserfs_*", 96),
    Use(
        "filesystem",
        "the network file system (NFS)",
        "nfs_* nfs3_* nfs4_* nfsd_* nfsd4_* nfsd rpc_* __rpc_* xprt_* svc_* xs_* call_allocate",
        88,
    ),
    Use(
        "filesystem",
        "the network file system (SMB)",
        "cifs_* smb_* SMB2_* smb2_* ksmbd_* smb3_*",
        88,
    ),
    Use(
        "filesystem",
        "a file or a directory that is opened or looked up",
        "alloc_inode new_inode* iget_locked iget5_locked d_alloc* __d_alloc path_openat "
        "getname* do_sys_open* do_filp_open vfs_readdir iterate_dir link_path_walk "
        "get_empty_filp alloc_empty_file do_lookup __lookup_hash lookup_* proc_alloc_inode "
        "sock_alloc_inode walk_component path_lookup* vfs_fstatat do_path_lookup",
        55,
    ),
    Use(
        "page_cache_index",
        "the index of the page cache",
        "radix_tree_* __radix_tree_* xas_* xa_* __xa_*",
        45,
        sure=False,
    ),
)
