"""A log as a file: plain, packed with gzip, or something that is no text at all."""

import posix
from _stat import S_ISCHR, S_ISREG
from collections.abc import Iterator
from io import FileIO
from select import POLLIN, poll

from oomwatchd.errors import NoInputError, ParseError, escape
from oomwatchd.fault import OomwatchdError

STDIN = "-"
_CHUNK_BYTES = 1 << 20
_PACKED_BYTES = 1 << 16
_BOM = b"\xef\xbb\xbf"
_GZIP = b"\x1f\x8b"
_MOST_GAPS = 1000
_LONGEST_MAGIC = 16
"""What tells the format is within so many bytes."""
_FORMATS = {
    b"LPKSHHRH": ("a binary journal", "journalctl -k --file"),
    b"\xfd7zXZ\0": ("compressed with xz", "xz -dc"),
    b"\x28\xb5\x2f\xfd": ("compressed with zstd", "zstd -dc"),
    b"BZh": ("compressed with bzip2", "bzip2 -dc"),
    b"\x04\x22\x4d\x18": ("compressed with lz4", "lz4 -dc"),
    b"\x89LZO\0": ("compressed with lzop", "lzop -dc"),
    b"\x7fELF": ("a program", "strings"),
    **dict.fromkeys(
        (b"\x78\x01", b"\x78\x9c", b"\x78\xda"),
        ("compressed with zlib, as pstore does", "pigz -dz <"),
    ),
    b"\xff\xfe": ("UTF-16 text", "iconv -f UTF-16 -t UTF-8"),
    b"\xfe\xff": ("UTF-16 text", "iconv -f UTF-16 -t UTF-8"),
}


def shown_name(name: str) -> str:
    """Give a file's name as people may read it."""
    return "standard input" if name == STDIN else escape(name)


def chunks(name: str, troubles: list[OomwatchdError]) -> Iterator[bytes]:
    """Read a log piece by piece; what ends the reading before the log's end goes to `troubles`.

    Raises:
        NoInputError: nothing of it can be read.
        ParseError: it is no text.
    """
    source = shown_name(name)
    is_begun = False
    try:
        # Python has no stdin where that was closed when it started: there is nothing then.
        with FileIO(0, closefd=False) if name == STDIN else FileIO(name) as file:
            for chunk in _plain(_Source(file), source, troubles):
                is_begun = True
                yield chunk
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        if not is_begun:
            raise NoInputError(f"{source}: {why}") from None
        troubles.append(NoInputError(f"{source}: {why}: read as far as it goes"))


class _Source:
    """What is read from, whatever it is."""

    def __init__(self, file: FileIO) -> None:
        """Look what it is."""
        self._file = file
        self._ready = poll()
        self._ready.register(file, POLLIN)
        mode = posix.fstat(file.fileno()).st_mode
        self._waits = not (S_ISREG(mode) or (S_ISCHR(mode) and not file.isatty()))
        """Whether more may come later: where nothing does, /dev/kmsg and /proc/kmsg are at their
        end, and would wait for ever."""

    def next(self, size: int) -> bytes:
        """Read what comes next, at most that much; nothing at the end."""
        for _ in range(_MOST_GAPS):
            if not self._ready.poll(None if self._waits else 0):
                return b""
            try:
                part = self._file.read(size)
            except BrokenPipeError:
                continue  # /dev/kmsg: what was to be read has been overwritten
            if part is not None:  # else somebody else has read it
                return part
        return b""


def _plain(file: _Source, source: str, troubles: list[OomwatchdError]) -> Iterator[bytes]:
    """Give the text, unpacked where it is packed with gzip, as old logs are."""
    first = part = file.next(_PACKED_BYTES)
    while part and len(first) < _LONGEST_MAGIC:
        part = file.next(_PACKED_BYTES)
        first += part
    first = first.removeprefix(_BOM)
    for magic, (what, command) in _FORMATS.items():
        if first.startswith(magic):
            raise ParseError(
                source, 0, b"", f"this is {what}; try {command} FILE | oomwatchctl explain"
            )
    if first.startswith(_GZIP):
        yield from _unpacked(first, file, source, troubles)
        return
    yield first
    while part:  # a terminal would have to say twice that this is the end
        part = file.next(_CHUNK_BYTES)
        yield part


def _without_padding(packed: bytes, file: _Source) -> bytes:
    """Give what comes behind zeros, which may stand behind gzip data; nothing at the end."""
    packed = packed.lstrip(b"\0")
    while not packed and (part := file.next(_PACKED_BYTES)):
        packed = part.lstrip(b"\0")
    return packed


def _unpacked(
    packed: bytes, file: _Source, source: str, troubles: list[OomwatchdError]
) -> Iterator[bytes]:
    """Unpack gzip data, of which several may stand one after another.

    What is cut off or damaged, as on a device that lost its power, is read as far as it goes.
    """
    try:
        import zlib  # noqa: PLC0415 - not every device's Python has it
    except ImportError:
        why = "this Python cannot unpack gzip; try gzip -dc FILE | oomwatchctl explain"
        raise ParseError(source, 0, b"", why) from None
    what = "cut off"
    unpacker = zlib.decompressobj(wbits=31)
    try:
        while packed:
            before = unpacker.copy()
            yield unpacker.decompress(packed, _CHUNK_BYTES)
            packed = unpacker.unconsumed_tail
            if unpacker.eof:
                packed = _without_padding(unpacker.unused_data, file)
                if not packed:
                    return
                unpacker = zlib.decompressobj(wbits=31)
            packed = packed or file.next(_PACKED_BYTES)
        yield unpacker.flush()
    except zlib.error as error:
        what = f"damaged ({escape(str(error))})"
    if packed:
        # What stood before the damage is lost with it, unless it comes byte by byte.
        try:
            for at in range(len(packed)):
                yield before.decompress(packed[at : at + 1])
        except zlib.error:
            pass  # known already
    troubles.append(ParseError(source, 0, b"", f"the gzip data is {what}: read as far as it goes"))
