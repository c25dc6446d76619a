#!/usr/bin/env python3
"""Checks that #include follows the arrows of docs/architecture.md. The table below is the law."""
import pathlib
import re
import sys

# Folder -> what it may include beside itself, src/base and the public headers. "contract" is
# include/tutti/transport.hpp; "engine" is every folder of src below communicator.
ENGINE = "kernels topology diagnose memory bootstrap channel collectives moe"
ALLOWED = {
    "include/tutti": "contract",
    "src/base": "contract",  # its clock is a tutti::Clock
    "src/kernels": "",
    "src/topology": "",
    "src/diagnose": "",
    "src/memory": "diagnose topology contract",  # which NUMA node
    "src/bootstrap": "diagnose contract",  # Rank and Nanoseconds
    "src/bootstrap/launchers": "bootstrap contract",
    "src/channel": "memory diagnose contract",
    "src/collectives": "channel memory kernels diagnose contract",
    "src/moe": "channel memory kernels diagnose contract",
    "src/communicator": ENGINE + " contract transports/registry.hpp",
    "src/api": "communicator moe bootstrap bootstrap/launchers memory",  # ways to meet; tuttiMemAlloc
    "src/api/sim": "api communicator bootstrap transports/ub/bus transports/ub/trace transports/ub/report",  # tuttiSimRun
    "transports": "bootstrap contract transports/hybrid transports/ofi transports/packets transports/plugin transports/shm transports/tcp transports/ub/bus transports/ub/processes",  # the registry
    "transports/shm": "kernels topology memory bootstrap contract",
    "transports/hybrid": "topology bootstrap contract",  # of two transports that it is given
    "transports/message": "kernels memory bootstrap contract",
    "transports/tcp": "transports/message topology bootstrap contract",
    "transports/packets": "transports/message memory topology bootstrap contract",
    "transports/plugin": "transports/packets transports/message contract",
    "transports/ofi": "transports/packets transports/message contract",
    "transports/ub/engine": "",
    "transports/ub/model": "transports/ub/engine/time.hpp transports/ub/engine/mix.hpp",
    "transports/ub/race": "transports/ub/engine contract",
    "transports/ub/bus": "transports/ub/engine transports/ub/model transports/ub/race bootstrap memory kernels contract",
    "transports/ub/trace": "transports/ub/bus transports/ub/engine transports/ub/model contract",
    "transports/ub/report": "transports/ub/trace transports/ub/bus transports/ub/engine transports/ub/model",
    "transports/ub/processes": "transports/ub/bus bootstrap memory contract",
}
# Users of the library: the public headers only. (tests, perf and tools may look inside.)
PUBLIC_ONLY = ("examples",)

INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.MULTILINE)
SOURCES = {".h", ".hpp", ".c", ".cpp"}


def folder_of(path):
    """The layer a file belongs to, or None: the longest front of its folder that is in the table. A
    layer of one name ("transports") holds the files right in it only."""
    parts = path.parent.parts
    for length in range(len(parts), 0, -1):
        folder = "/".join(parts[:length])
        if folder in ALLOWED and (length > 1 or len(parts) == 1):
            return folder
    return None


def target_of(root, path, name):
    """The file that `name` in `path` means, relative to root; None outside the project."""
    for place in (path.parent, pathlib.Path("src"), pathlib.Path("."), pathlib.Path("include")):
        candidate = root / place / name
        if candidate.is_file():
            return candidate.resolve().relative_to(root.resolve())
    return None


def may_include(folder, target):
    """None when the arrow exists, otherwise why it does not."""
    if target.as_posix() == "include/tutti/transport.hpp":
        return None if "contract" in ALLOWED[folder].split() else f"{folder} -> the transport contract"
    layer = folder_of(target)
    if layer in (folder, "src/base", "include/tutti"):
        return None
    allowed = ALLOWED[folder].split()
    if target.as_posix() in allowed or (layer and layer.removeprefix("src/") in allowed):
        return None
    return f"{folder} -> {layer or target.parent}"


def violations(root):
    """(file, included file, arrow) for every include that has no arrow; also files in no layer."""
    for top in ("include", "src", "transports", *PUBLIC_ONLY):
        for file in sorted((root / top).rglob("*")):
            if file.suffix not in SOURCES:
                continue
            path = file.relative_to(root)
            folder = folder_of(path)
            if folder is None and top not in PUBLIC_ONLY:
                yield path, "", f"{path.parent} is not in the table of tools/check_includes.py"
                continue
            for name in INCLUDE.findall(file.read_text(encoding="utf-8")):
                target = target_of(root, path, name)
                if target is None:
                    continue
                if top in PUBLIC_ONLY:
                    own = target.parts[0] == top or target.parts[0] == "include"
                    arrow = None if own else f"{top} -> {target.parent}"
                else:
                    arrow = may_include(folder, target)
                if arrow:
                    yield path, name, arrow


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent)
    found = list(violations(root))
    for path, name, arrow in found:
        print(f"{path}: includes {name}: no such arrow: {arrow}" if name else f"{path}: {arrow}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
