"""Rules that are read from the text of a module: purity, sockets, SQL of others, writes, private names.

Each function takes a module's dotted name and its text, and returns what breaks the rule as (line, what). The tests
run them over the product, and once over a planted breach.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path

from tests.architecture.contracts import role_of

REPOSITORY = Path(__file__).resolve().parents[2]
Breach = tuple[int, str]

# A docstring says of its module that it is pure: "Pure.", ": pure", "is pure".
_PURE = re.compile(r"\bPure\b|[:,] pure\b|\bis pure\b")
IMPURE = ("django.db", "django.conf", "apps.core.clock")
# What opens a connection to somewhere else; a listening server is not among them.
_SOCKETS = (
    *("socket.create_connection", "socket.socket", "asyncio.open_connection", "asyncio.open_unix_connection"),
    *("smtplib", "http.client", "urllib.request", "requests", "httpx", "urllib3", "ftplib", "imaplib", "poplib"),
)
_LOOP = ("create_connection", "create_unix_connection", "create_datagram_endpoint")
_ALWAYS_WRITES = {
    *("save", "asave", "bulk_create", "abulk_create", "bulk_update", "abulk_update"),
    *("get_or_create", "aget_or_create", "update_or_create", "aupdate_or_create", "create", "acreate"),
}
# `apps.core.bulk`: rows by COPY.
_COPIES = ("copy_rows", "copy_packed")
_QUERIES = {"objects", "filter", "exclude", "all", "select_for_update", "living", "order_by"}
# A statement begins, or goes on behind WITH, with what writes.
_SQL_WRITE = re.compile(
    r"\b(INSERT\s+INTO\s+\w+|UPDATE\s+\S+\s+(?:AS\s+)?(?:\w+\s+)?SET\b|DELETE\s+FROM\s+\w+|TRUNCATE\s+\w+|COPY\s+[\w{]+.*\bFROM\b)",
    re.DOTALL,
)


@lru_cache(maxsize=4096)
def _tree(text: str) -> ast.Module:
    """The text of a module, parsed: a dozen rules read the same eight hundred."""
    return ast.parse(text)


@lru_cache(maxsize=4096)
def _nodes(text: str) -> tuple[ast.AST, ...]:
    """Every node of it, as ``ast.walk`` gives them."""
    return tuple(ast.walk(_tree(text)))


def forget() -> None:
    """Let go of what was parsed."""
    _nodes.cache_clear()
    _tree.cache_clear()


def modules(*folders: str) -> Iterator[tuple[str, str]]:
    """(dotted name, text) of every module of the product, migrations left out."""
    for folder in folders or ("apps", "config"):
        for path in sorted((REPOSITORY / folder).rglob("*.py")):
            inside = path.relative_to(REPOSITORY)
            if "migrations" not in inside.parts:
                yield ".".join(inside.with_suffix("").parts).removesuffix(".__init__"), path.read_text()


def is_pure(text: str) -> bool:
    """Whether the docstring of a module says that it is pure."""
    return bool(_PURE.search(ast.get_docstring(_tree(text)) or ""))


def imports(text: str) -> list[tuple[int, str]]:
    """(line, dotted name) of everything imported, wherever; ``from a import b`` is ``a.b``."""
    found = []
    for node in _nodes(text):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [(node.lineno, f"{node.module}.{alias.name}") for alias in node.names]
    return sorted(found)


def impure(text: str) -> list[Breach]:
    """Imports that a pure module does not have: the database, settings, the clock, models and services."""
    return [
        (line, name)
        for line, name in imports(text)
        if name.startswith(tuple(f"{each}." for each in IMPURE))
        or name in IMPURE
        or (name.startswith("apps.") and _app_role(name) in ("models", "services"))
    ]


def connections(text: str) -> list[Breach]:
    """Where something opens a connection of its own to somewhere."""
    named = {line: name for line, name in imports(text) if name.startswith(_SOCKETS)}
    calls = [
        (node.lineno, ast.unparse(node.func))
        for node in _nodes(text)
        if isinstance(node, ast.Call)
        and (ast.unparse(node.func) in _SOCKETS or (isinstance(node.func, ast.Attribute) and node.func.attr in _LOOP))
    ]
    return sorted({*named.items(), *calls})


def foreign_tables(module: str, text: str, owners: Mapping[str, str]) -> list[Breach]:
    """Text that names a table of another app. ``owners``: table to app."""
    own = module.split(".")[1] if "." in module else ""
    return [
        (line, table)
        for line, words in strings(text)
        for table in sorted(set(re.findall(r"\w+", words)))
        if owners.get(table, own) != own
    ]


def writes(text: str) -> list[Breach]:
    """Calls that write models, and SQL that writes."""
    found = [(node.lineno, ast.unparse(node.func)) for node in _nodes(text) if _is_write(node)]
    for line, words in strings(text):
        if match := _SQL_WRITE.search(words):
            found.append((line, " ".join(match.group(0).split())))
    return sorted(set(found))


def _is_write(node: ast.AST) -> bool:
    """Whether a call is one of a manager, a queryset or a model that writes, by the shape of what it is called on."""
    if not isinstance(node, ast.Call):
        return False
    if isinstance(node.func, ast.Name):
        return node.func.id in _COPIES
    if not isinstance(node.func, ast.Attribute):
        return False
    name, on = node.func.attr, node.func.value
    if name in _ALWAYS_WRITES or name in _COPIES:
        return True
    query = any(isinstance(part, ast.Attribute) and part.attr in _QUERIES for part in ast.walk(on))
    if name in ("delete", "adelete"):
        return query or not (node.args or node.keywords)
    if name in ("update", "aupdate"):
        return query or bool(node.keywords and not node.args)
    # The cursor's COPY; without arguments it is the copy of a value.
    return name == "copy" and bool(node.args)


def private_names(text: str) -> list[Breach]:
    """Names of other modules that begin with one underscore: imported, or taken from an imported module."""
    found, ours = [], set()
    for node in _nodes(text):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(("apps", "config")):
            ours |= {alias.asname or alias.name for alias in node.names if not alias.name[0].isupper()}
            found += [(node.lineno, alias.name) for alias in node.names if _is_private(alias.name)]
    for node in _nodes(text):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in ours:
            found += [(node.lineno, f"{node.value.id}.{node.attr}")] if _is_private(node.attr) else []
    return sorted(found)


_MOMENTS = frozenset({"now", "at", "since", "stamp"})
_SQL_DAY = re.compile(
    r"\bCURRENT_DATE\b|::\s*date\b|\bdate_trunc\s*\(|\bCAST\s*\([^;]*?\bAS\s+date\s*\)", re.IGNORECASE | re.DOTALL
)
_TRUNCATED = frozenset({"TruncDate", "TruncDay"})
_DAY_LOOKUP = re.compile(r"\w+__date(__\w+)?")
_ZONED = re.compile(r"AT TIME ZONE", re.IGNORECASE)


def days_of_utc(text: str) -> list[Breach]:
    """Days that are taken from a moment in UTC, where the clinic's are meant (``clock.clinic_day``).

    Moments are known by what they are called: ``now``, ``at``, ``since``, ``…_at``, and what ``now()`` returns; so are
    those reckoned from them (``now - delta``, ``at or now``) as long as nobody took them to a place (``astimezone``).
    """
    found: list[Breach] = []
    for node in _nodes(text):
        if isinstance(node, ast.keyword) and node.arg and re.search(r"__date(__\w+)?$", node.arg):
            found.append((node.value.lineno, node.arg))
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in _TRUNCATED:
            zoned = any(given.arg == "tzinfo" for given in node.keywords)
            found += [] if zoned else [(node.lineno, ast.unparse(node.func))]
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        name, on = node.func.attr, ast.unparse(node.func.value)
        # A time that is written in UTC on purpose is a stamp for a machine.
        stamp = name == "strftime" and not re.search(r"\.astimezone\([^()]+\)$", on)
        of_moment = (name == "date" and not node.args) or stamp
        if (of_moment and _is_moment(node.func.value)) or name in {"localdate", "utcnow"}:
            found.append((node.lineno, f"{on}.{name}()"))
        if name == "today" and on.rpartition(".")[2] in {"date", "datetime"}:
            found.append((node.lineno, f"{on}.{name}()"))
    for line, words in strings(text):
        if (match := _SQL_DAY.search(words)) and not _ZONED.search(words):
            found.append((line, match.group(0)))
        if _DAY_LOOKUP.fullmatch(words):
            found.append((line, words))
    return sorted(set(found))


def _is_moment(node: ast.expr) -> bool:
    if isinstance(node, ast.BinOp):
        return _is_moment(node.left) or _is_moment(node.right)
    if isinstance(node, ast.BoolOp):
        return any(_is_moment(each) for each in node.values)
    if isinstance(node, ast.IfExp):
        return _is_moment(node.body) or _is_moment(node.orelse)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        if node.func.attr == "replace" and not any(given.arg == "tzinfo" for given in node.keywords):
            return _is_moment(node.func.value)
        # Back in UTC, or at the clock of the machine.
        if node.func.attr == "astimezone":
            return not node.args or ast.unparse(node.args[0]).rpartition(".")[2] in ("UTC", "utc")
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Attribute | ast.Name) and ast.unparse(node.func).rpartition(".")[2] == "now"
    name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
    return name in _MOMENTS or name.endswith("_at")


def late_imports(text: str) -> list[int]:
    """Lines of the imports inside functions."""
    return sorted(
        {
            node.lineno
            for function in _nodes(text)
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
            for node in ast.walk(function)
            if isinstance(node, ast.Import | ast.ImportFrom)
        }
    )


def strings(text: str) -> list[tuple[int, str]]:
    """(line, text) of every string that is no docstring; a piece of an f-string is one, its values stand as "{}"."""
    docstrings = {
        id(node.value) for node in _nodes(text) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    inside: set[int] = set()
    found = []
    for node in _nodes(text):
        if isinstance(node, ast.JoinedStr):
            inside |= {id(part) for part in node.values}
            words = "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
            found.append((node.lineno, words))
    found += [
        (node.lineno, node.value)
        for node in _nodes(text)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings | inside
    ]
    return sorted(found)


def is_in(module: str, named: Iterable[str]) -> bool:
    """Whether a module, or a package that it is in, is among those named."""
    return any(f"{module}.".startswith(f"{each}.") for each in named)


def may_write(module: str, writers: Iterable[str]) -> bool:
    """Whether a module is a service, or is among the other writers."""
    return _app_role(module) == "services" or is_in(module, writers)


def _app_role(name: str) -> str:
    """The role of what is imported; the name of a thing in a module does not count, only models and services do."""
    app = ".".join(name.split(".")[:2])
    return role_of(name, app, ("models", "services", "selectors", "views", "forms", "tasks"))


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def registrations(module: str, text: str) -> list[str]:
    """Functions of other apps that a module gives something of its own: ``apps.x.y.register…``, as dotted names."""
    dotted = {}
    for node in _nodes(text):
        if isinstance(node, ast.ImportFrom) and node.module:
            dotted |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    found = []
    for node in _nodes(text):
        if not isinstance(node, ast.Call):
            continue
        first, _, rest = ast.unparse(node.func).partition(".")
        name = ".".join(part for part in (dotted.get(first, ""), rest) if part)
        own = ".".join(module.split(".")[:2])
        if (
            name.startswith("apps.")
            and not name.startswith(f"{own}.")
            and name.rpartition(".")[2].startswith("register")
        ):
            found.append(name)
    return sorted(found)


def settings_that_name_apps(text: str) -> dict[str, list[str]]:
    """Settings whose value holds dotted names of the product, with those names."""
    found: dict[str, list[str]] = {}
    for node in _tree(text).body:
        if not isinstance(node, ast.Assign | ast.AnnAssign):
            continue
        target = node.targets[0] if isinstance(node, ast.Assign) else node.target
        names = [words for _, words in strings(ast.unparse(node)) if re.fullmatch(r"apps(\.\w+)+", words)]
        if isinstance(target, ast.Name) and target.id == "AUTH_USER_MODEL":
            names = [f"apps.{words}" for _, words in strings(ast.unparse(node))]  # Django names a model by its label
        if names and isinstance(target, ast.Name):
            found[target.id] = names
    return found
