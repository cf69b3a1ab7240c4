# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""What the checks of this folder share.

A check is a function of a source tree that returns its complaints. Beside it
stands a list of spoilings: changes to a copy of the tree that the check must
complain about. `CHECK --self-test` makes them one after the other and fails if
one goes unnoticed.
"""

import os
import re
import shutil
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.abspath(os.environ.get("top_srcdir") or os.path.dirname(os.path.dirname(HERE)))
BUILD = os.path.abspath(os.environ.get("top_builddir") or os.getcwd())

PASS, FAIL, SKIP = 0, 1, 77

# What the self-tests copy.
PARTS = ("CONTRIBUTING.md", "Makefile.am", "README.md", "doc", "include", "libiommufd", "python",
         "tests/build", "tools")


class Skip(Exception):
    """The check cannot be made here; says why."""


def read(*path):
    with open(os.path.join(*path), encoding="utf-8") as file:
        return file.read()


def walk(top, folder, pattern):
    """Paths under top/folder whose name matches, relative to top, sorted."""
    out = []
    for where, folders, names in os.walk(os.path.join(top, folder)):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            if re.search(pattern, name):
                out.append(os.path.relpath(os.path.join(where, name), top))
    return sorted(out)


def blank(match):
    """A replacement of the same shape: line numbers and columns stay."""
    return re.sub(r"[^\n]", " ", match.group())


def code_only(text, strings=True):
    """C without comments and, unless told otherwise, without the insides of strings."""
    token = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)

    def replace(match):
        if match.group().startswith("/"):
            return blank(match)
        return match.group() if not strings else re.sub(r"[^\n\"']", " ", match.group())
    return token.sub(replace, text)


def copy_tree(top, target):
    for part in PARTS:
        source = os.path.join(top, part)
        if os.path.isdir(source):
            shutil.copytree(source, os.path.join(target, part), symlinks=True,
                            ignore=shutil.ignore_patterns(".*", "*.o", "*.lo", "__pycache__"))
        elif os.path.exists(source):
            os.makedirs(os.path.dirname(os.path.join(target, part)), exist_ok=True)
            shutil.copy(source, os.path.join(target, part))
    # An unpacked tarball may be read-only.
    for where, _, names in os.walk(target):
        for path in [where] + [os.path.join(where, name) for name in names]:
            if not os.path.islink(path):
                os.chmod(path, os.stat(path).st_mode | 0o200)


class Spoil:
    """One change to a copy of the tree, and words of the complaint it must bring.

    `old` is a regular expression whose first match is replaced; None makes a new
    file of `new`.
    """

    def __init__(self, path, old, new, expect):
        self.path, self.old, self.new, self.expect = path, old, new, expect

    def __str__(self):
        return "%s: %s -> %s" % (self.path, self.old or "new file", " ".join(self.new.split())[:60])

    def apply(self, tree):
        """Make the change; the text that was there before, or None."""
        path = os.path.join(tree, self.path)
        before = read(path) if os.path.exists(path) else None
        if self.old is None:
            after = self.new
        else:
            after, count = re.subn(self.old, lambda match: match.expand(self.new), before or "",
                                   count=1, flags=re.S)
            if not count:
                raise ValueError("nothing to spoil: %s has no %s" % (self.path, self.old))
        with open(path, "w", encoding="utf-8") as file:
            file.write(after)
        return before

    def undo(self, tree, before):
        path = os.path.join(tree, self.path)
        if before is None:
            os.unlink(path)
            return
        with open(path, "w", encoding="utf-8") as file:
            file.write(before)


def self_test(check, spoilings):
    missed = 0
    with tempfile.TemporaryDirectory() as tree:
        copy_tree(TOP, tree)
        usual = set(check(tree))
        for spoil in spoilings:
            try:
                before = spoil.apply(tree)
            except ValueError as error:
                print("FAILED    %s" % error)
                missed += 1
                continue
            fresh = [line for line in check(tree) if line not in usual]
            spoil.undo(tree, before)
            found = next((line for line in fresh if spoil.expect in line), None)
            missed += not found
            print("%s %s\n          %s" % ("noticed  " if found else "UNNOTICED", spoil,
                                           found or "complaints: %s" % fresh))
    print("%d of %d spoilings noticed" % (len(spoilings) - missed, len(spoilings)))
    return FAIL if missed or not spoilings else PASS


def main(check, spoilings, summary):
    """Run a check or its self-test; summary(tree) tells what was looked at."""
    try:
        if "--self-test" in sys.argv[1:]:
            return self_test(check, spoilings)
        if sys.argv[1:]:
            print(sys.modules["__main__"].__doc__.strip())
            return 2
        complaints = check(TOP)
    except Skip as reason:
        print("skipped: %s" % reason)
        return SKIP
    for line in complaints:
        print(line)
    print("%s; %s" % (summary(TOP), "%d complaints" % len(complaints) if complaints else "all well"))
    return FAIL if complaints else PASS
