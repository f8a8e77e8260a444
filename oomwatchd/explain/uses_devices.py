"""Uses of memory: devices other than the network, and the allocators themselves.

Source: drivers/, sound/, mm/ and arch/*/mm/dma-mapping.c of Linux 2.6.18 to 6.18, by the names
that stand in stack dumps.
"""

from oomwatchd.explain.use import Use

DEVICES = (
    Use(
        "graphics",
        "a buffer of the graphics driver",
        "drm_* __drm_* ttm_* i915_* __i915_* amdgpu_* radeon_* nouveau_* nvkm_* msm_gem* "
        "etnaviv_* panfrost_* panthor_* lima_* vc4_* v3d_* kgsl_* _kgsl_* mali_* kbase_* "
        "nvmap_* nvgpu_* pvr_* PVRSRV* gckOS_* gckKERNEL_* gckVIDMEM* dma_heap_* system_heap_* "
        "omap_gem* exynos_drm* gem_* register_framebuffer fb_mmap *fb_probe nv_alloc* nvidia_* "
        "i915_gem* intel_gt_* vmw_* qxl_* virtio_gpu_* rockchip_gem* tegra_bo* amdkfd*",
    ),
    Use(
        "graphics",
        "a buffer that graphics and video share (ION)",
        "ion_* alloc_buffer_page alloc_largest_available",
    ),
    Use(
        "video",
        "a buffer for video",
        "videobuf_* vb2_* __vb2_* videobuf2_* uvc_* v4l2_* video_ioctl2 vpu_* hantro_* coda_* "
        "camera_* isp_* vidioc_* dvb_* em28xx_*",
    ),
    Use(
        "sound",
        "a buffer for sound",
        "snd_* do_alloc_pages *_pcm_preallocate* pcm_*",
    ),
    Use(
        "usb",
        "a request to a USB device",
        "proc_submiturb proc_do_submiturb proc_bulk* do_proc_bulk proc_control usbdev_* "
        "usb_alloc_* usb_submit_* usb_control_msg usb_bulk_msg usb_internal_control_msg "
        "usb_start_wait_urb usb_hcd_* xhci_* ehci_* ohci_* uhci_* dwc2_* _dwc2_* dwc3_* "
        "dwc_otg_* musb_* hcd_buffer_alloc* usb_get_* usb_stor_* hub_* usb_sg_* "
        "usb_set_configuration usb_enumerate_* usb_new_device",
        93,
    ),
    Use(
        "usb_gadget",
        "what the board sends or receives as a USB device (gadget)",
        "ffs_* gadget_* gs_* gether_* eth_start_xmit rndis_* f_* composite_* usb_ep_* mtp_* "
        "ncm_* acm_* uvcg_* usb_gadget_* fsg_*",
        94,
    ),
    Use(
        "tty",
        "a terminal or a serial line",
        "tty_* __tty_* n_tty_* pty_* uart_* serial8250_* con_* vt_* vc_* do_con_* ldsem_*",
        87,
    ),
    Use(
        "storage",
        "reading or writing a disk or a flash memory",
        "scsi_* sd_* sg_* st_* blk_* mmc_* mmcqd* nand_* mtd_* mtdblock_* mtdchar_* nvme_* "
        "ata_* bio_* __bio_* bvec_alloc* mempool_* submit_bio* generic_make_request* blkdev_* "
        "loop_* dm_* md_* raid* part_* __blk_* elv_* cfq_* spi_nor_* omap_hsmmc_* sdhci_* "
        "dw_mci_* ide_*",
        67,
    ),
    Use(
        "dma_coherent",
        "memory that a device reads and writes (DMA)",
        "dma_alloc_* __dma_alloc* arm_dma_* __arm_dma_* dma_direct_* __dma_direct_* dmam_* "
        "dma_generic_* __alloc_remap_buffer __alloc_simple_buffer __alloc_from_* dma_common_* "
        "iommu_dma_* __iommu_* __iommu_alloc_* pci_alloc_consistent x86_swiotlb_* swiotlb_* "
        "consistent_alloc dma_pool_alloc pool_alloc_page gen_pool_* arm64_* atomic_pool_* "
        "__alloc_from_pool dma_atomic_pool_*",
        70,
    ),
    Use(
        "dma_coherent",
        "a transfer of a DMA engine",
        "edma_* *_prep_slave_* *_prep_dma_* dmaengine_* sdma_* pl330_* mxs_dma_*",
        71,
    ),
    Use(
        "cma",
        "a large piece of memory in one (CMA)",
        "alloc_contig_* cma_alloc* __cma_alloc* dma_alloc_contiguous dma_alloc_from_contiguous",
        72,
    ),
    Use(
        "start_up",
        "starting the kernel or a driver",
        "do_one_initcall do_initcalls kernel_init_freeable start_kernel do_basic_setup "
        "really_probe driver_probe_device __driver_attach platform_drv_probe platform_probe "
        "bus_for_each_dev bus_probe_device __device_attach*",
        20,
        sure=False,
    ),
    Use(
        "ioctl",
        "something a program asked a driver for (ioctl)",
        "*_ioctl ioctl vfs_ioctl",
        15,
        sure=False,
    ),
)

ALLOCATORS = (
    Use(
        "kmalloc",
        "a large piece of kernel memory (kmalloc)",
        "kmalloc_order* kmalloc_large* __kmalloc_large* ___kmalloc_large* kmalloc_pages "
        "alloc_large_kmalloc*",
        12,
        sure=False,
    ),
    Use(
        "vmalloc",
        "a piece of the kernel's virtual memory (vmalloc)",
        "vmalloc* __vmalloc* vzalloc* vm_map_ram __get_vm_area_node alloc_vmap_area kvmalloc* "
        "__kvmalloc* kvzalloc*",
        11,
        sure=False,
    ),
    Use(
        "slab",
        "small objects of the kernel (slab)",
        "new_slab* allocate_slab* __slab_alloc* ___slab_alloc* cache_grow* cache_alloc_refill* "
        "cache_alloc_* ____cache_alloc* fallback_alloc kmem_cache_alloc* __kmem_cache_alloc* "
        "kmem_getpages slab_alloc* alloc_slab_page alloc_slabmgmt __kmalloc* kmalloc "
        "kmalloc_trace refill_objects kmem_cache_alloc_bulk*",
        10,
        sure=False,
    ),
)
"""The least that can be said."""
