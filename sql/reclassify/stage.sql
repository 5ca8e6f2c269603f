-- Where changes wait while ClickHouse writes them into clicks: a table for each time, which goes afterwards.
--
-- In memory as a hash table, and on disk too: a mutation that was cut off by a crash goes on at the next start, and needs it.
CREATE TABLE $stage
(
    click           String,
    verdict         Int8,
    reasons         Array(LowCardinality(String)),
    channel         LowCardinality(String),
    source          LowCardinality(String),
    browser         LowCardinality(String),
    browser_version LowCardinality(String),
    os              LowCardinality(String),
    os_version      LowCardinality(String),
    device          LowCardinality(String),
    model           LowCardinality(String),
    app             LowCardinality(String)
)
ENGINE = Join(ANY, LEFT, click)
