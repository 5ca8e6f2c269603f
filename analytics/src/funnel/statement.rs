//! Puts the files of `sql/funnel` together for a question. No word of a caller's ever stands in the text.

use clickhouse::query::Query as Statement;
use clickhouse::{RowOwned, RowRead};
use jiff::Timestamp;
use whence_core::problem::Problem;

use super::entries::Entry;
use super::matching::Order;
use super::question::Question;
use super::step::{Condition, Source};
use crate::api::Api;
use crate::query::dimension::Dimension;
use crate::query::filter::{Parameter, Predicate, without_comments};
use crate::query::period::clock;
use crate::query::statement::{Stored, selected};
use crate::reports::range::Range;
use crate::reports::warehouse::Read;

/// Events of one answer that are looked at one by one: about 200 MB of them.
pub(super) const MOST_EVENTS: u64 = 2_000_000;
/// Rows of those who did nothing but enter.
pub(super) const MOST_ENTRIES: u64 = 200_000;
/// Identities of customers: some 200 MB of them.
pub(super) const MOST_OWNERS: u64 = 3_000_000;

macro_rules! piece {
    ($file:literal) => {
        include_str!(concat!("../../../sql/", $file))
    };
}

/// A statement's text and the parameters of what its steps ask.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) text: String,
    parameters: Vec<Parameter>,
    numbers: Vec<(String, i64)>,
    /// The range of the clicks that stand in `selected`.
    clicks: (i64, i64),
}

/// What the steps and exclusions of a source ask: sums of bits.
#[derive(Debug, Default)]
struct Masks {
    steps: String,
    excluded: String,
    parameters: Vec<Parameter>,
    numbers: Vec<(String, i64)>,
    /// Whether one asks for the click of a conversion.
    of_click: bool,
}

impl Masks {
    fn of(question: &Question, source: Source) -> Self {
        let mut masks = Self::default();
        let steps = question.steps.iter().map(|step| &step.condition);
        masks.steps = masks.sum(steps, source, "step");
        let excluded = question.exclude.iter().map(|one| &one.condition);
        masks.excluded = masks.sum(excluded, source, "out");
        masks
    }

    fn sum<'c>(
        &mut self,
        conditions: impl Iterator<Item = &'c Condition>,
        source: Source,
        kind: &str,
    ) -> String {
        let mut sum = String::from("0");
        for (number, condition) in conditions.enumerate() {
            if condition.kind.source() != source {
                continue;
            }
            let test = self.test(condition, &format!("{kind}_{number}_"));
            let bit = without_comments(piece!("funnel/bit.sql"))
                .replace("TEST", &test)
                .replace("PLACE", &number.to_string());
            sum.push_str(" + ");
            sum.push_str(&bit);
        }
        sum
    }

    fn test(&mut self, condition: &Condition, prefix: &str) -> String {
        let predicate = Predicate::named(condition.filter.as_ref(), prefix.to_owned());
        self.parameters.extend(predicate.parameters);
        let mut filter = predicate.text;
        let test = match condition.kind.source() {
            Source::Clicks => return format!("({filter})"),
            Source::Pages => piece!("funnel/page_test.sql"),
            Source::Conversions => {
                if condition.filter.is_some() {
                    self.of_click = true;
                    let of_click = without_comments(piece!("funnel/of_click.sql"));
                    filter = of_click.replace("FILTER", &filter);
                }
                piece!("funnel/conversion_test.sql")
            }
        };
        let mut list = |name: &str, values: Vec<String>| {
            let name = format!("{prefix}{name}");
            self.parameters.push(Parameter::List(name, values));
        };
        list("names", Vec::from_iter(condition.name.clone()));
        if condition.kind.source() == Source::Conversions {
            let kinds = condition.kind.conversions();
            list("kinds", kinds.into_iter().map(str::to_owned).collect());
            list("currencies", Vec::from_iter(condition.currency.clone()));
            let (least, most) = condition.worth;
            let mut number = |name: &str, value| {
                self.numbers.push((format!("{prefix}{name}"), value));
            };
            number("least", least.unwrap_or(i64::MIN));
            number("most_minor", most.unwrap_or(i64::MAX));
        }
        let mut test = without_comments(test);
        for name in ["names", "kinds", "currencies", "least", "most_minor"] {
            test = test.replace(&format!("{{{name}:"), &format!("{{{prefix}{name}:"));
        }
        test.replace("FILTER", &filter)
    }

    fn fill(&self, text: &str) -> String {
        let text = without_comments(text);
        let text = text.replace("STEPS", &self.steps);
        text.replace("EXCLUDED", &self.excluded)
    }
}

/// How an entry is told apart.
fn split(by: Option<Dimension>) -> String {
    without_comments(match by {
        None => piece!("funnel/no_split.sql"),
        Some(by) if by.list().is_some() => piece!("funnel/split_list.sql"),
        Some(_) => piece!("funnel/split.sql"),
    })
}

/// How a conversion or page event that is an entry is told apart, and whether its click is asked for that.
fn split_of_click(question: &Question, source: Source) -> (String, bool) {
    match question.by {
        Some(by) if question.enters_by(source) => {
            let of_click = without_comments(piece!("funnel/split_of_click.sql"));
            (of_click.replace("SPLIT", &split(Some(by))), true)
        }
        _ => (split(None), false),
    }
}

/// A statement's beginning, up to the clicks that a step or an exclusion asks for.
fn masked(question: &Question) -> (String, Masks) {
    let masks = Masks::of(question, Source::Clicks);
    let mut text = without_comments(piece!("reports/open.sql"));
    text.push_str(&selected(Stored::Clicks, "1"));
    text.push_str(&masks.fill(piece!("funnel/masked.sql")));
    (text, masks)
}

impl Asked {
    /// The clicks of those whose events are looked at one by one.
    pub(super) fn watched(question: &Question) -> Self {
        let (mut text, mut clicks) = masked(question);
        text.push_str(piece!("carried/every.sql"));
        let mut watched_pages = String::new();
        if question.asks(Source::Pages) {
            let pages = Masks::of(question, Source::Pages);
            text.push_str(piece!("people/page_events.sql"));
            watched_pages = pages.fill(piece!("funnel/watched_pages.sql"));
            clicks.parameters.extend(pages.parameters);
        }
        let watched_clicks = match question.clicks_lead_on() {
            true => without_comments(piece!("funnel/watched_clicks.sql")),
            false => String::new(),
        };
        let marks = without_comments(piece!("funnel/marks.sql"))
            .replace("WATCHED_PAGES", &watched_pages)
            .replace("WATCHED_CLICKS", &watched_clicks);
        text.push_str(&marks);
        let end = without_comments(piece!("funnel/watched.sql"));
        text.push_str(&end.replace("SPLIT", &split(question.by)));
        Self::within(question, question.end_ms(), text, clicks)
    }

    /// Everybody who entered by a click, by when and by what.
    pub(super) fn entries(question: &Question, entry: &Entry) -> Self {
        let entered_by = match question.by {
            None => piece!("funnel/no_split.sql"),
            Some(by) if by.list().is_some() => piece!("funnel/entered_by_list.sql"),
            Some(_) => piece!("funnel/entered_by.sql"),
        };
        let entered_by = without_comments(entered_by).replace("SPLIT", &split(question.by));
        let end = without_comments(piece!("funnel/entries.sql"));
        let (mut text, clicks) = masked(question);
        text.push_str(&end.replace("ENTERED_BY", &entered_by));
        Self::within(question, entry.until, text, clicks)
    }

    /// How many entered by a click before a moment.
    pub(super) fn everybody(question: &Question, until: i64) -> Self {
        let (mut text, clicks) = masked(question);
        text.push_str(piece!("funnel/everybody.sql"));
        Self::within(question, until, text, clicks)
    }

    /// Whose identities are whose.
    pub(super) fn owners() -> Self {
        let text = [
            piece!("reports/open.sql"),
            piece!("carried/every.sql"),
            piece!("people/persons.sql"),
            piece!("funnel/owners.sql"),
        ];
        Self::whenever(text.concat(), Masks::default())
    }

    /// The conversions.
    pub(super) fn conversions(question: &Question) -> Self {
        let masks = Masks::of(question, Source::Conversions);
        let (split, splits) = split_of_click(question, Source::Conversions);
        let with_clicks = masks.of_click || splits;
        let mut text = [piece!("reports/open.sql"), piece!("reports/recorded.sql")].concat();
        let standing = if with_clicks {
            text.push_str(piece!("reports/attributed.sql"));
            "attributed"
        } else {
            "recorded"
        };
        let happened = without_comments(piece!("funnel/happened.sql"));
        text.push_str(&happened.replace("STANDING", standing));
        text.push_str(piece!("carried/every.sql"));
        let happened = if with_clicks {
            text.push_str(&selected(Stored::Carried, "1"));
            without_comments(piece!("funnel/with_clicks.sql"))
        } else {
            "happened".to_owned()
        };
        text.push_str(piece!("people/persons.sql"));
        let end = masks.fill(piece!("funnel/conversions.sql"));
        text.push_str(&end.replace("HAPPENED", &happened).replace("SPLIT", &split));
        Self::whenever(text, masks)
    }

    /// The page events.
    pub(super) fn pages(question: &Question) -> Self {
        let masks = Masks::of(question, Source::Pages);
        let (split, splits) = split_of_click(question, Source::Pages);
        let mut text = String::new();
        for file in [piece!("reports/open.sql"), piece!("people/page_events.sql")] {
            text.push_str(file);
        }
        let mut with_clicks = String::new();
        if splits {
            text.push_str(&selected(
                Stored::Clicks,
                &without_comments(piece!("funnel/carried.sql")),
            ));
            with_clicks = without_comments(piece!("funnel/pages_with_clicks.sql"));
        }
        let end = masks.fill(piece!("funnel/pages.sql"));
        let end = end.replace("WITH_CLICKS", &with_clicks);
        text.push_str(&end.replace("SPLIT", &split));
        Self::whenever(text, masks)
    }

    /// A statement about the clicks from where the range begins to a moment, in milliseconds.
    fn within(question: &Question, to_ms: i64, text: String, masks: Masks) -> Self {
        Self {
            clicks: (question.range.from.as_millisecond(), to_ms),
            ..Self::whenever(text, masks)
        }
    }

    /// A statement whose clicks may be of any time.
    fn whenever(text: String, masks: Masks) -> Self {
        Self {
            text,
            parameters: masks.parameters,
            numbers: masks.numbers,
            clicks: (0, i64::from(u32::MAX) * 1000),
        }
    }

    /// Asks it: its rows, one more than `most` of them at most.
    pub(super) async fn rows<T: RowOwned + RowRead>(
        &self,
        api: &Api,
        question: &Question,
        entry: &Entry,
        most: u64,
    ) -> Result<(Vec<T>, Read), Problem> {
        let put = |statement| self.put(statement, question, entry, most + 1);
        let of = &question.workspace;
        api.warehouse.ask_text(of, "funnel", &self.text, put).await
    }

    /// Gives the statement its parameters, and the most rows.
    fn put(
        &self,
        statement: Statement,
        question: &Question,
        entry: &Entry,
        most: u64,
    ) -> Statement {
        let (from_ms, to_ms) = self.clicks;
        let (first, behind) = (question.range.from.as_millisecond(), question.end_ms());
        let instant = |ms| Timestamp::from_millisecond(ms).unwrap_or(question.range.from);
        let (shifts, offsets) = clock(&Range {
            from: instant(from_ms),
            to: instant(to_ms),
            zone: question.range.zone.clone(),
        });
        let all = (1_u16 << question.steps.len()) - 1;
        let later = match question.order {
            Order::Ordered | Order::Strict => all & !1,
            Order::Any => all,
        };
        let column = |by: Dimension| by.list().unwrap_or(by.column);
        let mut statement = statement
            .param("workspace", question.workspace.as_str())
            .param("all_traffic", u8::from(question.all_traffic))
            .param("from_ms", from_ms)
            .param("to_ms", to_ms)
            .param("since_ms", first)
            .param("before_ms", behind)
            .param("pages_from_ms", first)
            .param("pages_to_ms", behind)
            .param("shifts", &shifts)
            .param("offsets", &offsets)
            .param("edges", &entry.edges)
            .param("open_ms", entry.open)
            .param("most", most)
            .param("entries", entry.steps)
            .param("later", later)
            .param("split", question.by.map_or("nothing", column));
        for parameter in &self.parameters {
            statement = match parameter {
                Parameter::One(name, value) => statement.param(name, value),
                Parameter::List(name, values) => statement.param(name, values),
            };
        }
        for (name, value) in &self.numbers {
            statement = statement.param(name, value);
        }
        statement
    }
}
