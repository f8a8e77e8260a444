"""Reports of the OOM killer and of failed allocations, found in the kernel's log: text to records.

Every format from 2.6.18 to 6.18 is read by the same code: by keys, never by columns, as vendors'
kernels differ. What is not there stays None; what cannot be read is left out, and said to be
missing.
"""
