"""A clean database for every test, and a red test at the line of its N+1."""

from .observer import pause, unit
from .judge import check

__all__ = ["check", "pause", "unit"]
