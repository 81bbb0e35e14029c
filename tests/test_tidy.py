"""What the source and the documents look like is checked like everything else: sizes, words, links, lists that must agree."""

import ast
import re
import tomllib
from collections import Counter
from contextlib import suppress
from functools import cache
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.support import ROOT

FUNCTION_LINES_MAX = 70
MODULE_LINES_MAX = 600
FILE_BYTES_MAX = 1_000_000
ADR_LINES_MAX = 60

FOLDERS = (".ci", "benchmarks", "docs", "examples", "src", "tests", "tools")
CODE = ("benchmarks", "src", "tests", "tools")
ROOT_FILES = (".gitignore", "CHANGELOG.md", "Makefile", "NOTICE", "pyproject.toml")  # and every page
DATA = (".csv", ".json", ".jsonl", ".tsv")  # what is data may be spelled and spaced as its source has it

# Written so that this file does not contain what it forbids.
MACHINE_PATH = re.compile(r"/(?:tmp|work|farm|root)/[a-z]|(?<![\w.])/(?:home|Users)/[a-z]")
REGISTRY = re.compile(r"pypi[.]org|pythonhosted[.]|npmjs[.]|crates[.]io|anaconda[.]|proxy[.]golang|rubygems[.]")
UNFINISHED = re.compile(r"\b(?:TO[D]O|FIX[M]E|XX[X]|NotImplemented[E]rror)\b")
BRITISH = re.compile(
    r"\b\w*(?:[Cc]olour|[Bb]ehaviour|[Ff]ulfilment|[Nn]eighbour|[Ff]avour|[Cc]atalogue|[Cc]entre\b|[Ll]icence"
    r"|(?:[Oo]rgan|[Nn]ormal|[Oo]ptim|[Rr]ecogn|[Mm]inim|[Mm]axim|[Ss]erial|[Ss]ummar)is(?:e|ing|ation))\w*"
)


@cache
def project() -> dict[str, object]:
    """The project file."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


@cache
def texts() -> dict[str, str]:
    """Every text file of the tree by its path from the root; pictures, other encodings and what tools leave are passed over."""
    paths = [path for path in ROOT.iterdir() if path.name in ROOT_FILES or path.suffix == ".md"]
    for folder in FOLDERS:
        paths += [path for path in (ROOT / folder).rglob("*") if path.is_file()]
    found = {}
    for path in sorted(paths):
        name = path.relative_to(ROOT).as_posix()
        content = path.read_bytes() if "__pycache__" not in name and ".egg-info" not in name else b"\0"
        if b"\0" not in content:
            with suppress(UnicodeDecodeError):
                found[name] = content.decode("utf-8")
    return found


def modules(*folders: str) -> dict[str, str]:
    """The Python files below these folders."""
    return {name: text for name, text in texts().items() if name.endswith(".py") and name.startswith(folders)}


def hits(pattern: re.Pattern[str], *, data: bool) -> list[str]:
    """Where a pattern occurs, as `file:line: text`; `data` says whether data files are looked at as well."""
    return [
        f"{name}:{number}: {match.group()}"
        for name, text in texts().items()
        if (data or not name.endswith(DATA)) and pattern.search(text)
        for number, line in enumerate(text.splitlines(), 1)
        for match in pattern.finditer(line)
    ]


def pages() -> dict[str, str]:
    """The Markdown pages, without their HTML comments."""
    return {
        name: re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL) for name, text in texts().items() if name.endswith(".md")
    }


# ---- source ----------------------------------------------------------------------------------------------------------


def test_modules_and_functions_stay_small():
    """No module above 600 lines, no function above 70: past that a thing has become two."""
    large = []
    for name, text in modules(*CODE).items():
        lines = text.count("\n")
        if lines > MODULE_LINES_MAX:
            large.append(f"{name}: {lines} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                size = (node.end_lineno or node.lineno) - node.lineno + 1
                if size > FUNCTION_LINES_MAX:
                    large.append(f"{name}:{node.lineno} {node.name}: {size} lines")
    assert not large, "\n".join(large)


def undocumented(text: str) -> list[str]:
    """Public modules, classes, functions and methods of a source text that have no docstring."""
    tree = ast.parse(text)
    bare = [] if ast.get_docstring(tree) else ["the module"]
    stack: list[ast.AST] = [tree]
    while stack:
        for node in ast.iter_child_nodes(stack.pop()):
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith(
                "_"
            ):
                overload = any("overload" in ast.unparse(decorator) for decorator in node.decorator_list)
                if not ast.get_docstring(node) and not overload:
                    bare.append(f"line {node.lineno} {node.name}")
                if isinstance(node, ast.ClassDef):
                    stack.append(node)
    return bare


def test_everything_public_has_a_docstring():
    """Each public module, class and function of src says what it promises."""
    bare = [f"{name}: {what}" for name, text in modules("src").items() for what in undocumented(text)]
    assert not bare, "\n".join(bare)


def test_the_docstring_check_sees_what_it_should():
    """Public things without a docstring are found; private and nested ones are left alone."""
    source = '"""M."""\nclass A:\n    def b(self): ...\ndef c():\n    """C."""\n    def d(): ...\ndef _e(): ...\n'
    assert undocumented(source) == ["line 2 A", "line 3 b"]


@pytest.mark.parametrize(
    ("what", "pattern", "data"),
    [
        ("a path of one machine", MACHINE_PATH, True),
        ("a host of a package registry", REGISTRY, True),
        ("a note of unfinished work", UNFINISHED, False),
        ("British spelling", BRITISH, False),
        ("a space before the line's end", re.compile(r"[ \t]+$", re.MULTILINE), False),
    ],
    ids=["machine", "registry", "unfinished", "spelling", "spaces"],
)
def test_banned_words_do_not_occur(what: str, pattern: re.Pattern[str], data: bool):
    """Nothing in the tree names a machine or a registry, promises later work, or spells in two ways."""
    found = hits(pattern, data=data)
    assert not found, f"{what}:\n" + "\n".join(found[:20])


def test_the_banned_words_are_recognized():
    """Each pattern above matches what it is meant for."""
    assert MACHINE_PATH.search("see /" + "tmp/run") and MACHINE_PATH.search('"/' + 'home/me"')
    assert not MACHINE_PATH.search("docs/adr/0001.md and run/journal")
    assert REGISTRY.search("https://" + "pypi" + ".org/simple")
    assert UNFINISHED.search("# TO" + "DO later")
    assert BRITISH.search("col" + "our") and BRITISH.search("Optimis" + "ation") and not BRITISH.search("optimistic")


def test_no_large_files():
    """Nothing above a megabyte lies in the tree: data of that size is fetched or derived."""
    large = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*") if path.is_file()]
    assert not [path for path in large if path.stat().st_size > FILE_BYTES_MAX]


# ---- lists that must agree -------------------------------------------------------------------------------------------


def requirements() -> list[Requirement]:
    """Every direct dependency: of the program, of its extras, of the checks."""
    declared = project()["project"]
    assert isinstance(declared, dict)
    groups = [declared["dependencies"], *declared.get("optional-dependencies", {}).values()]
    groups += project()["dependency-groups"].values()  # type: ignore[attr-defined]
    return [Requirement(line) for group in groups for line in group]


def test_the_lock_fits_the_project_file():
    """Each direct dependency is locked at a version that the project file allows, with hashes, and no host is named."""
    text = (ROOT / "requirements.lock").read_text()
    assert "://" not in text
    locked: dict[str, list[Version]] = {}
    for name, version in re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", text, re.MULTILINE):
        locked.setdefault(canonicalize_name(name), []).append(Version(version))
    for requirement in requirements():
        versions = locked.get(canonicalize_name(requirement.name), [])
        assert versions, f"{requirement} is not locked: make lock"
        assert all(version in requirement.specifier for version in versions), f"{requirement}: {versions}"
    assert len(re.findall(r"==\S+.*\\$", text, re.MULTILINE)) == sum(map(len, locked.values()))


def test_docs_dependencies_lists_each_one_once():
    """docs/dependencies.md has one row for every direct dependency and none for what is no dependency."""
    rows = re.findall(r"^\| ([A-Za-z0-9._-]+) \|", texts()["docs/dependencies.md"], re.MULTILINE)
    rows = [canonicalize_name(row) for row in rows if row != "package"]
    assert Counter(rows) == Counter({canonicalize_name(requirement.name) for requirement in requirements()})


def test_docs_glossary_lists_each_term_once():
    """A word has one entry, and every entry says something."""
    entries = re.findall(r"^- \*\*(.+?)\*\*:? (.+)$", texts()["docs/glossary.md"], re.MULTILINE)
    terms = Counter(term.strip().lower() for names, _ in entries for term in names.split(","))
    assert len(terms) >= 40
    assert not [term for term, count in terms.items() if count > 1]


def test_docs_changelog_tells_of_this_version():
    """The changelog has an entry for what is unreleased or for the version of the project file, and it is not empty."""
    declared = project()["project"]
    assert isinstance(declared, dict)
    sections = re.split(r"^## ", texts()["CHANGELOG.md"], flags=re.MULTILINE)[1:]
    heads = {section.split("]")[0].strip("[ "): section for section in sections}
    assert "Unreleased" in heads or declared["version"] in heads
    assert re.search(r"^- \S", sections[0], re.MULTILINE), "the newest entry is empty"


def test_docs_links_lead_somewhere():
    """Every relative link and picture of a page exists in the tree."""
    dead = []
    for name, text in pages().items():
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            if not re.match(r"[a-z]+:|#", target):
                path = (ROOT / name).parent / target.partition("#")[0]
                dead += [] if path.exists() else [f"{name}: {target}"]
    assert not dead, "\n".join(dead)


def test_docs_name_verbs_that_exist():
    """Each `make verb` that a page names is a target of the Makefile."""
    targets = set(re.findall(r"^([a-z-]+):", texts()["Makefile"], re.MULTILINE))
    named = {
        verb for text in pages().values() for verb in re.findall(r"`make ([a-z]+)|^make ([a-z]+)", text, re.MULTILINE)
    }
    assert {first or second for first, second in named} <= targets


def test_docs_decisions_are_one_page_each():
    """Decisions are numbered without gaps, fit on a page and tell context, choice, price and what would change our mind."""
    decisions = {Path(name).name: text for name, text in texts().items() if name.startswith("docs/adr/0")}
    assert decisions
    assert [name[:4] for name in decisions] == [f"{number:04d}" for number in range(1, len(decisions) + 1)]
    for name, text in decisions.items():
        assert text.count("\n") <= ADR_LINES_MAX, name
        headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
        assert headings == ["Context", "Choice", "Price", "What would change our mind"], name
