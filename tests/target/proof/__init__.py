"""The proof: failing memory, told by scenario and seed, with oomwatchd, with its peers and alone.

Theory of operation. A stage (staged.py) is a device with one contestant that has settled; each
run goes on from there with a scenario and a seed (inside/proof/), under icount, so that what is
counted repeats on any machine. `play` makes runs, `figures` sums them up, `claims` says what must
be so, `table` shows everything, the lost cases too: python -m target.proof.
"""
