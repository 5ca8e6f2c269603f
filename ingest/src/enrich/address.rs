//! What is kept of a visitor's address: the network it lies in, and itself only where its workspace asks for it.

use std::net::{IpAddr, Ipv6Addr};

use whence_core::click::{Click, Signs};
use whence_core::workspace::PrivacyMode;

pub(super) use whence_core::place::prefix;

/// The address itself where it may be kept, in the same form; else the one that is nobody's.
pub(super) fn kept(click: &Click<'_>) -> Ipv6Addr {
    if click.privacy != PrivacyMode::Full || !click.signs.has(Signs::ADDRESS) {
        return Ipv6Addr::UNSPECIFIED;
    }
    match click.address.to_canonical() {
        IpAddr::V4(v4) => v4.to_ipv6_mapped(),
        IpAddr::V6(v6) => v6,
    }
}

#[cfg(test)]
mod tests {
    use whence_core::test_support::click;

    use super::*;

    #[test]
    fn an_address_is_kept_where_it_was_asked_for_and_not_objected_to() {
        use PrivacyMode::{Cookieless, CountOnly, Full};
        let asked = Signs::KNOWN | Signs::ADDRESS;
        for (privacy, signs, address, stored) in [
            (Full, asked, "192.0.2.7", "::ffff:192.0.2.7"),
            (Full, asked, "2001:db8::7", "2001:db8::7"),
            (Full, Signs::KNOWN, "192.0.2.7", "::"),
            (Cookieless, asked, "192.0.2.7", "::"),
            (CountOnly, asked, "192.0.2.7", "::"),
        ] {
            let click = Click {
                privacy,
                signs,
                address: address.parse().unwrap(),
                ..click()
            };
            assert_eq!(kept(&click), stored.parse::<Ipv6Addr>().unwrap());
        }
    }
}
