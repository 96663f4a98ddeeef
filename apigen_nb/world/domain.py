"""A domain: policy, tools, rules and data. A folder is a domain, and so is an adapter over somebody else's.

retail/policy.md     what the agent reads
retail/tools.py      typed functions over the database, marked @tool or @tool(writes=True)
retail/rules.py      the policy as predicates, marked @rule("tool", ...); the docstring is the message. Optional: what
                     the policy asks of how an agent goes about it, CONDUCT = Conduct(...), and rules over a whole
                     conversation, marked @trace_rule (see `rules`)
retail/data/*.json   one file a table: {id: row}
retail/phrases.json  optional: how people say a tool call (see models.scripted.grammar)

Optional in tools.py: USERS = "customers", the table of users; SERVICE = "the service of Larkmoor, an online shop; today
is 2026-05-18", whom users write to and when, as they know it; and edges of the API graph by hand (see `api_graph`),
EDGES_ADD = [("list_products", "get_product", "product_id")], as producer, consumer and the parameter that it fills, and
EDGES_FORBID = [("get_order", "find_customer_by_name")], with a parameter where only that one is meant.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple, TypeVar, cast

from pydantic import TypeAdapter, ValidationError

from ..records import Action, sha
from .rules import Conduct, Rule, Step, Trace, TraceRule, rule, trace_rule
from .tool import DomainError, Tool, derive_tool, describe_problems, tool
from .world import World

DOMAINS_FOLDER = Path(__file__).parent.parent / "domains"
__all__ = [
    "Conduct",
    "Domain",
    "DomainError",
    "Rule",
    "Step",
    "Tool",
    "Trace",
    "TraceRule",
    "builtin_domains",
    "copy_json",
    "from_folder",
    "rule",
    "tool",
    "trace_rule",
]

T = TypeVar("T")
_SCALARS = frozenset({str, int, float, bool, type(None)})  # most cells of a row: a tool that scans a table copies it
USER_TABLES = ("customers", "users", "members", "patients", "accounts")


def copy_json(value: Any) -> Any:
    """A deep copy of plain JSON values, many times faster than `copy.deepcopy` on rows."""
    if isinstance(value, dict):
        return {key: item if type(item) in _SCALARS else copy_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [item if type(item) in _SCALARS else copy_json(item) for item in value]
    if value is None or isinstance(value, str | int | float):
        return value
    raise TypeError(f"rows and results are plain JSON values, found {type(value).__name__}: {value!r:.80}")


@dataclass(frozen=True, eq=False)
class Domain:
    """Tools, policy, rules and data behind one world. `tables` is table → id → row; `users` names the table of those
    whom a conversation can serve, `subjects` are the ids that blueprints are drawn for; `phrases` is tool → wording
    (optional), `service` whom users write to and when, as they know it. `copy` and `dump` are those of `World`;
    `edges_add` and `edges_forbid` are of the API graph, by hand; `conduct` and `trace_rules` say how a conversation is
    to be held."""

    name: str
    policy: str
    tools: Mapping[str, Tool]
    rules: tuple[Rule, ...]
    tables: Mapping[str, Mapping[str, Any]]
    users: str
    subjects: tuple[str, ...]
    phrases: Mapping[str, str] = field(default_factory=dict)
    service: str = "a customer service"
    copy: Callable[[Any], Any] = copy_json
    dump: Callable[[Any], Any] = copy_json
    edges_add: tuple[tuple[str, str, str], ...] = ()
    edges_forbid: tuple[tuple[str, ...], ...] = ()
    conduct: Conduct = field(default_factory=Conduct)
    trace_rules: tuple[TraceRule, ...] = ()

    @staticmethod
    def load(name: str) -> Domain:
        """A built-in domain ("retail"), a folder ("./my_domain") or an adapter's ("tau2:retail")."""
        if name in builtin_domains() or find_adapter(name):
            return _load(name, name)
        folder = Path(name).resolve()
        # who edits a domain in a notebook's kernel gets the edited one
        files = sorted([*folder.glob("*.*"), *folder.glob("data/*.json")])
        return _load(str(folder), name, tuple((file.name, file.stat().st_mtime_ns) for file in files))

    def world(self, removed: Iterable[str] = (), failing: Iterable[str] = ()) -> World:
        """A fresh world over the shared base rows; without the `removed` tools, the `failing` ones refusing once."""
        gone = frozenset(removed)
        tools = {name: tool for name, tool in self.tools.items() if name not in gone} if gone else self.tools
        return World(self.tables, tools, self.copy, self.dump, frozenset(failing))

    @functools.cached_property
    def schemas(self) -> tuple[dict[str, Any], ...]:
        """All tools in the OpenAI function format."""
        return tuple(tool.schema for tool in self.tools.values())

    def rules_for(self, tools: Iterable[str]) -> tuple[Rule, ...]:
        wanted = set(tools)
        return tuple(rule for rule in self.rules if wanted & set(rule.tools))

    @functools.cached_property
    def fingerprint(self) -> str:
        """A hash of policy, tools, rules and data: `verify` refuses a dataset made on another version of the domain."""
        rows = {table: {key: self.dump(row) for key, row in rows.items()} for table, rows in self.tables.items()}
        rules = [[r.name, r.text, r.tools] for r in self.rules]
        # what all domains had before there was anything to declare is left out: their fingerprints stay
        conduct = [asdict(self.conduct)] if self.conduct != Conduct() else []
        traces = [[[r.name, r.text] for r in self.trace_rules]] if self.trace_rules else []
        return sha([self.policy, self.schemas, rules, rows, *conduct, *traces])


def builtin_domains() -> tuple[str, ...]:
    """The names of the domains that ship with the package."""
    return tuple(sorted(p.name for p in DOMAINS_FOLDER.iterdir() if (p / "tools.py").is_file()))


class GoldTask(NamedTuple):
    """A task of a benchmark as an adapter tells it: all calls that its authors made for the agent, reads included, what
    its user is told, and what the agent has to say."""

    id: str
    actions: tuple[Action, ...]
    instruction: str
    outputs: tuple[str, ...]


def find_adapter(name: str) -> ModuleType | None:
    """The module behind "tau2:retail": the `adapter.py` of the folder that is called as what stands before the colon.
    It has NAMES, `load(name)` and `gold_tasks(name)`, each for what stands behind the colon. None for other domains."""
    prefix, colon, _ = name.partition(":")
    if not (colon and prefix.isidentifier() and (DOMAINS_FOLDER / prefix / "adapter.py").is_file()):
        return None
    return importlib.import_module(f"{__package__.rpartition('.')[0]}.domains.{prefix}.adapter")


def adapter_domains() -> tuple[str, ...]:
    """The names of all domains that the adapters know, whether or not what they adapt is installed."""
    prefixes = sorted(path.parent.name for path in DOMAINS_FOLDER.glob("*/adapter.py"))
    return tuple(
        f"{prefix}:{name}" for prefix in prefixes for name in cast(ModuleType, find_adapter(f"{prefix}:")).NAMES
    )


@functools.lru_cache(maxsize=8)
def _load(name: str, asked: str, stamp: tuple[tuple[str, int], ...] = ()) -> Domain:
    # `name` is what tells domains apart, a folder by its whole path; `asked` is what messages show
    if adapting := find_adapter(name):
        return cast(Domain, adapting.load(name.partition(":")[2]))
    folder = DOMAINS_FOLDER / name if name in builtin_domains() else Path(asked)
    if not (folder / "tools.py").is_file():
        known = ", ".join((*builtin_domains(), *adapter_domains()))
        raise DomainError(f"no domain {asked!r}; built in are {known}; or give a folder that has tools.py")
    return from_folder(folder)


def from_folder(folder: Path) -> Domain:
    """Read a domain folder. DomainError names the file and what is missing in it."""
    tools_module = _module(folder / "tools.py")
    tools = _tools(tools_module, folder)
    rules_module = _module(folder / "rules.py") if (folder / "rules.py").is_file() else None
    rules = _rules(rules_module, tools)
    if not (folder / "policy.md").is_file():
        raise DomainError(f"{folder} has no policy.md; it is what the agent reads")
    tables = {path.stem: _table(path) for path in sorted((folder / "data").glob("*.json"))}
    users = getattr(tools_module, "USERS", None) or next((t for t in USER_TABLES if t in tables), None)
    if users not in tables:
        found = ", ".join(tables) or "none"
        raise DomainError(f'{folder}: no table of users; name it in tools.py, USERS = "..."; tables are {found}')
    return Domain(
        name=folder.name,
        policy=(folder / "policy.md").read_text(encoding="utf-8"),
        tools=tools,
        rules=rules,
        tables=tables,
        users=users,
        subjects=tuple(tables[users]),
        phrases=_phrases(folder / "phrases.json"),
        service=_service(tools_module, folder),
        edges_add=_edges(tools_module, "EDGES_ADD", tools, (3,)),
        edges_forbid=_edges(tools_module, "EDGES_FORBID", tools, (2, 3)),
        conduct=_conduct(rules_module, folder),
        trace_rules=_all_of(TraceRule, rules_module),
    )


def _tools(module: ModuleType, folder: Path) -> dict[str, Tool]:
    functions = [f for f in vars(module).values() if inspect.isfunction(f) and hasattr(f, "__tool__")]
    if not functions:
        raise DomainError(f"{folder / 'tools.py'} has no function marked @tool")
    return {f.__name__: derive_tool(f) for f in functions}


def _service(module: ModuleType, folder: Path) -> str:
    found = getattr(module, "SERVICE", Domain.service)
    if not isinstance(found, str) or not found.strip():
        raise DomainError(f"{folder / 'tools.py'}: SERVICE says whom users write to, in words; found {found!r:.80}")
    return found.strip()


def _conduct(module: ModuleType | None, folder: Path) -> Conduct:
    found = getattr(module, "CONDUCT", Conduct())
    if not isinstance(found, Conduct):
        raise DomainError(f"{folder / 'rules.py'}: CONDUCT is a Conduct(...), found {type(found).__name__}")
    return found


def _phrases(path: Path) -> dict[str, str]:
    return TypeAdapter(dict[str, str]).validate_json(path.read_bytes()) if path.is_file() else {}


def _rules(module: ModuleType | None, tools: Mapping[str, Tool]) -> tuple[Rule, ...]:
    rules = _all_of(Rule, module)
    for bound in rules:
        if unknown := set(bound.tools) - set(tools):
            raise DomainError(f"rule {bound.name} binds unknown tools {sorted(unknown)}; tools are {', '.join(tools)}")
    return rules


def _all_of(kind: type[T], module: ModuleType | None) -> tuple[T, ...]:
    """What a module has of a kind, in its order."""
    return tuple(found for found in vars(module).values() if isinstance(found, kind)) if module else ()


def _edges(module: ModuleType, name: str, tools: Mapping[str, Tool], sizes: tuple[int, ...]) -> tuple[Any, ...]:
    edges = tuple(tuple(edge) for edge in getattr(module, name, ()))
    for edge in edges:
        if len(edge) not in sizes or not all(isinstance(part, str) for part in edge):
            raise DomainError(f"{name}: expected (producer, consumer, parameter), found {edge!r}")
        if unknown := [tool for tool in edge[:2] if tool not in tools]:
            raise DomainError(f"{name}: no tool {unknown[0]!r} in {edge!r}; tools are {', '.join(tools)}")
        taken = tools[edge[1]].parameters.get("properties", {})
        if edge[2:] and edge[2].split(".")[0] not in taken:
            raise DomainError(f"{name}: {edge[1]} takes no {edge[2]!r}, it takes {', '.join(taken) or 'nothing'}")
    return edges


def _table(path: Path) -> dict[str, Any]:
    try:
        return TypeAdapter(dict[str, dict[str, Any]]).validate_json(path.read_bytes())
    except ValidationError as error:
        raise DomainError(f"{path} is not a table, an object of id → row: {describe_problems(error)}") from None


def _module(path: Path) -> ModuleType:
    # A domain folder is the user's own code; it is imported under a name of its own so that two folders never clash.
    name = f"apigen_nb_domain_{sha(str(path.resolve()))}_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise DomainError(f"{path} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except DomainError:
        raise
    except Exception as error:
        raise DomainError(f"{path} cannot be imported: {type(error).__name__}: {error}") from error
    return module
