//! What of a row may be stored, by the mode that its click was made under. The last step of a row, done by borrowing
//! less: whatever the rules before it have seen, what is not listed here as stored is not stored.
//!
//! | what | `full` | `cookieless` | `count_only` |
//! |---|---|---|---|
//! | visitor | by cookie | for a day, by a salted hash | none |
//! | new visitor | as the cookie says | no | no |
//! | address | only where the workspace keeps addresses | no | no |
//! | network of the address (/24, /48) | yes | yes | no |
//! | country | yes | yes | yes |
//! | region, city, autonomous system, its network | yes | yes | no |
//! | browser, operating system, kind of device, app: names | yes | yes | yes |
//! | their versions | yes | yes | no |
//! | model of the device | yes | no | no |
//! | user agent | yes | yes | no |
//! | client hints | yes | brands, mobile, platform | no |
//! | which headers came (`signs`), purpose | yes | yes | no |
//! | language | yes | yes | no |
//! | referrer | yes | without its query | its host alone |
//! | query | yes | known marks | known marks |
//! | UTM tags, campaign | yes | yes, but for e-mail addresses | yes, but for e-mail addresses |
//!
//! What is the link's own (its channel, campaign, program, advocate, variant, tags), the time, the outcome and the verdict
//! is stored in every mode. Known marks are what a channel is judged by: `utm_…` with their values, and the names of the
//! click identifiers of advertising networks, whose values are a `-` (see [`query::known`](super::query::known)).

use std::net::Ipv6Addr;

use super::row::ClickRow;

/// How many of the client hints' lines browsers send unasked: brands, whether mobile, the platform's name.
const UNASKED_HINTS: usize = 3;

/// Leaves in the row of a visitor without a cookie what [this table](self) lets it have. `query` is the row's query
/// with nothing but known marks.
pub(super) fn reduce_to_cookieless<'a>(row: &mut ClickRow<'a>, query: &'a str) {
    let ClickRow {
        query: full_query,
        new_visitor,
        address,
        model,
        hints,
        referrer,
        campaign,
        utm_source,
        utm_medium,
        utm_campaign,
        utm_term,
        utm_content,
        ..
    } = row;
    // The link's own campaign is its owner's word.
    if campaign == utm_campaign && names_a_person(campaign) {
        *campaign = "";
    }
    *full_query = query;
    *new_visitor = false;
    *address = Ipv6Addr::UNSPECIFIED;
    *model = "";
    *hints = lines(hints, UNASKED_HINTS);
    *referrer = without_query(referrer);
    for label in [utm_source, utm_medium, utm_campaign, utm_term, utm_content] {
        if names_a_person(label) {
            *label = "";
        }
    }
}

/// Leaves in the row of a visitor who is only counted what [this table](self) lets it have.
pub(super) fn reduce_to_count_only<'a>(row: &mut ClickRow<'a>, query: &'a str) {
    reduce_to_cookieless(row, query);
    // Every field is decided on: one that is new does not compile until it is.
    let ClickRow {
        visitor_id,
        address_prefix,
        region,
        city,
        asn,
        network,
        browser_version,
        os_version,
        user_agent,
        signs,
        hints,
        purpose,
        language,
        referrer,
        // The cookieless row lacks these already, or has them reduced.
        query: _,
        new_visitor: _,
        address: _,
        model: _,
        campaign: _,
        utm_source: _,
        utm_medium: _,
        utm_campaign: _,
        utm_term: _,
        utm_content: _,
        // Not the visitor's.
        workspace: _,
        time: _,
        click_id: _,
        lane: _,
        seq: _,
        outcome: _,
        method: _,
        link_id: _,
        domain: _,
        slug: _,
        privacy: _,
        link_channel: _,
        program: _,
        advocate: _,
        variant: _,
        tags: _,
        rules: _,
        // Too coarse to tell one visitor from another.
        country: _,
        browser: _,
        os: _,
        device: _,
        app: _,
        agent_class: _,
        referrer_host: _,
        channel: _,
        source: _,
        verdict: _,
        reasons: _,
    } = row;
    (*visitor_id, *address_prefix) = (0, Ipv6Addr::UNSPECIFIED);
    (*asn, *signs) = (0, 0);
    *region = Default::default();
    for text in [
        city,
        network,
        browser_version,
        os_version,
        user_agent,
        hints,
        purpose,
        language,
        referrer,
    ] {
        *text = "";
    }
}

/// The first `count` lines.
fn lines(text: &str, count: usize) -> &str {
    let end = text.match_indices('\n').nth(count - 1);
    end.map_or(text, |(at, _)| &text[..at]).trim_end()
}

/// A URL up to its query or fragment.
fn without_query(url: &str) -> &str {
    url.find(['?', '#']).map_or(url, |at| &url[..at])
}

/// Whether a label is, or has in it, an e-mail address.
pub(super) fn names_a_person(label: &str) -> bool {
    label.contains('@')
}

#[cfg(test)]
mod tests;
