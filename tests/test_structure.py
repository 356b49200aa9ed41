"""The shape of the package: imports go one way, files are short, all public is explained."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import radexp

ROOT = Path(radexp.__file__).parent
LAYERS = [  # from bottom to top: a module imports from its own layer and those below
    {"errors", "catalogue", "config", "seeding", "eager", "files", "sealing", "interrupts"},
    *({name} for name in ("kernels", "packing", "sketches", "graph", "reactor", "ops", "layers")),
    *({name} for name in ("memory", "models", "data")),
    {"training"},
    *({name} for name in ("analysis", "experiments", "reporting", "commands", "cli")),
]
MAX_LINES = 300
FILES = sorted(ROOT.rglob("*.py"))


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)


def layer_of(part: str) -> int:
    return next(number for number, names in enumerate(LAYERS) if part in names)


def part_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imports_of(path: Path) -> set[str]:
    """Return the dotted modules that a file imports anywhere, also inside functions."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def parts_imported(path: Path) -> set[str]:
    """Return the parts of radexp that a file imports."""
    names = (name.split(".") for name in imports_of(path))
    known = set().union(*LAYERS)
    return {words[1] for words in names if words[0] == "radexp" and len(words) > 1} & known


INSIDE = [path for path in FILES if path != ROOT / "__init__.py"]


@pytest.mark.parametrize("path", INSIDE, ids=name_of)
def test_imports_point_down(path):
    own = layer_of(part_of(path))
    upward = {part for part in parts_imported(path) if layer_of(part) > own}
    assert not upward


def test_every_part_has_a_layer():
    parts = {part_of(path) for path in INSIDE}
    assert parts == set().union(*LAYERS)


@pytest.mark.parametrize("path", INSIDE, ids=name_of)
def test_parts_know_no_more_than_they_need(path):
    part, imported = part_of(path), imports_of(path)
    if part in ("reporting", "analysis", "config", "errors"):
        assert not [name for name in imported if name.split(".")[0] == "torch"]
    if part == "models":
        assert not parts_imported(path) & {"seeding", "sketches", "ops", "layers"}
        assert not [name for name in imported if "random" in name]
    if part not in ("config", "experiments", "commands"):
        assert "TrainConfig" not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_files_can_be_read_in_one_sitting(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_LINES


def public_definitions(body, prefix=""):
    """Yield the public functions and classes of a module, and the methods of its classes."""
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            special = node.name.startswith("__") and node.name.endswith("__")
            if node.name.startswith("_") and not special:
                continue
            yield prefix + node.name, node
            if isinstance(node, ast.ClassDef):
                yield from public_definitions(node.body, f"{prefix}{node.name}.")


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_everything_public_is_documented_and_annotated(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), "no docstring of the module"
    for name, node in public_definitions(tree.body):
        special = node.name.startswith("__")
        assert special or ast.get_docstring(node), f"{name}: no docstring"
        if isinstance(node, ast.ClassDef):
            continue
        arguments = node.args
        given = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        given += [a for a in (arguments.vararg, arguments.kwarg) if a is not None]
        bare = [a.arg for a in given if a.annotation is None and a.arg not in ("self", "cls")]
        assert not bare, f"{name}: no annotation of {bare}"
        assert node.returns is not None, f"{name}: no annotation of what it returns"


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("radexp", "torch"),
        ("radexp.cli", "torch"),
        ("radexp.config", "torch"),
        ("radexp.reporting.report", "torch"),
        ("radexp.commands.report", "torch"),
        ("radexp.commands.status", "torch"),
        ("radexp.data", "sklearn"),
    ],
)
def test_importing_leaves_out_what_is_slow(module, absent):
    code = f"import sys, {module}; sys.exit({absent!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
