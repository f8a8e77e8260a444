"""The stack dump: who asked, on which kernel, through which functions.

Source: dump_stack() in lib/dump_stack.c, show_stack() and friends in arch/*/kernel/. Each
architecture prints its own form; what an x86 marks with "?" is left out, as it may be a leftover.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from oomwatchd.report.draft import MAX_FRAMES, Draft, Stage

_ADDRESS = r"(?:\[<?[0-9a-fx]{8,18}>?\] *)"
_NAME = r"([A-Za-z_.$][\w.$]{0,127})"
_OFFSET = r"\+0x[0-9a-f]{1,8}/0x[0-9a-f]{1,8}"
_MODULE = r"(?: \[([\w-]{1,64})(?: [0-9a-f]{16,64})?\])?"
"""Some kernels are built to tell a module's build, too."""

_FRAME = re.compile(
    rf"(?:<[A-Z#]\w{{0,8}}> *)?{_ADDRESS}{{0,2}}(?:from +{_ADDRESS})?(\? *)?(\(?){_NAME}{_OFFSET}"
    rf"{_MODULE}"
)
_FROM = re.compile(
    rf"{_ADDRESS}?\(?{_NAME}(?:{_OFFSET})?{_MODULE}\)? from {_ADDRESS}?\(?{_NAME}{_OFFSET}{_MODULE}"
)
_OPEN_FROM = re.compile(rf"{_ADDRESS}?\({_NAME}(?:{_OFFSET})?{_MODULE}\) from")
_OLD_64 = re.compile(r"<[0-9a-f]{16}>\{(?::(\w{1,64}):)?([A-Za-z_][\w.]{0,127})\+\d{1,8}\}")
"""Before 2.6.19, on x86_64."""

_STATE = re.compile(
    r"(?:CPU: \d+ +)?(?:UID: \d+ +)?(?:PID|Pid): (\d{1,10}),? (?:UID: \d+ +)?"
    r"(?:[Cc]omm: (.{0,40}?) (?:Kdump: loaded )?(?=Not tainted|Tainted))?"
)
_RELEASE = re.compile(r"(?:Not tainted|Tainted: [A-Z -]{1,60}?(?:\[[^\]]*\])?) *\(?(\d\.\S{1,79})")
_TAINT_OF_ARM = re.compile(r"CPU: \d+ +(?:Not tainted|Tainted:)")
_PLACES = re.compile(r"(?:Call Trace:|Backtrace:|Call trace:|Stack ?:|Hardware name: )")
_HARDWARE = "Hardware name: "
_MAX_HARDWARE = 200
_MAX_COMM = 15
_REMEMBERED = 512
_STARTS = frozenset(
    {"dump_stack", "dump_stack_lvl", "show_stack", "dump_backtrace", "unwind_backtrace"}
)
"""The functions that print stacks: where they come again, it is another stack."""

_BY_FUNCTION = {
    "ret_fast_syscall": "arm",
    "unwind_backtrace": "arm",
    "__irq_svc": "arm",
    "__irq_usr": "arm",
    "__dabt_usr": "arm",
    "__pabt_usr": "arm",
    "__dabt_svc": "arm",
    "el0_svc": "arm64",
    "el0_svc_naked": "arm64",
    "el0_da": "arm64",
    "el0_ia": "arm64",
    "el0_sync": "arm64",
    "el1_irq": "arm64",
    "el0t_64_sync": "arm64",
    "el0t_64_sync_handler": "arm64",
    "el1h_64_irq": "arm64",
    "stack_done": "mips",
    "handle_sys": "mips",
    "handle_sys64": "mips",
    "syscall_common": "mips",
    "handle_tlbl": "mips",
    "handle_adel": "mips",
    "entry_SYSCALL_64_after_hwframe": "x86_64",
    "entry_SYSCALL_64_fastpath": "x86_64",
    "system_call_fastpath": "x86_64",
    "do_syscall_64": "x86_64",
    "asm_exc_page_fault": "x86_64",
    "tracesys": "x86_64",
    "sysenter_do_call": "x86",
    "sysenter_past_esp": "x86",
    "do_fast_syscall_32": "x86",
    "entry_SYSENTER_32": "x86",
    "entry_INT80_32": "x86",
    "system_call_exception": "powerpc",
    "system_call_common": "powerpc",
    "system_call_vectored_common": "powerpc",
    "syscall_exit": "powerpc",
    "ret_from_syscall": "powerpc",
    "do_trap_ecall_u": "riscv",
    "ret_from_exception": "riscv",
    "ret_from_syscall_rejected": "riscv",
}
"""Functions in which only that architecture's stacks begin."""
_BY_BEGINNING = {
    "__x64_sys_": "x86_64",
    "entry_SYSCALL": "x86_64",
    "secondary_startup_64": "x86_64",
    "x86_64_start": "x86_64",
    "asm_sysvec_": "x86_64",
    "asm_exc_": "x86_64",
    "ret_from_fork_asm": "x86_64",
    "__ia32_sys_": "x86",
    "__arm64_sys_": "arm64",
    "do_el0_": "arm64",
    "el0_": "arm64",
    "el0t_": "arm64",
    "el1_": "arm64",
    "el1h_": "arm64",
    "__se_sys_riscv": "riscv",
}
"""What only that architecture's functions begin with."""
_BEGINNINGS = re.compile("|".join(sorted(map(re.escape, _BY_BEGINNING), key=len, reverse=True)))
_BY_REGISTER = {"RIP": "x86_64", "EIP": "x86", "NIP": "powerpc"}
_AMBIGUOUS = {"ret_from_exception", "syscall_exit", "ret_from_syscall"}


def is_old_frame(text: str) -> bool:
    """Whether a line names functions as x86_64 did before 2.6.19."""
    return "}" in text and _OLD_64.search(text) is not None


def is_frame(text: str) -> bool:
    """Whether a line names a function of a stack."""
    return _frame(text) is not None


class Frame(NamedTuple):
    """What a line of a stack says."""

    functions: tuple[str, ...]
    """With their modules ("e100_up [e100]"): one, two of "foo from bar", old ones have several."""
    begins: str
    """The function by which another stack may be told; "" where the form has no such."""
    architecture: str | None
    """The one that alone has such functions."""
    likely: str | None
    """The one that prints them so, where nothing else tells."""
    is_doubtful: bool = False
    """Marked with "?"."""


def take_frame(draft: Draft, text: str) -> bool:
    """Take a line of the stack."""
    if draft.stage > Stage.STACK or draft.stack_over:
        return False
    frame = _frame(text)
    if frame is None or (frame.begins and _begins_again(draft, frame.begins)):
        return False
    frames = draft.doubtful if frame.is_doubtful else draft.frames
    for function in frame.functions:
        # Once: "a from b" is followed by "b from c".
        if len(frames) < MAX_FRAMES and not (frames and frames[-1] == function):
            frames.append(function)
    if frame.architecture is not None:
        draft.architecture = frame.architecture
    elif draft.architecture is None:
        draft.architecture = frame.likely
    draft.stage = Stage.STACK
    return True


def _begins_again(draft: Draft, name: str) -> bool:
    """Whether a function tells that another stack begins; this one is over then."""
    frames = draft.frames
    if name in _STARTS and frames and frames[-1] not in _STARTS:
        if frames[0] in _STARTS:
            draft.stack_over = True
        else:
            frames.clear()  # another's
    return draft.stack_over


@lru_cache(maxsize=_REMEMBERED)
def _frame(text: str) -> Frame | None:
    """Read a line of a stack; those of a kernel's reports repeat."""
    match = _FROM.match(text)
    if match is not None:
        return _functions((match[1], match[2]), (match[3], match[4]), likely="arm", begins=True)
    match = _FRAME.match(text)
    if match is not None:
        name, module = match[3].lstrip("."), match[4]
        likely = _BY_FUNCTION.get(name) if name in _AMBIGUOUS else None
        likely = likely or _by_form(text, name, in_parentheses=bool(match[2]))
        if match[1] is not None:
            return Frame((_shown(name, module),), "", None, likely, is_doubtful=True)
        return _functions((name, module), likely=likely, begins=True)
    match = _OPEN_FROM.match(text)
    if match is not None:
        return _functions((match[1], match[2]), likely="arm")
    if "}" in text and (found := _OLD_64.findall(text)):
        frame = _functions(*((name, module) for module, name in found), likely=None)
        return frame._replace(architecture=frame.architecture or "x86_64")
    return None


def _functions(*printed: tuple[str, str | None], likely: str | None, begins: bool = False) -> Frame:
    """Say what functions tell, each with its module."""
    named = [(name.lstrip("."), module) for name, module in printed]
    known = [_architecture_of(name) for name, _ in named if name not in _AMBIGUOUS]
    architecture = next((one for one in reversed(known) if one is not None), None)
    shown = tuple(_shown(name, module) for name, module in named)
    return Frame(shown, named[0][0] if begins else "", architecture, likely)


def _architecture_of(name: str) -> str | None:
    """Give the architecture that has such a function."""
    known = _BY_FUNCTION.get(name)
    if known is None:
        begin = _BEGINNINGS.match(name)
        known = _BY_BEGINNING[begin[0]] if begin else None
    return known


def _shown(name: str, module: str | None) -> str:
    """Write a function with its module."""
    return f"{name} [{module}]" if module else name


def _by_form(  # noqa: PLR0911 - a form a branch
    text: str, name: str, *, in_parentheses: bool
) -> str | None:
    """Tell the architecture by how addresses are printed.

    With an arm64's first function there are none (since 4.10); others have them, or "from".
    """
    if text.startswith("[<"):
        digits = text.find(">") - 2
        if digits == 8:  # noqa: PLR2004 - of a 32-bit address
            if in_parentheses:
                return "arm"
            if text[2] == "8" and text[3] in "0123456789ab":
                return "mips"
            return "x86" if text[2] in "cdef" else None
        if text.startswith("[<ffffffff8"):
            return "x86_64"
        if text.startswith(("[<ffffffc0", "[<ffff0", "[<ffff8")):
            return "arm64"
    elif text.startswith("[c") and "] [" in text[:24]:
        return "powerpc"
    elif name == "dump_backtrace":
        return "arm64"
    return None


def take_state(draft: Draft, text: str) -> bool:
    """Take "CPU: 0 PID: 1 Comm: x Not tainted 4.4.0 #1" and its older forms."""
    state = _STATE.match(text)
    if state is None and not _TAINT_OF_ARM.match(text):
        return False
    if draft.stage > Stage.STACK or draft.state_seen:
        return False
    comm = draft.header.comm if draft.header else None
    told = state[2] if state else None
    is_end = comm is None or (told or "").endswith(f" {comm}")
    if comm and told and not is_end and not comm.endswith(told[-_MAX_COMM:]):
        return False  # somebody else's
    if is_end and draft.header and state and told:
        # Mails are wrapped in the middle of the header, and of a name, too.
        draft.header = draft.header._replace(comm=state[2].strip() or None)
    release = _RELEASE.search(text)
    draft.state_seen = release is not None
    if release is None:
        draft.torn = text + " "
    draft.frames.clear()  # what came before it was another dump
    draft.doubtful.clear()
    draft.stage = Stage.STACK
    draft.pid = int(state[1]) if state else None
    draft.release = release[1].rstrip(")") if release else None
    return True


def take_place(draft: Draft, text: str) -> bool:
    """Take "Hardware name: ..." and the lines that stand above a stack."""
    if draft.stage > Stage.STACK or not _PLACES.match(text):
        return False
    if text.startswith(_HARDWARE):
        if draft.hardware is not None:
            return False
        draft.hardware = text[len(_HARDWARE) :].strip()[:_MAX_HARDWARE] or None
    draft.stage = Stage.STACK
    return True


def take_call(draft: Draft, text: str) -> bool:
    """Take "Call Trace:", before 2.6.19 with the first function behind it."""
    return take_frame(draft, text) if is_old_frame(text) else take_place(draft, text)


def take_register(draft: Draft, text: str) -> bool:
    """Pass over the registers that some architectures print: their names tell which one it is."""
    if draft.stage is not Stage.STACK:
        return False
    draft.architecture = draft.architecture or _BY_REGISTER.get(text.partition(":")[0])
    return True
