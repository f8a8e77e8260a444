"""The audit: what this kernel and this configuration can and cannot do, and what to change.

`facts` is what was gathered, `findings` runs the rules over it; the rules stand in one module
for each subject and name the kernel's sources. Pure: no files, no clock.
"""
