"""Who is at the other end of a connection, by what the kernel says of it."""

import socket
import struct
from typing import NamedTuple

_CREDENTIALS = struct.Struct("iII")
"""struct ucred of include/linux/socket.h: pid, uid, gid."""
_SO_PEERGROUPS = 59
"""include/uapi/asm-generic/socket.h, since Linux 4.13; the socket module has no name for it."""
_MOST_GROUPS_BYTES = 1024
"""No more is asked for than Python gives: whoever is in over 256 groups has the first alone."""
_GROUP_BYTES = 4


class Peer(NamedTuple):
    """Who connected: the credentials at that moment."""

    user_id: int
    group_ids: frozenset[int]


def peer_of(connection: socket.socket) -> Peer:
    """Ask the kernel who connected.

    Raises:
        OSError: it does not tell.
    """
    size = _CREDENTIALS.size
    data = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
    _, user_id, group_id = _CREDENTIALS.unpack(data)
    return Peer(user_id, _further_groups(connection) | {group_id})


def _further_groups(connection: socket.socket) -> frozenset[int]:
    """Give the supplementary groups; none where the kernel does not tell."""
    try:
        data = connection.getsockopt(socket.SOL_SOCKET, _SO_PEERGROUPS, _MOST_GROUPS_BYTES)
    except OSError:
        return frozenset()
    return frozenset(struct.unpack(f"{len(data) // _GROUP_BYTES}I", data))


def may_change(peer: Peer, control_group_id: int | None) -> bool:
    """Whether the peer may change the system: root, or a member of the control group."""
    return peer.user_id == 0 or control_group_id in peer.group_ids
