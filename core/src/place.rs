//! Where an address is: country, region and continent, from a database in MaxMind's format.
//!
//! What is concluded from a place does not belong here.

mod code;
mod continents;
#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};

use maxminddb::{LookupResult, MaxMindDbError, PathElement, Reader, WithinOptions};
use thiserror::Error;

pub use code::Code;

use crate::config::{self, DatabaseMissing};
use crate::link::Continent;

/// Where MaxMind's own files have the country, and where the default one has it.
const COUNTRY: [&[PathElement<'static>]; 2] = [
    &[PathElement::Key("country"), PathElement::Key("iso_code")],
    &[PathElement::Key("country_code")],
];
/// Where files of cities have the region: the first subdivision is the largest.
const REGION: &[PathElement<'static>] = &[
    PathElement::Key("subdivisions"),
    PathElement::Index(0),
    PathElement::Key("iso_code"),
];
/// Where MaxMind's own files have the continent.
const CONTINENT: &[PathElement<'static>] =
    &[PathElement::Key("continent"), PathElement::Key("code")];

/// The database cannot be used.
#[derive(Debug, Error)]
pub enum PlacesError {
    /// There is none.
    #[error(transparent)]
    Missing(#[from] DatabaseMissing),
    /// It cannot be read.
    #[error("databases.places: {path}: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: MaxMindDbError,
    },
    /// It is of something else, such as networks' owners.
    #[error("databases.places: {path} holds no countries; it says that it is {kind:?}")]
    NoCountries {
        /// The file.
        path: PathBuf,
        /// What it calls itself.
        kind: String,
    },
}

/// Where an address is. What the database does not know is empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// ISO 3166-1 code, two capitals.
    pub country: Code<2>,
    /// ISO 3166-2 code, such as `DE-BY`. Known where the database is one of cities.
    pub region: Code<6>,
    /// The continent.
    pub continent: Option<Continent>,
}

/// The database, held in memory: a file that is replaced while we read it cannot hurt. Shared by threads.
#[derive(Debug)]
pub struct Places {
    path: PathBuf,
    reader: RwLock<Reader<Vec<u8>>>,
}

impl Places {
    /// Reads the configured file, or the one that `npm ci` has brought.
    pub fn open(config: &config::Databases) -> Result<Self, PlacesError> {
        let path = config.places()?;
        let reader = RwLock::new(read(&path)?);
        Ok(Self { path, reader })
    }

    /// Reads the file again; where it cannot be used, what was read before stays. Blocks for as long as
    /// the reading takes; look-ups meanwhile do not wait for it.
    pub fn reload(&self) -> Result<(), PlacesError> {
        let new = read(&self.path)?;
        let mut held = self.reader.write().unwrap_or_else(PoisonError::into_inner);
        let old = std::mem::replace(&mut *held, new);
        // Look-ups go on before the old one is freed, which takes longer.
        drop(held);
        drop(old);
        Ok(())
    }

    /// Where an address is. A damaged entry is as good as none: it may cost a click its place, never the
    /// click.
    #[must_use]
    pub fn of(&self, address: IpAddr) -> Place {
        let address = address.to_canonical();
        if is_nowhere(address) {
            return Place::default();
        }
        let reader = self.reader.read().unwrap_or_else(PoisonError::into_inner);
        reader
            .lookup(address)
            .map(|found| place(&found))
            .unwrap_or_default()
    }
}

/// Whether an address is used in many places at once. Databases made from the registries' data have some
/// of them: the default one has 192.168.1.1 in Australia.
fn is_nowhere(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [first, second, ..] = v4.octets();
            // This network, and what providers share among their customers.
            let shared = first == 0 || (first == 100 && second & 0xc0 == 64);
            let multicast_or_reserved = first >= 224;
            v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || shared
                || multicast_or_reserved
        }
        IpAddr::V6(v6) => {
            v6.is_loopback()
                || v6.is_unspecified()
                || v6.is_unique_local()
                || v6.is_unicast_link_local()
                || v6.is_multicast()
        }
    }
}

fn read(path: &Path) -> Result<Reader<Vec<u8>>, PlacesError> {
    let unreadable = |source| PlacesError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let reader = Reader::open_readfile(path).map_err(unreadable)?;
    if has_countries(&reader).map_err(unreadable)? {
        Ok(reader)
    } else {
        Err(PlacesError::NoCountries {
            path: path.to_owned(),
            kind: reader.metadata().database_type.clone(),
        })
    }
}

/// The first networks of a fitting file have some; only an unfitting one is read to its end.
fn has_countries(reader: &Reader<Vec<u8>>) -> Result<bool, MaxMindDbError> {
    let mut networks = reader.networks(WithinOptions::default())?;
    Ok(networks.any(|found| found.is_ok_and(|found| !country(&found).is_empty())))
}

type Found<'r> = LookupResult<'r, Vec<u8>>;

fn place(found: &Found<'_>) -> Place {
    let country = country(found);
    let region = text(found, REGION)
        .and_then(|part| region(country, part))
        .unwrap_or_default();
    let continent = text(found, CONTINENT)
        .and_then(continents::by_code)
        .or_else(|| continents::of_country(country));
    Place {
        country,
        region,
        continent,
    }
}

fn country(found: &Found<'_>) -> Code<2> {
    COUNTRY
        .iter()
        .find_map(|path| text(found, path))
        .and_then(|code| Code::of([code]))
        .filter(|code| code.as_str().bytes().all(|b| b.is_ascii_uppercase()))
        .filter(|code| code.as_str().len() == 2)
        .unwrap_or_default()
}

/// Databases have the part of ISO 3166-2 that stands behind the country.
fn region(country: Code<2>, part: &str) -> Option<Code<6>> {
    let fits = !country.is_empty()
        && !part.is_empty()
        && part
            .bytes()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    fits.then(|| Code::of([country.as_str(), "-", part]))?
}

fn text<'r>(found: &Found<'r>, path: &[PathElement<'_>]) -> Option<&'r str> {
    found.decode_path::<&str>(path).ok().flatten()
}
