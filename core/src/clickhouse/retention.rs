//! How long rows and single columns are kept: ClickHouse's own TTLs, set by the configuration.
//!
//! A TTL is metadata; that it changes makes ClickHouse rewrite what is old already, in the background. So it is changed only
//! where it is another. What ClickHouse then removes, it removes when it merges, some hours after its time
//! at the latest. Clicks that are removed leave the counts of dashboards too, which lie in their parts.
//!
//! Before rows go, their numbers are noted ([`note_expiring`]), so that the audit does not take them for lost.

use clickhouse::Client;
use clickhouse::error::Error;

use crate::config::Retention;

const EXPIRING: &str = include_str!("../../../sql/retention/expiring.sql");

/// Seconds of a day.
const DAY: u64 = 86_400;
/// How long before their time numbers are noted: whoever notes them may be down for so long.
const AHEAD: u64 = 2 * DAY;

/// The table whose rows are copies of clicks, for which their rules hold too.
const COPIES: &str = "carried_clicks";

/// What one number of days is about.
struct Rule {
    /// The table.
    table: &'static str,
    /// The column that is emptied; none where the row is removed.
    column: Option<&'static str>,
    /// The column with the row's time.
    time: &'static str,
    /// The days, where they are set.
    days: fn(&Retention) -> Option<u32>,
}

const fn column(
    table: &'static str,
    column: &'static str,
    days: fn(&Retention) -> Option<u32>,
) -> Rule {
    Rule {
        table,
        column: Some(column),
        time: "time",
        days,
    }
}

const RULES: &[Rule] = &[
    column("clicks", "visitor_id", |keep| keep.visitor_days),
    column("clicks", "address", |keep| keep.address_days),
    column("clicks", "address_prefix", |keep| keep.address_days),
    column("clicks", "city", |keep| keep.address_days),
    column("clicks", "user_agent", |keep| keep.agent_days),
    column("clicks", "hints", |keep| keep.agent_days),
    column("clicks", "model", |keep| keep.agent_days),
    column("clicks", "referrer", |keep| keep.referrer_days),
    column("clicks", "query", |keep| keep.query_days),
    Rule {
        table: "clicks",
        column: None,
        time: "time",
        days: |keep| keep.clicks_days,
    },
    Rule {
        table: "conversions",
        column: Some("visitor_id"),
        time: "received_at",
        days: |keep| keep.visitor_days,
    },
    Rule {
        table: "conversions",
        column: None,
        time: "received_at",
        days: |keep| keep.conversions_days,
    },
    Rule {
        table: "conversion_numbers",
        column: None,
        time: "received_at",
        days: |keep| keep.conversions_days,
    },
    Rule {
        table: "confirmations",
        column: None,
        time: "confirmed_at",
        days: |keep| keep.confirmations_days,
    },
    Rule {
        table: "page_events",
        column: Some("visitor_id"),
        time: "received_at",
        days: |keep| keep.visitor_days,
    },
    Rule {
        table: "page_events",
        column: None,
        time: "received_at",
        days: |keep| keep.page_events_days,
    },
];

/// The tables whose rows have numbers, with what is noted of them.
const NUMBERED: [(&str, &str); 2] = [
    ("clicks", "retention.clicks_days"),
    ("conversion_numbers", "retention.conversions_days"),
];

impl Rule {
    /// The tables that it is about.
    fn tables(&self) -> impl Iterator<Item = &'static str> {
        let copies = (self.table == "clicks").then_some(COPIES);
        std::iter::once(self.table).chain(copies)
    }

    /// Its TTL as ClickHouse writes it.
    fn ttl(&self, days: u32) -> String {
        format!("toDateTime({}) + toIntervalDay({days})", self.time)
    }

    /// The days that a table has for it, by the statement that would make the table; none where it has none, or one that
    /// somebody else has thought of.
    fn days_of(&self, create: &str) -> Option<u32> {
        let definition = match self.column {
            Some(column) => {
                let (_, behind) = create.split_once(&format!("`{column}` "))?;
                // The next column's name is quoted as this one's was.
                behind.split('`').next()?
            }
            // Columns with a TTL of their own stand before.
            None => create.rsplit_once(") ENGINE = ")?.1,
        };
        let (_, ttl) =
            definition.split_once(&format!("TTL toDateTime({}) + toIntervalDay(", self.time))?;
        ttl.split_once(')')?.0.parse().ok()
    }

    /// The statement that makes `wanted` of what a table has; none where it is that already.
    fn change(&self, table: &str, has: Option<u32>, wanted: Option<u32>) -> Option<String> {
        match (has, wanted, self.column) {
            (has, wanted, _) if has == wanted => None,
            (_, Some(days), Some(column)) => Some(format!(
                "ALTER TABLE {table} MODIFY COLUMN {column} TTL {}",
                self.ttl(days)
            )),
            (_, Some(days), None) => {
                Some(format!("ALTER TABLE {table} MODIFY TTL {}", self.ttl(days)))
            }
            (_, None, Some(column)) => Some(format!(
                "ALTER TABLE {table} MODIFY COLUMN {column} REMOVE TTL"
            )),
            (_, None, None) => Some(format!("ALTER TABLE {table} REMOVE TTL")),
        }
    }
}

/// Makes the tables keep what the configuration says; answers the statements that this took.
pub async fn retain(client: &Client, keep: &Retention) -> Result<Vec<String>, Error> {
    // What is to go from now on has to be known before it goes.
    note_expiring(client, keep).await?;
    let mut changed = Vec::new();
    let all = RULES.iter();
    for (rule, table) in all.flat_map(|rule| rule.tables().map(move |table| (rule, table))) {
        let create: String = client
            .query("SELECT create_table_query FROM system.tables WHERE database = currentDatabase() AND name = ?")
            .bind(table)
            .fetch_one()
            .await?;
        if let Some(statement) = rule.change(table, rule.days_of(&create), (rule.days)(keep)) {
            client.query(&statement).execute().await?;
            changed.push(statement);
        }
    }
    client.clear_cached_metadata().await;
    Ok(changed)
}

/// Notes which numbers may be removed in the next days. To be called more often than that.
pub async fn note_expiring(client: &Client, keep: &Retention) -> Result<(), Error> {
    for (table, key) in NUMBERED {
        let rule = RULES
            .iter()
            .find(|rule| rule.table == table && rule.column.is_none())
            .expect("each of them is removed by a rule");
        let Some(days) = (rule.days)(keep) else {
            continue;
        };
        let kept = u64::from(days) * DAY;
        client
            .query(EXPIRING)
            .param("table", table)
            .param("time", rule.time)
            // Where little is kept at all, a fourth of it is far enough ahead.
            .param("seconds", kept - AHEAD.min(kept / 4))
            .param("detail", format!("{key} = {days}"))
            .execute()
            .await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As ClickHouse writes it.
    const CREATE: &str = "CREATE TABLE w.clicks (`workspace` LowCardinality(String), `time` DateTime64(3, 'UTC') CODEC(Delta(8), \
        ZSTD(1)), `visitor_id` UInt128 CODEC(ZSTD(3)) TTL toDateTime(time) + toIntervalDay(30), `new_visitor` Bool, `query` \
        String TTL toDateTime(time) + toIntervalMonth(1), `rules` UInt16) ENGINE = MergeTree ORDER BY (workspace, time) TTL \
        toDateTime(time) + toIntervalDay(400) SETTINGS index_granularity = 8192";

    fn rule(column: Option<&str>) -> &'static Rule {
        let mut rules = RULES.iter().filter(|rule| rule.table == "clicks");
        rules.find(|rule| rule.column == column).unwrap()
    }

    #[test]
    fn a_tables_own_days_are_read() {
        assert_eq!(rule(Some("visitor_id")).days_of(CREATE), Some(30));
        assert_eq!(rule(None).days_of(CREATE), Some(400));
        // Not ours, and not there.
        assert_eq!(rule(Some("query")).days_of(CREATE), None);
        assert_eq!(rule(Some("city")).days_of(CREATE), None);
        let bare = CREATE.replace(" TTL toDateTime(time) + toIntervalDay(400)", "");
        assert_eq!(rule(None).days_of(&bare), None);
    }

    #[test]
    fn only_what_is_another_is_changed() {
        let visitor = rule(Some("visitor_id"));
        for (has, wanted, statement) in [
            (None, None, None),
            (Some(3), Some(3), None),
            (
                Some(3),
                Some(4),
                Some("MODIFY COLUMN visitor_id TTL toDateTime(time) + toIntervalDay(4)"),
            ),
            (
                None,
                Some(4),
                Some("MODIFY COLUMN visitor_id TTL toDateTime(time) + toIntervalDay(4)"),
            ),
            (Some(3), None, Some("MODIFY COLUMN visitor_id REMOVE TTL")),
        ] {
            let statement = statement.map(|change| format!("ALTER TABLE clicks {change}"));
            assert_eq!(visitor.change("clicks", has, wanted), statement);
        }
        let removed = rule(None).change("clicks", Some(3), None);
        assert_eq!(removed.as_deref(), Some("ALTER TABLE clicks REMOVE TTL"));
    }
}
