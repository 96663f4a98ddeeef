"""The work of a stage: every item once, many at a time, each finished one in the journal at once.

This is the seam for another engine: a job is a plain record, and what it gives is one."""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Sized
from typing import Any, Generic, Protocol, TypeVar

from ..records import Record
from ..storage.journal import Journal, StoredRecords, id_of, is_unanswered
from ..storage.progress import Progress
from . import BudgetSpent, Job, NoAnswer, current_job


class Identified(Protocol):
    """Whatever has an `id` that is known before the work."""

    @property
    def id(self) -> str: ...


R = TypeVar("R", bound=Record)
T = TypeVar("T")
Item = TypeVar("Item", bound=Identified)


class Interrupted(asyncio.CancelledError):
    """Work was stopped from outside; the message says what is kept. A notebook shows it and no traceback."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


async def all_of(*work: Coroutine[Any, Any, T]) -> list[T]:
    """What each of them returns, in order. When one fails or this is cancelled, the others are cancelled once and then
    waited for: `asyncio.gather` leaves them alone, and a second cancellation would end their wait for a reply that is
    paid for."""
    tasks = [asyncio.create_task(one) for one in work]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            if not task.cancelling():
                task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _Jobs(Generic[Item, R]):
    """What workers that share one iterator of items have done so far, and why they stopped."""

    def __init__(self, work: Callable[[Item], Awaitable[R]], journal: Journal[R], progress: Progress) -> None:
        self.work, self.journal, self.progress = work, journal, progress
        self.order, self.begun = array("I"), journal.end()
        self.unanswered, self.spent = list[R](), list[BudgetSpent]()

    def remaining(self, items: Iterable[Item]) -> Iterator[Item]:
        """The items that the journal does not hold, until the budget is spent."""
        index = self.journal.index
        for item in items:
            if self.spent:
                return
            self.order.append(number := index.number(item.id))
            place = index.at(number)
            if place is None:
                yield item
            elif place >= self.begun and place & 1:
                raise ValueError(f"two items have the id {item.id}")

    async def worker(self, todo: Iterator[Item]) -> None:
        for item in todo:
            current_job.set(Job(self.journal.path.stem))
            try:
                record = await self.work(item)
            except NoAnswer as error:
                self.journal.note(item.id, str(error))
                continue
            except BudgetSpent as error:
                self.spent.append(error)
                return
            if id_of(record) != item.id:
                raise ValueError(f"the work on {item.id} gave a record with the id {id_of(record)}")
            if id_of(record) in self.journal:
                raise ValueError(f"two items have the id {item.id}")
            if is_unanswered(record):
                self.unanswered.append(record)
            else:
                self.add(record)

    def add(self, record: R) -> None:
        self.journal.add(record)
        self.progress.count(record)

    def records(self) -> StoredRecords[R]:
        """The finished records in the order of the items."""
        at = self.journal.index.at
        return StoredRecords(self.journal.at, array("I", (number for number in self.order if at(number) is not None)))


async def run_jobs(
    work: Callable[[Item], Awaitable[R]],
    items: Iterable[Item],
    journal: Journal[R],
    *,
    concurrency: int = 32,
    title: str = "",
    total: int | None = None,
) -> StoredRecords[R]:
    """Do `work(item) -> record` (same id) for all items that the journal does not hold, at most `concurrency` at a
    time; returns the finished records in the order of the items.

    NoAnswer in a job becomes a line of `errors.jsonl` and the others go on. A record that is `unanswered` is added when
    all others are: whatever stops the work before leaves it to the next run. BudgetSpent lets the others end, begins
    none and is raised then. Anything else (EndpointDown, a bug, a cancellation) stops the others and is raised; what
    was finished is in the journal, which is closed. It may be called several times, in rounds, on one journal; `total`
    is then what all rounds come to, for whoever watches."""
    if concurrency < 1:
        raise ValueError(f"concurrency must be at least 1, found {concurrency}")
    size = len(items) if isinstance(items, Sized) else None
    progress = journal.progress(title or journal.path.stem)
    progress.total = size if total is None else total
    jobs, ended = _Jobs(work, journal, progress), False
    # Workers share one iterator: 100,000 items are neither 100,000 tasks nor all in memory.
    todo, count = jobs.remaining(items), concurrency if size is None else min(concurrency, size)
    try:
        await all_of(*(jobs.worker(todo) for _ in range(count)))
        for record in () if jobs.spent else jobs.unanswered:
            jobs.add(record)
        ended = not jobs.spent
    except asyncio.CancelledError:
        of = "" if progress.total is None else f" of {progress.total:,}"
        raise Interrupted(f"{len(journal):,}{of} kept; run the cell again to continue") from None
    finally:
        journal.tidy_errors()
        progress.close()
        if not ended:
            journal.close()
    if jobs.spent:
        raise jobs.spent[0]
    return jobs.records()
