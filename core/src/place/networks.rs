//! Whose network an address is in: the autonomous system that announces it, from a database of them.
//!
//! What is concluded from it, such as that nobody sits in a data centre, does not belong here.

use std::net::IpAddr;
use std::sync::Arc;

use maxminddb::PathElement;

use super::database::{Database, DatabaseError, Found, Record, number, text};
use super::{Occasion, endpoint, is_nowhere};
use crate::click::bounded;
use crate::config;

/// How long the name of whom a network belongs to may be, in bytes; the longest that are registered have some 100.
const LONGEST_NAME: usize = 128;

/// An autonomous system. What the database does not know is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Network {
    /// Its number, 0 where unknown.
    pub asn: u32,
    /// Whom it belongs to, as the database spells it: `GOOGLE`, `Deutsche Telekom AG`.
    pub organization: Box<str>,
}

/// The database, if the configuration names one. Shared by threads.
#[derive(Debug, Default)]
pub struct Networks {
    database: Option<Database<Network>>,
    /// What is said where there is none.
    unknown: Arc<Network>,
}

impl Networks {
    /// Reads the configured file. There is no default one: none that may be passed on without conditions is in a
    /// registry of packages.
    pub fn open(config: &config::Databases) -> Result<Self, DatabaseError> {
        let database = config.networks.clone().map(Database::open).transpose()?;
        Ok(Self {
            database,
            unknown: Arc::default(),
        })
    }

    /// Whose network an address is in.
    #[must_use]
    pub fn of(&self, address: IpAddr) -> Arc<Network> {
        let address = endpoint(address);
        match &self.database {
            Some(database) if !is_nowhere(address) => database.of(address),
            _ => Arc::clone(&self.unknown),
        }
    }

    /// Reads the file again, if there is a reason to. Blocks; look-ups meanwhile do not wait for it.
    pub fn refresh(&self, occasion: Occasion) {
        if let Some(database) = &self.database {
            database.refresh(occasion);
        }
    }
}

impl Record for Network {
    const KEY: &'static str = "databases.networks";
    const WANTED: &'static str = "autonomous systems";

    fn read(found: &Found<'_>) -> Self {
        let asn = number(found, &[PathElement::Key("autonomous_system_number")]);
        let organization = text(
            found,
            &[&[PathElement::Key("autonomous_system_organization")]],
        );
        let organization = organization.unwrap_or_default();
        Self {
            asn: asn.unwrap_or_default(),
            organization: bounded(organization.as_bytes(), LONGEST_NAME).into(),
        }
    }

    fn proves(&self) -> bool {
        self.asn != 0
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use serde_json::json;

    use super::*;
    use crate::test_support::place_database;

    fn open(path: Option<PathBuf>) -> Result<Networks, DatabaseError> {
        Networks::open(&config::Databases {
            networks: path,
            ..config::Databases::default()
        })
    }

    fn write(path: &Path, organization: &str) {
        let record = json!({
            "autonomous_system_number": 64_496,
            "autonomous_system_organization": organization,
        });
        let bare = json!({"autonomous_system_number": 4_200_000_000_u32});
        place_database(
            path,
            &[
                ("192.0.2.0/24".parse().unwrap(), record.clone()),
                ("2001:db8::/32".parse().unwrap(), record),
                ("198.51.100.0/24".parse().unwrap(), bare.clone()),
                ("10.0.0.0/8".parse().unwrap(), bare),
            ],
        );
    }

    #[test]
    fn networks_and_whom_they_belong_to() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("asn.mmdb");
        write(&path, "Example AG");
        let networks = open(Some(path.clone())).unwrap();
        for (address, asn, organization) in [
            ("192.0.2.1", 64_496, "Example AG"),
            ("::ffff:192.0.2.1", 64_496, "Example AG"),
            ("2002:c000:201::1", 64_496, "Example AG"),
            ("2001:db8::7", 64_496, "Example AG"),
            ("198.51.100.1", 4_200_000_000, ""),
            ("10.0.0.1", 0, ""),
            ("203.0.113.1", 0, ""),
            ("2001:db9::1", 0, ""),
        ] {
            let found = networks.of(address.parse().unwrap());
            let expected = Network {
                asn,
                organization: organization.into(),
            };
            assert_eq!(*found, expected, "{address}");
        }
        write(&path, &"x".repeat(200));
        networks.refresh(Occasion::Asked);
        let found = networks.of("192.0.2.1".parse().unwrap());
        assert_eq!(&*found.organization, "x".repeat(LONGEST_NAME));
    }

    #[test]
    fn without_a_file_nothing_is_known_and_with_a_wrong_one_nothing_starts() {
        let none = open(None).unwrap();
        none.refresh(Occasion::Asked);
        assert_eq!(*none.of("8.8.8.8".parse().unwrap()), Network::default());
        let error = open(Some("/no/such.mmdb".into())).unwrap_err().to_string();
        assert!(
            error.contains("databases.networks") && error.contains("/no/such.mmdb"),
            "{error}"
        );
        let countries = config::Databases::default().places().unwrap();
        let error = open(Some(countries)).unwrap_err().to_string();
        assert!(error.contains("holds no autonomous systems"), "{error}");
    }
}
