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

/// Which stored clicks a statement reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stored {
    /// All.
    Clicks,
    /// Those that conversions carry, as `sql/carried/every.sql` has them: one in a hundred.
    Carried,
}

impl Stored {
    /// The clicks that what they led to is asked of: whether one is unique, the others before it say.
    pub(super) fn to_convert(traffic: Traffic) -> Self {
        match traffic {
            Traffic::Unique(_) => Self::Clicks,
            Traffic::Human | Traffic::All => Self::Carried,
        }
    }
}

/// `selected.sql`, ended by a condition.
pub(crate) fn selected(stored: Stored, condition: &str) -> String {
    let from = match stored {
        Stored::Clicks => "clicks",
        Stored::Carried => "every_carried",
    };
    let mut text = without_comments(piece!("query/selected.sql")).replace("STORED", from);
    text.push(' ');
    text.push_str(condition);
    text.push_str("\n)\n");
    text
}

/// The clicks that a question is about: what a statement goes on with behind `reports/open.sql`.
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
    pub(super) fn of(question: &Question, stored: Stored) -> Self {
        let predicate = Predicate::of(question.filter.as_ref());
        let mut opening = Self {
            text: selected(stored, &predicate.text),
            clicks: "selected",
            predicate,
        };
        if let Traffic::Unique(_) = question.traffic {
            opening.add(piece!("query/unique.sql"), "unique_clicks");
        }
        opening
    }

    /// The same, up to the keys that a query tells clicks apart by.
    fn keyed(question: &Question, stored: Stored) -> Self {
        let mut opening = Self::of(question, stored);
        let by = |dimension| question.dimensions.contains(&dimension);
        let (mut tag, mut reason) = ("1", "1");
        if by(TAG) {
            opening.add(piece!("query/by_tag.sql"), "tagged");
            tag = "tag_place";
        }
        if by(REASON) {
            opening.add(piece!("query/by_reason.sql"), "reasoned");
            reason = "reason_place";
        }
        let keyed = piece!("query/keyed.sql")
            .replace("TAG_PLACE", tag)
            .replace("REASON_PLACE", reason);
        opening.add(&keyed, "keyed");
        opening
    }

    /// Goes on from the clicks so far to others.
    fn add(&mut self, piece: &str, name: &'static str) {
        self.text.push('\n');
        let piece = without_comments(piece).replace("CLICKS", self.clicks);
        self.text.push_str(&piece);
        self.clicks = name;
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
            text, predicate, ..
        } = Opening::keyed(question, Stored::Clicks);
        let approximately = without_comments(match question.asks(Metric::ApproximateVisitors) {
            true => piece!("query/approximate_visitors.sql"),
            false => piece!("query/nobody.sql"),
        });
        let counted = without_comments(piece!("query/counted.sql"));
        let open = without_comments(piece!("reports/open.sql"));
        let mut pieces = vec![
            open.clone(),
            text,
            counted.replace("APPROXIMATELY", &approximately),
        ];
        if question.needs_conversions() {
            let keyed = match Stored::to_convert(question.traffic) {
                Stored::Clicks => String::new(),
                Stored::Carried => open + "\n" + &Opening::keyed(question, Stored::Carried).text,
            };
            let converted = without_comments(piece!("query/converted.sql"));
            pieces.extend([
                without_comments(piece!("reports/recorded.sql")),
                without_comments(piece!("reports/attributed.sql")),
                without_comments(piece!("carried/every.sql")),
                converted.replace("KEYED", &keyed),
            ]);
        } else {
            pieces.push(without_comments(piece!("query/clicks_only.sql")));
        }
        let page = without_comments(piece!("query/page.sql"));
        pieces.push(page.replace("ORDERED", &order::clause(&question.order)));
        Self {
            text: pieces.join("\n"),
            predicate,
        }
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
