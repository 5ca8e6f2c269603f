//! Checks what a sender says, field by field, and tells all that is wrong with it at once.

use sha2::{Digest, Sha256};
use whence_core::conversion::{ConversionKind, Money};
use whence_core::id::{ClickId, ClickIdKey};
use whence_core::problem::FieldProblem;
use whence_core::workspace::WorkspaceId;

use super::values::{amount, currency_code, kind};
use crate::fields::form::Form;
use crate::fields::values::{click_id, moment, short_text, workspace_id};
use crate::fields::{self, Fields};

const BY_SERVERS: &str = "may be said only by a server, with POST /v1/conversions";

/// What the fields are called, which differs between a URL and a JSON body.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Names {
    /// The workspace, where it is not known from an API key.
    pub(crate) workspace: Option<&'static str>,
    /// What happened.
    pub(crate) kind: &'static str,
    /// The click that led here.
    pub(crate) click_id: &'static str,
    /// Read by nobody; keeps a browser from answering out of its cache.
    pub(crate) ignored: &'static [&'static str],
    /// Whether the sender may say when it happened, and take sales back: not where anybody can send.
    pub(crate) is_server: bool,
}

/// What a sender said, checked.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Said {
    /// Whose conversion it is, where the fields say so.
    pub(crate) workspace: Option<WorkspaceId>,
    /// The sender's name for the event.
    pub(crate) event_id: String,
    /// What happened.
    pub(crate) kind: ConversionKind,
    /// The sender's kind of event.
    pub(crate) name: String,
    /// The click, known to be ours.
    pub(crate) click: Option<ClickId>,
    /// The merchant's customer.
    pub(crate) customer: String,
    /// What it was worth.
    pub(crate) amount: Option<Money>,
    /// When it happened, where the sender says so, in milliseconds since 1970.
    pub(crate) occurred_ms: Option<u64>,
    /// The event id of the sale that is taken back; empty where none is.
    pub(crate) reference: String,
}

/// Checks a form. `now_ms` is the time of arrival.
pub(crate) fn check(
    form: Form,
    names: &Names,
    key: &ClickIdKey,
    now_ms: u64,
) -> Result<Said, Vec<FieldProblem>> {
    let mut fields = Fields::of(form);
    let workspace = names
        .workspace
        .and_then(|name| fields.required(name, workspace_id));
    let (event_id, is_invoice) = fields.event_id();
    let kind = fields.required(names.kind, |raw| kind(raw, names.is_server));
    if is_invoice && kind.is_some_and(|kind| kind != ConversionKind::Sale) {
        fields.refuse(
            "invoice_id",
            "is the name of a sale; others have an event_id",
        );
    }
    let name = fields.optional("name", short_text);
    let click = fields.optional(names.click_id, |raw| click_id(raw, key));
    let customer = fields.optional("customer", short_text);
    let (minor, currency) = fields.money();
    let occurred_ms = fields.optional("occurred_at", |raw| {
        if names.is_server {
            moment(raw, now_ms)
        } else {
            Err(BY_SERVERS.into())
        }
    });
    let reference = fields.optional("reference", short_text);
    if let Some(kind) = kind {
        let given = Given {
            minor,
            click: click.is_some(),
            customer: customer.is_some(),
            reference: reference.as_deref(),
        };
        fields.taking_back(kind, names, &given, event_id.as_deref());
    }
    fields.none_left(names.ignored);
    match (fields.problems.is_empty(), event_id, kind) {
        (true, Some(event_id), Some(kind)) => Ok(Said {
            workspace,
            event_id,
            kind,
            name: name.unwrap_or_default(),
            click,
            customer: customer.unwrap_or_default(),
            amount: minor
                .zip(currency)
                .map(|(minor, currency)| Money { minor, currency }),
            occurred_ms,
            reference: reference.unwrap_or_default(),
        }),
        _ => Err(fields.problems),
    }
}

impl Said {
    /// When it happened: as the sender says, else now; and not just before the click that it names.
    pub(crate) fn happened_ms(&self, now_ms: u64) -> u64 {
        fields::happened_ms(self.occurred_ms, self.click, now_ms)
    }

    /// SHA-256 over what was said, cut to 128 bits; the same for the same facts, in whatever order and by
    /// whichever way they came. Part of what is stored: a changed form would make old events conflict.
    pub(crate) fn digest(&self) -> u128 {
        let kind = self.kind.name();
        let click = self
            .click
            .map(|click| click.to_string())
            .unwrap_or_default();
        let minor = self
            .amount
            .map(|money| money.minor.to_string())
            .unwrap_or_default();
        let currency = self.amount.as_ref().map(Money::code).unwrap_or_default();
        let occurred = self
            .occurred_ms
            .map(|ms| ms.to_string())
            .unwrap_or_default();
        let mut hasher = Sha256::new();
        let parts = [
            kind,
            &self.name,
            &click,
            &self.customer,
            &minor,
            currency,
            &occurred,
        ];
        // Not where there is none: such events were stored before there were references.
        let reference = (!self.reference.is_empty()).then_some(self.reference.as_str());
        for part in parts.into_iter().chain(reference) {
            // With its length, so that no text can run over into the next.
            hasher.update((part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        let hash: [u8; 32] = hasher.finalize().into();
        u128::from_be_bytes(hash[..16].try_into().expect("half of 32 bytes"))
    }
}

/// What was said beside the kind, as far as the kind decides whether it may be said.
struct Given<'a> {
    minor: Option<i64>,
    click: bool,
    customer: bool,
    reference: Option<&'a str>,
}

/// What only a conversion says.
impl Fields {
    /// The event's name, and whether it was said as that of an invoice: both are one name, since a sale is
    /// known to some systems by its invoice only.
    fn event_id(&mut self) -> (Option<String>, bool) {
        let known = self.problems.len();
        let event = self.optional("event_id", short_text);
        let invoice = self.optional("invoice_id", short_text);
        let is_invoice = invoice.is_some();
        match (&event, &invoice) {
            (Some(event), Some(invoice)) if event != invoice => self.refuse(
                "invoice_id",
                "is another name of event_id; where both are said they must be equal",
            ),
            (None, None) if self.problems.len() == known => self.refuse("event_id", "is required"),
            _ => {}
        }
        (event.or(invoice), is_invoice)
    }

    /// What a refund or a cancellation must say and must not, and others neither.
    fn taking_back(
        &mut self,
        kind: ConversionKind,
        names: &Names,
        given: &Given<'_>,
        event_id: Option<&str>,
    ) {
        let is_told = |problems: &[FieldProblem], name: &str| {
            problems.iter().any(|problem| problem.field == name)
        };
        if !kind.takes_back() {
            if given.reference.is_some() {
                self.refuse("reference", "goes with a refund or a cancellation only");
            }
            return;
        }
        match given.reference {
            None if !is_told(&self.problems, "reference") => {
                self.refuse("reference", "is required: the event_id of the sale");
            }
            Some(reference) if Some(reference) == event_id => {
                self.refuse("reference", "names this very event");
            }
            _ => {}
        }
        let of_the_sale = "is that of the sale, which reference names";
        for (name, is_given) in [(names.click_id, given.click), ("customer", given.customer)] {
            if is_given {
                self.refuse(name, of_the_sale);
            }
        }
        match (kind, given.minor) {
            (ConversionKind::Refund, None) if !is_told(&self.problems, "amount") => {
                self.refuse("amount", "is required: what was given back");
            }
            (ConversionKind::Refund, Some(0)) => self.refuse("amount", "must be more than 0"),
            (ConversionKind::Cancellation, Some(_)) => {
                self.refuse("amount", "must not be said: a cancellation takes all back");
            }
            _ => {}
        }
    }

    /// Amount and currency, which mean nothing without each other.
    fn money(&mut self) -> (Option<i64>, Option<[u8; 3]>) {
        let fields = ["amount", "currency"];
        let given = fields.map(|name| self.says(name));
        let minor = self.optional("amount", amount);
        let currency = self.optional("currency", currency_code);
        match given {
            [true, false] => self.refuse("currency", "is required with amount"),
            [false, true] => self.refuse("amount", "is required with currency"),
            [true, true] | [false, false] => {}
        }
        (minor, currency)
    }
}

#[cfg(test)]
mod tests;
