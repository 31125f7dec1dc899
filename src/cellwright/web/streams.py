"""Long files, sent while they are made: a portion of rows is read, written and gone before the next."""

import asyncio
import io
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, Final

import msgspec
import pyarrow.parquet
from litestar.response import Stream
from msgspec import Struct

from cellwright.web.question import Question
from cellwright.web.tables import MEDIA_TYPES, Table, arrow_of, columns_of, csv_head, csv_rows, table_of

STREAMED: Final = ("csv", "parquet", "json")
"""A workbook needs all of its rows at once."""


class Portions(Struct, frozen=True):
    """Records of one type, in portions."""

    kind: type[Struct]
    portions: AsyncIterator[Sequence[Struct]]


def stream_of(records: Portions, question: Question, file_name: str) -> Stream:
    """Return a file of all the records as an answer that begins at once."""
    headers = {"content-disposition": f'attachment; filename="{file_name}"'}
    # The framework says the character set of texts itself.
    media_type = MEDIA_TYPES[question.suffix].partition(";")[0]
    return Stream(_written(records, question), media_type=media_type, headers=headers)


async def _written(portions: Portions, question: Question) -> AsyncIterator[bytes]:
    writer = _WRITERS[question.suffix](portions.kind, question.query.get("bom") != "0")
    yield writer.head()
    async for records in portions.portions:
        # The plant's work goes on meanwhile, and no reader that is slow keeps others waiting.
        async with question.services.exporting:
            content = await asyncio.to_thread(writer.rows, records)
        yield content
    yield writer.tail()


class _Csv:
    """CSV (RFC 4180)."""

    def __init__(self, kind: type[Struct], for_people: bool) -> None:  # noqa: FBT001 - all writers are made alike
        self._kind, self._for_people = kind, for_people

    def head(self) -> bytes:
        return csv_head(Table("", columns_of(self._kind), ()), for_people=self._for_people)

    def rows(self, records: Sequence[Struct]) -> bytes:
        return csv_rows(table_of("", self._kind, records), for_people=self._for_people)

    def tail(self) -> bytes:
        return b""


class _Json:
    """One list of objects."""

    def __init__(self, _kind: type[Struct], _for_people: bool) -> None:  # noqa: FBT001
        self._is_first = True

    def head(self) -> bytes:
        return b"["

    def rows(self, records: Sequence[Struct]) -> bytes:
        content = msgspec.json.encode(records)[1:-1]
        between = b"" if self._is_first or not content else b",\n"
        self._is_first = self._is_first and not content
        return between + content

    def tail(self) -> bytes:
        return b"]\n"


class _Parquet:
    """A group of rows for each portion."""

    def __init__(self, kind: type[Struct], _for_people: bool) -> None:  # noqa: FBT001
        self._kind, self._sink = kind, _Sink()
        schema = arrow_of(Table("", columns_of(kind), ())).schema
        self._writer = pyarrow.parquet.ParquetWriter(self._sink, schema, compression="zstd")

    def head(self) -> bytes:
        return self._sink.drained()

    def rows(self, records: Sequence[Struct]) -> bytes:
        self._writer.write_table(arrow_of(table_of("", self._kind, records)))
        return self._sink.drained()

    def tail(self) -> bytes:
        self._writer.close()
        return self._sink.drained()


class _Sink(io.RawIOBase):
    """A file that only grows, and forgets what was taken out of it."""

    def __init__(self) -> None:
        self._waiting: list[bytes] = []
        self._size = 0

    def writable(self) -> bool:
        return True

    def write(self, content: Any) -> int:
        self._waiting.append(bytes(content))
        self._size += len(content)
        return len(content)

    def tell(self) -> int:
        return self._size

    def drained(self) -> bytes:
        content = b"".join(self._waiting)
        self._waiting.clear()
        return content


_WRITERS: Final[dict[str, Callable[[type[Struct], bool], Any]]] = {"csv": _Csv, "parquet": _Parquet, "json": _Json}
