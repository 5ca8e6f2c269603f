//! Variants: sticky, in proportion, and as still as possible when weights change.

use std::collections::HashMap;

use proptest::prelude::*;
use serde_json::{Value, json};
use whence_core::id::VisitorId;
use whence_core::workspace::PrivacyMode;

use super::world::{Sent, learned, place, place_of, spec};
use crate::resolve::Place;

fn variants(weights: &[u32]) -> Value {
    let list: Vec<_> = weights
        .iter()
        .enumerate()
        .map(|(n, weight)| json!({"name": format!("v{n}"), "destination": format!("https://v{n}.example/"), "weight": weight}))
        .collect();
    json!(list)
}

fn weighted(weights: &[u32]) -> Place {
    place(json!({"variants": variants(weights)}))
}

/// The variant that a visitor sees, by name, and that it is where they are sent.
fn seen(place: &Place, visitor: u128) -> &str {
    let cookie = format!("whv={}", VisitorId(visitor));
    let decision = Sent::with(&[("cookie", &cookie)]).decided(place);
    let name = decision.variant;
    let location = super::world::redirect(decision).location;
    assert!(
        location.starts_with(&format!("https://{name}.example/")),
        "{location} {name}"
    );
    name
}

/// How many of so many visitors see each variant.
fn shares(place: &Place, visitors: u128) -> HashMap<&str, f64> {
    let mut shares = HashMap::new();
    for visitor in 0..visitors {
        *shares.entry(seen(place, visitor)).or_insert(0.0) += 1.0 / visitors as f64;
    }
    shares
}

#[test]
fn in_proportion_to_the_weights() {
    // Four standard deviations of a share among 20,000 are at most 0.0142.
    for weights in [
        vec![1, 1],
        vec![1, 3],
        vec![5, 0, 2, 3],
        vec![1_000_000, 250_000, 250_000],
    ] {
        let place = weighted(&weights);
        let shares = shares(&place, 20_000);
        let sum: u32 = weights.iter().sum();
        for (n, weight) in weights.iter().enumerate() {
            let expected = f64::from(*weight) / f64::from(sum);
            let found = shares.get(&*format!("v{n}")).copied().unwrap_or_default();
            assert!(
                (found - expected).abs() < 0.0142,
                "{weights:?} v{n}: {found}"
            );
            assert!(*weight > 0 || found == 0.0, "{weights:?} v{n} rests");
        }
    }
}

#[test]
fn whoever_brings_no_cookie_sees_what_they_will_see_with_it() {
    let place = weighted(&[1, 1]);
    let first = Sent::default().decided(&place);
    let visitor = first.visitor.expect("cookies are allowed");
    assert!(visitor.new);
    assert_eq!(seen(&place, visitor.id.0), first.variant);
}

#[test]
fn without_cookies_network_and_agent_stand_for_the_visitor() {
    let link = spec(json!({"variants": variants(&[1, 1])}));
    let place = place_of(link, |workspace, _| {
        workspace.privacy = PrivacyMode::Cookieless
    });
    let seen = |client: &str, agent: &str| {
        let sent = Sent {
            client,
            ..Sent::with(&[("user-agent", agent)])
        };
        let decision = sent.decided(&place);
        assert_eq!(decision.visitor, None);
        decision.variant
    };
    let mut counts = [0, 0];
    for n in 0..200 {
        let agent = format!("agent {n}");
        let variant = seen("2001:db8::1", &agent);
        assert_eq!(seen("2001:db8::2", &agent), variant, "the same household");
        counts[usize::from(variant == "v1")] += 1;
    }
    assert!(counts[0] > 60 && counts[1] > 60, "{counts:?}");
}

#[test]
fn a_bandit_goes_by_what_was_learnt_where_it_fits() {
    let bandit = |learnt: Vec<u32>| {
        let link = spec(json!({"variants": variants(&[1, 0]), "variant_mode": "bandit"}));
        learned(link, learnt, |_, _| ())
    };
    assert_eq!(seen(&bandit(vec![0, 7]), 1), "v1");
    for (learnt, why) in [
        (vec![], "nothing was learnt yet"),
        (vec![0, 1, 0], "it was learnt of other variants"),
        (vec![0, 0], "nothing would be left"),
    ] {
        assert_eq!(seen(&bandit(learnt), 1), "v0", "{why}");
    }
    let link = spec(json!({"variants": variants(&[1, 0])}));
    let place = learned(link, vec![0, 7], |_, _| ());
    assert_eq!(seen(&place, 1), "v0", "the owner's weights are the owner's");
}

proptest! {
    #[test]
    fn sticky(weights in prop::collection::vec(0_u32..1000, 1..20), visitor: u128) {
        prop_assume!(weights.iter().any(|weight| *weight > 0));
        let place = weighted(&weights);
        let one = seen(&place, visitor);
        prop_assert_eq!(seen(&place, visitor), one);
        // The order of the list says nothing.
        let mut list = variants(&weights);
        list.as_array_mut().unwrap().reverse();
        let reversed = super::world::place(json!({"variants": list}));
        prop_assert_eq!(seen(&reversed, visitor), one);
    }

    #[test]
    fn a_changed_weight_moves_visitors_only_to_or_from_its_variant(
        weights in prop::collection::vec(1_u32..1000, 2..10), which: prop::sample::Index, weight in 1_u32..1000, visitor: u128,
    ) {
        let which = which.index(weights.len());
        let mut changed = weights.clone();
        changed[which] = weight;
        let (before, after) = (weighted(&weights), weighted(&changed));
        let (from, to) = (seen(&before, visitor), seen(&after, visitor));
        let moved = format!("v{which}");
        if weight > weights[which] {
            prop_assert!(to == from || to == moved, "{} to {}", from, to);
        } else {
            prop_assert!(to == from || from == moved, "{} to {}", from, to);
        }
    }
}
