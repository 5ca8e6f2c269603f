//! What a link costs in memory, and a hit in time. A measurement, not a check: to be run by itself, in the
//! release profile, with `--ignored --nocapture`.

use std::hint::black_box;
use std::time::Instant;

use futures::FutureExt;

use super::*;

const LINKS: u64 = 1_000_000;
const HITS: u64 = 5_000_000;

fn slug(n: u64) -> String {
    LinkId(n.wrapping_mul(0x9E37_79B9_7F4A_7C15)).to_string()
}

/// Bytes of the process that stand in memory.
fn resident() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

#[tokio::test]
#[ignore = "a measurement"]
async fn a_million_links_and_hits_on_them() {
    // Nothing is pushed out or asked about again, however slow the machine.
    let room = Room::open_with(&Settings {
        megabytes: 1024,
        ttl_ms: 36_000_000,
        ..Settings::default()
    })
    .await;
    let template = room.link(1, "template", false).await;
    let number = room
        .resolver
        .number(HOST, template.workspace.as_str())
        .await;
    let number = number.unwrap().unwrap();
    let (before, start, filling) = (resident(), Instant::now(), room.resolver.filling());
    let mut texts = 0;
    for n in 0..LINKS {
        let mut link = template.clone();
        link.id = LinkId(n);
        link.slug = slug(n).parse().unwrap();
        let url = format!("https://shop.example/products/{}?from=mail", link.slug);
        texts += HOST.len() + 1 + link.slug.as_str().len() + url.len();
        link.spec.destination = url.parse().unwrap();
        let target = Target::new(link, number, filling.stamp);
        assert_eq!(room.resolver.fill(&filling, target), Filled::Kept);
    }
    let per_link = |bytes: usize| (bytes - texts) as f64 / LINKS as f64;
    println!("made and filled in: {:?}", start.elapsed());
    println!(
        "bytes of a link beyond key and URL: {:.1}",
        per_link(resident() - before)
    );
    println!(
        "as the cache counts them: {:.1}",
        per_link(room.resolver.size().2)
    );
    for hot in [1_000, LINKS] {
        let slugs: Vec<_> = (0..hot).map(slug).collect();
        let mut random = fastrand::Rng::with_seed(7);
        let start = Instant::now();
        for _ in 0..HITS {
            let place = room.resolver.place(HOST, random.choice(&slugs).unwrap());
            black_box(place.now_or_never().expect("it is in the cache").unwrap());
        }
        let each = start.elapsed().as_nanos() as f64 / HITS as f64;
        println!("a hit among {hot} links: {each:.0} ns");
    }
}
