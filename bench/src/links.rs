//! The links that are asked for: the same ones wherever a bench needs some.

use std::ops::Range;
use std::sync::Arc;

use anyhow::{Context, Result};
use jiff::Timestamp;
use whence_core::id::LinkId;
use whence_core::link::{Destination, Link, LinkSpec};
use whence_core::store::{Edit, LinkStore};
use whence_core::workspace::{Workspace, WorkspaceId};

/// The short domain of all of them.
pub(crate) const DOMAIN: &str = "go.example";

/// Links made at a time: as many as the API takes in a request.
const BATCH: usize = 10_000;

/// How long slugs are.
const SLUG: usize = 7;
/// What they are made of.
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// How many there are.
const SLUGS: u128 = 62_u128.pow(SLUG as u32);
/// Shares no factor with their number, so that no two links get the same; large, so that neighbours look nothing alike.
const STRIDE: u128 = 2_176_477_521_929;

/// How much a link says.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    /// Where it leads, and no more.
    Plain,
    /// What its clicks count for, too.
    Labelled,
}

/// Whose they are.
pub(crate) fn workspace() -> WorkspaceId {
    "bench".parse().expect("a valid workspace id")
}

/// The slug of a link, by its number.
pub(crate) fn slug(number: u32) -> [u8; SLUG] {
    let mut rest = u128::from(number) * STRIDE % SLUGS;
    std::array::from_fn(|_| {
        let digit = (rest % 62) as usize;
        rest /= 62;
        ALPHABET[digit]
    })
}

/// The same as text.
pub(crate) fn slug_text(number: u32) -> String {
    slug(number).iter().map(|&byte| char::from(byte)).collect()
}

/// Where a link leads.
pub(crate) fn destination(number: u32) -> String {
    format!("https://shop.example/products/{number}?utm_source=friend")
}

/// Makes the links with these numbers, and who owns them. They are made in the order of their slugs, whatever
/// their popularity, because a file grows several times as fast at its end as everywhere at once.
pub(crate) async fn make(
    store: &Arc<dyn LinkStore>,
    numbers: Range<u32>,
    kind: Kind,
) -> Result<()> {
    let workspace = Workspace::new(workspace(), "Bench");
    store.put_workspace(&workspace).await?;
    store.claim_domain(&DOMAIN.parse()?, &workspace.id).await?;
    let mut sorted: Vec<u32> = numbers.clone().collect();
    sorted.sort_unstable_by_key(|&number| slug(number));
    let mut ids = (u64::from(numbers.start) + 1..).map(LinkId);
    for batch in sorted.chunks(BATCH) {
        let edits: Vec<_> = batch
            .iter()
            .zip(&mut ids)
            .map(|(&number, id)| Ok(Edit::Create(link(number, id, kind)?)))
            .collect::<Result<_>>()?;
        for (made, number) in store.edit_links(&edits).await.into_iter().zip(batch) {
            made.with_context(|| format!("making link number {number}"))?;
        }
    }
    Ok(())
}

/// A link as it is made.
fn link(number: u32, id: LinkId, kind: Kind) -> Result<Link> {
    let destination: Destination = destination(number).parse()?;
    let plain = LinkSpec::to(destination);
    let spec = match kind {
        Kind::Plain => plain,
        Kind::Labelled => LinkSpec {
            channel: Some("instagram".parse()?),
            campaign: Some("autumn".parse()?),
            program: Some("friends".parse()?),
            advocate: Some(format!("advocate-{number}").parse()?),
            ..plain
        },
    };
    let now = Timestamp::now();
    Ok(Link {
        id,
        workspace: workspace(),
        domain: DOMAIN.parse()?,
        slug: slug_text(number).parse()?,
        spec,
        learned_weights: Vec::new(),
        revision: 1,
        created_at: now,
        updated_at: now,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_links_have_the_same_slug() {
        // The stride times a number below the count of slugs repeats only where they share a factor: 2 or 31.
        assert!(!STRIDE.is_multiple_of(2) && !STRIDE.is_multiple_of(31));
        let slugs: HashSet<_> = (0..100_000).map(slug).collect();
        assert_eq!(slugs.len(), 100_000);
        assert_eq!(slug_text(1).len(), SLUG);
    }
}
