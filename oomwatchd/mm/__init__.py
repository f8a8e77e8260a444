"""The kernel's own rules, pure: zonelists, free lists, watermarks, fragmentation indices.

Every formula names the kernel file and the versions that it comes from. Integer arithmetic
throughout, truncating as the kernel's does.
"""
