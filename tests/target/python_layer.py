"""The layers with Python and with the project, as a device has them: no tests, no documents.

Compiled files are shipped, because compiling at the first import costs seconds of guest time.
"""

import importlib.util
import marshal
import re
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

from target.cpio import Archive
from target.debs import Cache

VERSION = "3.11"
SITE = "usr/lib/python3/dist-packages"
NATIVE = (
    f"python{VERSION}-minimal",
    f"libpython{VERSION}-minimal",
    f"libpython{VERSION}-stdlib",
    *("libc6", "zlib1g", "libexpat1", "libffi8", "liblzma5", "libbz2-1.0", "libssl3", "libuuid1"),
    *("libcrypt1", "libgcc-s1", "libudev1", "python3-psutil"),
)
PURE = ("python3-pyudev", "python3-structlog")
# What no device ships; the root file system takes its room from the device's memory.
SKIP = re.compile(
    r"usr/share/|.*/gconv/|.*/psutil/tests/|.*\.egg-info"
    r"|usr/lib/python3\.11/(lib2to3|pydoc_data|distutils|idlelib|tkinter|curses|sqlite3"
    r"|xmlrpc|wsgiref|ensurepip|venv|dbm|turtledemo|pydoc|config-)"
)
COMMANDS = {
    "oomwatchd": "oomwatchd.daemon.main",
}


def python_layer(cache: Cache, arch: str) -> bytes:
    """Give the archive with Python and the libraries, kept in the cache."""
    stored = cache.place / f"python-{arch}.cpio.gz"
    if not stored.exists():
        archive = Archive()
        files: dict[str, bytes] = {}
        packages = [(name, arch) for name in NATIVE] + [(name, "all") for name in PURE]
        _add_tree(archive, files, cache.unpacked_together(packages, f"python_{arch}"))
        archive.link("usr/bin/python3", f"python{VERSION}")
        _add_compiled(archive, files)
        new = stored.with_suffix(".new")
        new.write_bytes(archive.packed())
        new.rename(stored)
    return stored.read_bytes()


def project_layer(wheel: Path) -> bytes:
    """Give the archive with the project, installed from its wheel."""
    archive = Archive()
    files: dict[str, bytes] = {}
    with zipfile.ZipFile(wheel) as source:
        for name in source.namelist():
            scripts = re.fullmatch(r"[^/]+\.data/scripts/([^/]+)", name)
            if scripts:
                archive.file(f"usr/bin/{scripts[1]}", source.read(name), 0o755)
            elif not name.endswith("/"):
                files[f"{SITE}/{name}"] = source.read(name)
    for name, data in files.items():
        archive.file(name, data)
    for command, module in COMMANDS.items():
        text = f"#!/usr/bin/python3\nimport sys\nfrom {module} import main\nsys.exit(main())\n"
        archive.file(f"usr/bin/{command}", text.encode(), 0o755)
    _add_compiled(archive, files)
    return archive.packed()


def source_layer(folder: Path, below: str) -> bytes:
    """Give an archive with a directory's Python files in the directory `below`."""
    archive = Archive()
    files = {f"{below}/{file.name}": file.read_bytes() for file in sorted(folder.glob("*.py"))}
    for name, data in files.items():
        archive.file(name, data)
    _add_compiled(archive, files)
    return archive.packed()


def _add_tree(archive: Archive, files: dict[str, bytes], root: Path) -> None:
    """Add the files of an unpacked package; note those that are Python."""
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        if SKIP.match(name):
            continue
        if path.is_symlink():
            archive.link(name, str(path.readlink()))
        elif path.is_file():
            archive.file(name, path.read_bytes(), 0o755 if path.stat().st_mode & 0o100 else 0o644)
            if path.suffix == ".py":
                files[name] = path.read_bytes()


def _add_compiled(archive: Archive, files: Mapping[str, bytes]) -> None:
    """Add byte code for the guest's Python beside the sources."""
    sources = {name: data for name, data in files.items() if name.endswith(".py")}
    for name, code in compiled(sources).items():
        folder, _, file = name.rpartition("/")
        archive.file(f"{folder}/__pycache__/{file[:-3]}.cpython-311.pyc", code)


def compiled(sources: Mapping[str, bytes]) -> dict[str, bytes]:
    """Compile; the code is valid whatever the source's time (PEP 552, unchecked hash).

    Byte code does not depend on the processor, but on Python's version: where this is not the
    guest's there is none, and guests start slower.
    """
    found: dict[str, bytes] = {}
    if sys.version_info[:2] != (3, 11):
        return found
    for name, source in sources.items():
        try:
            code = compile(source, f"/{name}", "exec", dont_inherit=True, optimize=0)
        except (SyntaxError, ValueError):  # templates, and tests of what must not compile
            continue
        head = importlib.util.MAGIC_NUMBER + (1).to_bytes(4, "little")
        found[name] = head + importlib.util.source_hash(source) + marshal.dumps(code)
    return found
