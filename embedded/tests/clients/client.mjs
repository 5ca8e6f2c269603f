// @clickhouse/client against the embedded ClickHouse: DDL, parameters, inserts, results, errors.
import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { ClickHouseError, createClient } from "@clickhouse/client";

const { CLICKHOUSE_HOST, CLICKHOUSE_PORT, CLICKHOUSE_USER, CLICKHOUSE_PASSWORD } = process.env;
const connect = (more = {}) =>
  createClient({
    url: `http://${CLICKHOUSE_HOST}:${CLICKHOUSE_PORT}`,
    username: CLICKHOUSE_USER,
    password: CLICKHOUSE_PASSWORD,
    ...more,
  });

const refused = (work, code, type) =>
  assert.rejects(work, (error) => {
    assert.ok(error instanceof ClickHouseError, String(error));
    assert.deepEqual([error.code, error.type], [code, type], error.message);
    return true;
  });

for (const compression of [{}, { request: true, response: true }]) {
  const client = connect({ compression });
  assert.deepEqual(await client.ping(), { success: true });
  await client.command({ query: "DROP TABLE IF EXISTS things" });
  const created = await client.command({
    query: "CREATE TABLE things (id UInt64, name String, tags Array(String), amount Nullable(Int32)) ENGINE = MergeTree ORDER BY id",
    query_id: `create-${Object.keys(compression).length}`,
  });
  assert.equal(created.query_id, `create-${Object.keys(compression).length}`);

  const rows = Array.from({ length: 20_000 }, (_, id) => ({
    id: String(id),
    name: `näme '${id}'\t\\`,
    tags: Array(id % 3).fill("x"),
    amount: id % 5 ? null : id,
  }));
  const inserted = await client.insert({ table: "things", values: rows, format: "JSONEachRow" });
  assert.equal(inserted.summary.written_rows, "20000");
  await client.insert({ table: "things", values: Readable.from(["20000,csv\n", "20001,stream\n"], { objectMode: false }), columns: ["id", "name"], format: "CSV" });

  const settings = { output_format_json_quote_64bit_integers: 1 };
  const all = await client.query({ query: "SELECT * FROM things WHERE id < 20000 ORDER BY id", format: "JSONEachRow", clickhouse_settings: settings });
  assert.deepEqual(await all.json(), rows);
  const document = await (await client.query({ query: "SELECT count() AS n FROM things", format: "JSON" })).json();
  assert.equal(Number(document.data[0].n), 20_002);
  assert.equal(document.rows, 1);

  const query_params = { least: 19_990, names: ["näme '19995'\t\\", "csv"], text: "a\tb\\n'c'\n", none: null };
  const found = await client.query({
    query: "SELECT id, {text:String} AS text, {none:Nullable(String)} AS none FROM things WHERE id >= {least:UInt64} AND name IN {names:Array(String)} ORDER BY id",
    format: "JSONEachRow",
    query_params,
    clickhouse_settings: settings,
  });
  assert.deepEqual(await found.json(), [
    { id: "19995", text: query_params.text, none: null },
    { id: "20000", text: query_params.text, none: null },
  ]);

  let seen = 0;
  const large = await client.query({ query: "SELECT number FROM numbers(300000)", format: "JSONEachRow" });
  for await (const part of large.stream()) seen += part.length;
  assert.equal(seen, 300_000);

  await refused(client.query({ query: "SELECT * FROM nowhere" }), "60", "UNKNOWN_TABLE");
  await refused(client.command({ query: "selec 1" }), "62", "SYNTAX_ERROR");
  await refused(client.query({ query: "SELECT 1", clickhouse_settings: { no_such_setting: 1 } }), "115", "UNKNOWN_SETTING");
  await refused(client.query({ query: "SELECT 1", session_id: "mine" }), "48", "NOT_IMPLEMENTED");
  await refused(client.insert({ table: "things", values: "x,y\n", format: "CSV" }).then(() => {}), "27", "CANNOT_PARSE_INPUT_ASSERTION_FAILED").catch(() =>
    refused(client.insert({ table: "nowhere", values: [{ a: 1 }], format: "JSONEachRow" }), "60", "UNKNOWN_TABLE"),
  );

  // An error after the response has begun reaches whoever reads the rows.
  const late = await client.query({
    query: "SELECT throwIf(number = 2000000) AS fails, number FROM numbers(3000000) SETTINGS max_block_size = 10000, max_threads = 1",
    format: "JSONEachRow",
  });
  await assert.rejects(async () => {
    for await (const _ of late.stream()) void _;
  }, compression.response ? undefined : /FUNCTION_THROW_IF|non-zero/);
  await client.close();
}

const stranger = connect({ password: "wrong" });
await refused(stranger.query({ query: "SELECT 1" }), "516", "AUTHENTICATION_FAILED");
await stranger.close();
console.log("ok");
