"""Writes docs/reference from what is read by machines: Node's types, Python's stub and docstrings, the help of the command.

python scripts/reference.py COMMAND [--check]     with --check, only compares
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "reference"
COMMANDS = re.compile(r"^  ([a-z]+) {2,}\S", re.M)


def page(title: str, intro: str, parts: list[str]) -> str:
    return (
        "\n\n".join([f"# {title}", f"<!-- Written by scripts/reference.py; `make reference` writes it anew. -->\n{intro}", *parts]) + "\n"
    )


# ── Node: index.d.ts ──

DOC = re.compile(r"^\s*/\*\*(.*?)\*/\s*$", re.S)


def words_of(comment: str) -> str:
    lines = [re.sub(r"^\s*\* ?", "", line).rstrip() for line in comment.strip().removeprefix("/**").removesuffix("*/").split("\n")]
    return "\n".join(lines).strip()


def declarations(text: str) -> Iterator[tuple[str, str]]:
    """Each exported declaration with its comment."""
    comment: list[str] = []
    code: list[str] = []
    in_comment = False
    for line in text.split("\n"):
        if code:
            code.append(line)
            if line.startswith("}") or (not line.startswith((" ", "}")) and not line.strip()):
                yield words_of("\n".join(comment)), "\n".join(code).strip()
                comment, code = [], []
        elif line.startswith("/**"):
            comment, in_comment = [line], not line.rstrip().endswith("*/")
        elif in_comment:
            comment.append(line)
            in_comment = not line.rstrip().endswith("*/")
        elif line.startswith("export "):
            code = [line]
            if "{" in line and "}" in line:
                yield words_of("\n".join(comment)), line
                comment, code = [], []
        elif not line.strip():
            comment = []
    if code:
        yield words_of("\n".join(comment)), "\n".join(code).strip()


def members(code: str) -> list[str]:
    """The fields and methods of an interface or a class, as rows."""
    rows, comment = [], ""
    body = code.split("{", 1)[1].rsplit("}", 1)[0]
    for part in re.split(r"(/\*\*.*?\*/)", body, flags=re.S):
        if part.startswith("/**"):
            comment = words_of(part)
            continue
        for line in part.strip().split("\n"):
            line = line.strip().rstrip(";")
            if not line or line.startswith(("private ", "[Symbol.")):
                continue
            rows.append(f"| `{cell(line)}` | {cell(' '.join(comment.split()))} |")
            comment = ""
    return rows


def cell(text: str) -> str:
    return text.replace("|", "\\|")


def parts_of(file: str) -> tuple[list[str], list[str], list[str]]:
    """The calls, the shapes and the words of a file of types."""
    functions, shapes, words = [], [], []
    for comment, code in declarations((ROOT / "bindings-node" / file).read_text()):
        head = re.match(r"export (?:declare )?(function|interface|class|type) (\w+)", code)
        if not head:
            continue
        kind, name = head.groups()
        said = f"{comment}\n\n" if comment else ""
        if kind == "function":
            functions.append(f"### {name}\n\n{said}```ts\n{code.removeprefix('export declare ')}\n```")
        elif kind == "type":
            words.append(f"### {name}\n\n{said}```ts\n{code.removeprefix('export ')}\n```")
        elif rows := members(code):
            table = "\n".join(["| | |", "|---|---|", *rows])
            shapes.append(f"### {name}\n\n{said}{table}")
    return functions, shapes, words


def node() -> str:
    functions, shapes, words = parts_of("index.d.ts")
    runners, _, _ = parts_of("test.d.ts")
    intro = "What `import … from 'spawnlock'` gives. Times are milliseconds. A call that fails rejects, or throws where it gives no promise, with a [SpawnlockError](#failure)."
    rest = ["## For test runners: `spawnlock/test`", *runners, "## Options, results, classes", *shapes, "## Words", *words]
    return page("Node", intro, ["## Calls", *functions, *rest])


# ── Python: the package, its stub, its types, its errors ──


def parsed(name: str) -> ast.Module:
    return ast.parse((ROOT / "bindings-python" / "python" / "spawnlock" / name).read_text())


def named(module: ast.Module) -> dict[str, ast.stmt]:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return {each.name: each for each in module.body if isinstance(each, kinds)}


def exported(module: ast.Module) -> list[str]:
    for each in module.body:
        if isinstance(each, ast.Assign) and getattr(each.targets[0], "id", None) == "__all__":
            return list(ast.literal_eval(each.value))
    return []


def signature(function: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    start = "async def" if isinstance(function, ast.AsyncFunctionDef) else "def"
    gives = f" -> {ast.unparse(function.returns)}" if function.returns else ""
    arguments = re.sub(r"\((?:self|cls), /(?:, )?", "(", f"({ast.unparse(function.args)})")
    return f"{start} {function.name}{arguments}{gives}"


def doc(each: ast.AsyncFunctionDef | ast.FunctionDef | ast.ClassDef) -> str:
    """A docstring, its list of options as one."""
    text = ast.get_docstring(each) or ""
    lines: list[str] = []
    for line in text.split("\n"):
        option = re.match(r"^([a-z_]+(?:, [a-z_]+)*) {2,}(\S.*)$", line)
        if option:
            lines.append(f"- `{option[1]}`: {option[2]}")
        elif lines and line.startswith("          ") and lines[-1].startswith(("- ", "  ")):
            lines.append(f"  {line.strip()}")
        else:
            lines.append(line)
    return "\n".join(lines)


def call_of(each: ast.AsyncFunctionDef | ast.FunctionDef) -> str:
    return f"### {each.name}\n\n```python\n{signature(each)}\n```\n\n{doc(each)}"


def methods(each: ast.ClassDef) -> list[str]:
    rows = []
    for member in each.body:
        if isinstance(member, ast.AnnAssign):
            rows.append(f"| `{cell(ast.unparse(member))}` | |")
        if not isinstance(member, (ast.FunctionDef, ast.AsyncFunctionDef)) or member.name.startswith("_"):
            continue
        is_fact = any(getattr(mark, "id", None) == "property" for mark in member.decorator_list)
        gives = ast.unparse(member.returns) if member.returns else ""
        form = f"{member.name}: {gives}" if is_fact else signature(member).removeprefix("def ")
        rows.append(f"| `{cell(form)}` | {cell(' '.join((ast.get_docstring(member) or '').split()))} |")
    return rows


def python() -> str:
    package, native, types, errors = (parsed(name) for name in ("__init__.py", "_native.pyi", "types.py", "errors.py"))
    known = {**named(native), **named(errors), **named(package)}
    calls, classes = [], []
    for name in exported(package):
        each = known.get(name)
        if isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef)):
            calls.append(call_of(each))
        elif isinstance(each, ast.ClassDef):
            rows = methods(each)
            table = "\n".join(["| | |", "|---|---|", *rows]) if rows else ""
            classes.append(f"### {name}\n\n{doc(each)}\n\n{table}".rstrip())
    options = []
    for name, each in named(types).items():
        if isinstance(each, ast.ClassDef) and name.endswith("Options"):
            fields = [
                f"{member.target.id}: {ast.unparse(member.annotation)}"
                for member in each.body
                if isinstance(member, ast.AnnAssign) and isinstance(member.target, ast.Name)
            ]
            options.append(f"### {name}\n\n{doc(each)}\n\n```python\n" + "\n".join(fields) + "\n```")
    intro = "What `import spawnlock` gives. Times are seconds, or a `timedelta`. A call that fails raises a [SpawnlockError](#spawnlockerror). Everything but a name stands by its keyword."
    fixtures = [call_of(each) for each in named(parsed("pytest.py")).values() if not isinstance(each, ast.ClassDef)]
    return page(
        "Python",
        intro,
        [
            "## Calls",
            *calls,
            "## For pytest: `spawnlock.pytest`",
            *fixtures,
            "## Classes",
            *classes,
            "## Types of the options (`spawnlock.types`)",
            *options,
        ],
    )


# ── the command ──


def help_of(command: str, *words: str) -> str:
    run = subprocess.run([command, *words, "--help"], check=True, capture_output=True, text=True)
    return run.stdout.rstrip()


def shell(command: str) -> str:
    general = help_of(command)
    parts = [f"```text\n{general}\n```"]
    for name in COMMANDS.findall(general.split("Options", 1)[0]):
        parts.append(f"## {name}\n\n```text\n{help_of(command, name)}\n```")
    return page("The command", "What `server-init --help` and `server-init COMMAND --help` say.", parts)


def main() -> int:
    words = [word for word in sys.argv[1:] if word != "--check"]
    pages = {"node.md": node(), "python.md": python(), "command.md": shell(words[0])}
    FOLDER.mkdir(parents=True, exist_ok=True)
    stale = [name for name, text in pages.items() if not (FOLDER / name).exists() or (FOLDER / name).read_text() != text]
    if "--check" in sys.argv:
        for name in stale:
            print(f"docs/reference/{name} is not what the sources say: `make reference`", file=sys.stderr)
        return 1 if stale else 0
    for name in stale:
        (FOLDER / name).write_text(pages[name])
    return 0


sys.exit(main())
