# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Read the public headers: declarations and the comments that document them.

The manual pages and the checks of the documentation, of the symbols and of the
Python prototypes all read the headers through this module, so they cannot
disagree about what a header says. It understands the C those headers are
written in and raises HeaderError on anything else.

Run as a program, it prints the value of every public constant and the fields of
every public struct.
"""

import os
import re
import sys

ORDER = ("ctx", "device", "group", "handoff", "import", "hwinfo", "ioas", "hwpt", "lookup", "dirty",
         "fault", "viommu", "vdevice", "veventq", "hw_queue", "pasid", "pasid_table", "region", "irq",
         "pci", "reset", "feature", "migration", "error", "emu", "version")

BLOCK_TAGS = ("file", "section", "param", "return", "threads", "since", "source")
TAG = re.compile(r"@(%s)\b[ \t]*(.*)" % "|".join(BLOCK_TAGS))
ERROR_LINE = re.compile(r"\s+-(E[A-Z0-9]+)\s+(\S.*)")


class HeaderError(Exception):
    pass


class Doc:
    """One documentation comment, taken apart."""

    def __init__(self):
        self.paragraphs = []     # prose; the first begins with the summary sentence
        self.params = []         # (name, text)
        self.returns = None      # text of @return before the list of errors
        self.errors = []         # (code without the minus, cause)
        self.tags = {}           # file, section, threads, since, source

    @property
    def summary(self):
        first = self.paragraphs[0] if self.paragraphs else ""
        match = re.match(r"(.+?[.:])(\s|$)", first)
        return match.group(1) if match else first

    def texts(self):
        """Every piece of prose in the comment."""
        yield from self.paragraphs
        for _, text in self.params:
            yield text
        if self.returns:
            yield self.returns
        for _, cause in self.errors:
            yield cause
        if "source" in self.tags:
            yield self.tags["source"]


class Item:
    """A declaration. kind: function, struct, enum, typedef or macro."""

    def __init__(self, kind, name, doc, line):
        self.kind = kind
        self.name = name
        self.doc = doc
        self.line = line
        self.text = ""           # the declaration on one line, for functions and typedefs
        self.result = ""         # return type, for functions
        self.params = []         # (declaration, name), for functions
        self.members = []        # (declaration, name, text or None): fields, constants
        self.values = {}         # constant -> number, for enums


class Header:
    def __init__(self, path):
        self.path = path
        self.name = re.sub(r"\.in$", "", os.path.basename(path))
        self.doc = None
        self.section = None      # short name: "ctx"
        self.title = None        # "Contexts"
        self.items = []

    def of(self, kind):
        return [item for item in self.items if item.kind == kind]

    @property
    def functions(self):
        return self.of("function")


def squeeze(text):
    return re.sub(r"\s+", " ", text).strip()


def comment_lines(raw):
    """The lines of a comment without its stars."""
    return [re.sub(r"^\s*\*? ?", "", line).rstrip() if number else line.strip()
            for number, line in enumerate(raw.split("\n"))]


def parse_return(doc, lines, where):
    words = []
    for line in lines:
        match = ERROR_LINE.fullmatch(line)
        if match:
            doc.errors.append((match.group(1), match.group(2).strip()))
        elif not line.strip():
            continue
        elif re.fullmatch(r"\s*-E[A-Z0-9]+\s*", line):
            raise HeaderError("%s: error without a cause: %s" % (where, line.strip()))
        elif doc.errors:
            if not line.startswith("  "):
                raise HeaderError("%s: text after the list of errors: %s" % (where, line))
            code, cause = doc.errors[-1]
            doc.errors[-1] = (code, cause + " " + line.strip())
        else:
            words.append(line)
    doc.returns = squeeze(" ".join(words))


def parse_doc(raw, where):
    doc = Doc()
    blocks = [(None, "", [])]    # tag, rest of its line, lines that follow
    for line in comment_lines(raw):
        match = TAG.match(line)
        if match:
            blocks.append((match.group(1), match.group(2), []))
        else:
            blocks[-1][2].append(line)

    # Prose that follows @file and @section is the essay.
    prose = []
    for tag, rest, lines in blocks:
        if tag is None:
            prose += lines
        elif tag in ("file", "section"):
            doc.tags[tag] = rest.strip()
            prose += [""] + lines
        elif tag == "param":
            match = re.match(r"(\w+)\s+(\S.*)", rest)
            if not match:
                raise HeaderError("%s: @param without a description: %s" % (where, rest))
            doc.params.append((match.group(1), squeeze(" ".join([match.group(2)] + lines))))
        elif tag == "return":
            if doc.returns is not None:
                raise HeaderError("%s: @return twice" % where)
            parse_return(doc, [rest] + lines, where)
        else:
            if tag in doc.tags:
                raise HeaderError("%s: @%s twice" % (where, tag))
            doc.tags[tag] = squeeze(" ".join([rest] + lines))
    for paragraph in re.split(r"\n\s*\n", "\n".join(prose)):
        if paragraph.strip():
            doc.paragraphs.append(squeeze(paragraph))
    return doc


def evaluate(text, values, where):
    if text in values:
        return values[text]
    if not re.fullmatch(r"[\s0-9a-fA-FxUuLl<|()+-]+", text):
        raise HeaderError("%s: value not understood: %s" % (where, text))
    return int(eval(re.sub(r"(?<=[0-9a-fA-F])[uUlL]+\b", "", text), {"__builtins__": {}}))


def parse_members(body, separator, where):
    """(declaration, text or None) of each member; a comment stands before or after its member."""
    out = []
    before = None
    at = 0
    token = re.compile(r"\s*(?:/\*\*<(?P<after>.*?)\*/|/\*\*(?P<before>.*?)\*/|/\*.*?\*/"
                       r"|(?P<decl>[^/%s]+)(?P<end>%s|$))" % (separator, separator), re.S)
    while body[at:].strip():
        match = token.match(body, at)
        if not match:
            raise HeaderError("%s: not understood: %s" % (where, squeeze(body[at:at + 60])))
        at = match.end()
        if match.group("after") is not None:
            if not out or out[-1][1] is not None:
                raise HeaderError("%s: a comment that belongs to nothing: %s"
                                  % (where, squeeze(match.group("after"))))
            text = squeeze(" ".join(comment_lines(match.group("after"))))
            out[-1] = (out[-1][0], text)
        elif match.group("before") is not None:
            before = squeeze(" ".join(comment_lines(match.group("before"))))
        elif match.group("decl"):
            if squeeze(match.group("decl")):
                out.append((squeeze(match.group("decl")), before))
            before = None
    return out


def declared_name(declaration, where):
    """The name in "const char *name[4]" or "void (*name)(int)"."""
    match = (re.search(r"\(\s*\*\s*(\w+)\s*\)", declaration)
             or re.search(r"(\w+)\s*(?:\[\w*\])*$", declaration))
    if not match:
        raise HeaderError("%s: no name in: %s" % (where, declaration))
    return match.group(1)


def parse_struct(name, body, doc, line, where):
    item = Item("struct", name, doc, line)
    for declaration, text in parse_members(body, ";", where):
        item.members.append((declaration, declared_name(declaration, where), text))
    return item


def parse_enum(body, doc, line, where):
    item = Item("enum", None, doc, line)
    last = -1
    for declaration, text in parse_members(body, ",", where):
        name, _, value = (part.strip() for part in declaration.partition("="))
        if not re.fullmatch(r"\w+", name):
            raise HeaderError("%s: constant not understood: %s" % (where, declaration))
        last = evaluate(value, item.values, where) if value else last + 1
        item.values[name] = last
        item.members.append((declaration, name, text))
    return item


def parse_function(text, doc, line, where):
    match = re.fullmatch(r"(.+?[\s*])(\w+)\s*\((.*)\)", text)
    if not match:
        raise HeaderError("%s: not understood: %s" % (where, text))
    item = Item("function", match.group(2), doc, line)
    item.result = match.group(1).strip()
    item.text = text + ";"
    params = match.group(3).strip()
    if params != "void":
        for param in params.split(","):
            item.params.append((squeeze(param), declared_name(param, where)))
    return item


def parse_declaration(text, doc, line, where):
    """The item a declaration makes, or None for one that only names a type."""
    bare = squeeze(re.sub(r"/\*.*?\*/", " ", text, flags=re.S))
    if re.fullmatch(r"(struct|union|enum) \w+", bare):
        return None
    match = re.match(r"struct\s+(\w+)\s*\{(.*)\}$", text, re.S)
    if match:
        return parse_struct(match.group(1), match.group(2), doc, line, where)
    match = re.match(r"enum\s*\{(.*)\}$", text, re.S)
    if match:
        return parse_enum(match.group(1), doc, line, where)
    if bare.startswith("typedef "):
        item = Item("typedef", declared_name(re.sub(r"\)\s*\(.*", ")", bare), where), doc, line)
        item.text = bare + ";"
        return item
    return parse_function(bare, doc, line, where)


def end_of_declaration(text, at, where):
    depth = 0
    token = re.compile(r"/\*.*?\*/|[{};]", re.S)
    while True:
        match = token.search(text, at)
        if not match:
            raise HeaderError("%s: declaration without an end" % where)
        at = match.end()
        if match.group() == "{":
            depth += 1
        elif match.group() == "}":
            depth -= 1
        elif match.group() == ";" and depth == 0:
            return at


def set_header_doc(header, doc, where):
    if header.doc:
        raise HeaderError("%s: @file twice" % where)
    words = doc.tags.get("section", "").split(None, 1)
    if len(words) != 2:
        raise HeaderError("%s: @section needs a name and a title" % where)
    header.doc = doc
    header.section, header.title = words


def parse_header(path):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    # The C++ brackets are the only conditional code.
    text = re.sub(r"^#ifdef __cplusplus\n.*?^#endif$", lambda m: "\n" * m.group().count("\n"),
                  text, flags=re.S | re.M)
    header = Header(path)
    doc = None
    at = 0
    while text[at:].strip():
        at += len(text[at:]) - len(text[at:].lstrip())
        line = text.count("\n", 0, at) + 1
        where = "%s:%d" % (header.name, line)
        if text.startswith("/*", at):
            end = text.index("*/", at)
            if text.startswith("/**", at):
                if doc:
                    raise HeaderError("%s: the comment before this one documents nothing" % where)
                doc = parse_doc(text[at + 3:end], where)
                if "file" in doc.tags:
                    set_header_doc(header, doc, where)
                    doc = None
            at = end + 2
        elif text[at] == "#":
            end = text.index("\n", at)
            match = re.match(r"#\s*define\s+(\w+)\s+(\S.*)", text[at:end])
            if match:
                item = Item("macro", match.group(1), doc, line)
                item.text = squeeze(text[at:end])
                header.items.append(item)
                doc = None
            at = end
        else:
            end = end_of_declaration(text, at, where)
            item = parse_declaration(text[at:end - 1].strip(), doc, line, where)
            if item:
                header.items.append(item)
            at = end
            doc = None
    return header


def parse_all(top):
    """The topical headers of a source tree, in the order the manual takes them."""
    folder = os.path.join(top, "include", "libiommufd")
    found = {}
    for name in os.listdir(folder):
        # version.h is made from version.h.in; in the source folder it may be stale.
        if name.endswith(".h.in") or name.endswith(".h") and name != "version.h":
            header = parse_header(os.path.join(folder, name))
            found[re.sub(r"\.h(\.in)?$", "", name)] = header
    last = len(ORDER)
    return [found[name] for name in sorted(
        found, key=lambda n: (ORDER.index(n) if n in ORDER else last, n))]


def sized(item):
    """Whether a struct begins with its own size, and so may grow at its end."""
    return item.kind == "struct" and item.members[0][0] == "size_t size"


def interface(headers):
    """What compiled programs have taken from the headers: constants and layouts, by name."""
    out = {}
    for header in headers:
        for item in header.of("enum"):
            out.update((name, str(value)) for name, value in item.values.items())
        for item in header.of("struct"):
            out["struct " + item.name] = "; ".join(text for text, _, _ in item.members)
    return out


if __name__ == "__main__":
    TOP = sys.argv[1] if sys.argv[1:] else os.path.dirname(os.path.dirname(__file__)) or "."
    for pair in sorted(interface(parse_all(TOP)).items()):
        print("%s: %s" % pair)
