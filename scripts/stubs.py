"""Writes what other languages need to call ScoutLight into a folder: the .proto files, and stubs for each language whose generator is here.

Says of each language in a line what was written, or what is missing and how to get it. The same input gives the same bytes. Nothing
outside the folder is touched; in it only what an earlier run wrote is replaced, by the list in its file .scoutlight-stubs. A folder that
holds other things and no such list, or another file where a stub is to be, is refused: exit 1, and nothing has changed. Stubs of google/rpc
are never written: each language has a package of them.
"""

import argparse
import dataclasses
import os
import pathlib
import shutil
import subprocess
import sys

LIST = ".scoutlight-stubs"
LIST_TITLE = "# Written by `./dev stubs` of ScoutLight, which replaces these files when it runs again."
UNFINISHED = ".scoutlight-stubs-unfinished"
GO_MODULE = "scoutlight"
GO_MOD = f"""module {GO_MODULE}

go 1.19

require (
\tgoogle.golang.org/grpc v1.57.0
\tgoogle.golang.org/protobuf v1.31.0
)
"""


class Refused(Exception):
    """Why nothing was written, for people."""


@dataclasses.dataclass(frozen=True)
class Language:
    name: str
    # Plugins of protoc, by the names that it knows them by; all must be here.
    plugins: dict
    # Flags of protoc for an output folder and the .proto files; and what is to be done in that folder after.
    flags: callable
    finish: callable
    # How to use what was written, and how to get what is missing.
    use: str
    get: str


def add_init_files(out, _):
    """Makes each folder a package: without that, tools that look for packages pass it over."""
    for folder in {parent for path in out.rglob("*.py") for parent in path.relative_to(out).parents} - {pathlib.Path()}:
        (out / folder / "__init__.py").touch()


def add_go_module(out, _):
    (out / "go.mod").write_text(GO_MOD, encoding="utf-8")


def nothing_more(_out, _protos):
    pass


def go_flags(out, protos):
    """The .proto files name no Go package: scoutlight/registry/v1/lease.proto belongs to package registryv1 in scoutlight/registry/v1."""
    flags = []
    for proto in protos:
        folder = str(pathlib.PurePosixPath(proto).parent)
        package = "".join(folder.split("/")[-2:])
        flags += [f"--{plugin}_opt=M{proto}={folder};{package}" for plugin in ("go", "go-grpc")]
    return [*flags, *(f"--{plugin}_{flag}" for plugin in ("go", "go-grpc") for flag in (f"out={out}", f"opt=module={GO_MODULE}"))]


LANGUAGES = (
    Language(
        name="python",
        plugins={"protoc-gen-grpc_python": "grpc_python_plugin"},
        flags=lambda out, protos: [f"--python_out={out}", f"--pyi_out={out}", f"--grpc_python_out={out}"],
        finish=add_init_files,
        use="name it in PYTHONPATH; runs with Debian's python3-grpcio and python3-protobuf, or PyPI's grpcio >= 1.51, protobuf >= 4.21",
        get="apt-get install protobuf-compiler-grpc",
    ),
    Language(
        name="go",
        plugins={"protoc-gen-go": "protoc-gen-go", "protoc-gen-go-grpc": "protoc-gen-go-grpc"},
        flags=go_flags,
        finish=add_go_module,
        use="module `scoutlight`: name the folder in a `replace` of go.mod, as examples/go does",
        get="install Go, and run `./dev stubs` again where the Go module proxy can be reached",
    ),
    Language(
        name="java",
        plugins={"protoc-gen-grpc-java": "grpc_java_plugin"},
        flags=lambda out, protos: [f"--java_out={out}", f"--grpc-java_out={out}"],
        finish=nothing_more,
        use="a source folder; compiles with grpc-protobuf and grpc-stub >= 1.41, protobuf-java 3.21 to 3.25, javax.annotation-api 1.3",
        get="apt-get install protobuf-compiler-grpc-java-plugin",
    ),
    Language(
        name="typescript",
        plugins={"protoc-gen-ts_proto": "protoc-gen-ts_proto"},
        flags=lambda out, protos: [f"--ts_proto_out={out}", "--ts_proto_opt=outputServices=grpc-js,forceLong=bigint,esModuleInterop=true"],
        finish=nothing_more,
        use="a source folder; compiles with @grpc/grpc-js and @bufbuild/protobuf",
        get="npm install --global ts-proto; or load proto/ with @grpc/proto-loader, which needs no stubs",
    ),
)


def copy_protos(source, out):
    """Copies our .proto files below `out` and gives their names, sorted."""
    protos = sorted(path.relative_to(source).as_posix() for path in (source / "scoutlight").rglob("*.proto"))
    if not protos:
        raise Refused(f"{source}/scoutlight holds no .proto files")
    for proto in protos:
        (out / proto).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / proto, out / proto)
    return protos


def generate(language, programs, proto_folder, protos, out):
    """Writes one language's stubs; `programs`: the paths of its plugins."""
    out.mkdir()
    plugins = [f"--plugin={plugin}={programs[program]}" for plugin, program in language.plugins.items()]
    command = ["protoc", f"--proto_path={proto_folder}", *plugins, *language.flags(out, protos), *protos]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Refused(f"protoc failed for {language.name}: {done.stderr.strip()}")
    language.finish(out, protos)


def write_all(source, out, search_path):
    """Writes everything below `out`; gives a line about each language."""
    if shutil.which("protoc") is None:
        raise Refused("protoc is not here: apt-get install protobuf-compiler")
    protos = copy_protos(source, out / "proto")
    said = [("proto", "for any other generator")]
    for language in LANGUAGES:
        programs = {program: shutil.which(program, path=search_path) for program in language.plugins.values()}
        missing = sorted(program for program, path in programs.items() if path is None)
        if missing:
            said.append((language.name, f"left out, {' and '.join(missing)} not found: {language.get}"))
            continue
        generate(language, programs, out / "proto", protos, out / language.name)
        said.append((language.name, language.use))
    return said


def files_below(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def earlier_files(folder):
    """What an earlier run wrote there; a folder that is not this program's to fill is refused."""
    if not folder.exists():
        return []
    if not folder.is_dir():
        raise Refused(f"{folder} is not a folder")
    if not (folder / LIST).is_file():
        if any(path.name != UNFINISHED for path in folder.iterdir()):
            raise Refused(f"{folder} holds other things (it has no file {LIST}): name an empty or a new folder")
        return []
    title, *names = (folder / LIST).read_text(encoding="utf-8", errors="replace").splitlines() or [""]
    if title != LIST_TITLE or any(name.startswith("/") or ".." in name.split("/") for name in names):
        raise Refused(f"{folder / LIST} is not what this program wrote: name an empty or a new folder")
    return names


def in_the_way(folder, name, earlier):
    """The path that keeps a file from being written there, and nowhere else; None: nothing does."""
    parents = [folder / parent for parent in list(pathlib.PurePath(name).parents)[:-1]]
    for parent in parents:
        if os.path.lexists(parent) and (parent.is_symlink() or not parent.is_dir()):
            return parent
    path = folder / name
    if path.is_dir() or (os.path.lexists(path) and name not in earlier):
        return path
    return None


def replace(folder, earlier, unfinished):
    """Puts the new files in the place of the earlier ones."""
    new = files_below(unfinished)
    for name in sorted({*earlier, *new}):
        obstacle = in_the_way(folder, name, earlier)
        if obstacle is not None:
            raise Refused(f"{obstacle} is not from here and in the way")
    # Both, until it is done: a run that is cut short leaves nothing that the next one does not know.
    write_list(folder, unfinished, sorted({*earlier, *new}))
    for name in earlier:
        if name not in new and os.path.lexists(folder / name):
            (folder / name).unlink()
            remove_empty(folder, (folder / name).parent)
    for name in new:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        os.replace(unfinished / name, folder / name)
    write_list(folder, unfinished, new)


def remove_empty(top, folder):
    """Removes the folder and those above it, below `top`, as long as they are empty."""
    while folder != top and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent


def write_list(folder, unfinished, names):
    (unfinished / LIST).write_text("\n".join([LIST_TITLE, *names]) + "\n", encoding="utf-8")
    os.replace(unfinished / LIST, folder / LIST)


def main():
    parser = argparse.ArgumentParser(prog="./dev stubs", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", metavar="DIR", type=pathlib.Path)
    here = pathlib.Path(__file__).resolve().parent.parent
    parser.add_argument("--protos", type=pathlib.Path, default=here / "proto", help=argparse.SUPPRESS)
    parser.add_argument("--tools", default=str(here / ".tools"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    folder = arguments.folder
    try:
        earlier = earlier_files(folder)
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = folder / UNFINISHED
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir()
        try:
            said = write_all(arguments.protos, unfinished, f"{arguments.tools}:{os.environ.get('PATH', os.defpath)}")
            replace(folder, earlier, unfinished)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
    except (Refused, OSError) as error:
        print(f"dev: {error}", file=sys.stderr)
        return 1
    for name, line in said:
        print(f"{name + ':':12}{line if 'left out' in line else f'{folder / name}, {line}'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
