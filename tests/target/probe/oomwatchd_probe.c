// SPDX-License-Identifier: GPL-2.0
/*
 * Asks the page allocator itself: how many blocks of an order can be had now?
 *
 * Write one request to /proc/oomwatchd_probe, then read the answer, one JSON object:
 *
 *   KIND ORDER MAX        allocate until refused or MAX, then give all back;
 *                         {"kind", "order", "came", "slowest_ns"}
 *   hold KIND ORDER COUNT allocate and keep; same answer
 *   release [N]           give back all that is held, or every Nth block of it; {"released"}
 *   scatter SEED PARTS    give back so many in a thousand of the single pages that are held, by
 *                         chance; {"released"}
 *   return ORDER COUNT    give back so many of the blocks of an order, those held last;
 *                         {"released"}
 *   drain                 give the per-CPU lists back to the free lists; {"drained"}
 *   watch PERIOD_US       have a SCHED_FIFO thread wake up that often (0: no more), and every
 *                         100 us while memory is compacted or given back; {"watching"}
 *   late                  how late it was at worst since the last such question, how often it
 *                         woke up; {"worst_ns", "wakeups"}
 *
 * Kinds. The first four neither reclaim nor compact, and do not wake kswapd either: nothing but
 * the request itself changes what is free.
 *   kernel          the rights of GFP_KERNEL
 *   movable         the rights of GFP_HIGHUSER_MOVABLE, a user page
 *   atomic          GFP_ATOMIC
 *   nowait          GFP_NOWAIT; since 6.1.116 it may go where GFP_KERNEL may not
 * These two do all that the kernel does for them, in the background too:
 *   driver          GFP_ATOMIC as an interrupt uses it
 *   kernel_noretry  GFP_KERNEL | __GFP_NORETRY: one round of reclaim and compaction
 * These are the same two, but the kernel reports it when they fail; and one that it kills for:
 *   reported          GFP_ATOMIC
 *   reported_noretry  GFP_KERNEL | __GFP_NORETRY
 *   reported_kernel   GFP_KERNEL
 *
 * A request without __GFP_DIRECT_RECLAIM is granted reserves that GFP_KERNEL is not. So kernel
 * and movable have the flag, and are stopped by what __alloc_pages_slowpath() asks after it has
 * tried with the min mark: without __GFP_IO it does not compact, and a task with PF_MEMALLOC
 * does not reclaim. __GFP_NOMEMALLOC keeps PF_MEMALLOC from lifting the marks.
 */
#include <linux/hrtimer.h>
#include <linux/kprobes.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/prandom.h>
#include <linux/proc_fs.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vmstat.h>

#define STOPPED (__GFP_NOMEMALLOC | __GFP_NORETRY | __GFP_NOWARN)
#define WAKING (__GFP_IO | __GFP_FS | __GFP_KSWAPD_RECLAIM)

struct kind {
	const char *name;
	gfp_t flags;
	bool memalloc;
};

static const struct kind kinds[] = {
	{ "kernel", (GFP_KERNEL & ~WAKING) | STOPPED, true },
	{ "movable", (GFP_HIGHUSER_MOVABLE & ~WAKING) | STOPPED, true },
	{ "atomic", (GFP_ATOMIC & ~WAKING) | __GFP_NOWARN, false },
	{ "nowait", (GFP_NOWAIT & ~WAKING) | __GFP_NOWARN, false },
	{ "driver", GFP_ATOMIC | __GFP_NOWARN, false },
	{ "kernel_noretry", GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN, false },
	{ "reported", GFP_ATOMIC, false },
	{ "reported_noretry", GFP_KERNEL | __GFP_NORETRY, false },
	{ "reported_kernel", GFP_KERNEL, false },
};

static DEFINE_MUTEX(lock);
static LIST_HEAD(held);
static char answer[160] = "{}\n";
static void (*drain_all)(struct zone *zone);

/* The order of a block is kept where its own page has room for it. */
static unsigned long take(const struct kind *kind, unsigned int order, unsigned long most,
			  struct list_head *blocks, u64 *slowest)
{
	unsigned long came = 0;
	unsigned int saved = 0;

	*slowest = 0;
	if (kind->memalloc)
		saved = memalloc_noreclaim_save();
	while (came < most) {
		u64 start = ktime_get_ns(), took;
		struct page *page = alloc_pages(kind->flags, order);

		took = ktime_get_ns() - start;
		if (took > *slowest)
			*slowest = took;
		if (!page)
			break;
		set_page_private(page, order);
		list_add_tail(&page->lru, blocks);
		came++;
	}
	if (kind->memalloc)
		memalloc_noreclaim_restore(saved);
	return came;
}

/* Gives back a block that is on a list. */
static void give_one(struct page *page)
{
	unsigned int order = page_private(page);

	list_del(&page->lru);
	set_page_private(page, 0);
	__free_pages(page, order);
}

/* every = 1: all of them. */
static unsigned long give(struct list_head *blocks, unsigned long every)
{
	struct page *page, *next;
	unsigned long seen = 0, given = 0;

	list_for_each_entry_safe(page, next, blocks, lru) {
		if (++seen % every)
			continue;
		give_one(page);
		given++;
	}
	return given;
}

static const struct kind *kind_of(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		if (!strcmp(name, kinds[i].name))
			return &kinds[i];
	return NULL;
}

/* Each single page is given back with the same probability, in the same way for a seed. */
static unsigned long scatter(struct list_head *blocks, u64 seed, unsigned int parts)
{
	struct rnd_state chance;
	struct page *page, *next;
	unsigned long given = 0;

	prandom_seed_state(&chance, seed);
	list_for_each_entry_safe(page, next, blocks, lru) {
		if (page_private(page) || prandom_u32_state(&chance) % 1000 >= parts)
			continue;
		give_one(page);
		given++;
	}
	return given;
}

static unsigned long give_order(struct list_head *blocks, unsigned int order, unsigned long most)
{
	struct page *page, *next;
	unsigned long given = 0;

	list_for_each_entry_safe_reverse(page, next, blocks, lru) {
		if (given == most)
			break;
		if (page_private(page) != order)
			continue;
		give_one(page);
		given++;
	}
	return given;
}

static struct task_struct *watcher;
static unsigned int period_us, busy;
static u64 worst_ns, wakeups;

#define BUSY_US 100
#define BUSY_WAKEUPS 500

static int at_work(struct kprobe *probe, struct pt_regs *registers)
{
	if (watcher && !busy)
		wake_up_process(watcher);
	return 0;
}

/* Where compaction, reclaim and dropping begin; all of them in a context that may sleep. */
static struct kprobe workers[] = {
	{ .symbol_name = "compact_zone", .pre_handler = at_work },
	{ .symbol_name = "shrink_node", .pre_handler = at_work },
	{ .symbol_name = "drop_slab", .pre_handler = at_work },
	{ .symbol_name = "invalidate_mapping_pages", .pre_handler = at_work },
};
static bool probed[ARRAY_SIZE(workers)];

static void set_probes(bool on)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(workers); i++) {
		if (probed[i])
			unregister_kprobe(&workers[i]);
		workers[i].addr = NULL;
		workers[i].flags = 0;
		probed[i] = on && !register_kprobe(&workers[i]);
	}
}

/* What counts up while memory is compacted or given back. */
static unsigned long work_done(void)
{
	static unsigned long events[NR_VM_EVENT_ITEMS];

	all_vm_events(events);
	return events[COMPACTMIGRATE_SCANNED] + events[PGMIGRATE_SUCCESS] +
	       events[SLABS_SCANNED] + events[PGINODESTEAL];
}

/*
 * A thread of the kernel: no task of a user's is a real-time task because of it. It is woken when
 * the kernel begins to work, and wakes up more often then: all the time would be too dear.
 */
static int watch(void *nothing)
{
	ktime_t due = ktime_get();
	unsigned long done = work_done();

	busy = 0;
	while (!kthread_should_stop()) {
		unsigned int us = busy ? BUSY_US : period_us;
		s64 late;

		due = ktime_add_us(due, us);
		set_current_state(TASK_INTERRUPTIBLE);
		if (schedule_hrtimeout(&due, HRTIMER_MODE_ABS)) {
			busy = BUSY_WAKEUPS;
			due = ktime_get();
			continue;
		}
		late = ktime_to_ns(ktime_sub(ktime_get(), due));
		if (late > 0 && late > worst_ns)
			worst_ns = late;
		if (late > (s64)us * NSEC_PER_USEC)
			due = ktime_get();
		wakeups++;
		if (done != work_done())
			busy = BUSY_WAKEUPS;
		else if (busy)
			busy--;
		done = work_done();
	}
	return 0;
}

static int set_watch(unsigned int us)
{
	set_probes(false);
	if (watcher)
		kthread_stop(watcher);
	watcher = NULL;
	period_us = us;
	if (us) {
		struct task_struct *task = kthread_create(watch, NULL, "oomwatchd_probe");

		if (IS_ERR(task))
			return PTR_ERR(task);
		sched_set_fifo(task);
		watcher = task;
		wake_up_process(task);
		set_probes(true);
	}
	snprintf(answer, sizeof(answer), "{\"watching\": %u}\n", us);
	return 0;
}

static int request(char *text)
{
	LIST_HEAD(blocks);
	const struct kind *kind;
	char name[24];
	unsigned long most, came, every = 1;
	unsigned int order, parts;
	bool hold = false;
	u64 slowest, seed;

	if (!strncmp(text, "drain", 5)) {
		if (!drain_all)
			return -EOPNOTSUPP;
		drain_all(NULL);
		snprintf(answer, sizeof(answer), "{\"drained\": true}\n");
		return 0;
	}
	if (sscanf(text, "watch %u", &parts) == 1)
		return set_watch(parts);
	if (!strncmp(text, "late", 4)) {
		snprintf(answer, sizeof(answer), "{\"worst_ns\": %llu, \"wakeups\": %llu}\n",
			 worst_ns, wakeups);
		worst_ns = wakeups = 0;
		return 0;
	}
	if (sscanf(text, "scatter %llu %u", &seed, &parts) == 2) {
		came = scatter(&held, seed, parts);
		snprintf(answer, sizeof(answer), "{\"released\": %lu}\n", came);
		return 0;
	}
	if (sscanf(text, "return %u %lu", &order, &most) == 2) {
		came = give_order(&held, order, most);
		snprintf(answer, sizeof(answer), "{\"released\": %lu}\n", came);
		return 0;
	}
	if (!strncmp(text, "release", 7)) {
		if (sscanf(text, "release %lu", &every) != 1 || every == 0)
			every = 1;
		came = give(&held, every);
		snprintf(answer, sizeof(answer), "{\"released\": %lu}\n", came);
		return 0;
	}
	if (!strncmp(text, "hold ", 5)) {
		hold = true;
		text += 5;
	}
	if (sscanf(text, "%23s %u %lu", name, &order, &most) != 3 || order >= MAX_ORDER)
		return -EINVAL;
	kind = kind_of(name);
	if (!kind)
		return -EINVAL;
	came = take(kind, order, most, hold ? &held : &blocks, &slowest);
	give(&blocks, 1);
	snprintf(answer, sizeof(answer),
		 "{\"kind\": \"%s\", \"order\": %u, \"came\": %lu, \"slowest_ns\": %llu}\n",
		 kind->name, order, came, slowest);
	return 0;
}

static ssize_t probe_write(struct file *file, const char __user *from, size_t size, loff_t *at)
{
	char text[64];
	int error;

	if (size >= sizeof(text))
		return -EINVAL;
	if (copy_from_user(text, from, size))
		return -EFAULT;
	text[size] = 0;
	mutex_lock(&lock);
	error = request(text);
	mutex_unlock(&lock);
	return error ? error : size;
}

static ssize_t probe_read(struct file *file, char __user *to, size_t size, loff_t *at)
{
	ssize_t got;

	mutex_lock(&lock);
	got = simple_read_from_buffer(to, size, at, answer, strlen(answer));
	mutex_unlock(&lock);
	return got;
}

static const struct proc_ops operations = {
	.proc_read = probe_read,
	.proc_write = probe_write,
	.proc_lseek = default_llseek,
};

/* drain_all_pages() is not exported; where it cannot be found, "drain" is refused. */
static void find_drain(void)
{
	struct kprobe finder = { .symbol_name = "drain_all_pages" };

	if (register_kprobe(&finder))
		return;
	drain_all = (void *)finder.addr;
	unregister_kprobe(&finder);
}

static int __init probe_init(void)
{
	find_drain();
	return proc_create("oomwatchd_probe", 0600, NULL, &operations) ? 0 : -ENOMEM;
}

static void __exit probe_exit(void)
{
	remove_proc_entry("oomwatchd_probe", NULL);
	set_watch(0);
	give(&held, 1);
}

module_init(probe_init);
module_exit(probe_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Tells how many blocks of an order the page allocator grants now");
