//! Which of a link's variants a visitor sees: in proportion to the weights, and the same one each time.
//!
//! Weighted rendezvous hashing: visitor, link and the variant's name hash to a number `u` between 0 and
//! 1, and the least `-ln(u) / weight` wins. Such numbers are exponentially distributed with the weight as
//! rate, so that each wins in proportion to its weight, and a changed weight moves only the visitors
//! that the proportions force to move, to or from the variant that has changed. The order of the list
//! says nothing.

use std::hash::Hasher;

use siphasher::sip::SipHasher13;
use whence_core::id::LinkId;
use whence_core::link::{Variant, VariantMode};

use super::privacy::Visitor;
use crate::request::{Asked, client_prefix};
use crate::target::{Rich, Target};

/// The variant for this visitor; none where the link has none that any visitor is to see.
pub(super) fn choose<'t>(
    target: &Target,
    rich: &'t Rich,
    asked: &Asked<'_>,
    visitor: Option<Visitor>,
) -> Option<&'t Variant> {
    let variants = &rich.spec.variants;
    if variants.is_empty() {
        return None;
    }
    let learned = rich.spec.variant_mode == VariantMode::Bandit
        && rich.learned_weights.len() == variants.len()
        && rich.learned_weights.iter().any(|weight| *weight > 0);
    let who = who(asked, visitor);
    let race = variants.iter().enumerate().map(|(n, variant)| {
        let weight = match learned {
            true => rich.learned_weights[n],
            false => variant.weight,
        };
        (
            variant,
            finish(who, target.id(), variant.name.as_str(), weight),
        )
    });
    let first = race.min_by(|one, other| one.1.total_cmp(&other.1));
    first
        .filter(|(_, finish)| finish.is_finite())
        .map(|(variant, _)| variant)
}

/// The visitor by cookie where one may be known, else the client's network and agent, which no answer
/// and no record keeps.
fn who(asked: &Asked<'_>, visitor: Option<Visitor>) -> u64 {
    let mut hasher = SipHasher13::new();
    match visitor {
        Some(visitor) => {
            hasher.write_u8(1);
            hasher.write(&visitor.id.0.to_be_bytes());
        }
        None => {
            hasher.write_u8(2);
            match client_prefix(asked.client) {
                std::net::IpAddr::V4(address) => hasher.write(&address.octets()),
                std::net::IpAddr::V6(address) => hasher.write(&address.octets()),
            }
            hasher.write(asked.user_agent.bytes());
        }
    }
    hasher.finish()
}

/// When the variant comes in, in the race for this visitor: the first wins. Never, without weight.
fn finish(who: u64, link: LinkId, name: &str, weight: u32) -> f64 {
    // A fixed key: all nodes must choose alike, and nobody gains by choosing their own variant.
    let mut hasher = SipHasher13::new();
    hasher.write(&who.to_be_bytes());
    hasher.write(&link.0.to_be_bytes());
    hasher.write(name.as_bytes());
    // The upper 53 bits are what a float holds; the half keeps it off 0, whose logarithm is infinite.
    let share = ((hasher.finish() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
    -share.ln() / f64::from(weight)
}
