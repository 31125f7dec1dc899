"""Plans of statements, as PostgreSQL explains them: what is scanned from end to end?"""

from cellwright.database.pool import Connection


async def plan_of(connection: Connection, statement: str) -> str:
    """Return the plan of a statement as text."""
    records = await connection.fetch(f"EXPLAIN {statement}")
    return "\n".join(record[0] for record in records)


def scanned(plan: str) -> set[str]:
    """Return the tables that a plan reads sequentially."""
    return {line.split(" on ")[1].split()[0] for line in plan.splitlines() if "Seq Scan on " in line}


def literal(value: object) -> str:
    """Return a value as it is written in a statement: a number, a text, or a list of these."""
    match value:
        case list():
            return f"ARRAY[{', '.join(literal(each) for each in value)}]"
        case str():
            return f"'{value}'"
        case _:
            return str(value)
