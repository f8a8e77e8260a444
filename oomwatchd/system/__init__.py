"""Files of /proc and /sys, remedies, processes: the side of the daemon that touches the system."""
