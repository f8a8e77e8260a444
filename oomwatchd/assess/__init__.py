"""Sample → Assessment: headroom, cause and evidence. Pure: no clock, no files.

`sample` puts the kernel files together, `headroom` counts blocks, `demands` states what the
device needs, `cause` says why a demand is low, `memory` what could be dropped, `assessment`
is the whole, and `survey` the tables of every zone and order for those who look.
"""
