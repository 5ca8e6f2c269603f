//! Which address stands for a client, and which stand for nobody in particular.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The address of the client itself: its IPv4 address where an IPv6 one only carries it over (mapped, 6to4, Teredo, the
/// translators' well-known prefix), else the address as it is.
///
/// So a household has one place and one network whichever way it came, and no prefix of what carries holds the whole
/// of what is carried.
#[must_use]
pub fn endpoint(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else {
        return address;
    };
    let four = |high: u16, low: u16| Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low));
    match v6.segments() {
        // RFC 4291, 2.5.5.2.
        [0, 0, 0, 0, 0, 0xffff, high, low] => four(high, low).into(),
        // RFC 3056: 6to4, the site's own IPv4 address behind the prefix.
        [0x2002, high, low, ..] => four(high, low).into(),
        // RFC 4380: Teredo, the client's IPv4 address at the end, each bit turned.
        [0x2001, 0, .., high, low] => four(!high, !low).into(),
        // RFC 6052: an IPv4 client as a server without IPv4 sees it through a translator.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => four(high, low).into(),
        _ => address,
    }
}

/// Whether an address is used in many places at once (RFC 6890 and the registries of special addresses it began). Databases
/// made from the registries' data have some of them: the default one has 192.168.1.1 in Australia.
pub(super) fn is_nowhere(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => four_is_nowhere(v4),
        IpAddr::V6(v6) => six_is_nowhere(v6),
    }
}

fn four_is_nowhere(address: Ipv4Addr) -> bool {
    match address.octets() {
        // This network; private; loopback; multicast, reserved and broadcast.
        [0 | 10 | 127 | 224.., ..] => true,
        // What providers share among their customers.
        [100, 64..128, ..] => true,
        // Link-local.
        [169, 254, ..] => true,
        [172, 16..32, ..] | [192, 168, ..] => true,
        // What protocols need between their own ends.
        [192, 0, 0, _] => true,
        // Laboratories.
        [198, 18 | 19, ..] => true,
        _ => false,
    }
}

fn six_is_nowhere(address: Ipv6Addr) -> bool {
    match address.segments() {
        // Unspecified and loopback, and the rest of what was never given out.
        [0, ..] => true,
        // A translator's own prefix.
        [0x64, 0xff9b, 1, ..] => true,
        // Discarded.
        [0x100, 0, 0, 0, ..] => true,
        // Laboratories.
        [0x2001, 2, 0, ..] => true,
        // Names of keys, which only look like addresses.
        [0x2001, 0x10..0x40, ..] => true,
        // Unique local; link-local and, as it once was, site-local; multicast.
        [0xfc00..0xfe00 | 0xfe80.., ..] => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_carried_counts() {
        for (address, client) in [
            ("192.0.2.7", "192.0.2.7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("2002:c000:207::1", "192.0.2.7"),
            ("2002:c000:207:8000:1:2:3:4", "192.0.2.7"),
            // The example of RFC 4380: the server is not the client.
            ("2001:0:4136:e378:8000:63bf:3fff:fdd2", "192.0.2.45"),
            ("64:ff9b::c000:207", "192.0.2.7"),
            ("64:ff9b:1::c000:207", "64:ff9b:1::c000:207"),
            ("2001:db8::1", "2001:db8::1"),
            ("2001:1::1", "2001:1::1"),
            ("2003::1", "2003::1"),
            ("::1", "::1"),
        ] {
            let found = endpoint(address.parse().unwrap());
            assert_eq!(found, client.parse::<IpAddr>().unwrap(), "{address}");
        }
    }

    #[test]
    fn the_edges_of_what_is_nowhere() {
        for (nowhere, somewhere) in [
            (["0.0.0.0", "0.255.255.255"], ["1.0.0.0", "1.1.1.1"]),
            (
                ["10.0.0.0", "10.255.255.255"],
                ["9.255.255.255", "11.0.0.0"],
            ),
            (
                ["100.64.0.0", "100.127.255.255"],
                ["100.63.255.255", "100.128.0.0"],
            ),
            (
                ["127.0.0.0", "127.255.255.255"],
                ["126.255.255.255", "128.0.0.0"],
            ),
            (
                ["169.254.0.0", "169.254.255.255"],
                ["169.253.255.255", "169.255.0.0"],
            ),
            (
                ["172.16.0.0", "172.31.255.255"],
                ["172.15.255.255", "172.32.0.0"],
            ),
            (
                ["192.0.0.0", "192.0.0.255"],
                ["191.255.255.255", "192.0.1.0"],
            ),
            (
                ["192.168.0.0", "192.168.255.255"],
                ["192.167.255.255", "192.169.0.0"],
            ),
            (
                ["198.18.0.0", "198.19.255.255"],
                ["198.17.255.255", "198.20.0.0"],
            ),
            (
                ["224.0.0.0", "255.255.255.255"],
                ["223.255.255.255", "8.8.8.8"],
            ),
            (["::", "::1"], ["1::", "2606:4700::1"]),
            (
                ["100::", "100::ffff:ffff:ffff:ffff"],
                ["100:0:0:1::", "101::"],
            ),
            (["2001:2::", "2001:2:0:ffff::"], ["2001:2:1::", "2001:4::"]),
            (["2001:10::", "2001:3f:ffff::"], ["2001:f::", "2001:40::"]),
            (
                ["64:ff9b:1::", "64:ff9b:1:ffff::"],
                ["64:ff9b:2::", "64:ff9c::"],
            ),
            (["fc00::", "fdff:ffff::"], ["fbff::", "fe00::"]),
            (["fe80::1", "ffff::"], ["fe7f::", "2a00:1450::"]),
        ] {
            for address in nowhere {
                assert!(is_nowhere(address.parse().unwrap()), "{address}");
            }
            for address in somewhere {
                assert!(!is_nowhere(address.parse().unwrap()), "{address}");
            }
        }
    }

    proptest! {
        #[test]
        fn the_client_of_a_client_is_itself(address: IpAddr) {
            prop_assert_eq!(endpoint(endpoint(address)), endpoint(address));
        }

        /// Whichever way an address is carried, it is the same client.
        #[test]
        fn every_way_of_carrying_is_undone(v4: Ipv4Addr, rest: [u16; 6]) {
            let [high, low] = [(v4.to_bits() >> 16) as u16, v4.to_bits() as u16];
            let [a, b, c, d, e, _] = rest;
            for carrier in [
                v4.to_ipv6_mapped(),
                Ipv6Addr::new(0x2002, high, low, a, b, c, d, e),
                Ipv6Addr::new(0x2001, 0, a, b, c, d, !high, !low),
                Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
            ] {
                prop_assert_eq!(endpoint(carrier.into()), IpAddr::from(v4));
            }
        }
    }
}
