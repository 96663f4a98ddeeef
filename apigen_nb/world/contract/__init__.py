"""What every domain has to keep to, the built-in ones and a user's own: `check(Domain.load("./my_domain"))`.

The contract is what the method takes for granted (paper §3.1): schemas to call by, reads that leave the shared rows
alone, writes that can be made, rules that forbid something, and a graph on which every id can be found out.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..domain import Domain
from .argument_sampling import guess_arguments
from .calls import calls
from .finding import Finding
from .reachability import links
from .read_purity import reads, reads_that_write
from .references import references
from .schemas import phrases, policy, schemas

__all__ = ["CHECKS", "Finding", "check", "errors", "guess_arguments", "reads_that_write", "summary"]

CHECKS = (policy, schemas, phrases, references, reads, calls, links)


def check(domain: Domain) -> tuple[Finding, ...]:
    """All findings on a domain, errors first. It takes some seconds: tools are called thousands of times, on copies."""
    found = [finding for one in CHECKS for finding in one(domain)]
    return tuple(sorted(found, key=lambda finding: finding.level))


def errors(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings that break the contract."""
    return tuple(finding for finding in findings if finding.level == "error")


def summary(domain: Domain, findings: Iterable[Finding]) -> str:
    """One line: what was checked and how it came out."""
    found = list(findings)
    wrong = len(errors(found))
    rows = sum(map(len, domain.tables.values()))
    writes = sum(tool.writes for tool in domain.tools.values())
    return (
        f"{domain.name}: {len(domain.tools)} tools ({writes} write), {len(domain.rules)} rules, {rows} rows: "
        f"{wrong} errors, {len(found) - wrong} warnings; the contract is {'broken' if wrong else 'kept'}"
    )
