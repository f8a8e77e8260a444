"""(State, Assessment, now) → (State, Decision). Pure: time comes in, nothing goes out.

The theory. A demand is low while its headroom is at or below `warning`. Low demands are acted
on before they are worth a word, because compacting in time is cheap and usually ends it:

- a critical demand at once, a warning one when it has been low for the hold time; what is low
  at the first look counts without hold until it is ok, since nobody knows how long it was low;
- what answers which cause is the table of `choice`, a ladder: the next rung is for when those
  before it did not help. A critical shortage is left to the kernel's own reclaim for the
  settling time first, and for good where the request may sleep;
- while much memory is being taken or given back, nothing is done yet for requests that may
  sleep, for the settling time at most;
- compaction moves data into CMA areas: only a critical demand is compacted for while a cma
  demand is near its level;
- an outcome is effective when the demand rose above the level that it was low by, on a sample
  taken after settling. Compaction of all zones counts as tried for every demand that was
  fragmented when it began and still is;
- where no rung is left the demand is backed off, each time for twice as long, until it is
  helped or has been well above its level for the clearing time;
- never two remedies at once, never within the spacing of their kind, never beyond the budgets
  of an hour and a day, even if they help; never while one is under way, settling or stuck; not
  while inhibited, in quiet hours, or beside real-time tasks unless that is allowed;
- what cannot be assessed is never acted on.

What is said of a demand: `headroom_low` while it is being mended and may sleep meanwhile; warning
or critical when no remedy runs for it, when one has failed, or does not come back; critical again
at once, back to warning only when that has lasted for the clearing time; recovered when it has
been above twice its warning level for that time. Of a shortage nothing is said as long as the
kernel could reclaim enough for a request that may sleep, nor within the settling time. What is
unknown changes nothing that was said.

What somebody asks for is run at once, but never beyond the budgets: see `asked`.

Time that nobody saw pass (suspend, SIGSTOP) counts for nothing: what has to last, has to last
anew.
"""

from oomwatchd.policy.asked import Refusal, ask_for, inhibited
from oomwatchd.policy.budget import budget_left, inhibited_seconds, waiting
from oomwatchd.policy.decide import decide
from oomwatchd.policy.effect import STUCK_SECONDS, doubts, finished, is_stuck, judge, settled
from oomwatchd.policy.memo import memo_of, recalled
from oomwatchd.policy.speech import against, is_unspoken, speak
from oomwatchd.policy.standing import after_gap, is_idle, observe
from oomwatchd.policy.state import Backoff, Decision, Limits, Standing, State, Word, initial

__all__ = [
    "STUCK_SECONDS",
    "Backoff",
    "Decision",
    "Limits",
    "Refusal",
    "Standing",
    "State",
    "Word",
    "after_gap",
    "against",
    "ask_for",
    "budget_left",
    "decide",
    "doubts",
    "finished",
    "inhibited",
    "inhibited_seconds",
    "initial",
    "is_idle",
    "is_stuck",
    "is_unspoken",
    "judge",
    "memo_of",
    "observe",
    "recalled",
    "settled",
    "speak",
    "waiting",
]
