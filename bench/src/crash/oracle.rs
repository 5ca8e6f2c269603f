//! Compares what visitors and merchants know with what ClickHouse holds: each answered click exactly once and as it
//! was sent, nothing that nobody sent, conversions likewise, and rollups equal to the rows.

use anyhow::{Context, Result, bail};
use serde::Serialize;
use whence_core::id::ClickId;

use super::clicks::{Click, Visitors, agent, marker};
use super::database::Database;
use super::faults::Done;
use super::flip::Name;
use super::merchants::{Merchants, Said, amount, event_id};
use crate::links::{self, DOMAIN};

/// A redirector reads its clock in whole milliseconds, and a visitor too.
const CLOCKS_MS: u64 = 20;
/// How many wrong clicks are named to people, of each kind.
const MOST_NAMED: usize = 10;
/// The columns of a click that are looked at.
const CLICK: &str = "query, click_id, link_id, domain, slug, workspace, outcome, method, user_agent, \
                     toUnixTimestamp64Milli(time)";
/// Groups in which the projection of the hours, as it lies on the disk, says something else than the rows.
const ROLLUP: &str = "\
    SELECT count() FROM (SELECT 1 FROM ( \
    SELECT workspace, toDateTime(toStartOfHour(time), 'UTC') AS hour, link_id, outcome, verdict, channel, country, \
    toInt64(count()) AS n FROM whence.clicks GROUP BY ALL \
    UNION ALL \
    SELECT workspace, `toStartOfHour(time)` AS hour, link_id, outcome, verdict, channel, country, \
    -toInt64(countMerge(`count()`)) AS n \
    FROM mergeTreeProjection(whence, 'clicks', 'click_hours') GROUP BY ALL) \
    GROUP BY workspace, hour, link_id, outcome, verdict, channel, country HAVING sum(n) != 0) \
    SETTINGS optimize_use_projections = 0";

/// What was found. All but the first few must be 0.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Found {
    /// Clicks that were answered.
    pub(super) answered: u64,
    /// Of these, how many are stored.
    pub(super) stored: u64,
    /// Clicks that are stored though nobody heard their answer.
    pub(super) unanswered: u64,
    /// Answered clicks whose record was destroyed by a flipped bit before it was delivered, and that are missing.
    pub(super) destroyed: u64,
    /// Answered clicks that are missing without such a reason.
    pub(super) missing: u64,
    /// Rows too many: a click stored twice counts once, three times twice.
    pub(super) duplicated: u64,
    /// Rows that nobody sent.
    pub(super) invented: u64,
    /// Rows that say something else than was sent or answered.
    pub(super) altered: u64,
    /// Clicks whose record was destroyed and that are stored all the same: then the flip has hit something else.
    pub(super) survived: u64,
    /// Rows that share their lane and number with another.
    pub(super) numbers_twice: u64,
    /// Groups in which the projection `click_hours` differs from `clicks`.
    pub(super) rollups_wrong: u64,
    /// Conversions that were acknowledged.
    pub(super) conversions_acknowledged: u64,
    /// Of these, how many are stored.
    pub(super) conversions_stored: u64,
    /// Conversions that are stored though nobody heard that they were.
    pub(super) conversions_unanswered: u64,
    /// Acknowledged conversions that are missing.
    pub(super) conversions_missing: u64,
    /// Events that are stored more than once.
    pub(super) conversions_duplicated: u64,
    /// Events that nobody sent.
    pub(super) conversions_invented: u64,
    /// Events that say something else than was sent.
    pub(super) conversions_altered: u64,
    /// Some of what is wrong, for people.
    #[serde(skip)]
    pub(super) named: Vec<String>,
}

impl Found {
    /// Whether nothing is wrong.
    pub(super) fn is_right(&self) -> bool {
        [
            self.missing,
            self.duplicated,
            self.invented,
            self.altered,
            self.survived,
            self.numbers_twice,
            self.rollups_wrong,
            self.conversions_missing,
            self.conversions_duplicated,
            self.conversions_invented,
            self.conversions_altered,
        ]
        .iter()
        .all(|count| *count == 0)
    }

    fn name(&mut self, what: impl FnOnce() -> String) {
        if self.named.len() < MOST_NAMED {
            self.named.push(what());
        }
    }
}

/// The click that a query names.
pub(super) fn name_in(query: &str) -> Option<Name> {
    let (visitor, number) = query.strip_prefix("n=")?.split_once('.')?;
    Some((visitor.parse().ok()?, number.parse().ok()?))
}

/// Compares everything, visitor by visitor, so that only one's rows are in memory at a time.
pub(super) async fn compare(
    database: &Database,
    visitors: &Visitors,
    merchants: &Merchants,
    link_ids: &[u64],
    done: &Done,
) -> Result<Found> {
    let mut found = Found::default();
    let mut of_somebody = 0;
    for visitor in 0..visitors.clicks.len() {
        let rows = database
            .ask(&format!(
                "SELECT {CLICK} FROM whence.clicks WHERE startsWith(query, 'n={visitor}.')"
            ))
            .await?;
        of_somebody += rows.lines().count() as u64;
        let clicks = visitors.clicks[visitor]
            .lock()
            .expect("nobody panics with it")
            .clone();
        compare_clicks(&rows, visitor, &clicks, link_ids, done, &mut found)?;
    }
    let all = database.number("SELECT count() FROM whence.clicks").await?;
    found.invented += all.saturating_sub(of_somebody);
    let numbers = "SELECT count() - uniqExact(lane, seq) FROM whence.clicks";
    found.numbers_twice = database.number(numbers).await?;
    found.rollups_wrong = database.number(ROLLUP).await?;

    let mut of_somebody = 0;
    for merchant in 0..merchants.said.len() {
        let rows = database
            .ask(&format!(
                "SELECT event_id, kind, amount_minor, currency, customer, click_id FROM whence.conversions FINAL \
                 WHERE startsWith(event_id, 'e{merchant}.')"
            ))
            .await?;
        of_somebody += rows.lines().count() as u64;
        let said = merchants.said[merchant]
            .lock()
            .expect("nobody panics with it")
            .clone();
        compare_conversions(&rows, merchant, &said, &mut found);
    }
    let all = "SELECT count() FROM whence.conversions FINAL";
    found.conversions_invented += database.number(all).await?.saturating_sub(of_somebody);
    Ok(found)
}

fn compare_clicks(
    rows: &str,
    visitor: usize,
    clicks: &[Click],
    link_ids: &[u64],
    done: &Done,
    found: &mut Found,
) -> Result<()> {
    let mut times = vec![0_u32; clicks.len()];
    for row in rows.lines() {
        let columns: Vec<_> = row.split('\t').collect();
        let &[
            query,
            id,
            link,
            domain,
            slug,
            workspace,
            outcome,
            method,
            user_agent,
            time,
        ] = &columns[..]
        else {
            bail!("not a row of clicks: {row:?}");
        };
        let sent = name_in(query).and_then(|(_, number)| Some((number, clicks.get(number)?)));
        let Some((number, click)) = sent else {
            found.invented += 1;
            found.name(|| format!("invented: {row}"));
            continue;
        };
        times[number] += 1;
        let id = ClickId(id.parse().with_context(|| format!("click_id of {row:?}"))?);
        let time: u64 = time.parse().with_context(|| format!("time of {row:?}"))?;
        let link_number = u32::from(click.link);
        let is_as_sent = link == link_ids[usize::from(click.link)].to_string()
            && domain == DOMAIN
            && slug == links::slug_text(link_number)
            && workspace == links::workspace().as_str()
            && (outcome, method) == ("redirected", "GET")
            && user_agent == agent(visitor)
            && query == marker(visitor, number);
        let slack = CLOCKS_MS + done.clocks_wrong_ms;
        let is_after = time + slack >= click.sent_ms;
        let is_before = time <= click.sent_ms + u64::from(click.took_ms) + slack;
        // Of a click that nobody heard the answer of, only what was sent is known.
        let is_as_answered = click.id.is_none_or(|answered| answered == id && is_before);
        if !is_as_sent || !is_after || !is_as_answered {
            found.altered += 1;
            found.name(|| format!("altered: {row} of {click:?}"));
        }
    }
    for (number, (click, times)) in clicks.iter().zip(times).enumerate() {
        let is_destroyed = done.destroyed.contains(&(visitor, number));
        found.answered += u64::from(click.id.is_some());
        found.duplicated += u64::from(times.saturating_sub(1));
        match (click.id, times) {
            (None, 0) => {}
            (None, _) => found.unanswered += 1,
            (Some(_), 0) if is_destroyed => found.destroyed += 1,
            (Some(_), 0) => {
                found.missing += 1;
                found.name(|| format!("missing: {} {click:?}", marker(visitor, number)));
            }
            (Some(_), _) => {
                found.stored += 1;
                found.survived += u64::from(is_destroyed);
            }
        }
        if times > 1 {
            found.name(|| format!("{times} times: {} {click:?}", marker(visitor, number)));
        }
    }
    Ok(())
}

fn compare_conversions(rows: &str, merchant: usize, said: &[Said], found: &mut Found) {
    let mut times = vec![0_u32; said.len()];
    for row in rows.lines() {
        let (event, rest) = row.split_once('\t').unwrap_or((row, ""));
        let number = event
            .split_once('.')
            .and_then(|(_, number)| number.parse().ok());
        let Some((number, one)) = number.and_then(|n: usize| Some((n, said.get(n)?))) else {
            found.conversions_invented += 1;
            found.name(|| format!("invented: {row}"));
            continue;
        };
        times[number] += 1;
        let (kind, currency) = match amount(number) {
            Some(_) => ("sale", "EUR"),
            None => ("lead", ""),
        };
        let expected = format!(
            "{kind}\t{}\t{currency}\tcustomer-{merchant}-{number}\t{}",
            amount(number).unwrap_or_default(),
            one.click.map_or(0, |id| id.0)
        );
        if rest != expected || event != event_id(merchant, number) {
            found.conversions_altered += 1;
            found.name(|| format!("altered: {row} instead of {expected}"));
        }
    }
    for (number, (one, times)) in said.iter().zip(times).enumerate() {
        found.conversions_acknowledged += u64::from(one.is_acknowledged);
        found.conversions_duplicated += u64::from(times.saturating_sub(1));
        match (one.is_acknowledged, times) {
            (false, 0) => {}
            (false, _) => found.conversions_unanswered += 1,
            (true, 0) => {
                found.conversions_missing += 1;
                found.name(|| format!("missing: {}", event_id(merchant, number)));
            }
            (true, _) => found.conversions_stored += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINK_IDS: [u64; 1] = [77];

    fn click(id: Option<u128>) -> Click {
        Click {
            id: id.map(ClickId),
            sent_ms: 1_000_000,
            took_ms: 5,
            link: 0,
            node: 0,
        }
    }

    fn row(number: usize, id: u128) -> String {
        format!(
            "{}\t{id}\t77\t{DOMAIN}\t{}\t{}\tredirected\tGET\t{}\t1000003\n",
            marker(2, number),
            links::slug_text(0),
            links::workspace(),
            agent(2)
        )
    }

    fn judged(rows: &str, clicks: &[Click], destroyed: &[Name]) -> Found {
        let done = Done {
            destroyed: destroyed.iter().copied().collect(),
            ..Done::default()
        };
        let mut found = Found::default();
        compare_clicks(rows, 2, clicks, &LINK_IDS, &done, &mut found).unwrap();
        found
    }

    #[test]
    fn clicks_that_are_stored_once_and_as_sent_are_right() {
        let clicks = [click(Some(8)), click(None), click(None), click(Some(9))];
        let rows = [row(0, 8), row(2, 1)].concat();
        let found = judged(&rows, &clicks, &[(2, 3)]);
        assert!(found.is_right(), "{found:?}");
        assert_eq!(
            (
                found.answered,
                found.stored,
                found.unanswered,
                found.destroyed
            ),
            (2, 1, 1, 1)
        );
    }

    #[test]
    fn every_kind_of_wrong_is_found() {
        let one = [click(Some(8))];
        assert_eq!(judged("", &one, &[]).missing, 1);
        assert_eq!(judged(&row(0, 8).repeat(3), &one, &[]).duplicated, 2);
        assert_eq!(
            judged(&[row(0, 8), row(1, 9)].concat(), &one, &[]).invented,
            1
        );
        assert_eq!(judged(&row(0, 8), &one, &[(2, 0)]).survived, 1);
        for (good, bad) in [
            ("\t8\t", "\t9\t"),
            ("\t77\t", "\t78\t"),
            ("redirected", "not_found"),
            ("GET", "HEAD"),
            ("Firefox/145.2", "Firefox/145.3"),
            ("1000003", "1000900"),
            ("1000003", "999000"),
        ] {
            let rows = row(0, 8).replace(good, bad);
            assert_eq!(judged(&rows, &one, &[]).altered, 1, "{bad}");
        }
    }

    #[test]
    fn conversions_are_held_against_what_was_said() {
        let said = |is_acknowledged| Said {
            is_acknowledged,
            click: Some(ClickId(5)),
        };
        let judged = |rows: &str| {
            let mut found = Found::default();
            compare_conversions(rows, 1, &[said(true), said(true), said(false)], &mut found);
            found
        };
        let lead = "e1.0\tlead\t0\t\tcustomer-1-0\t5\n";
        let sale = "e1.1\tsale\t8\tEUR\tcustomer-1-1\t5\n";
        let right = judged(&[lead, sale].concat());
        assert!(right.is_right(), "{right:?}");
        assert_eq!(judged(lead).conversions_missing, 1);
        assert_eq!(
            judged(&[lead, lead, sale].concat()).conversions_duplicated,
            1
        );
        assert_eq!(
            judged(&[lead, &sale.replace("\t8", "\t9")].concat()).conversions_altered,
            1
        );
        assert_eq!(
            judged(&[lead, sale, &lead.replace("e1.0", "e1.7")].concat()).conversions_invented,
            1
        );
    }
}
