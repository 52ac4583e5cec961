"""What BUILD files declare, read without Bazel: they are Python, but for the functions that they call."""

import builtins
import fnmatch
import pathlib
import re


class _Loaded(list):
    """What another file gives: flags, which do not matter here, or a rule, which is not looked into."""

    def __call__(self, *_, **__):
        return None


class _Declarations(dict):
    """The names that a BUILD file may call. A rule that is called is kept; anything else that is called gives nothing."""

    def __init__(self, folder):
        super().__init__()
        self._folder = folder
        self.rules = {}
        self.update(glob=self._glob, select=lambda choices: next(iter(choices.values())), load=self._load)

    def __missing__(self, name):
        def declare(*_, **attributes):
            if "name" in attributes:
                self.rules[attributes["name"]] = attributes

        if hasattr(builtins, name):
            raise KeyError(name)
        return declare

    def _load(self, _, *names):
        self.update((name, _Loaded()) for name in names)

    def _glob(self, patterns, exclude=()):
        names = sorted(path.name for path in self._folder.iterdir())
        wanted = [name for name in names if any(fnmatch.fnmatch(name, pattern) for pattern in patterns)]
        return [name for name in wanted if not any(fnmatch.fnmatch(name, pattern) for pattern in exclude)]


def rule_of(root, label):
    """The attributes of the target `label` ("//folder:name", or "//folder" for the one of the folder's name); None when there is none."""
    folder, _, name = label.removeprefix("//").partition(":")
    build_file = pathlib.Path(root, folder, "BUILD.bazel")
    if not label.startswith("//") or not build_file.is_file():
        return None
    declarations = _Declarations(build_file.parent)
    exec(compile(build_file.read_text(encoding="utf-8"), str(build_file), "exec"), declarations)
    return declarations.rules.get(name or build_file.parent.name)


def sources_of(root, label):
    """The source files of the target `label` and of what it depends on directly, as paths; None when there is no such target."""
    rule = rule_of(root, label)
    if rule is None:
        return None
    folder = label.partition(":")[0]
    sources = []
    for part in [label] + rule.get("deps", []):
        part = folder + part if part.startswith(":") else part
        part_folder = part.removeprefix("//").partition(":")[0]
        sources += [pathlib.Path(root, part_folder, source) for source in (rule_of(root, part) or {}).get("srcs", [])]
    return sources


def test_problems(root, label, test):
    """What is wrong with saying that the test `Suite.Name` is in the target `label`."""
    sources = sources_of(root, label)
    if sources is None:
        return [f"there is no target {label}"]
    suite, _, name = test.partition(".")
    declaration = re.compile(rf"\b(?:TYPED_)?TEST(?:_F|_P)?\(\s*{re.escape(suite)},\s*{re.escape(name)}\s*\)")
    if any(declaration.search(source.read_text(encoding="utf-8")) for source in sources if source.is_file()):
        return []
    return [f"{label} has no test {test}"]
