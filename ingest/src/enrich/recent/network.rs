//! How much comes from one network within seconds: clicks, different links, and looks at a link with HEAD.
//!
//! Time is cut into slices, and two side by side are looked at. What a slice holds are sets, so that what arrives twice
//! counts once and the order is all the same.

use super::table::{Table, span};
use super::{BURST_CLICKS, FAN_OUT_LINKS, LOOK_HEADS, LOOK_SLICE_MS, SLICE_MS};

/// Up to `MOST` different hashes; what comes beyond is not taken in, since so many are enough. Of so few, two are taken for
/// one once in thousands of times.
#[derive(Clone, Copy)]
struct Few<const MOST: usize>([u16; MOST]);

impl<const MOST: usize> Default for Few<MOST> {
    fn default() -> Self {
        Self([0; MOST])
    }
}

impl<const MOST: usize> Few<MOST> {
    fn add(&mut self, hash: u32) {
        // 0 is an empty place.
        let number = ((hash >> 16) as u16).max(1);
        let place = self.0.iter_mut().find(|n| **n == 0 || **n == number);
        if let Some(place) = place {
            *place = number;
        }
    }

    fn iter(&self) -> impl Iterator<Item = u16> {
        self.0.iter().copied().take_while(|number| *number != 0)
    }

    /// How many there are in both together.
    fn with(&self, other: &Self) -> usize {
        let new = other.iter().filter(|n| !self.0.contains(n));
        self.iter().count() + new.count()
    }
}

/// What one visitor or network did in a slice.
#[derive(Clone, Copy, Default)]
struct Slice {
    /// Links that were opened.
    links: Few<FAN_OUT_LINKS>,
    /// A bit for each click, by its id. Two may share one, so that there are never fewer clicks than bits: of 64 bits,
    /// 18 clicks take 16 on the average.
    clicks: [u32; 2],
}

const _: () = assert!(BURST_CLICKS <= 32);

/// What came within two slices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Around {
    /// Different links, as far as it matters.
    pub(super) links: usize,
    /// Clicks, or some fewer.
    pub(super) clicks: u32,
}

/// Clicks by visitor or network.
pub(super) struct Networks(Table<Slice, 4, 2>);

impl Networks {
    pub(super) fn new(bytes: usize) -> Self {
        Self(Table::new(bytes))
    }

    /// Remembers the click `id` on a link.
    pub(super) fn note(&mut self, key: u64, at: u64, id: u32, link: u32) {
        let (span, _) = span(at, SLICE_MS);
        if let Some(slice) = self.0.place(key, span) {
            slice.links.add(link);
            slice.clicks[(id >> 5 & 1) as usize] |= 1 << (id & 31);
        }
    }

    /// The most that came in a time's slice and one beside it.
    pub(super) fn around(&self, key: u64, at: u64) -> Around {
        let Some([before, it, after]) = three(&self.0, key, at, SLICE_MS) else {
            return Around::default();
        };
        let with = |side: &Slice| {
            let bits = |half: usize| (side.clicks[half] | it.clicks[half]).count_ones();
            (it.links.with(&side.links), bits(0) + bits(1))
        };
        let (b, a) = (with(&before), with(&after));
        Around {
            links: b.0.max(a.0),
            clicks: b.1.max(a.1),
        }
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.0.bytes()
    }
}

/// How one network asked for one link in a slice.
#[derive(Clone, Copy, Default)]
struct Look {
    heads: Few<LOOK_HEADS>,
    others: Few<2>,
}

/// Clicks by network and link.
pub(super) struct Looks(Table<Look, 4, 2>);

impl Looks {
    pub(super) fn new(bytes: usize) -> Self {
        Self(Table::new(bytes))
    }

    /// Remembers the click `id`.
    pub(super) fn note(&mut self, key: u64, at: u64, id: u32, is_head: bool) {
        let (span, _) = span(at, LOOK_SLICE_MS);
        if let Some(look) = self.0.place(key, span) {
            if is_head {
                look.heads.add(id);
            } else {
                look.others.add(id);
            }
        }
    }

    /// Whether within a time's slice and one beside it there are several HEADs, and nothing else but one click: more
    /// would be people of that network.
    pub(super) fn is_looked_at(&self, key: u64, at: u64) -> bool {
        let Some([before, it, after]) = three(&self.0, key, at, LOOK_SLICE_MS) else {
            return false;
        };
        [before, after].iter().any(|side| {
            it.heads.with(&side.heads) >= LOOK_HEADS && it.others.with(&side.others) <= 1
        })
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.0.bytes()
    }
}

/// A time's slice between its neighbours; none where there is nothing in it.
fn three<V: Copy + Default, const PLACES: usize, const GROUP: u32>(
    table: &Table<V, PLACES, GROUP>,
    key: u64,
    at: u64,
    width: u64,
) -> Option<[V; 3]> {
    let (number, _) = span(at, width);
    let it = table.get(key, number)?;
    let side = |number: Option<u32>| number.and_then(|n| table.get(key, n)).copied();
    Some([
        side(number.checked_sub(1)).unwrap_or_default(),
        *it,
        side(number.checked_add(1)).unwrap_or_default(),
    ])
}
