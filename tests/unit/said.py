"""Every text that pages and letters show to people, found in templates and in Python's syntax trees."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

CORE = Path(__file__).parents[2] / "authenticator"
PLUGINS = CORE.parent / "plugins"
# modules whose texts reach people; those for programs, operators and administrators stay English
MODULES = (
    *CORE.glob("[aeip]*.py"),
    *CORE.glob("kinds/*.py"),
    *CORE.glob("flows/*.py"),
    *CORE.glob("web/*.py"),
    *CORE.glob("oidc/*.py"),
    CORE / "http" / "errors_page.py",
    CORE / "models.py",
    *PLUGINS.glob("provider_*/authenticator_*/*.py"),
    *PLUGINS.glob("factor_*/authenticator_*/*.py"),
)
FOR_PROGRAMS = re.compile(
    r"web/(api_.*|schemas.*|openapi|idempotency|moves|operators)\.py$"
    r"|kinds/(issuer|oauth|oidc|people)\.py$|flows/(asking|assertions|transfer)\.py$"
    r"|oidc/(client_auth|cors|dpop|errors|introspect|metadata|pushed|registration|revoke|server|token|userinfo)\.py$"
)
TABLES = frozenset(
    {"CLAIM_WORDS", "CODES", "DONE", "HEADINGS", "HELP", "METHODS", "PERMISSIONS", "REASONS", "SENTENCES", "STATES", "TITLES", "WORDS"}
)
STATUSES = "Status"  # an enumeration whose values are words for people
LABELS = frozenset({"label", "phrase"})
ARGUMENTS = frozenset({"help", "label", "text", "title"})
# calls whose texts are for logs, operators, and applications (the `error_description` of a standard stays English)
NOT_SAID = frozenset(
    {
        "AccessDeniedError",
        "BadAnswer",
        "ConfigurationError",
        "InvalidGrantError",
        "InvalidRequestError",
        "LookupError",
        "NotImplementedError",
        "Option",
        "Refusal",
        "TypeError",
        "UnauthorizedClientError",
        "ValueError",
        "debug",
        "error",
        "exception",
        "fault",
        "info",
        "invalid",
        "warning",
    }
)
SAID_BY = {"_": slice(0, 1), "Words": slice(0, 1), "Field": slice(1, 2), "notify": slice(2, 4), "tell": slice(3, 5)}
SENTENCE = re.compile(r"[A-Z%“].* .*[.?!…]|Continue, .*", re.DOTALL)


def in_templates() -> Iterator[tuple[str, str]]:
    """File name and message id of every `_('…')` in pages and letters."""
    for file in (*CORE.glob("web/templates/*.html"), *CORE.glob("letters/*")):
        for found in re.findall(r"\b_\(\s*'((?:[^'\\]|\\.)*)'", file.read_text()):
            yield file.name, found.replace("\\'", "'")


def in_modules() -> Iterator[tuple[str, str]]:
    """File name and message id of every text in Python."""
    for file in MODULES:
        if not FOR_PROGRAMS.search(file.as_posix()):
            for text in _said(ast.parse(file.read_text())):
                yield file.name, text


def everything() -> set[str]:
    """Every piece of text that stands in the code at all."""
    files = (*CORE.rglob("*.py"), *PLUGINS.glob("*/authenticator_*/*.py"))
    return {text for file in files for node in ast.walk(ast.parse(file.read_text())) for text in _texts(node)}


def _said(tree: ast.Module) -> Iterator[str]:
    silent = set(_not_said(tree))
    for node in ast.walk(tree):
        if id(node) in silent:
            continue
        if isinstance(node, ast.Call):
            yield from (text for one in node.args[SAID_BY.get(_name(node.func), slice(0))] for text in _texts(one))
            yield from (text for one in node.keywords if one.arg in ARGUMENTS for text in _texts(one.value))
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value:
            yield from _assigned(node.targets[0] if isinstance(node, ast.Assign) else node.target, node.value)
        if isinstance(node, ast.ClassDef) and node.name == STATUSES:
            yield from (text for one in node.body if isinstance(one, ast.Assign) for text in _texts(one.value))
        yield from (text for text in _texts(node) if SENTENCE.fullmatch(text))


def _assigned(target: ast.expr, value: ast.expr) -> Iterator[str]:
    """The values of a table of texts, and a plug-in's label and phrase."""
    table = value.args[0] if isinstance(value, ast.Call) and _name(value.func) == "MappingProxyType" else value
    if isinstance(table, ast.Dict) and _name(target).lstrip("_") in TABLES:
        yield from (text for one in table.values for text in _of_row(one))
    pairs = (
        zip(target.elts, value.elts, strict=False) if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) else ((target, value),)
    )
    yield from (text for name, one in pairs if _name(name) in LABELS for text in _texts(one))


def _of_row(row: ast.expr) -> Iterator[str]:
    """The text of a row, or the texts among its several facts."""
    yield from (text for one in (row.elts if isinstance(row, ast.Tuple) else (row,)) for text in _texts(one))


def composed() -> Iterator[tuple[str, str]]:
    """File name and text of every sentence with facts in it that no catalogue can hold: an f-string where `Words` belong."""
    for file in MODULES:
        if FOR_PROGRAMS.search(file.as_posix()):
            continue
        tree = ast.parse(file.read_text())
        silent = {
            id(node) for call in ast.walk(tree) if isinstance(call, ast.Call) and _name(call.func) in NOT_SAID for node in ast.walk(call)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr) and id(node) not in silent:
                text = "".join(str(one.value) if isinstance(one, ast.Constant) else "%" for one in node.values)
                if SENTENCE.fullmatch(text):
                    yield file.name, text


def _not_said(tree: ast.Module) -> Iterator[int]:
    """Doc strings, parts of f-strings, and what goes to logs and operators."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield id(node.value)
        elif isinstance(node, ast.JoinedStr):
            yield from map(id, node.values)
        elif isinstance(node, ast.Assign) and _name(node.targets[0]) == "description":  # of an error for applications
            yield id(node.value)
        elif isinstance(node, ast.Call) and _name(node.func) in NOT_SAID:
            yield from map(id, ast.walk(node))


def _texts(node: ast.expr | ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value:
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from (text for one in (node.body, node.orelse) for text in _texts(one))


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
