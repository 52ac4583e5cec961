"""Checks what clang-format cannot: the rules of the sources that a pattern can see, and that includes point down the layers.

Prints each violation as file:line and exits 1 when there is one.
"""

import os
import pathlib
import re
import sys

COLUMNS = 140
SOURCE_ENDINGS = {".cc", ".h"}
TEXT_ENDINGS = SOURCE_ENDINGS | {".py", ".sh", ".proto", ".bazel", ".bzl"}

# Which folders of this repository a folder may include; every folder may include itself. `proto` stands for generated headers.
MAY_INCLUDE = {
    "base": set(),
    "storage": {"base"},
    "storage/etcd": {"base", "storage", "proto"},
    "discovery": {"base"},
    "topology": {"base", "discovery"},
    "server": {"base", "proto", "storage", "discovery", "topology"},
    "client": {"base", "proto", "discovery", "topology"},
    "client/testing": {"base", "proto", "storage", "discovery", "topology", "server", "client"},
    "cli": {"base", "proto", "discovery", "topology", "client"},
    "tests": {"base", "proto", "storage", "discovery", "topology", "server", "client", "cli"},
    "bench": {"base", "proto", "storage", "discovery", "topology", "server", "client"},
}
# Libraries that only some folders may include, with what lies below them.
LIBRARY_FOLDERS = {
    "rocksdb/": ("storage/rocksdb/", "storage/testing/", "tests/"),
    "grpcpp/": ("server/", "client/", "storage/etcd/", "cli/", "tests/", "bench/"),
    "nng/": ("client/gates/nng_", "bench/"),
    "spdlog/": ("server/", "cli/"),
    "google/protobuf/": ("server/", "client/", "cli/", "discovery/protobuf_serializer", "discovery/serializers_test", "tests/", "bench/"),
}
# Of `absl::Mutex` see base/mutex.h; Debian's abseil has its own string_view, to which std::string_view does not convert.
FORBIDDEN = {
    r"\bTODO\b|\bFIXME\b": "unfinished work",
    r"\bstd::string_view\b": "use absl::string_view",
    r"\babsl::(Mutex|MutexLock|CondVar)\b": "use base/mutex.h",
}
INCLUDE = re.compile(r'^#include ["<]([^">]+)[">]')
OUR_FOLDERS = {folder.split("/")[0] for folder in MAY_INCLUDE}
GENERATED = (".pb.h",)


def layer_of(path):
    """The most specific layer that holds the file, or None."""
    layers = [layer for layer in MAY_INCLUDE if path.startswith(layer + "/")]
    return max(layers, key=len, default=None)


def include_violation(path, included):
    layer = layer_of(path)
    if layer is None:
        return None
    for library, folders in LIBRARY_FOLDERS.items():
        if included.startswith(library) and not path.startswith(folders):
            return f"{library[:-1]} is only included in {', '.join(folders)}"
    if included.endswith(GENERATED) and not included.startswith("google/protobuf/"):
        target = "proto"
    elif included.split("/")[0] in OUR_FOLDERS and "/" in included:
        target = layer_of(included)
    else:
        return None
    # A folder with a rule of its own, such as storage/etcd, also includes the folder that it lies in.
    if target.split("/")[0] in MAY_INCLUDE[layer] | {layer.split("/")[0]}:
        return None
    return f"{layer} does not include {target}"


def violations_in(path):
    source = pathlib.PurePath(path).suffix in SOURCE_ENDINGS
    with open(path, encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            line = line.rstrip("\n")
            if len(line) > COLUMNS:
                yield number, f"{len(line)} columns, {COLUMNS} at most"
            if not source:
                continue
            # A comment may name what the code must not use.
            code = line.split("//")[0]
            for pattern, reason in FORBIDDEN.items():
                if re.search(pattern, line if reason == "unfinished work" else code):
                    yield number, reason
            include = INCLUDE.match(line)
            violation = include and include_violation(path, include.group(1))
            if violation:
                yield number, violation


def sources():
    for folder, subfolders, files in os.walk("."):
        subfolders[:] = sorted(name for name in subfolders if not name.startswith((".", "bazel-")) and name not in ("bin", "third_party"))
        for name in sorted(files):
            if pathlib.PurePath(name).suffix in TEXT_ENDINGS:
                yield os.path.relpath(os.path.join(folder, name))


def main():
    os.chdir(pathlib.Path(__file__).resolve().parent.parent)
    found = [f"{path}:{number}: {reason}" for path in sources() for number, reason in violations_in(path)]
    print("\n".join(found), file=sys.stderr, end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
