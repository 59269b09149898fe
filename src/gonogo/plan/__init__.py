"""Checklist + subject + target + selection -> a frozen, hashed plan."""

from __future__ import annotations

from gonogo.plan.compile import compile  # noqa: A004 - the contract's word
from gonogo.plan.inputs import refuse_missing, substitute
from gonogo.plan.selection import Selection

__all__ = ["Selection", "compile", "refuse_missing", "substitute"]
