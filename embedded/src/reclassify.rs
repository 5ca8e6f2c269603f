//! `whence reclassify`: applies today's rules to clicks that are stored. What judging again is stands in
//! `ingest/src/reclassify.rs`; here is only asked, shown and told.

mod table;

use std::io::Write;

use clap::Args;
use hyper::Method;
use indicatif::{ProgressBar, ProgressStyle};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use serde::Deserialize;
use whence_core::channel_rule::ChannelRule;
use whence_core::config::Config;
use whence_core::process::Failure;
use whence_core::workspace::WorkspaceId;
use whence_core::{clickhouse, store};
use whence_ingest::enrich::Enricher;
use whence_ingest::reclassify::{Asked, Progress, Reclassifier};

use crate::links::Access;
use crate::links::api::{self, Api};

/// What the windows of the last minutes take here: as much as four times the clicks that one ingest has at a time.
const WINDOWS_BYTES: usize = 128 << 20;

/// Which clicks are judged again, and how it is told.
#[derive(Debug, Args)]
pub struct ReclassifyArgs {
    /// From when on: a time as RFC 3339 has it, or the beginning of a day in UTC
    #[arg(long, value_name = "TIME", value_parser = time)]
    from: Timestamp,
    /// Until when, without that moment itself: a time, or the beginning of a day in UTC
    #[arg(long, value_name = "TIME", value_parser = time)]
    to: Timestamp,
    /// Only the clicks of this workspace
    #[arg(long, value_name = "ID")]
    workspace: Option<WorkspaceId>,
    /// Say what would change, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Tell it as JSON
    #[arg(long)]
    json: bool,
    /// Where workspaces' own rules of channels are asked for, where the link store cannot be opened
    #[command(flatten)]
    access: Access,
}

/// A time, or a day's first moment in UTC.
fn time(text: &str) -> Result<Timestamp, String> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time);
    }
    let day = text.parse::<Date>().ok();
    let begin = day.and_then(|day| day.to_zoned(TimeZone::UTC).ok());
    let begin = begin.filter(|_| text.len() == 10);
    begin.map(|begin| begin.timestamp()).ok_or_else(|| {
        "must be a time such as 2026-01-31T08:00:00Z or a day such as 2026-01-31".into()
    })
}

/// Does it.
pub async fn run(config: Config, args: ReclassifyArgs) -> Result<(), Failure> {
    if args.from >= args.to {
        return Err(Failure::Config("--from: must be before --to".into()));
    }
    let client = clickhouse::client(&config.clickhouse);
    let lacking = clickhouse::pending(&client).await;
    if lacking.map_err(Failure::runtime)? > 0 {
        return Err(Failure::Runtime(
            "the database is not up to date; whence migrate brings it there".into(),
        ));
    }
    let enricher = Enricher::open(&config.databases)
        .map_err(|error| Failure::Config(error.to_string()))?
        .with_windows(WINDOWS_BYTES);
    let mut reclassifier = Reclassifier::new(client, enricher);
    follow(&mut reclassifier, &config, &args).await;
    let kept = &config.retention;
    let asked = Asked {
        from_ms: args.from.as_millisecond(),
        to_ms: args.to.as_millisecond(),
        verdicts_from_ms: kept_since(&[
            kept.visitor_days,
            kept.address_days,
            kept.agent_days,
            kept.confirmations_days,
        ]),
        roads_from_ms: kept_since(&[kept.query_days, kept.referrer_days]),
        workspace: args.workspace.as_ref().map(|id| id.as_str().to_owned()),
        dry_run: args.dry_run,
    };
    let bar = bar();
    let judged = reclassifier
        .run(&asked, |progress| show(&bar, progress))
        .await;
    bar.finish_and_clear();
    let summary = judged.map_err(|error| {
        Failure::Runtime(format!(
            "{error}\n       run it again: what was written is right, and the rest is found"
        ))
    })?;
    let text = match args.json {
        true => serde_json::to_string_pretty(&summary).map_err(Failure::runtime)? + "\n",
        false => table::of(&summary, args.dry_run),
    };
    std::io::stdout()
        .lock()
        .write_all(text.as_bytes())
        .map_err(|error| Failure::Runtime(format!("standard output: {error}")))
}

/// Since when everything is kept that is removed after the earliest of so many days. An hour less, since clicks are judged
/// by those before them.
fn kept_since(days: &[Option<u32>]) -> i64 {
    let Some(days) = days.iter().flatten().min() else {
        return i64::MIN;
    };
    let hours = i64::from(*days) * 24 - 1;
    let since = Timestamp::now().checked_sub(Span::new().hours(hours));
    since.map_or(i64::MIN, Timestamp::as_millisecond)
}

/// Asks for workspaces' own rules of channels: in the link store; where that is a file which a running service has to
/// itself, over the API, which tells of the one workspace that the key opens.
async fn follow(reclassifier: &mut Reclassifier, config: &Config, args: &ReclassifyArgs) {
    let by_store = from_store(reclassifier, config).await;
    let Err(store) = by_store else { return };
    let told = match from_api(config, &args.access).await {
        Ok(workspace) => {
            reclassifier.follow(&workspace.id, &workspace.channel_rules);
            if args.workspace.as_ref().map(WorkspaceId::as_str) == Some(&workspace.id) {
                return;
            }
            format!("only those of {} were learned over the API", workspace.id)
        }
        Err(api) => format!("nor over the API: {api}"),
    };
    eprintln!(
        "workspaces' own rules of channels cannot be read from the link store ({store}); {told}.\n\
         Channels of clicks on others' links stay as they are."
    );
}

async fn from_store(reclassifier: &mut Reclassifier, config: &Config) -> Result<(), String> {
    let failed = |error: &dyn std::fmt::Display| error.to_string();
    let store = store::open(&config.store_url()).await;
    let store = store.map_err(|error| failed(&error))?;
    let ids = store.workspaces().await.map_err(|error| failed(&error))?;
    for id in ids {
        let workspace = store.workspace(&id).await.map_err(|error| failed(&error))?;
        if let Some(workspace) = workspace {
            reclassifier.follow(id.as_str(), &workspace.channel_rules);
        }
    }
    reclassifier.follow_no_others();
    Ok(())
}

/// A workspace as the API tells it, as far as it matters here.
#[derive(Deserialize)]
struct Told {
    id: String,
    #[serde(default)]
    channel_rules: Vec<ChannelRule>,
}

async fn from_api(config: &Config, access: &Access) -> Result<Told, String> {
    let api = Api::open(config, access).map_err(|error| error.to_string())?;
    let asked = api.ask(Method::GET, "/api/v1/workspace", None).await;
    let answer = asked.map_err(|error| error.to_string())?;
    let text = api::read(answer).await?;
    serde_json::from_slice(&text).map_err(|error| format!("its answer is not understood: {error}"))
}

/// A bar on a terminal; elsewhere nothing is shown.
fn bar() -> ProgressBar {
    let style =
        ProgressStyle::with_template("{bar:30} {human_pos}/{human_len} clicks ({eta} to go) {msg}");
    // Hides itself where standard error is no terminal.
    ProgressBar::no_length().with_style(style.expect("the template can be read"))
}

fn show(bar: &ProgressBar, progress: Progress) {
    bar.set_length(progress.total);
    bar.set_position(progress.read);
    bar.set_message(match progress.writing {
        true => "ClickHouse writes",
        false => "",
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_days() {
        for (text, expected) in [
            ("2026-01-31", "2026-01-31T00:00:00Z"),
            ("2026-01-31T08:00:00Z", "2026-01-31T08:00:00Z"),
            ("2026-01-31T08:00:00+02:00", "2026-01-31T06:00:00Z"),
        ] {
            assert_eq!(time(text).unwrap(), expected.parse().unwrap(), "{text}");
        }
        for text in [
            "",
            "2026-02-30",
            "2026-01",
            "yesterday",
            "20260131",
            "2026-01-31T08:00",
        ] {
            assert!(time(text).is_err(), "{text}");
        }
    }
}
