//! Puts the files of `sql/query` together for a question. No word of a caller's ever stands in the text.

use clickhouse::query::Query as Statement;

use super::dimension::{REASON, TAG};
use super::filter::{Predicate, without_comments};
use super::metric::Metric;
use super::order;
use super::period::clock;
use super::question::{Question, Traffic};
use crate::reports::range::Range;

macro_rules! piece {
    ($file:literal) => {
        include_str!(concat!("../../../sql/", $file))
    };
}

/// A statement's text and the parameters of its filter.
#[derive(Debug)]
pub(super) struct Query {
    pub(super) text: String,
    predicate: Predicate,
}

/// Which keys are wanted: a page of all, or these.
#[derive(Debug)]
pub(super) enum Wanted {
    Page,
    Keys(Vec<(String, String, String)>),
}

/// The opening of a statement: the clicks that a question is about.
#[derive(Debug)]
pub(super) struct Opening {
    /// The text so far: a list of names that can go on.
    pub(super) text: String,
    /// The name under which the clicks stand.
    pub(super) clicks: &'static str,
    /// The filter in it.
    pub(super) predicate: Predicate,
}

impl Opening {
    /// The opening for a question.
    pub(super) fn of(question: &Question) -> Self {
        let predicate = Predicate::of(question.filter.as_ref());
        let mut text = without_comments(piece!("query/selected.sql"));
        text.push(' ');
        text.push_str(&predicate.text);
        text.push_str("\n)");
        let mut clicks = "selected";
        if let Traffic::Unique(_) = question.traffic {
            text.push('\n');
            text.push_str(&without_comments(piece!("query/unique.sql")).replace("CLICKS", clicks));
            clicks = "unique_clicks";
        }
        Self {
            text,
            clicks,
            predicate,
        }
    }
}

/// Gives a statement the parameters of its opening, for this range.
pub(super) fn put_opening(
    predicate: &Predicate,
    statement: Statement,
    question: &Question,
    range: &Range,
) -> Statement {
    let from_ms = range.from.as_millisecond();
    let before = question.traffic.look_back_ms();
    let earlier = Range {
        from: jiff::Timestamp::from_millisecond(from_ms - before).unwrap_or(range.from),
        ..range.clone()
    };
    let (shifts, offsets) = clock(&earlier);
    let mut statement = statement
        .param("workspace", question.workspace.as_str())
        .param("from_ms", from_ms - before)
        .param("to_ms", range.to.as_millisecond())
        .param("all_traffic", u8::from(question.traffic == Traffic::All))
        .param("shifts", &shifts)
        .param("offsets", &offsets);
    if let Traffic::Unique(window) = question.traffic {
        statement = statement
            .param("unique_ms", window.as_ms())
            .param("first_ms", from_ms);
    }
    predicate.put(statement)
}

impl Query {
    /// The statement for a question.
    pub(super) fn of(question: &Question) -> Self {
        let Opening {
            mut text,
            mut clicks,
            predicate,
        } = Opening::of(question);
        let mut add = |piece: &str, clicks: &mut &str, name: &'static str| {
            text.push('\n');
            text.push_str(&without_comments(piece).replace("CLICKS", clicks));
            *clicks = name;
        };
        let by = |dimension| question.dimensions.contains(&dimension);
        let (mut tag, mut reason) = ("1", "1");
        if by(TAG) {
            add(piece!("query/by_tag.sql"), &mut clicks, "tagged");
            tag = "tag_place";
        }
        if by(REASON) {
            add(piece!("query/by_reason.sql"), &mut clicks, "reasoned");
            reason = "reason_place";
        }
        let counted = piece!("query/counted.sql");
        let approximately = match question.asks(Metric::ApproximateVisitors) {
            true => piece!("query/approximate_visitors.sql"),
            false => piece!("query/nobody.sql"),
        };
        let counted = without_comments(counted)
            .replace("APPROXIMATELY", &without_comments(approximately))
            .replace("TAG_PLACE", tag)
            .replace("REASON_PLACE", reason);
        add(&counted, &mut clicks, "keyed");
        if question.needs_conversions() {
            add(piece!("reports/attributed.sql"), &mut clicks, "keyed");
            add(piece!("query/converted.sql"), &mut clicks, "keyed");
        } else {
            add(piece!("query/clicks_only.sql"), &mut clicks, "keyed");
        }
        let page = piece!("query/page.sql").replace("ORDERED", &order::clause(&question.order));
        add(&page, &mut clicks, "");
        Self { text, predicate }
    }

    /// Gives the statement its parameters, for this range, cut at these edges.
    pub(super) fn put(
        &self,
        statement: Statement,
        question: &Question,
        range: &Range,
        edges: &[i64],
        wanted: &Wanted,
    ) -> Statement {
        let column = |place: usize| {
            let dimension = question.dimensions.get(place);
            dimension.map_or("nothing", |dimension| dimension.column)
        };
        let none = Vec::new();
        let (keys, skipped, limit) = match wanted {
            Wanted::Page => (&none, question.skipped, question.limit),
            Wanted::Keys(keys) => (keys, 0, u64::from(u32::MAX)),
        };
        put_opening(&self.predicate, statement, question, range)
            .param("by_1", column(0))
            .param("by_2", column(1))
            .param("by_3", column(2))
            .param("edges", edges)
            .param("keys", keys)
            .param("skipped", skipped)
            .param("limit", limit)
            .param("currency", question.currency.as_deref().unwrap_or_default())
    }
}
