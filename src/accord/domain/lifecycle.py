"""A life cycle is a table: (state, event) -> next state. `move` is its only reader."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from accord.domain.errors import InvalidState

State = TypeVar("State", bound=StrEnum)
Event = TypeVar("Event", bound=StrEnum)


class LifeCycle(Generic[State, Event]):
    """The legal steps of one kind of thing."""

    def __init__(self, table: Mapping[tuple[State, Event], State]) -> None:
        self.table = dict(table)

    def move(self, state: State, event: Event) -> State:
        """The next state; InvalidState with the events that are legal here otherwise."""
        try:
            return self.table[state, event]
        except KeyError:
            raise InvalidState(state, self.events(state)) from None

    def events(self, state: State) -> tuple[str, ...]:
        """The events that are legal in this state, sorted."""
        return tuple(sorted({event.value for (source, event) in self.table if source == state}))

    def permits(self, state: State, event: Event) -> bool:
        """Is this step in the table?"""
        return (state, event) in self.table

    def sources(self, event: Event) -> frozenset[State]:
        """The states from which this event is legal."""
        return frozenset(source for (source, name) in self.table if name == event)


@dataclass(frozen=True, slots=True)
class Deadline(Generic[State]):
    """A step that time takes by itself: in one of these states, `becomes` stands from the instant in `column` on."""

    states: Collection[State]
    column: str
    becomes: State
