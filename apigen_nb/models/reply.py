"""A reply as it is kept: what was asked, by whom, what came, what it took."""

from __future__ import annotations

from ..records import Answer, Record, Role, Usage


class Reply(Record):
    """A line of `replies.jsonl`. `key` is the hash of the request, '' where no answer came; `id` is the question that
    was first asked so; `seconds` include the waiting; `retries` are those of the endpoint since the line before;
    `guess` is what an answer comes to that was given without a count of tokens, at four characters each."""

    key: str
    model: str
    role: Role
    id: str
    stage: str = ""
    seconds: float = 0.0
    retries: int = 0
    answer: Answer | None = None
    guess: Usage | None = None
