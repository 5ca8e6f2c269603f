//! A hash table of a fixed size that forgets: what is remembered of a key in a span of time.
//!
//! A key has one row of a few places, which lie side by side in memory, for each few of its spans: what is asked about
//! together is mostly found together, and a key never fills its row alone. Where the row is full, the earliest span in it
//! makes room; what is earlier than all that stand there is not taken in.
//!
//! They are told by 32 bits beside those that choose the row, so that one in a billion is taken for another.

/// Rows of `PLACES` places each, for groups of `1 << GROUP` spans.
pub(super) struct Table<V, const PLACES: usize, const GROUP: u32> {
    rows: Box<[Row<V, PLACES>]>,
}

/// Begins with a cache line, so that it takes as few of them as it can.
#[derive(Clone)]
#[repr(align(64))]
struct Row<V, const PLACES: usize>([Place<V>; PLACES]);

#[derive(Clone, Copy, Default)]
struct Place<V> {
    tag: u32,
    /// The span's number and one; 0 where nothing is.
    span: u32,
    value: V,
}

impl<V: Copy + Default, const PLACES: usize, const GROUP: u32> Table<V, PLACES, GROUP> {
    /// A table of at most `bytes`, and at least one row.
    pub(super) fn new(bytes: usize) -> Self {
        let most = (bytes / size_of::<Row<V, PLACES>>()).max(1);
        // A power of two, so that a key's row is found by a mask.
        let rows = 1 << most.ilog2();
        let row = Row([Place::default(); PLACES]);
        Self {
            rows: vec![row; rows].into_boxed_slice(),
        }
    }

    /// How many bytes it takes.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        size_of_val(&*self.rows)
    }

    /// What is remembered of a key in a span.
    pub(super) fn get(&self, key: u64, span: u32) -> Option<&V> {
        let (row, tag) = self.find(key, span);
        let Row(places) = &self.rows[row];
        let place = places
            .iter()
            .find(|place| place.span == span.saturating_add(1) && place.tag == tag)?;
        Some(&place.value)
    }

    /// The place for what is to be remembered of a key in a span; none where all that stands there is later.
    pub(super) fn place(&mut self, key: u64, span: u32) -> Option<&mut V> {
        let (row, tag) = self.find(key, span);
        let span = span.saturating_add(1);
        let Row(places) = &mut self.rows[row];
        let mut earliest = 0;
        for at in 0..PLACES {
            if places[at].span == span && places[at].tag == tag {
                return Some(&mut places[at].value);
            }
            if places[at].span < places[earliest].span {
                earliest = at;
            }
        }
        let place = &mut places[earliest];
        if place.span > span {
            return None;
        }
        *place = Place {
            tag,
            span,
            value: V::default(),
        };
        Some(&mut place.value)
    }

    fn find(&self, key: u64, span: u32) -> (usize, u32) {
        // Groups of a key's spans scatter, so that one who is there all day takes no more of a row than anybody. The key is
        // a good hash; its product with an odd number that the group chooses is another.
        let group = u64::from(span >> GROUP);
        let odd = group.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let product = u128::from(key) * u128::from(odd);
        let mixed = product as u64 ^ (product >> 64) as u64;
        let row = mixed as usize & (self.rows.len() - 1);
        (row, (mixed >> 32) as u32)
    }
}

/// The number of the span of `width` milliseconds in which a time lies, and where in it.
pub(super) fn span(at: u64, width: u64) -> (u32, u32) {
    let number = u32::try_from(at / width).unwrap_or(u32::MAX);
    (number, (at % width) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_row_forgets_the_earliest_and_takes_in_nothing_earlier() {
        let mut table: Table<u32, 3, 2> = Table::new(0);
        let [a, b, c, d] = [1, 2, 3, 4].map(|n: u64| n << 60 | n << 40 | n << 20);
        for (key, span) in [(a, 5), (b, 7), (c, 6)] {
            *table.place(key, span).unwrap() = span;
        }
        assert!(table.place(d, 4).is_none());
        assert_eq!(table.get(a, 5), Some(&5));
        *table.place(d, 6).unwrap() = 60;
        assert_eq!(table.get(a, 5), None, "it was the earliest");
        for (key, span, value) in [(b, 7, 7), (c, 6, 6), (d, 6, 60)] {
            assert_eq!(table.get(key, span), Some(&value));
            assert_eq!(*table.place(key, span).unwrap(), value);
        }
        assert_eq!(table.get(b, 6), None, "another span");
    }

    #[test]
    fn keys_and_spans_spread_over_all_rows() {
        let table: Table<u32, 3, 2> = Table::new(64 << 10);
        let rows = table.rows.len();
        let mut count = vec![0; rows];
        for span in 0..rows as u32 {
            count[table.find(0x0123_4567_89ab_cdef, 800_000_000 + 4 * span).0] += 1;
        }
        let fullest = count.iter().max().unwrap();
        assert!(*fullest <= 12, "{fullest} of {rows} spans in one row");
    }

    #[test]
    fn it_takes_what_it_is_given() {
        for bytes in [0, 1000, 1 << 20] {
            let table: Table<[u32; 3], 3, 1> = Table::new(bytes);
            assert!(table.bytes() <= bytes.max(64), "{bytes}");
            assert!(table.bytes() > bytes / 2, "{bytes}");
        }
    }
}
