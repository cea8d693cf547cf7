"""Style as code: what `test_tidy.py` asks of every file, each check a function of its source."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]

PACKAGES: Final = ("wire", "netting", "consensus", "ledger", "node", "simulator")
CORE: Final = (
    "wire/", "netting/", "consensus/", "ledger/", "node/core/", "node/blocks.py",
    "node/messages.py", "node/snapshots.py", "node/light/",
)  # fmt: skip
"""Pure: what nodes must agree on is computed here, with no clock, socket, disk, chance or float."""

IMPURE: Final = frozenset(
    (
        "asyncio",
        "trio",
        "sqlite3",
        "aiosqlite",
        "libp2p",
        "socket",
        "time",
        "datetime",
        "random",
        "os",
        "logging",
        "threading",
        "subprocess",
        "secrets",
    )
)
LINES_MAX: Final = 400
FUNCTION_LINES_MAX: Final = 70

_MACHINE_PATH: Final = re.compile(r"(?<![\w./$}])/(?:work|home|root|mnt|Users|opt|srv)/\.?\w")
_REGISTRY: Final = re.compile(
    r"https?://[\w.@:-]*(?:pypi|pythonhosted|artifactory|nexus|jfrog|devpi|mirror)[\w.:/-]*|"
    r"--(?:extra-)?index-url|--trusted-host",
    re.IGNORECASE,
)


def committed() -> list[Path]:
    """Every text file under version control (or, outside a checkout, every file of the tree)."""
    listed = subprocess.run(
        ["git", "ls-files"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    names = listed.stdout.splitlines() if listed.returncode == 0 else _walked()
    return [ROOT / name for name in sorted(names) if (ROOT / name).is_file()]


def _walked() -> list[str]:
    hidden = (".venv", ".git", "build", "testnet")
    paths = [path.relative_to(ROOT) for path in ROOT.rglob("*") if path.is_file()]
    kept = [p for p in paths if not any(part in hidden or "cache" in part for part in p.parts)]
    return [str(path) for path in kept]


def is_core(name: str) -> bool:
    """Whether the file of this name, relative to the root, belongs to the pure core."""
    return name.startswith(CORE)


def impure_arithmetic(tree: ast.AST) -> Iterator[str]:
    """No float literal, no true division, no `float(...)`."""
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=float() | complex(), lineno=line):
                yield f"{line}: a float literal"
            case ast.BinOp(op=ast.Div(), lineno=line) | ast.AugAssign(op=ast.Div(), lineno=line):
                yield f"{line}: `/`, which makes floats"
            case ast.Call(func=ast.Name(id="float" | "complex"), lineno=line):
                yield f"{line}: a call of float()"


def impure_imports(tree: ast.AST) -> Iterator[str]:
    """No module that knows a clock, a disk, a socket, chance or another thread."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module or ""]
        else:
            continue
        for name in names:
            if name.split(".")[0] in IMPURE:
                yield f"{node.lineno}: imports {name}"


def set_iterations(tree: ast.AST) -> Iterator[str]:
    """No iteration over a set: its order differs between processes, and so would the result.

    Sees literals, comprehensions, `set(...)`, `frozenset(...)`, set operations on these, and names
    bound to them in the same function; `sorted`, `len`, `sum`, `min`, `max`, `any`, `all` and
    another set lose no order.
    """
    for scope in _scopes(tree):
        names = _set_names(scope)
        for node in _own(scope):
            for iterated in _iterated(node):
                if _is_set(iterated, names):
                    yield f"{iterated.lineno}: iterates over a set"


_ORDERED_ANYWAY: Final = frozenset(
    ("sorted", "len", "sum", "min", "max", "any", "all", "set", "frozenset")
)


def _scopes(tree: ast.AST) -> Iterator[ast.AST]:
    yield tree
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def _own(scope: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a scope without those of the functions in it."""
    waiting = list(ast.iter_child_nodes(scope))
    while waiting:
        node = waiting.pop()
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node
            waiting += ast.iter_child_nodes(node)


def _set_names(scope: ast.AST) -> frozenset[str]:
    """Names that the scope only ever binds to sets."""
    bound: dict[str, bool] = {}
    for node in _own(scope):
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                if isinstance(target, ast.Name):
                    is_set = _is_set(node.value, frozenset())
                    bound[target.id] = bound.get(target.id, True) and is_set
    return frozenset(name for name, is_set in bound.items() if is_set)


def _iterated(node: ast.AST) -> list[ast.expr]:
    match node:
        case ast.For(iter=one) | ast.AsyncFor(iter=one):
            return [one]
        case ast.ListComp() | ast.DictComp():
            return [part.iter for part in node.generators]
        case ast.Call(func=ast.Name(id=name), args=[one, *_]) if name not in _ORDERED_ANYWAY:
            inner = one.generators[0].iter if isinstance(one, ast.GeneratorExp) else one
            takes_order = name in (
                "list",
                "tuple",
                "enumerate",
                "zip",
                "iter",
                "next",
                "map",
                "dict",
            )
            return [inner] if takes_order else []
        case ast.Starred(value=one):
            return [one]
        case _:
            return []


def _is_set(node: ast.expr, names: frozenset[str]) -> bool:
    match node:
        case ast.Set() | ast.SetComp():
            return True
        case ast.Call(func=ast.Name(id="set" | "frozenset")):
            return True
        case ast.BinOp(left=left, op=ast.BitOr() | ast.BitAnd() | ast.Sub() | ast.BitXor()):
            return _is_set(left, names) or _is_set(node.right, names)
        case ast.Name(id=name):
            return name in names
        case _:
            return False


def too_long(source: str, tree: ast.AST) -> Iterator[str]:
    """No file over 400 lines, no function over 70."""
    lines = source.count("\n")
    if lines > LINES_MAX:
        yield f"1: has {lines} lines, at most {LINES_MAX}"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > FUNCTION_LINES_MAX:
                yield f"{node.lineno}: {node.name} has {length} lines, at most {FUNCTION_LINES_MAX}"


def undocumented(tree: ast.Module) -> Iterator[str]:
    """Public classes and functions say what they are for; overloads of protocols need not."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            if not node.name.startswith("_") and not ast.get_docstring(node):
                yield f"{node.lineno}: {node.name} has no docstring"
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                yield from _undocumented_methods(node)


def _undocumented_methods(node: ast.ClassDef) -> Iterator[str]:
    if any(isinstance(base, ast.Name) and base.id == "Protocol" for base in node.bases):
        return
    for item in node.body:
        if (
            isinstance(item, ast.FunctionDef)
            and not item.name.startswith("_")
            and not ast.get_docstring(item)
        ):
            yield f"{item.lineno}: {node.name}.{item.name} has no docstring"


def machine_paths(text: str) -> Iterator[str]:
    """No path that only one machine has, and no package index but the default one."""
    for number, line in enumerate(text.splitlines(), 1):
        for pattern, what in ((_MACHINE_PATH, "a path of a machine"), (_REGISTRY, "a registry")):
            found = pattern.search(line)
            if found:
                yield f"{number}: {what}: {found.group()}"
