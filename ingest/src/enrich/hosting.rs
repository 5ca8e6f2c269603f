//! Networks in which nobody sits: data centres, filters of mail, social networks' own. A table of ours, and whatever file
//! the configuration adds to it.
//!
//! What a click from there is worth is the verdict's to say.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::path::{Path, PathBuf};

use ipnet::IpNet;
use serde::Deserialize;
use thiserror::Error;
use whence_core::config;

/// The table that is built in.
const TABLE: &str = include_str!("../../data/hosting.toml");

/// How many prefixes a file may name: a cloud's own list has some ten thousand.
const MOST_NETWORKS: usize = 100_000;

/// A file of networks cannot be used.
#[derive(Debug, Error)]
#[error("databases.hosting: {}: {reason}", path.display())]
pub struct HostingError {
    /// The file.
    path: PathBuf,
    /// What is wrong with it.
    reason: String,
}

/// What a network is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Hosting {
    /// Clouds and hosters; people's VPNs and relays end there too.
    Servers,
    /// Filters of mail, which open the links in it.
    Mail,
    /// Social networks' own machines, which look at what is posted.
    Social,
}

/// Every network that is known.
#[derive(Debug, Default)]
pub struct Hostings {
    systems: HashMap<u32, Hosting>,
    /// First and last address of each prefix, IPv4 ones mapped into IPv6; sorted, and none within another.
    ranges: Vec<(u128, u128, Hosting)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    network: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    kind: Hosting,
    #[serde(default)]
    asn: Vec<u32>,
    #[serde(default)]
    networks: Vec<IpNet>,
}

impl Hostings {
    /// The table that is built in, with the configured file in front of it.
    pub fn open(config: &config::Databases) -> Result<Self, HostingError> {
        let mut hostings = Self::default();
        if let Some(path) = &config.hosting {
            let refused = |reason: String| HostingError {
                path: path.clone(),
                reason,
            };
            let text = read(path).map_err(refused)?;
            hostings.add(&text).map_err(refused)?;
        }
        hostings.add(TABLE).map_err(|reason| HostingError {
            path: "built in".into(),
            reason,
        })?;
        Ok(hostings)
    }

    /// What the network is for that a click came from: by the number of its system (0 where it is unknown) and the prefix
    /// of its address. A prefix says more.
    pub(super) fn of(&self, asn: u32, prefix: Ipv6Addr) -> Option<Hosting> {
        let address = u128::from(prefix);
        let after = self.ranges.partition_point(|range| range.0 <= address);
        let range = after.checked_sub(1).map(|place| self.ranges[place]);
        range
            .filter(|range| address <= range.1)
            .map(|range| range.2)
            .or_else(|| self.systems.get(&asn).copied())
    }

    /// Adds a table's networks. What is known already stays.
    fn add(&mut self, text: &str) -> Result<(), String> {
        let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
        let mut ranges = Vec::new();
        for entry in file.network {
            if entry.asn.is_empty() && entry.networks.is_empty() {
                return Err(format!("{}: neither asn nor networks", entry.name));
            }
            for asn in entry.asn {
                if asn == 0 {
                    return Err(format!("{}: asn: 0 is no system", entry.name));
                }
                self.systems.entry(asn).or_insert(entry.kind);
            }
            for network in entry.networks {
                let range = range(network).ok_or_else(|| {
                    let must = "must be at least a /24 or a /48 wide, since a click keeps no more of its address";
                    format!("{}: networks: {network} {must}", entry.name)
                })?;
                ranges.push((range.0, range.1, entry.kind));
            }
        }
        if ranges.len() + self.ranges.len() > MOST_NETWORKS {
            return Err(format!("more than {MOST_NETWORKS} networks"));
        }
        self.ranges.extend(ranges);
        // Two prefixes either have nothing in common or one holds the other; of those the wider one stays.
        self.ranges
            .sort_by_key(|range| (range.0, std::cmp::Reverse(range.1)));
        let mut end = None;
        self.ranges.retain(|range| {
            let is_within = end.is_some_and(|end| range.0 <= end);
            if !is_within {
                end = Some(range.1);
            }
            !is_within
        });
        Ok(())
    }
}

fn read(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| error.to_string())
}

/// First and last address, if it is wide enough that a click's prefix lies in it or not.
fn range(network: IpNet) -> Option<(u128, u128)> {
    let widest = match network {
        IpNet::V4(_) => 24,
        IpNet::V6(_) => 48,
    };
    let number = |address| match address {
        IpAddr::V4(v4) => u128::from(v4.to_ipv6_mapped()),
        IpAddr::V6(v6) => u128::from(v6),
    };
    (network.prefix_len() <= widest)
        .then(|| (number(network.network()), number(network.broadcast())))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn with(text: &str) -> Result<Hostings, HostingError> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        Hostings::open(&config::Databases {
            hosting: Some(file.path().to_owned()),
            ..config::Databases::default()
        })
    }

    #[test]
    fn the_table_that_is_built_in() {
        let built_in = Hostings::open(&config::Databases::default()).unwrap();
        let of = |asn| built_in.of(asn, Ipv6Addr::UNSPECIFIED);
        for (asn, expected) in [
            (16509, Some(Hosting::Servers)),
            (24940, Some(Hosting::Servers)),
            (22843, Some(Hosting::Mail)),
            (13414, Some(Hosting::Social)),
            // Relays that people come from, a provider's, and none.
            (13335, None),
            (54113, None),
            (3320, None),
            (0, None),
        ] {
            assert_eq!(of(asn), expected, "{asn}");
        }
        assert!(built_in.systems.len() > 120);
    }

    #[test]
    fn a_file_is_added_and_goes_before() {
        let hostings = with(
            "[[network]]\nname = \"ours\"\nkind = \"servers\"\nasn = [64500]\nnetworks = [\"192.0.2.0/24\", \"2001:db8::/32\"]\n\
             [[network]]\nname = \"inside\"\nkind = \"mail\"\nnetworks = [\"2001:db8:7::/48\"]\n\
             [[network]]\nname = \"other\"\nkind = \"mail\"\nasn = [16509]\n",
        )
        .unwrap();
        for (asn, prefix, expected) in [
            (64500, "::", Some(Hosting::Servers)),
            (0, "::ffff:192.0.2.0", Some(Hosting::Servers)),
            (0, "::ffff:192.0.3.0", None),
            (0, "2001:db8:7::", Some(Hosting::Servers)),
            (0, "2001:db9::", None),
            (16509, "::", Some(Hosting::Mail)),
            (14618, "::", Some(Hosting::Servers)),
        ] {
            let prefix: Ipv6Addr = prefix.parse().unwrap();
            assert_eq!(hostings.of(asn, prefix), expected, "{asn} {prefix}");
        }
    }

    #[test]
    fn a_bad_file_is_refused_by_its_place() {
        for (text, word) in [
            ("network = 1", "network"),
            (
                "[[network]]\nname = \"x\"\nkind = \"cloud\"\nasn = [1]",
                "cloud",
            ),
            ("[[network]]\nname = \"x\"\nkind = \"mail\"", "neither"),
            (
                "[[network]]\nname = \"x\"\nkind = \"mail\"\nasn = [0]",
                "0 is no system",
            ),
            (
                "[[network]]\nname = \"x\"\nkind = \"mail\"\nnetworks = [\"192.0.2.0/25\"]",
                "/24",
            ),
            (
                "[[network]]\nname = \"x\"\nkind = \"mail\"\nnetworks = [\"2001:db8::/64\"]",
                "/48",
            ),
            (
                "[[network]]\nname = \"x\"\nkind = \"mail\"\nnetworks = [\"here\"]",
                "networks",
            ),
            (
                "[[network]]\nname = \"x\"\nkind = \"mail\"\nasns = [1]",
                "asns",
            ),
        ] {
            let error = with(text).unwrap_err().to_string();
            assert!(
                error.contains("databases.hosting") && error.contains(word),
                "{text}: {error}"
            );
        }
        let missing = Hostings::open(&config::Databases {
            hosting: Some("/no/such.toml".into()),
            ..config::Databases::default()
        });
        assert!(missing.unwrap_err().to_string().contains("/no/such.toml"));
    }

    proptest! {
        /// A prefix is found in exactly the networks that hold it.
        #[test]
        fn prefixes_are_found(
            networks in prop::collection::vec((0_u32..64, 18_u8..=24), 1..12), asked in 0_u32..64,
        ) {
            let net = |(place, length): &(u32, u8)| {
                let address = std::net::Ipv4Addr::from(0x0a00_0000 | (place << 8));
                ipnet::Ipv4Net::new(address, *length).unwrap().trunc()
            };
            let listed: Vec<String> = networks.iter().map(|n| format!("\"{}\"", net(n))).collect();
            let text = format!("[[network]]\nname = \"x\"\nkind = \"mail\"\nnetworks = [{}]", listed.join(","));
            let mut hostings = Hostings::default();
            hostings.add(&text).unwrap();
            let address = std::net::Ipv4Addr::from(0x0a00_0000 | (asked << 8));
            let expected = networks.iter().any(|n| net(n).contains(&address));
            prop_assert_eq!(hostings.of(0, address.to_ipv6_mapped()).is_some(), expected);
        }
    }
}
