"""Questions in SQL over segments and fresh batches, by DuckDB in this process; it keeps no file of its own."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa
from msgspec import Struct

from cellwright.errors import TelemetryError
from cellwright.telemetry.contract import Scan
from cellwright.telemetry.encoding import CURVES, SAMPLES, Kind

_SETTINGS: Final[dict[str, str | bool | int | float | list[str]]] = {
    # Whatever is not there must be an error and not a call to the network.
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    # What does not fit into memory is refused: nothing is written beside the store.
    "temp_directory": "",
    "preserve_insertion_order": False,
}
_SHOWN: Final = {
    SAMPLES.name: "channel, time_us, count, state",
    CURVES.name: (
        "unit, operation, attempt, channel, program, version, time_us, step,"
        " voltage::DOUBLE * voltage_uv / 1e6 AS voltage_v, current::DOUBLE * current_ua / 1e6 AS current_a,"
        " temperature::DOUBLE * temperature_mc / 1e3 AS temperature_c, state, batch"
    ),
}


class Source(Struct, frozen=True, eq=False):
    """What a table of a question is made of: files, and fresh batches."""

    kind: Kind
    paths: Sequence[Path]
    tables: Sequence[Any]


def answer(scan: Scan, sources: Sequence[Source], signals: Any, memory_mib: int) -> Any:
    """Answer a question as an Arrow table; TelemetryError says what is wrong with it.

    The question reads the named files and nothing else, and changes nothing.
    """
    connection = duckdb.connect(":memory:", config={**_SETTINGS, "memory_limit": f"{memory_mib}MB"})
    try:
        connection.register("signals", signals)
        for source in sources:
            _show(connection, source, scan)
        paths = [str(path) for source in sources for path in source.paths]
        connection.execute(f"SET allowed_paths = [{', '.join(map(_quoted, paths))}]")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        relation = connection.sql(scan.sql, params=list(scan.parameters))
        if relation is None:
            raise TelemetryError("the question has no answer; expected one SELECT over samples, curves and signals")
        return relation.to_arrow_table()
    except duckdb.Error as error:
        raise TelemetryError(f"the question cannot be answered: {error}") from error
    finally:
        connection.close()


def _show(connection: Any, source: Source, scan: Scan) -> None:
    name, kind = source.kind.name, source.kind
    fresh = pa.concat_tables([kind.columns.empty_table(), *source.tables])
    connection.register(f"fresh_{name}", fresh)
    parts = [f"SELECT * FROM fresh_{name}"]  # noqa: S608 a constant
    if source.paths:
        files = ", ".join(_quoted(str(path)) for path in source.paths)
        parts.append(f"SELECT * FROM read_parquet([{files}])")  # noqa: S608 quoted
    bounds = (
        f"{kind.key} >= {scan.key_from} AND {kind.key} < {scan.key_to}"
        f" AND time_us >= {scan.from_us} AND time_us < {scan.to_us}"
    )
    joined = " UNION ALL BY NAME ".join(parts)
    connection.execute(f"CREATE VIEW {name} AS SELECT {_SHOWN[name]} FROM ({joined}) WHERE {bounds}")  # noqa: S608


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
