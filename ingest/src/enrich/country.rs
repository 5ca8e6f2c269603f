//! The country of an address, from a database in MaxMind's format.

use std::net::IpAddr;
use std::path::Path;

use maxminddb::{MaxMindDbError, PathElement, Reader};
use thiserror::Error;

/// Inside `node_modules`: a database without a licence key (CC0), made from the registries' own data.
pub(super) const DEFAULT_PART: &str =
    "@ip-location-db/geo-whois-asn-country-mmdb/geo-whois-asn-country.mmdb";

/// Where MaxMind's own files have the code, and where the default one has it.
const PATHS: [&[PathElement<'static>]; 2] = [
    &[PathElement::Key("country"), PathElement::Key("iso_code")],
    &[PathElement::Key("country_code")],
];

/// The database cannot be used.
#[derive(Debug, Error)]
#[error("country database {path}: {source}")]
pub struct CountryDbError {
    /// The file.
    path: String,
    /// What is wrong with it.
    source: MaxMindDbError,
}

/// The database, held in memory: a file that is replaced while we read it cannot hurt.
#[derive(Debug)]
pub(super) struct Countries {
    reader: Reader<Vec<u8>>,
}

impl Countries {
    /// Reads the whole file.
    pub(super) fn open(path: &Path) -> Result<Self, CountryDbError> {
        Reader::open_readfile(path)
            .map(|reader| Self { reader })
            .map_err(|source| CountryDbError {
                path: path.display().to_string(),
                source,
            })
    }

    /// The ISO 3166 code, two capitals; empty where the database knows none. A damaged entry is as
    /// good as none: it may cost a click its country, never the click.
    pub(super) fn of(&self, address: IpAddr) -> &str {
        let Ok(found) = self.reader.lookup(address.to_canonical()) else {
            return "";
        };
        PATHS
            .iter()
            .find_map(|path| found.decode_path::<&str>(path).ok().flatten())
            .filter(|code| code.len() == 2 && code.bytes().all(|b| b.is_ascii_uppercase()))
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn countries() -> Countries {
        Countries::open(&whence_core::parts::find(DEFAULT_PART).unwrap()).unwrap()
    }

    #[test]
    fn well_known_addresses() {
        let countries = countries();
        for (address, code) in [
            ("8.8.8.8", "US"),
            ("::ffff:8.8.8.8", "US"),
            ("193.99.144.80", "DE"),
            ("83.149.9.216", "RU"),
            ("2001:4860:4860::8888", "US"),
            ("127.0.0.1", ""),
            ("10.1.2.3", ""),
            ("::1", ""),
        ] {
            assert_eq!(countries.of(address.parse().unwrap()), code, "{address}");
        }
    }

    #[test]
    fn a_file_that_is_no_database_is_refused_by_name() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), b"not a database").unwrap();
        let error = Countries::open(file.path()).unwrap_err().to_string();
        assert!(error.contains(&*file.path().to_string_lossy()), "{error}");
        let error = Countries::open(Path::new("/no/such.mmdb"))
            .unwrap_err()
            .to_string();
        assert!(error.contains("/no/such.mmdb"), "{error}");
    }

    #[test]
    fn every_address_has_a_code_or_none() {
        let countries = countries();
        proptest!(|(address: IpAddr)| {
            let code = countries.of(address);
            prop_assert!(code.is_empty() || code.len() == 2);
        });
    }
}
