//! Divides the links into parts that one report can show whole.

use std::collections::{BTreeMap, BTreeSet};

use whence_core::link::Slug;

use super::plan::Visit;
use super::totals;

/// The links that share a channel: for each part, no dimension has more than `most` keys, unless one link alone
/// has.
pub(super) fn of(visits: &[Visit], most: usize) -> Vec<Vec<&Slug>> {
    // Of all dimensions only these two can have many keys.
    let mut hosts: BTreeMap<&Slug, BTreeSet<String>> = BTreeMap::new();
    for visit in visits {
        hosts
            .entry(&visit.slug)
            .or_default()
            .insert(totals::referrer_host(visit));
    }
    let mut parts: Vec<Vec<&Slug>> = Vec::new();
    let mut hosts_of_part = BTreeSet::new();
    for (slug, hosts) in hosts {
        let together = hosts_of_part.union(&hosts).count();
        match parts.last_mut() {
            Some(part) if part.len() < most && together <= most => {
                part.push(slug);
                hosts_of_part.extend(hosts);
            }
            _ => {
                parts.push(vec![slug]);
                hosts_of_part = hosts;
            }
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use hyper::Method;

    use super::*;

    fn visit(slug: &str, host: &str) -> Visit {
        Visit {
            client: None,
            method: Method::GET,
            target: "/".parse().unwrap(),
            slug: slug.parse().unwrap(),
            referrer: Some(format!("https://{host}/").parse().unwrap()),
            agent: None,
        }
    }

    #[test]
    fn no_part_has_too_many_links_or_hosts() {
        let visits: Vec<_> = ["a", "b", "c", "d", "e"]
            .into_iter()
            .map(|slug| visit(slug, "x.example"))
            .collect();
        let sizes: Vec<_> = of(&visits, 2).iter().map(Vec::len).collect();
        assert_eq!(sizes, [2, 2, 1]);

        let visits = [
            visit("a", "1"),
            visit("a", "2"),
            visit("b", "2"),
            visit("c", "3"),
            visit("d", "3"),
        ];
        let parts: Vec<Vec<_>> = of(&visits, 2)
            .iter()
            .map(|part| part.iter().map(|slug| slug.as_str()).collect())
            .collect();
        assert_eq!(parts, [["a", "b"], ["c", "d"]]);
    }
}
