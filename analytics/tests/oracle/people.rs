//! Who is behind an event, found one event at a time.

use super::reference::standing;
use super::stream::World;
use crate::events::{Click, Conversion, PageEvent};

/// Somebody whose events belong together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Person {
    Customer(String),
    Visitor(u128),
    /// Nothing but a click is known of them.
    Click(u128),
    /// Nothing but a conversion is known of them.
    Event(String),
}

/// Whom a click is by, whatever else is known of them.
fn clicker(click: &Click) -> Person {
    match click.visitor_id {
        0 => Person::Click(click.click_id),
        visitor => Person::Visitor(visitor),
    }
}

/// Who the click with this id is by, stored or not.
fn carrier(click_id: u128, world: &World) -> Person {
    let mut clicks = world.clicks.iter();
    let click = clicks.find(|click| click.click_id == click_id);
    click.map_or(Person::Click(click_id), clicker)
}

/// Whom a conversion's own visitor is, and whom the click that it carries is by.
fn identities(conversion: &Conversion, world: &World) -> Vec<Person> {
    let own = (conversion.visitor_id != 0).then_some(Person::Visitor(conversion.visitor_id));
    let carried = (conversion.click_id != 0).then(|| carrier(conversion.click_id, world));
    own.into_iter().chain(carried).collect()
}

/// The customer whom the earliest conversion names with this visitor or click, else itself.
fn known(identity: Person, world: &World) -> Person {
    let standing = standing(world);
    let naming = standing.iter().filter(|conversion| {
        !conversion.customer.is_empty() && identities(conversion, world).contains(&identity)
    });
    let earliest = naming.min_by_key(|conversion| (conversion.occurred_at, &conversion.event_id));
    earliest.map_or(identity, |named| Person::Customer(named.customer.clone()))
}

/// Who clicked.
pub(super) fn of_click(click: &Click, world: &World) -> Person {
    known(clicker(click), world)
}

/// Who converted.
pub(super) fn of_conversion(conversion: &Conversion, world: &World) -> Person {
    if !conversion.customer.is_empty() {
        return Person::Customer(conversion.customer.clone());
    }
    let identity = identities(conversion, world).into_iter().next();
    known(
        identity.unwrap_or_else(|| Person::Event(conversion.event_id.clone())),
        world,
    )
}

/// Whose page event it is.
pub(super) fn of_page(page: &PageEvent, world: &World) -> Person {
    match (page.customer.as_str(), page.visitor_id, page.click_id) {
        ("", 0, 0) => Person::Event(page.event_id.to_string()),
        ("", 0, click_id) => known(carrier(click_id, world), world),
        ("", visitor, _) => known(Person::Visitor(visitor), world),
        (customer, ..) => Person::Customer(customer.to_owned()),
    }
}
