//! Checks what a sender says of a page event, field by field, and tells all that is wrong with it at once.

use whence_core::id::{ClickId, ClickIdKey, IdError, LinkId, VisitorId};
use whence_core::page_event::{PageEvent, PageEventId, PageEventSource, SHARE};
use whence_core::problem::FieldProblem;
use whence_core::workspace::WorkspaceId;

use super::page::{Page, page};
use crate::fields::form::{Form, Raw};
use crate::fields::values::{click_id, moment, short_text, text, workspace_id};
use crate::fields::{Fields, happened_ms};

const BY_SERVERS: &str = "may be said only by a server, with POST /v1/page-events";
const OF_SHARES: &str = "goes with the name \"share\" only";
const NOBODYS: &str = "is required, or a click_id: an event belongs to somebody";

/// What a sender said, checked.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Said {
    /// Whose site it happened on, where the fields say so.
    pub(crate) workspace: Option<WorkspaceId>,
    /// The sender's name for the event.
    pub(crate) event_id: Option<String>,
    request_id: Option<String>,
    name: String,
    click: Option<ClickId>,
    customer: String,
    page: Page,
    link: Option<LinkId>,
    advocate: String,
    shared_by: String,
    occurred_ms: Option<u64>,
}

/// Checks a form. `now_ms` is the time of arrival; whose event it is may come to light later where it is a browser's.
pub(crate) fn check(
    form: Form,
    source: PageEventSource,
    key: &ClickIdKey,
    now_ms: u64,
) -> Result<Said, Vec<FieldProblem>> {
    let is_server = source == PageEventSource::Server;
    let mut fields = Fields::of(form);
    let workspace = (!is_server)
        .then(|| fields.required("ws", workspace_id))
        .flatten();
    let event_id = fields.optional("event_id", short_text);
    let request_id = fields.optional("request_id", short_text);
    let name = fields.required("name", short_text);
    let click = fields.optional("click_id", |raw| click_id(raw, key));
    let customer = fields.optional("customer", short_text);
    let page = fields.optional("url", page);
    let shares = ["link", "advocate", "by"].map(|field| (field, fields.says(field)));
    let link = fields.optional("link", link_id);
    let advocate = fields.optional("advocate", short_text);
    let shared_by = fields.optional("by", short_text);
    let occurred_ms = fields.optional("occurred_at", |raw| match is_server {
        true => moment(raw, now_ms),
        false => Err(BY_SERVERS.into()),
    });
    if name.as_deref().is_some_and(|name| name != SHARE) {
        for (field, _) in shares.into_iter().filter(|(_, is_said)| *is_said) {
            fields.refuse(field, OF_SHARES);
        }
    }
    if is_server && fields.problems.is_empty() && click.is_none() && customer.is_none() {
        fields.refuse("customer", NOBODYS);
    }
    fields.none_left(&[]);
    match (fields.problems.is_empty(), name) {
        (true, Some(name)) => Ok(Said {
            workspace,
            event_id,
            request_id,
            name,
            click,
            customer: customer.unwrap_or_default(),
            page: page.unwrap_or_default(),
            link,
            advocate: advocate.unwrap_or_default(),
            shared_by: shared_by.unwrap_or_default(),
            occurred_ms,
        }),
        _ => Err(fields.problems),
    }
}

impl Said {
    /// The event, if it is known whose it is: by click, customer or `visitor`.
    pub(crate) fn of(
        self,
        workspace: WorkspaceId,
        visitor: Option<VisitorId>,
        source: PageEventSource,
        now_ms: u64,
    ) -> Result<PageEvent, Vec<FieldProblem>> {
        if self.click.is_none() && self.customer.is_empty() && visitor.is_none() {
            return Err(vec![FieldProblem::new("customer", NOBODYS)]);
        }
        Ok(PageEvent {
            workspace,
            id: match (&self.event_id, &self.request_id) {
                (Some(name), _) => PageEventId::of(name),
                // No event's name holds a zero byte.
                (None, Some(request)) => PageEventId::of(&format!("\0{request}")),
                (None, None) => PageEventId::random(),
            },
            may_repeat: self.event_id.is_some(),
            name: self.name,
            click: self.click,
            visitor,
            customer: self.customer,
            page_host: self.page.host,
            page_path: self.page.path,
            link: self.link,
            advocate: self.advocate,
            shared_by: self.shared_by,
            occurred_ms: happened_ms(self.occurred_ms, self.click, now_ms),
            received_ms: now_ms,
            source,
        })
    }
}

fn link_id(raw: &Raw) -> Result<LinkId, String> {
    text(raw)?
        .parse()
        .map_err(|error: IdError| format!("is no id of a link: {error}"))
}

#[cfg(test)]
mod tests {
    use whence_core::id::Minter;

    use super::*;

    /// 2026-11-21T18:00:00Z
    const NOW: u64 = 1_795_284_000_000;

    fn key() -> ClickIdKey {
        ClickIdKey::new([7; 16])
    }

    fn minted(unix_ms: u64) -> ClickId {
        Minter::for_threads(&key(), 1)[0].mint(unix_ms, LinkId(5))
    }

    fn said(body: &str, source: PageEventSource) -> Result<Said, Vec<(String, String)>> {
        let form = Form::from_json(body.as_bytes()).unwrap();
        let told = |problem: FieldProblem| (problem.field, problem.detail);
        check(form, source, &key(), NOW).map_err(|all| all.into_iter().map(told).collect())
    }

    #[test]
    fn everything_said() {
        let (click, link) = (minted(NOW + 3000), LinkId(5));
        let body = format!(
            r#"{{"event_id":"s-1","name":"share","click_id":"{click}","customer":"c-1","link":"{link}","advocate":"ada",
                "by":"email","url":"https://shop.example/invite?token=1","occurred_at":"2026-11-21T18:00:00Z"}}"#
        );
        let said = said(&body, PageEventSource::Server).unwrap();
        let event = said.of("acme".parse().unwrap(), None, PageEventSource::Server, NOW);
        let expected = PageEvent {
            workspace: "acme".parse().unwrap(),
            id: PageEventId::of("s-1"),
            may_repeat: true,
            name: "share".into(),
            click: Some(click),
            visitor: None,
            customer: "c-1".into(),
            page_host: "shop.example".into(),
            page_path: "/invite".into(),
            link: Some(link),
            advocate: "ada".into(),
            shared_by: "email".into(),
            // Not just before the click, whose clock is a little ahead.
            occurred_ms: NOW + 3000,
            received_ms: NOW,
            source: PageEventSource::Server,
        };
        assert_eq!(event, Ok(expected));
    }

    #[test]
    fn an_event_is_somebodys() {
        let nobodys = r#"{"ws":"acme","name":"page"}"#;
        let said = || said(nobodys, PageEventSource::Beacon).unwrap();
        let of = |visitor| {
            said().of(
                "acme".parse().unwrap(),
                visitor,
                PageEventSource::Beacon,
                NOW,
            )
        };
        assert_eq!(of(None).unwrap_err()[0].field, "customer");
        let first = of(Some(VisitorId(3))).unwrap();
        assert!(!first.may_repeat, "a name of its own");
        assert_ne!(first.id, of(Some(VisitorId(3))).unwrap().id);
        // A request that a browser sends again is the same event, and is no event's name.
        let sent = r#"{"ws":"acme","name":"page","customer":"c","request_id":"r-1"}"#;
        let sent = || self::said(sent, PageEventSource::Beacon).unwrap();
        let sent = || sent().of("acme".parse().unwrap(), None, PageEventSource::Beacon, NOW);
        let (first, again) = (sent().unwrap(), sent().unwrap());
        assert_eq!((first.id, first.may_repeat), (again.id, false));
        assert_ne!(first.id, PageEventId::of("r-1"));
    }

    #[test]
    fn what_is_wrong_is_told_by_its_field() {
        use PageEventSource::{Beacon, Server};
        let forged = ClickId(minted(NOW).0 ^ 1);
        let long = "x".repeat(129);
        let table = [
            (Server, r#"{"customer":"c"}"#.to_owned(), vec!["name"]),
            (Server, r#"{"name":"page"}"#.to_owned(), vec!["customer"]),
            (Server, r#"{"name":"page","customer":"c","ws":"acme"}"#.to_owned(), vec!["ws"]),
            (Beacon, r#"{"name":"page","customer":"c"}"#.to_owned(), vec!["ws"]),
            (
                Beacon,
                r#"{"ws":"acme","name":"page","customer":"c","occurred_at":"2026-11-21T18:00:00Z"}"#.to_owned(),
                vec!["occurred_at"],
            ),
            (Server, format!(r#"{{"name":"page","click_id":"{forged}"}}"#), vec!["click_id"]),
            (
                Server,
                format!(r#"{{"name":"{long}","customer":"{long}","event_id":"{long}"}}"#),
                vec!["event_id", "name", "customer"],
            ),
            (
                Server,
                r#"{"name":"page","customer":"c","link":"00000000005","by":"x"}"#.to_owned(),
                vec!["link", "by"],
            ),
            (Server, r#"{"name":"share","customer":"c","link":"https://x"}"#.to_owned(), vec!["link"]),
            (Server, r#"{"name":"page","customer":"c","url":"/x","color":1}"#.to_owned(), vec!["url", "color"]),
            (Server, r#"{"name":"page","customer":"c","occurred_at":"today"}"#.to_owned(), vec!["occurred_at"]),
        ];
        for (source, body, expected) in table {
            let told = said(&body, source).unwrap_err();
            let fields: Vec<_> = told.iter().map(|(field, _)| field.as_str()).collect();
            assert_eq!(fields, expected, "{body}: {told:?}");
        }
    }
}
