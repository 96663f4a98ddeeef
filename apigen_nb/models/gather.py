"""Several things at once, none of them left behind."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


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
