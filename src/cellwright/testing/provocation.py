"""What a story of a refusal is, and a book that collects them."""

from collections.abc import Callable

from msgspec import Struct

from cellwright.model.answers import Answer, RefusalCode
from cellwright.testing.flow import Driver

Story = Callable[[Driver], Answer]


class Provocation(Struct, frozen=True):
    """A story whose last command is refused with `code`, maybe among others."""

    code: RefusalCode
    name: str
    run: Story


class Book:
    """Collects stories."""

    def __init__(self) -> None:
        """Begin empty."""
        self.stories: list[Provocation] = []

    def of(self, code: RefusalCode) -> Callable[[Story], Story]:
        """Return a decorator that adds a story of a code; its name is the function's."""

        def keep(story: Story) -> Story:
            name = getattr(story, "__name__", "").lstrip("_").replace("_", " ")
            self.stories.append(Provocation(code, name, story))
            return story

        return keep
