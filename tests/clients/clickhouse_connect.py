"""clickhouse-connect against `ruad engine`: creates, inserts columns, queries with parameters.

Usage: clickhouse_connect.py HOST PORT, with CLICKHOUSE_USER and CLICKHOUSE_PASSWORD in the environment
"""

import datetime
import ipaddress
import os
import sys

# The folder of this file comes first, and in it this file has the driver's name.
sys.path.pop(0)

import clickhouse_connect  # noqa: E402
from clickhouse_connect.driver.exceptions import ClickHouseError  # noqa: E402

LOGIN = {"username": os.environ["CLICKHOUSE_USER"], "password": os.environ["CLICKHOUSE_PASSWORD"]}
ROWS = 200_000
COLUMNS = ["id", "name", "at", "tags", "ip", "ratio"]


def main(host: str, port: int) -> None:
    client = clickhouse_connect.get_client(host=host, port=port, database="peers", **LOGIN)
    assert client.ping()
    assert client.server_tz == datetime.timezone.utc or str(client.server_tz) == "UTC", client.server_tz
    client.command(
        "CREATE TABLE peers.t (id UInt32, name LowCardinality(String), at DateTime, tags Array(String), ip IPv6, "
        "ratio Nullable(Float64)) ENGINE = MergeTree ORDER BY id"
    )
    inserts_columns(client)
    for compression in [False, "lz4", "zstd", "gzip"]:
        packs(host, port, compression)
    binds(client)
    fails(client)
    assert client.query("SELECT getSetting('max_threads')", settings={"max_threads": 3}).result_rows == [(3,)]
    assert client.raw_query("SELECT 1 AS a", fmt="JSONEachRow") == b'{"a":1}\n'


def inserts_columns(client) -> None:
    at = datetime.datetime(2026, 1, 1)
    columns = [
        list(range(ROWS)),
        [f"n{i % 7}" for i in range(ROWS)],
        [at + datetime.timedelta(seconds=i % 60) for i in range(ROWS)],
        [["a"] * (i % 3) for i in range(ROWS)],
        [ipaddress.ip_address("2001:db8::1") for _ in range(ROWS)],
        [None if i % 5 == 0 else i / 2 for i in range(ROWS)],
    ]
    summary = client.insert("peers.t", columns, column_names=COLUMNS, column_oriented=True)
    assert summary.written_rows == ROWS, summary.summary
    counted = client.query("SELECT count(), sum(id), uniq(name), countIf(ratio IS NULL) FROM peers.t").result_rows
    assert counted == [(ROWS, ROWS * (ROWS - 1) // 2, 7, ROWS // 5)], counted
    with client.query_column_block_stream("SELECT * FROM peers.t ORDER BY id") as blocks:
        ids = [number for block in blocks for number in block[0]]
    assert ids == list(range(ROWS))


def packs(host: str, port: int, compression) -> None:
    client = clickhouse_connect.get_client(host=host, port=port, compress=compression, database="peers", **LOGIN)
    client.command("CREATE TABLE packed (a UInt32, b String) ENGINE = Memory")
    client.insert("packed", [[i, str(i)] for i in range(ROWS)], column_names=["a", "b"])
    rows = client.query("SELECT a, b FROM packed ORDER BY a").result_rows
    assert len(rows) == ROWS and rows[-1] == (ROWS - 1, str(ROWS - 1)), (compression, len(rows))
    client.command("DROP TABLE packed")


def binds(client) -> None:
    for value in ["plain", "it's", "\\", "a\nb\tc", "'); DROP TABLE peers.t; --", "é☃"]:
        for statement in ["SELECT {value:String}", "SELECT %(value)s"]:
            rows = client.query(statement, parameters={"value": value}).result_rows
            assert rows == [(value,)], (statement, value, rows)
    rows = client.query(
        "SELECT id, at, ip FROM peers.t WHERE id IN {ids:Array(UInt32)} ORDER BY id", parameters={"ids": [1, 62]}
    ).result_rows
    at = datetime.datetime(2026, 1, 1)
    ip = ipaddress.ip_address("2001:db8::1")
    expected = [(1, at + datetime.timedelta(seconds=1), ip), (62, at + datetime.timedelta(seconds=2), ip)]
    assert rows == expected, rows


def fails(client) -> None:
    late = "SELECT throwIf(number = 900000) FROM numbers(1000000)"
    for statement, settings, code in [
        ("SELECT * FROM peers.nope", {}, 60),
        ("SELECT (", {}, 62),
        (late, {"max_block_size": 1000, "max_threads": 1, "wait_end_of_query": 0}, 395),
    ]:
        try:
            client.query(statement, settings=settings).result_rows  # noqa: B018 - the rows are read late
        except ClickHouseError as error:
            assert f"Code: {code}." in str(error), error
        else:
            raise AssertionError(f"{statement} did not fail")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
