//! The network that stands for an address where the address itself must not.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::endpoint;

/// The /24 of an IPv4 address or the /48 of an IPv6 one, in one form for both: IPv4 mapped into IPv6. An IPv4 address that
/// an IPv6 one carries counts as what it is: the /48 of a 6to4 address would hold the whole of it.
///
/// Both are the size of network that one household or office shares with its neighbours.
#[must_use]
pub fn prefix(address: IpAddr) -> Ipv6Addr {
    match endpoint(address) {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            Ipv4Addr::new(a, b, c, 0).to_ipv6_mapped()
        }
        IpAddr::V6(v6) => {
            let [a, b, c, ..] = v6.segments();
            Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn networks() {
        for (address, kept) in [
            ("83.149.9.216", "::ffff:83.149.9.0"),
            ("::ffff:83.149.9.216", "::ffff:83.149.9.0"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1::"),
            ("2002:5395:9d8::1", "::ffff:83.149.9.0"),
            ("2001:0:4136:e378:8000:63bf:ac6a:f627", "::ffff:83.149.9.0"),
            ("::1", "::"),
        ] {
            let found = prefix(address.parse().unwrap());
            assert_eq!(found, kept.parse::<Ipv6Addr>().unwrap(), "{address}");
        }
    }

    proptest! {
        #[test]
        fn at_least_eight_bits_are_gone_and_twice_is_once(address: IpAddr) {
            let kept = prefix(address);
            prop_assert_eq!(kept.octets()[15], 0);
            prop_assert_eq!(prefix(kept.into()), kept);
        }
    }
}
