# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Read the facts out of a kernel ABI header: constants, ioctls, structures.

Understands the plain C such headers are written in, and raises on anything
else, so that a fact it cannot read is never passed over in silence.
"""

import re
from collections import namedtuple

# kind: ioctl, macro, string, function (a macro with arguments) or enum.
Constant = namedtuple("Constant", "kind value")
# type: the words before the name, pointers included; dims: "[4]", "[]" or "".
Member = namedtuple("Member", "name type dims")

TOKEN = re.compile(r"\w+|[{}()\[\];,=*:]|<<|[^\s\w]")


class Facts:
    def __init__(self):
        self.constants = {}
        self.structs = {}
        self.sources = {}       # name -> the file it came from

    def ioctls(self):
        return [n for n, c in self.constants.items() if c.kind == "ioctl"]

    def number(self, name):
        """The value of a constant, for the expressions found in ioctl numbers."""
        text = self.constants[name].value
        io = re.fullmatch(r"_IO\s*\((\w+)\s*,\s*(.+)\)", text)
        if io:
            return self.number(io.group(1)) << 8 | self.evaluate(io.group(2))
        return self.evaluate(text)

    def evaluate(self, text):
        text = text.strip()
        char = re.fullmatch(r"\(?'(.)'\)?", text)
        if char:
            return ord(char.group(1))
        total = 0
        for term in text.strip("()").split("+"):
            term = term.strip()
            total += self.number(term) if term in self.constants else int(term, 0)
        return total


def strip_comments(text):
    text = re.sub(r"/\*.*?\*/", " ", text, flags=re.S)
    text = re.sub(r"//[^\n]*", " ", text)
    return text.replace("\\\n", " ")


def read_macro(line):
    """NAME and Constant of a #define, or None for one without a value."""
    match = re.match(r"#\s*define\s+(\w+)(\([^)]*\))?(.*)", line)
    if not match:
        return None
    name, args, body = match.group(1), match.group(2), match.group(3).strip()
    # "NAME (x)" is a value in brackets; only "NAME(x) ..." takes arguments.
    if args and re.match(r"#\s*define\s+\w+\(", line) and body:
        return name, Constant("function", body)
    body = ((args or "") + " " + body).strip()
    if not body:
        return None
    if re.match(r"_IO[RW]*\s*\(", body):
        return name, Constant("ioctl", re.sub(r"\s+", " ", body))
    if body.startswith('"'):
        return name, Constant("string", body)
    return name, Constant("macro", body)


class Tokens:
    def __init__(self, text, where):
        self.list = TOKEN.findall(text)
        self.at = 0
        self.where = where

    def peek(self):
        return self.list[self.at] if self.at < len(self.list) else None

    def next(self):
        token = self.peek()
        if token is None:
            raise SyntaxError("%s: unexpected end" % self.where)
        self.at += 1
        return token

    def expect(self, token):
        got = self.next()
        if got != token:
            near = " ".join(self.list[max(0, self.at - 8):self.at])
            raise SyntaxError("%s: expected '%s' after: %s" % (self.where, token, near))

    def skip_brackets(self):
        self.expect("(")
        depth = 1
        while depth:
            depth += {"(": 1, ")": -1}.get(self.next(), 0)

    def until(self, *ends):
        """The tokens before the next of `ends`, which is left in place."""
        out = []
        while self.peek() not in ends:
            out.append(self.next())
        return out


def read_enum(tokens):
    """Names and value texts of an enum's constants."""
    if tokens.peek() != "{":
        tokens.next()
    tokens.expect("{")
    out = []
    last = "-1"
    while tokens.peek() != "}":
        name = tokens.next()
        if tokens.peek() == "=":
            tokens.next()
            last = " ".join(tokens.until(",", "}"))
        else:
            last = "%s + 1" % last
        out.append((name, last))
        if tokens.peek() == ",":
            tokens.next()
    tokens.expect("}")
    tokens.expect(";")
    return out


def read_members(tokens):
    """Members of a struct or union up to its closing brace; unnamed ones are flattened."""
    tokens.expect("{")
    out = []
    while tokens.peek() != "}":
        if tokens.peek() in ("union", "struct") and tokens.list[tokens.at + 1] == "{":
            tokens.next()
            out += read_members(tokens)
            tokens.expect(";")
            continue
        words = tokens.until(";", "[", "__counted_by", "__attribute__", ",", ":")
        dims = ""
        while tokens.peek() == "[":
            dims += "".join(tokens.until("]")) + tokens.next()
        while tokens.peek() in ("__counted_by", "__attribute__"):
            tokens.next()
            tokens.skip_brackets()
        tokens.expect(";")
        if len(words) < 2:
            raise SyntaxError("%s: member not understood: %s" % (tokens.where, words))
        out.append(Member(words[-1], " ".join(words[:-1]), dims))
    tokens.expect("}")
    return out


def read_header(path, facts):
    """Add what one header says to facts."""
    with open(path, encoding="utf-8") as file:
        text = strip_comments(file.read())

    code = []
    for line in text.split("\n"):
        if not line.lstrip().startswith("#"):
            code.append(line)
            continue
        macro = read_macro(line.strip())
        if macro:
            facts.constants[macro[0]] = macro[1]
            facts.sources[macro[0]] = path

    tokens = Tokens("\n".join(code), path)
    while tokens.peek() is not None:
        word = tokens.next()
        if word == "enum":
            for name, value in read_enum(tokens):
                facts.constants[name] = Constant("enum", value)
                facts.sources[name] = path
        elif word == "struct":
            tag = tokens.next()
            facts.structs[tag] = read_members(tokens)
            facts.sources["struct " + tag] = path
            tokens.expect(";")
        elif word == "typedef":
            tokens.until(";")
            tokens.expect(";")
        else:
            raise SyntaxError("%s: not understood: %s" % (path, word))
    return facts


def read_headers(paths):
    facts = Facts()
    for path in paths:
        read_header(path, facts)
    return facts
