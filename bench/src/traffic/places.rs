//! Where people are: networks of large providers, with the languages that are spoken there.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use fastrand::Rng;

/// First address, length of its prefix, clicks of a hundred, and what browsers there ask for first and second.
const NETWORKS: &[(&str, u8, u32, &str, &str)] = &[
    (
        "24.16.0.0",
        13,
        14,
        "en-US,en;q=0.9",
        "es-US,es;q=0.9,en;q=0.8",
    ),
    ("2600:1700::", 28, 8, "en-US,en;q=0.9", "en-US"),
    (
        "91.0.0.0",
        10,
        12,
        "de-DE,de;q=0.9,en-US;q=0.8,en;q=0.7",
        "de",
    ),
    ("2003::", 19, 6, "de-DE,de;q=0.9,en;q=0.8", "en-US,en;q=0.9"),
    ("86.128.0.0", 10, 9, "en-GB,en;q=0.9", "en-US,en;q=0.9"),
    (
        "90.0.0.0",
        9,
        8,
        "fr-FR,fr;q=0.9,en;q=0.8",
        "en-US,en;q=0.5",
    ),
    ("79.0.0.0", 10, 6, "it-IT,it;q=0.9,en;q=0.8", "it"),
    (
        "83.32.0.0",
        11,
        6,
        "es-ES,es;q=0.9",
        "ca-ES,ca;q=0.9,es;q=0.8",
    ),
    (
        "117.192.0.0",
        10,
        9,
        "en-IN,en;q=0.9,hi;q=0.8",
        "hi-IN,hi;q=0.9",
    ),
    ("126.0.0.0", 9, 5, "ja-JP,ja;q=0.9", "ja"),
    (
        "88.224.0.0",
        11,
        5,
        "tr-TR,tr;q=0.9,en;q=0.8",
        "en-US,en;q=0.9",
    ),
    ("83.0.0.0", 11, 4, "pl-PL,pl;q=0.9,en;q=0.8", "pl"),
    ("175.192.0.0", 10, 4, "ko-KR,ko;q=0.9,en;q=0.8", "ko"),
    ("1.120.0.0", 13, 4, "en-AU,en;q=0.9", "zh-CN,zh;q=0.9"),
];

/// Networks of hosting, where machines are.
const HOSTING: (&str, u8) = ("66.249.64.0", 19);

/// Where a visitor is, and what the browser there asks for.
pub(super) struct Home {
    /// The visitor's address.
    pub(super) address: IpAddr,
    /// `Accept-Language`.
    pub(super) language: &'static str,
}

impl Home {
    /// A person's.
    pub(super) fn of_person(random: &mut Rng) -> Self {
        let mut dice = random.u32(..100);
        let found = NETWORKS.iter().find(|(_, _, share, ..)| {
            let is_it = dice < *share;
            dice = dice.wrapping_sub(*share);
            is_it
        });
        let (first, prefix, _, usual, other) = found.expect("the shares sum up to a hundred");
        Self {
            address: address_in(first, *prefix, random),
            language: if random.u8(..5) == 0 { other } else { usual },
        }
    }

    /// A machine's.
    pub(super) fn of_machine(random: &mut Rng) -> Self {
        Self {
            address: address_in(HOSTING.0, HOSTING.1, random),
            language: "",
        }
    }
}

/// Another address in the neighbourhood of this one, and so most likely in the same country.
pub(super) fn neighbour(address: IpAddr, random: &mut Rng) -> IpAddr {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            Ipv4Addr::new(a, b, random.u8(..), random.u8(..)).into()
        }
        IpAddr::V6(v6) => {
            let random_bits = random.u128(..) >> 48;
            Ipv6Addr::from_bits(v6.to_bits() >> 80 << 80 | random_bits).into()
        }
    }
}

fn address_in(first: &str, prefix: u8, random: &mut Rng) -> IpAddr {
    match first.parse().expect("the table holds addresses") {
        IpAddr::V4(v4) => Ipv4Addr::from_bits(v4.to_bits() | random.u32(..) >> prefix).into(),
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() | random.u128(..) >> prefix).into(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use whence_core::config::Databases;
    use whence_core::place::Places;

    use super::*;

    #[test]
    fn people_live_in_many_countries() {
        assert_eq!(NETWORKS.iter().map(|network| network.2).sum::<u32>(), 100);
        let places = Places::open(&Databases::default()).unwrap();
        let mut random = Rng::with_seed(1);
        let mut countries = HashMap::new();
        for _ in 0..10_000 {
            let home = Home::of_person(&mut random);
            let country = format!("{:?}", places.of(home.address).country);
            *countries.entry(country).or_insert(0) += 1;
        }
        let many = countries.values().filter(|&&count| count > 300).count();
        assert!(many >= 10, "{countries:?}");
    }

    #[test]
    fn a_neighbour_is_near() {
        let mut random = Rng::with_seed(1);
        let v4 = neighbour("192.0.2.7".parse().unwrap(), &mut random);
        assert!(v4.to_string().starts_with("192.0."), "{v4}");
        let v6 = neighbour("2001:db8:1::7".parse().unwrap(), &mut random);
        assert!(v6.to_string().starts_with("2001:db8:1:"), "{v6}");
    }
}
