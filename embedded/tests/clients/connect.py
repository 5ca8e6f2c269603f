"""clickhouse-connect against the embedded ClickHouse: DDL, parameters, inserts, results, errors."""

import os
from datetime import datetime, timezone

import clickhouse_connect
from clickhouse_connect.driver.exceptions import DatabaseError


def connect(**more):
    options = {
        "host": os.environ["CLICKHOUSE_HOST"],
        "port": int(os.environ["CLICKHOUSE_PORT"]),
        "username": os.environ["CLICKHOUSE_USER"],
        "password": os.environ["CLICKHOUSE_PASSWORD"],
        # The embedded ClickHouse has no sessions.
        "autogenerate_session_id": False,
    }
    return clickhouse_connect.get_client(**(options | more))


def refused(named, work):
    try:
        work()
    except DatabaseError as error:
        assert named in str(error), str(error)
    else:
        raise AssertionError(f"not refused: {named}")


COLUMNS = ["id", "name", "at", "kind", "tags", "amount"]
ROWS = [
    [n, f"näme '{n}'\t\\", datetime(2026, 1, 1, n % 24, tzinfo=timezone.utc), "ab"[n % 2], ["x"] * (n % 3), None if n % 5 else n]
    for n in range(20_000)
]

for compress in [True, False, "lz4", "zstd", "gzip"]:
    client = connect(compress=compress)
    assert client.ping() and client.server_version.startswith("26.")
    client.command("DROP TABLE IF EXISTS things")
    client.command(
        "CREATE TABLE things (id UInt64, name String, at DateTime('UTC'), kind LowCardinality(String),"
        " tags Array(String), amount Nullable(Int64)) ENGINE = MergeTree ORDER BY id"
    )
    summary = client.insert("things", ROWS, column_names=COLUMNS)
    assert summary.written_rows == len(ROWS), summary.summary
    result = client.query("SELECT * FROM things ORDER BY id")
    assert result.column_names == tuple(COLUMNS)
    assert [list(row[:2]) + list(row[3:]) for row in result.result_rows] == [r[:2] + r[3:] for r in ROWS]
    assert [row[2].hour for row in result.result_rows] == [row[2].hour for row in ROWS]

    parameters = {"least": 19_990, "kinds": ["a", "c"], "name": "näme '19991'\t\\"}
    result = client.query(
        "SELECT id FROM things WHERE id >= {least:UInt64} AND kind IN {kinds:Array(String)} AND name != {name:String} ORDER BY id",
        parameters=parameters,
    )
    assert result.result_rows == [(n,) for n in range(19_990, 20_000, 2)], result.result_rows
    assert client.query("SELECT {s:String}", parameters={"s": "a\tb\\n'c'\n"}).first_row == ("a\tb\\n'c'\n",)
    assert client.query("SELECT getSetting('max_threads')", settings={"max_threads": 3}).first_row == (3,)

    with client.query_row_block_stream("SELECT number, toString(number) FROM numbers(300000)") as stream:
        rows = [row for block in stream for row in block]
    assert len(rows) == 300_000 and rows[299_999] == (299_999, "299999")

    client.raw_insert("things", ["id", "name"], b"20000,raw\n", fmt="CSV")
    assert client.raw_query("SELECT name FROM things WHERE id = 20000", fmt="TSV") == b"raw\n"
    assert client.command("SELECT count() FROM things") == 20_001

    refused("UNKNOWN_TABLE", lambda: client.query("SELECT * FROM nowhere"))
    refused("SYNTAX_ERROR", lambda: client.command("SELEC 1"))
    refused("UNKNOWN_SETTING", lambda: client.command("SELECT 1 SETTINGS no_such_setting = 1"))
    refused("TABLE_ALREADY_EXISTS", lambda: client.command("CREATE TABLE things (a Int8) ENGINE = Memory"))

refused("AUTHENTICATION_FAILED", lambda: connect(password="wrong"))
refused("session_id", lambda: connect(session_id="mine").query("SELECT 1"))

once = {"insert_deduplication_token": "t-1"}
client = connect()
client.command("CREATE TABLE once (a UInt8) ENGINE = MergeTree ORDER BY a SETTINGS non_replicated_deduplication_window = 100")
for _ in range(2):
    client.insert("once", [[1], [2]], column_names=["a"], settings=once)
assert client.command("SELECT count() FROM once") == 2
print("ok")
