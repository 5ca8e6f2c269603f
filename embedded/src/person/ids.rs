//! A person's ids in memory: to know them again in records of a journal.

use std::collections::HashSet;

use whence_core::click::Click;
use whence_core::confirmation::Confirmation;
use whence_core::conversion::Conversion;
use whence_core::page_event::PageEvent;

/// What a person is known by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ids {
    /// The workspace that knows them.
    pub(crate) workspace: String,
    /// Their visitor ids.
    pub(crate) visitors: HashSet<u128>,
    /// Their clicks.
    pub(crate) clicks: HashSet<u128>,
    /// Their customer ids.
    pub(crate) customers: HashSet<String>,
    /// Their conversions, and what takes them back.
    pub(crate) events: HashSet<String>,
    /// Their page events.
    pub(crate) page_events: HashSet<u128>,
}

impl Ids {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        let named = self.customers.len() + self.events.len();
        self.visitors.len() + self.clicks.len() + named + self.page_events.len()
    }

    /// Whether a click is theirs.
    pub(crate) fn has_click(&self, click: &Click<'_>) -> bool {
        click.workspace == self.workspace
            && (self.clicks.contains(&click.id.0)
                || click
                    .visitor
                    .is_some_and(|it| self.visitors.contains(&it.0)))
    }

    /// Whether a conversion is theirs. What names another customer is another person's.
    pub(crate) fn has_conversion(&self, conversion: &Conversion) -> bool {
        let by_name = self.customers.contains(&conversion.customer)
            || self.events.contains(&conversion.event_id)
            || self.events.contains(&conversion.reference);
        let is_nobodys = conversion.customer.is_empty() && self.is_named_by(conversion);
        conversion.workspace.as_str() == self.workspace && (by_name || is_nobodys)
    }

    /// Whether a conversion, whosever it is, names a visitor or a click of theirs.
    pub(crate) fn is_named_by(&self, conversion: &Conversion) -> bool {
        let visitor = conversion
            .visitor
            .is_some_and(|it| self.visitors.contains(&it.0));
        let click = conversion
            .click
            .is_some_and(|it| self.clicks.contains(&it.0));
        conversion.workspace.as_str() == self.workspace && (visitor || click)
    }

    /// Whether a confirmation is of a click of theirs.
    pub(crate) fn has_confirmation(&self, confirmation: &Confirmation) -> bool {
        confirmation.workspace.as_str() == self.workspace
            && self.clicks.contains(&confirmation.click.0)
    }

    /// Whether a page event is theirs. What names another customer is another person's.
    pub(crate) fn has_page_event(&self, event: &PageEvent) -> bool {
        let is_nobodys = event.customer.is_empty() && self.page_event_names(event);
        event.workspace.as_str() == self.workspace
            && (self.customers.contains(&event.customer) || is_nobodys)
    }

    /// Whether a page event, whosever it is, names a visitor or a click of theirs.
    pub(crate) fn page_event_names(&self, event: &PageEvent) -> bool {
        let visitor = event
            .visitor
            .is_some_and(|it| self.visitors.contains(&it.0));
        let click = event.click.is_some_and(|it| self.clicks.contains(&it.0));
        event.workspace.as_str() == self.workspace && (visitor || click)
    }

    /// Takes up what a page event of theirs names; whether any of it is new.
    pub(crate) fn take_up_page_event(&mut self, event: &PageEvent) -> bool {
        let before = self.len();
        self.visitors.extend(event.visitor.map(|it| it.0));
        self.clicks.extend(event.click.map(|it| it.0));
        self.page_events.insert(event.id.0);
        self.len() > before
    }

    /// Takes up what a conversion of theirs names; whether any of it is new.
    pub(crate) fn take_up(&mut self, conversion: &Conversion) -> bool {
        let before = self.len();
        self.visitors.extend(conversion.visitor.map(|it| it.0));
        self.clicks.extend(conversion.click.map(|it| it.0));
        self.events.insert(conversion.event_id.clone());
        self.len() > before
    }

    /// The bytes by which any of it is found in a file whatever stands around it: as the wire has them. Short names are left
    /// out, which would be found by chance.
    pub(crate) fn patterns(&self) -> Vec<Vec<u8>> {
        const SHORTEST: usize = 8;
        let numbers = self.visitors.iter().chain(&self.clicks);
        let numbers = numbers.chain(&self.page_events);
        let numbers = numbers.map(|id| postcard::to_stdvec(id).expect("a number can be written"));
        let names = self.customers.iter().chain(&self.events);
        numbers
            .chain(names.map(|name| name.as_bytes().to_vec()))
            .filter(|pattern| pattern.len() >= SHORTEST)
            .collect()
    }
}
