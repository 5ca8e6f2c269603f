//! What becomes of a click: a pure function of who asks and what stands there.
//!
//! No clock, no store, no journal: what it needs to know, it is told. Where that is something to wait
//! for, a password to check or a click to count, it asks for it, and decides again once it is told. So
//! tables and properties can test it.
//!
//! The order, each step a room of its own: [`schedule`] (disabled, pending, expired, used up), password,
//! preview, [`rules`], [`apps`], [`variants`], the destination; then [`location`] writes it out.

mod apps;
mod facts;
mod language;
mod location;
mod privacy;
mod rules;
mod schedule;
#[cfg(test)]
mod tests;
mod variants;

use std::num::NonZeroU64;

use whence_core::click::{Method, Outcome};
use whence_core::domain::INSPECTION_ENDING;
use whence_core::id::ClickId;
use whence_core::workspace::PrivacyMode;

pub(crate) use facts::{Facts, Insight, Password, Room};
pub(crate) use privacy::{Visitor, mode};

use crate::answer::{Answer, Known, Redirect};
use crate::pages;
use crate::request::Asked;
use crate::resolve::{Place, Site};
use crate::target::{Rich, Target};
use location::Additions;
use rules::Subject;

/// What the click becomes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Decision<'p> {
    /// What is recorded as answered.
    pub(crate) outcome: Outcome,
    /// What is answered.
    pub(crate) answer: Answer,
    /// The visitor, where one may be known and has been sent on.
    pub(crate) visitor: Option<Visitor>,
    /// The variant that was chosen, by name; empty where none was.
    pub(crate) variant: &'p str,
}

/// What must be found out before the click can be decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    /// Whether the visitor knows the link's password.
    Password,
    /// Whether the link has clicks left.
    Room {
        /// How many it has in all.
        cap: NonZeroU64,
        /// Whether this click takes one: a person who is sent on.
        takes: bool,
    },
}

/// A decision, or what it needs.
pub(crate) type Verdict<'p> = Result<Decision<'p>, Ask>;

/// Decides.
pub(crate) fn decide<'p>(asked: &Asked<'_>, place: &'p Place, facts: &Facts<'_>) -> Verdict<'p> {
    let Some(site) = &place.site else {
        return Ok(told(
            Outcome::NotFound,
            Answer::Page(pages::not_found(None)),
        ));
    };
    let Some(target) = &place.target else {
        return Ok(told(Outcome::NotFound, schedule::no_link(asked, site)));
    };
    let step = Step {
        asked,
        site,
        target,
        facts,
        mode: mode(place, asked),
        rest: place.rest(asked.path, &asked.slug).unwrap_or_default(),
    };
    match target.rich() {
        None => Ok(step.plain()),
        Some(rich) => step.rich(rich),
    }
}

/// Decides what the `+` page of a link says, which sends nobody anywhere and says nothing that the
/// link itself would not.
pub(crate) fn inspect<'p>(asked: &Asked<'_>, place: &'p Place, facts: &Facts<'_>) -> Verdict<'p> {
    let (Some(site), Some(target)) = (&place.site, &place.target) else {
        return Ok(told(
            Outcome::NotFound,
            Answer::Page(pages::not_found(None)),
        ));
    };
    // Written out whole: a path that begins with `//` would name another host.
    let link = asked.path.strip_suffix(INSPECTION_ENDING);
    let link = link.unwrap_or(asked.path);
    let link = &facts.short.of(&site.domain.host, link);
    let Some(rich) = target.rich() else {
        let page = pages::inspect(target.url(), link, false);
        return Ok(told(Outcome::Inspected, Answer::Page(page)));
    };
    let spec = &rich.spec;
    if let Some(closed) = schedule::closed(spec, facts.now, facts.room) {
        return Ok(told(closed.outcome(), closed.page(asked, site)));
    }
    if spec.password_hash.is_some() {
        let page = pages::inspect_locked(link);
        return Ok(told(Outcome::Inspected, Answer::Page(page)));
    }
    if let (Some(cap), Room::Unknown) = (spec.max_clicks, facts.room) {
        return Err(Ask::Room { cap, takes: false });
    }
    let elsewhere = !spec.rules.is_empty()
        || !spec.variants.is_empty()
        || spec.ios.is_some()
        || spec.android.is_some();
    let page = pages::inspect(target.url(), link, elsewhere);
    Ok(told(Outcome::Inspected, Answer::Page(page)))
}

/// Told something, or sent where no link leads: nobody is known by it.
fn told<'p>(outcome: Outcome, answer: Answer) -> Decision<'p> {
    Decision {
        outcome,
        answer,
        visitor: None,
        variant: "",
    }
}

/// A click on a link.
struct Step<'s, 'p> {
    asked: &'s Asked<'s>,
    site: &'p Site,
    target: &'p Target,
    facts: &'s Facts<'s>,
    mode: PrivacyMode,
    rest: &'s str,
}

impl<'s, 'p> Step<'s, 'p> {
    /// A link that only leads to its destination.
    fn plain(&self) -> Decision<'p> {
        let visitor = self.visitor();
        let click = privacy::carries_click_id(self.mode)
            .then_some((&*self.site.workspace.click_id_parameter, self.facts.click));
        let add = Additions {
            click,
            ..Additions::default()
        };
        let location = location::write(self.target.url(), &add);
        self.sent(location, visitor, "", None)
    }

    /// A link that can do more.
    fn rich(&self, rich: &'p Rich) -> Verdict<'p> {
        let spec = &rich.spec;
        let facts = self.facts;
        if let Some(closed) = schedule::closed(spec, facts.now, facts.room) {
            let answer = closed.answer(spec, self.asked, self.site);
            return Ok(told(closed.outcome(), answer));
        }
        let mut pass = None;
        if spec.password_hash.is_some() {
            match &facts.password {
                None => return Err(Ask::Password),
                Some(Password::Missing) => return Ok(locked(pages::locked())),
                Some(Password::Wrong) => return Ok(locked(pages::locked_still())),
                Some(Password::Proven) => {}
                Some(Password::Given(cookie)) => pass = Some(cookie.clone()),
            }
        }
        if let Some(preview) = &spec.preview
            && facts.insight.agent().is_preview()
        {
            if let Some(ask) = self.room(rich, false) {
                return Err(ask);
            }
            let short = facts.short.of(&self.site.domain.host, self.asked.path);
            let to = self.location(rich, self.target.url(), None);
            let page = pages::preview(preview, &short, &to);
            return Ok(told(Outcome::Previewed, Answer::Page(page)));
        }
        if let Some(ask) = self.room(rich, self.is_person()) {
            return Err(ask);
        }

        let visitor = self.visitor();
        let subject = Subject {
            asked: self.asked,
            facts,
            visitor,
        };
        let click = self.click_id(rich);
        if let Some(rule) = rules::first(&spec.rules, &subject) {
            let location = self.location(rich, rule.destination.as_str(), click);
            return Ok(self.sent(location, visitor, "", pass));
        }
        if let Some((system, app)) = apps::target(spec, || facts.insight.agent()) {
            let location = self.location(rich, app.destination.as_str(), click);
            return Ok(match apps::way(system, app, location) {
                apps::Way::Redirect(location) => self.sent(location, visitor, "", pass),
                apps::Way::Page { app, store } => {
                    let mut page = pages::app(&app, &store);
                    page.headers
                        .extend(pass.map(|pass| ("set-cookie", pass.into())));
                    Decision {
                        visitor,
                        ..told(Outcome::Redirected, Answer::Page(page))
                    }
                }
            });
        }
        let chosen = variants::choose(self.target, rich, self.asked, visitor);
        let (destination, variant) = chosen.map_or((self.target.url(), ""), |variant| {
            (variant.destination.as_str(), variant.name.as_str())
        });
        let location = self.location(rich, destination, click);
        Ok(self.sent(location, visitor, variant, pass))
    }

    /// What must be asked of the cap before anybody is sent on.
    fn room(&self, rich: &Rich, takes: bool) -> Option<Ask> {
        let cap = rich.spec.max_clicks?;
        (self.facts.room == Room::Unknown).then_some(Ask::Room { cap, takes })
    }

    /// Whether a person has clicked: no machine by its own word, and no browser that fetches ahead.
    fn is_person(&self) -> bool {
        self.asked.method != Method::Head
            && !is_ahead(&self.asked.purpose())
            && !self.facts.insight.agent().is_bot()
    }

    fn visitor(&self) -> Option<Visitor> {
        privacy::visitor(self.mode, self.asked, || self.facts.insight.stranger())
    }

    /// The click id and its parameter, where the destination is to be given it.
    fn click_id(&self, rich: &'p Rich) -> Option<(&'p str, ClickId)> {
        let wanted = rich.spec.click_id && privacy::carries_click_id(self.mode);
        wanted.then(|| (self.parameter(rich), self.facts.click))
    }

    fn parameter(&self, rich: &'p Rich) -> &'p str {
        match &rich.spec.click_id_parameter {
            Some(name) => name.as_str(),
            None => &self.site.workspace.click_id_parameter,
        }
    }

    fn location(
        &self,
        rich: &'p Rich,
        destination: &str,
        click: Option<(&str, ClickId)>,
    ) -> String {
        let spec = &rich.spec;
        location::write(
            destination,
            &Additions {
                rest: if spec.forward_path { self.rest } else { "" },
                utm: Some(&spec.utm),
                forwarding: spec.forward_query,
                query: self.asked.query,
                reserved: [
                    self.parameter(rich),
                    &self.site.workspace.click_id_parameter,
                ],
                click,
            },
        )
    }

    /// Sent on. After a form always by 303, whatever the link says: 307 and 308 would hand the password
    /// to the destination.
    fn sent(
        &self,
        location: String,
        visitor: Option<Visitor>,
        variant: &'p str,
        pass: Option<String>,
    ) -> Decision<'p> {
        Decision {
            outcome: Outcome::Redirected,
            answer: Answer::Redirect(Redirect {
                status: self.target.status(),
                location,
                known: visitor.map(|visitor| Known {
                    visitor: visitor.id,
                    click: self.facts.click,
                }),
                pass,
            }),
            visitor,
            variant,
        }
    }
}

/// Whether a browser says that it fetches before anybody has clicked, in the words that browsers have for it.
/// Any other word is no reason to let a click pass uncounted.
fn is_ahead(purpose: &str) -> bool {
    let mut words = purpose.split([',', ';']).map(str::trim);
    words.any(|word| {
        let is = |known: &str| word.eq_ignore_ascii_case(known);
        is("prefetch") || is("prerender") || is("preview")
    })
}

fn locked<'p>(page: crate::answer::Page) -> Decision<'p> {
    told(Outcome::Locked, Answer::Page(page))
}
