//! `whence export`: gives a person everything that this installation knows of them, as JSON Lines.
//!
//! Each line is `{"table": …, "row": {…}}`, a row with all the columns that its table has: what is stored tomorrow is
//! exported tomorrow. Ids are written as everywhere outside of ClickHouse. Records that wait on this machine because they
//! were refused come last, under `set_aside`.

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use clap::Args;
use serde_json::{Map, Value, json};
use tokio::io::AsyncBufReadExt;
use whence_core::clickhouse::client;
use whence_core::config::Config;
use whence_core::id::{ClickId, LinkId, VisitorId};
use whence_core::journal::LaneId;
use whence_core::process::Failure;

use crate::journal::{Lane, blocks, lanes_here, line};
use crate::links::part::PartFile;
use crate::person::{Found, Ids, Purpose, Who, aside, clear_abandoned, clickhouse_failed};

/// What is a person's in each table. Who shares a browser with them is not.
const TABLES: [(&str, &str); 6] = [
    (
        "conversions",
        include_str!("../../sql/person/rows_of_conversions.sql"),
    ),
    (
        "clicks",
        include_str!("../../sql/person/rows_of_clicks.sql"),
    ),
    (
        "confirmations",
        include_str!("../../sql/person/rows_of_confirmations.sql"),
    ),
    (
        "page_events",
        include_str!("../../sql/person/rows_of_page_events.sql"),
    ),
    (
        "refunds",
        include_str!("../../sql/person/rows_of_refunds.sql"),
    ),
    (
        "conversion_numbers",
        include_str!("../../sql/person/rows_of_conversion_numbers.sql"),
    ),
];

/// Whose data, and where it goes.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Who.
    #[command(flatten)]
    who: Who,
    /// Write to a file, for its owner alone, instead of standard output
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Exports.
pub async fn run(config: Config, args: ExportArgs) -> Result<(), Failure> {
    let person = args.who.person()?;
    let key = config.click_id_key().map_err(Failure::Config)?;
    let database = client(&config.clickhouse);
    let lanes = lanes_here(&config)?;
    clear_abandoned(&database).await?;
    let found = Found::begin(&database, &person, person.subject(Purpose::Look, &key)).await?;
    let written = async {
        let ids = found.all(&person, &lanes).await?;
        match &args.output {
            Some(file) => {
                let failed =
                    |error: io::Error| Failure::Runtime(format!("{}: {error}", file.display()));
                let mut part = BufWriter::new(PartFile::begin(file)?);
                let count = write(&found, &lanes, &ids, &mut part).await?;
                let part = part
                    .into_inner()
                    .map_err(|error| failed(error.into_error()))?;
                part.finish().map_err(failed)?;
                Ok(count)
            }
            None => write(&found, &lanes, &ids, &mut io::stdout()).await,
        }
    };
    let written = written.await;
    found.forget().await?;
    eprintln!("{} rows", written?);
    Ok(())
}

/// Writes every row; answers how many there were.
async fn write(
    found: &Found,
    lanes: &[Lane],
    ids: &Ids,
    to: &mut impl Write,
) -> Result<u64, Failure> {
    let mut count = 0;
    for (table, rows) in TABLES {
        let query = found.query(rows);
        // A number of 64 bits and more is no number to most readers of JSON.
        let query = query.with_setting("output_format_json_quote_64bit_integers", "1");
        let bytes = query.fetch_bytes("JSONEachRow");
        let mut lines = AsyncBufReadExt::lines(bytes.map_err(clickhouse_failed)?);
        while let Some(text) = lines.next_line().await.map_err(Failure::runtime)? {
            let row: Map<String, Value> = serde_json::from_str(&text)
                .map_err(|error| Failure::Runtime(format!("ClickHouse, {table}: {error}")))?;
            put(to, table, readable(row))?;
            count += 1;
        }
    }
    for block in blocks(lanes)? {
        let (read, records) = (block.read()?, block.records());
        for (seq, payload) in read.records() {
            if aside::belongs(payload, records, ids) {
                put(to, "set_aside", line(seq, payload, records))?;
                count += 1;
            }
        }
    }
    to.flush().map_err(Failure::runtime)?;
    Ok(count)
}

fn put(to: &mut impl Write, table: &str, row: Value) -> Result<(), Failure> {
    let line = json!({"table": table, "row": row});
    writeln!(to, "{line}").map_err(|error| Failure::Runtime(format!("writing: {error}")))
}

/// A row with its ids in the form in which everybody else knows them; none where there is none.
fn readable(mut row: Map<String, Value>) -> Value {
    for (column, value) in &mut row {
        let number = value.as_str().and_then(|text| text.parse::<u128>().ok());
        let short = number.and_then(|number| u64::try_from(number).ok());
        let text = match (column.as_str(), number, short) {
            ("visitor_id" | "click_id" | "link_id", Some(0), _) => None,
            ("visitor_id", Some(id), _) => Some(VisitorId(id).to_string()),
            ("click_id", Some(id), _) => Some(ClickId(id).to_string()),
            ("link_id", _, Some(id)) => Some(LinkId(id).to_string()),
            ("lane", _, Some(id)) => Some(LaneId::new(id).to_string()),
            _ => continue,
        };
        *value = text.map_or(Value::Null, Value::String);
    }
    Value::Object(row)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_written_as_they_are_known() {
        let row = json!({
            "visitor_id": "3", "click_id": "0", "link_id": "9", "lane": "255", "seq": "7", "slug": "12",
        });
        let expected = json!({
            "visitor_id": VisitorId(3).to_string(), "click_id": null, "link_id": LinkId(9).to_string(),
            "lane": "00000000000000ff", "seq": "7", "slug": "12",
        });
        assert_eq!(readable(row.as_object().unwrap().clone()), expected);
    }
}
