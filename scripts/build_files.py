"""What BUILD files declare, read without Bazel: they are Python, but for the functions that they call."""

import builtins
import fnmatch
import pathlib


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


def sources_of(root, label):
    """The source files of the target `label` ("//folder:name"), as paths; None when there is no such target."""
    folder, _, name = label.removeprefix("//").partition(":")
    build_file = pathlib.Path(root, folder, "BUILD.bazel")
    if not name or not build_file.is_file():
        return None
    declarations = _Declarations(build_file.parent)
    exec(compile(build_file.read_text(encoding="utf-8"), str(build_file), "exec"), declarations)
    rule = declarations.rules.get(name)
    return None if rule is None else [build_file.parent / source for source in rule.get("srcs", [])]
