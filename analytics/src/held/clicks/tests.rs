//! What was read is held, by time and with each visitor's number; and only what changed is read again.

use proptest::prelude::*;

use super::*;

/// A row as it is told, with a source of three and a link of four.
type Told = (u32, u32, u128, u8, u8);

const SOURCES: [&str; 3] = ["", "google", "t.co"];
const LINKS: [&str; 4] = ["1", "2", "30", "4"];

fn row(&(hour, at, visitor_id, source, link): &Told) -> Clicked<'static> {
    Clicked {
        hour,
        at,
        visitor_id,
        channel: "Direct",
        source: SOURCES[usize::from(source)],
        link: LINKS[usize::from(link)],
        country: "DE",
        device: "",
        browser: "Chrome",
        // Sums of these tell apart which there are.
        print: 61_u64.wrapping_pow(at),
    }
}

fn told() -> impl Strategy<Value = Vec<Told>> {
    let one = (5_u32..9, 0_u32..50, 0_u128..6, 0_u8..3, 0_u8..4);
    // Ids that differ in one of their parts only.
    let one = one.prop_map(|(hour, at, id, source, link)| {
        let id = if id == 0 { 0 } else { 1 << (id * 24) };
        (hour, at, id, source, link)
    });
    proptest::collection::vec(one, 0..60)
}

fn held(clicks: &mut Clicks, rows: &[Told], hours: Range<u32>) {
    let mut fresh = Fresh::default();
    for told in rows.iter().filter(|told| hours.contains(&told.0)) {
        clicks.note(&mut fresh, &row(told));
    }
    clicks.put(fresh, hours);
}

/// What is held, as it was told.
fn shown(snapshot: &Snapshot, (from, to): (i64, i64)) -> Vec<Told> {
    let ids: Vec<u128> = (1..6).map(|id| 1 << (id * 24)).collect();
    let id = |number: u32| {
        let mut found = ids
            .iter()
            .filter(|id| snapshot.numbers(&[**id]) == [number]);
        let id = *found.next().expect("a visitor who was told");
        assert_eq!(found.next(), None, "two visitors have one number");
        id
    };
    let place = |names: &[&str], column: usize, value: u32| {
        let name = &*snapshot.names(column)[value as usize];
        names.iter().position(|one| *one == name).unwrap() as u8
    };
    let source = column("source").unwrap();
    let link = column("link_id").unwrap();
    let each = snapshot.between(from, to).map(|(at, click)| {
        let visitor = if click.visitor == NOBODY {
            0
        } else {
            id(click.visitor)
        };
        assert!(visitor == 0 || (click.visitor as usize) < snapshot.visitors());
        let hour = u32::try_from(at / 3_600_000).unwrap();
        (
            hour,
            click.at,
            visitor,
            place(&SOURCES, source, click.values[source]),
            place(&LINKS, link, click.values[link]),
        )
    });
    each.collect()
}

proptest! {
    #[test]
    fn what_was_read_is_held_by_time(
        first in told(), then in told(), from in 17_990_i64..32_500, length in 0_i64..15_000,
    ) {
        let mut clicks = Clicks::default();
        held(&mut clicks, &first, 5..9);
        let before = clicks.snapshot(5..9);
        // Two of the hours are read again, and are something else.
        held(&mut clicks, &then, 6..8);
        let (from, to) = (from * 1_000, (from + length) * 1_000);
        let is_between = |told: &&Told| {
            let at = i64::from(told.0) * 3_600_000 + i64::from(told.1);
            (from..to).contains(&at)
        };
        let by_time = |told: &Told| (told.0, told.1);
        let sorted = |mut all: Vec<Told>| {
            all.sort_unstable();
            all
        };

        let mut expected: Vec<Told> = first.iter().filter(|told| !(6..8).contains(&told.0)).copied().collect();
        expected.extend(then.iter().filter(|told| (6..8).contains(&told.0)));
        let expected: Vec<Told> = expected.iter().filter(is_between).copied().collect();
        let got = shown(&clicks.snapshot(5..9), (from, to));
        prop_assert!(got.is_sorted_by_key(by_time));
        prop_assert_eq!(sorted(got), sorted(expected));
        // What somebody looks at stays as it was.
        let expected = first.iter().filter(is_between).copied().collect();
        prop_assert_eq!(sorted(shown(&before, (from, to))), sorted(expected));
    }

    #[test]
    fn only_hours_that_changed_are_read_again(first in told(), then in told()) {
        let (mut now, mut other) = (Clicks::default(), Clicks::default());
        held(&mut now, &first, 5..9);
        held(&mut other, &then, 5..9);
        let prints: Vec<(u32, Print)> = other
            .hours
            .iter()
            .filter(|(_, hour)| !hour.clicks.is_empty())
            .map(|(hour, of)| (*hour, of.print))
            .collect();
        let changed = now.compare(5..9, &prints);
        for hour in 5..9 {
            let of = |told: &[Told]| {
                let mut of: Vec<_> = told.iter().filter(|told| told.0 == hour).map(|told| told.1).collect();
                of.sort_unstable();
                of
            };
            let is_changed = changed.iter().any(|(of, _)| *of == hour);
            prop_assert_eq!(is_changed, !of(&then).is_empty() && of(&first) != of(&then));
            // An hour of which ClickHouse has nothing any more is held no longer.
            prop_assert_eq!(now.hours.contains_key(&hour), !of(&then).is_empty());
        }
    }
}
