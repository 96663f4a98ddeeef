"""What is asked of a dataset: the parameter `dataset` of a run, which changes no conversation but which of them are
rows, and in which split each stands."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from ..records import Kind

Split = Literal["train", "validation", "test"]
THRESHOLD = 0.8  # Jaccard similarity from which two texts are near duplicates
HELD_OUT: Split = "test"  # where rows of held-out users and tools go
Share = Annotated[float, Field(ge=0, le=1)]


def _shares(value: dict[Split, float]) -> dict[Split, float]:
    if not math.isclose(sum(value.values()), 1, abs_tol=1e-6):
        raise ValueError(f"expected shares that sum to 1, these sum to {sum(value.values()):g}")
    if not value.get("train"):
        raise ValueError("expected a share of train above 0")
    return value


def _range(value: list[float]) -> list[float]:
    if len(value) != 2 or value[0] > value[1]:
        raise ValueError("expected the least and the most, such as [0.2, 0.8]")
    return value


class DatasetOptions(BaseModel):
    """Which conversations are rows, and where. Strict: an unknown name or split, or a value that cannot be, is an
    error."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    splits: Annotated[dict[Split, Share], AfterValidator(_shares)] = Field(
        default={"train": 1.0}, description="Split → share of the rows; sum 1. Groups stay whole."
    )
    held_out_users: float = Field(
        default=0.0, ge=0, lt=1, description="Share of the users whose rows all go to `test`."
    )
    held_out_tools: list[str] = Field(
        default=[], description="Tools; whoever calls one goes to `test`, with its group."
    )
    min_score: Share | None = Field(default=None, description="Rows below are left out; none: no row is.")
    kinds: list[Kind] = Field(default=[], description="Kinds of rows; none: all of them.")
    pass_rate: Annotated[list[Share], AfterValidator(_range)] | None = Field(
        default=None, description="[least, most]: of its task's conversations; none: any."
    )
    near_duplicates: float | None = Field(
        default=THRESHOLD,
        gt=0,
        le=1,
        description="Similarity from which a row gives way to a better one; none: all stay.",
    )
    contaminated: Literal["keep", "leave_out"] = Field(
        default="keep", description="What becomes of rows that share with a benchmark that is installed."
    )
