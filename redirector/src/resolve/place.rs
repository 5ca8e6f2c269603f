//! What stands at a host and slug, and how a path is cut where a link answers below its own slug.

use std::borrow::Cow;
use std::sync::Arc;

use super::site::Site;
use crate::target::Target;

/// How many parts a slug may have whose link answers below it: each costs a look-up of its own.
const MOST_PARTS: usize = 8;

/// What stands at a host and slug.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// The host, where somebody has claimed it.
    pub(crate) site: Option<Arc<Site>>,
    /// The link at the slug, or the nearest above it that forwards what follows.
    pub(crate) target: Option<Target>,
    /// Whether this is from memory while the store is away.
    pub(crate) stale: bool,
    /// None where the link stands at the very slug that was asked for. Else how many bytes of that slug stand
    /// before what follows the link's: its own and the `/` behind it. See [`rest`](Self::rest).
    pub(crate) prefix: Option<usize>,
}

impl Place {
    /// What follows the link's slug in the path as it was sent, still percent-encoded, without the `/` in
    /// front of it; none where the link stands at the slug itself. `slug` is what `path` was decoded to.
    ///
    /// Below a link at `docs`, `/docs/a%20b/c` has the rest `a%20b/c`, and `/docs/` has an empty one.
    pub(crate) fn rest<'p>(&self, path: &'p str, slug: &str) -> Option<&'p str> {
        let prefix = self.prefix?;
        let path = path.strip_prefix('/').unwrap_or(path);
        if path == slug {
            return path.get(prefix..);
        }
        // Each byte of the slug was sent as itself, or as three; a `%` that nothing follows is itself.
        let mut left = path.as_bytes();
        for _ in 0..prefix {
            left = match left {
                [b'%', high, low, left @ ..]
                    if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
                {
                    left
                }
                [_, left @ ..] => left,
                [] => return None,
            };
        }
        path.get(path.len() - left.len()..)
    }
}

/// The slug as links are looked up by it, where case does not tell them apart: as the API stores it.
pub(super) fn lower(slug: &str) -> Cow<'_, str> {
    let is_lower = |byte: u8| byte.is_ascii() && !byte.is_ascii_uppercase();
    match slug.bytes().all(is_lower) {
        true => Cow::Borrowed(slug),
        false => Cow::Owned(slug.to_lowercase()),
    }
}

/// The slugs above a slug, nearest first, each with where in the slug that follows which stands below it;
/// the last is the bare domain.
pub(super) fn above(slug: &str) -> Vec<(&str, usize)> {
    let cuts = slug.match_indices('/').filter(|(at, _)| *at > 0);
    let mut above: Vec<_> = cuts
        .take(MOST_PARTS)
        .map(|(at, _)| (&slug[..at], at + 1))
        .collect();
    above.reverse();
    if !slug.is_empty() {
        above.push(("", 0));
    }
    above
}

#[cfg(test)]
mod tests {
    use percent_encoding::percent_decode_str;
    use proptest::prelude::*;

    use super::*;

    fn at(prefix: usize) -> Place {
        Place {
            site: None,
            target: None,
            stale: false,
            prefix: Some(prefix),
        }
    }

    #[test]
    fn what_stands_above() {
        assert_eq!(above(""), []);
        assert_eq!(above("a"), [("", 0)]);
        assert_eq!(above("a/b/c"), [("a/b", 4), ("a", 2), ("", 0)]);
        assert_eq!(above("/a"), [("", 0)]);
        assert_eq!(above("a/"), [("a", 2), ("", 0)]);
        let deep = "x/".repeat(100);
        assert_eq!(above(&deep).len(), MOST_PARTS + 1);
        assert_eq!(above(&deep)[0].0, "x/x/x/x/x/x/x/x");
    }

    #[test]
    fn the_rest_is_as_it_was_sent() {
        for (path, slug, prefix, rest) in [
            ("/docs/a%20b/c", "docs/a b/c", 5, "a%20b/c"),
            ("/d%6fcs/a", "docs/a", 5, "a"),
            ("/docs%2Fa/b", "docs/a/b", 5, "a/b"),
            ("/docs/", "docs/", 5, ""),
            ("/Gr%C3%BC%C3%9Fe/x", "Grüße/x", 8, "x"),
            ("/a/b", "a/b", 0, "a/b"),
            ("/docs/%ff", "docs/%ff", 5, "%ff"),
            ("/50%25/%ff", "50%25/%ff", 6, "%ff"),
            ("/100%/a%20b", "100%/a b", 5, "a%20b"),
            ("/%zz%4/%41", "%zz%4/A", 6, "%41"),
        ] {
            assert_eq!(at(prefix).rest(path, slug), Some(rest), "{path}");
        }
        let exact = Place {
            prefix: None,
            ..at(0)
        };
        assert_eq!(exact.rest("/docs/a", "docs/a"), None);
    }

    proptest! {
        #[test]
        fn the_rest_decodes_to_what_follows(path in "/([a-cü/%]|%2[fF0]|%C3%BC){0,20}") {
            // What decodes to no text stays as it was sent.
            let Ok(slug) = percent_decode_str(&path[1..]).decode_utf8() else {
                return Ok(());
            };
            for (above, prefix) in above(&slug) {
                let rest = at(prefix).rest(&path, &slug).unwrap();
                let rest = percent_decode_str(rest).decode_utf8().unwrap();
                let between = if above.is_empty() { "" } else { "/" };
                prop_assert_eq!(format!("{above}{between}{rest}"), &*slug);
            }
        }

        #[test]
        fn lower_case_is_that_of_the_standard(slug in "\\PC{0,20}") {
            prop_assert_eq!(&*lower(&slug), slug.to_lowercase());
        }
    }
}
