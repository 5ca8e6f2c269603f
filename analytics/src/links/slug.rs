//! Which slugs a link may have on a domain, and those for links that come without one.

use whence_core::domain::{DomainSpec, INSPECTION_ENDING, QR_ENDING, RandomSlugs};
use whence_core::link::{FieldError, Slug};

/// From this try on each random slug is one character longer than the last: where three in a row were taken,
/// the short ones are running out.
const PATIENCE: usize = 3;

/// The slug that was chosen, as links on this domain have it; or why none can have it.
pub(super) fn chosen(domain: &DomainSpec, slug: &Slug) -> Result<Slug, String> {
    let slug: Slug = domain
        .canonical(slug.as_str())
        .parse()
        .map_err(|error: FieldError| error.to_string())?;
    let mut endings = [INSPECTION_ENDING, QR_ENDING].iter();
    if let Some(ending) = endings.find(|end| slug.as_str().ends_with(**end)) {
        return Err(format!(
            "must not end with {ending}, which asks for a link's preview page or QR code"
        ));
    }
    if domain.reserves(slug.as_str()) {
        return Err("is reserved".into());
    }
    Ok(slug)
}

/// A slug that nobody can guess from the last one. `tried` counts those that were taken.
pub(super) fn random(domain: &DomainSpec, tried: usize) -> Slug {
    let RandomSlugs { length, alphabet } = &domain.random_slugs;
    let length = usize::from(*length) + (tried + 1).saturating_sub(PATIENCE);
    loop {
        let text = letters(alphabet.as_str().as_bytes(), length);
        // Ends when not all are reserved: at most a thousand are, of ten thousand at least.
        if !domain.reserves(&text) {
            return text.parse().expect("letters and digits are a slug");
        }
    }
}

fn letters(alphabet: &[u8], length: usize) -> String {
    let mut text = String::with_capacity(length);
    while text.len() < length {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).expect("the operating system has a random generator");
        // Bytes above the last whole multiple would make the first letters likelier.
        let whole = bytes
            .iter()
            .filter(|&&byte| usize::from(byte) < 256 / alphabet.len() * alphabet.len());
        let letters = whole.map(|&byte| char::from(alphabet[usize::from(byte) % alphabet.len()]));
        text.extend(letters.take(length - text.len()));
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use whence_core::domain::{SAFE_ALPHABET, SlugCase};

    use super::*;

    #[test]
    fn random_slugs_are_short_and_differ() {
        let domain = DomainSpec::default();
        let slugs: HashSet<_> = (0..1000).map(|_| random(&domain, 0)).collect();
        // Two of a thousand meet once in a million runs; two such pairs never.
        assert!(slugs.len() >= 999);
        let mut letters = HashSet::new();
        for slug in &slugs {
            assert_eq!(slug.as_str().len(), 7);
            letters.extend(slug.as_str().bytes());
        }
        assert_eq!(letters, SAFE_ALPHABET.bytes().collect());
    }

    #[test]
    fn random_slugs_follow_the_domain_and_grow_where_they_are_taken() {
        let mut domain = DomainSpec::default();
        domain.random_slugs.length = 4;
        domain.random_slugs.alphabet = "0123456789".parse().unwrap();
        domain.reserved = (0..1000)
            .map(|n| format!("{n:04}").parse().unwrap())
            .collect();
        for _ in 0..200 {
            let slug = random(&domain, 0);
            assert!(!domain.reserves(slug.as_str()), "{slug}");
            assert!(slug.as_str().bytes().all(|byte| byte.is_ascii_digit()));
        }
        let lengths: Vec<_> = (0..6).map(|n| random(&domain, n).as_str().len()).collect();
        assert_eq!(lengths, [4, 4, 4, 5, 6, 7]);
    }

    #[test]
    fn chosen_slugs() {
        let mut domain = DomainSpec {
            reserved: vec!["admin".parse().unwrap()],
            ..DomainSpec::default()
        };
        let try_on = |domain: &DomainSpec, slug: &str| {
            chosen(domain, &slug.parse().unwrap()).map(String::from)
        };
        for good in ["Sale", "", "a/b", "Grüße", "a+b", "x.qr.png", "Admin"] {
            assert_eq!(try_on(&domain, good), Ok(good.to_owned()));
        }
        for bad in [
            "sale+",
            "sale.qr",
            "+",
            ".qr",
            "admin",
            "robots.txt",
            ".well-known/x",
        ] {
            assert!(try_on(&domain, bad).is_err(), "{bad}");
        }
        domain.case = SlugCase::Insensitive;
        assert_eq!(try_on(&domain, "SALE/Größe"), Ok("sale/größe".into()));
        for bad in ["Admin", "Robots.TXT", "sale.QR"] {
            assert!(try_on(&domain, bad).is_err(), "{bad}");
        }
    }
}
