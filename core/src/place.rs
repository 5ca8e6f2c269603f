//! Where an address is and whose network it is in, from databases in MaxMind's format.
//!
//! What is concluded from a place does not belong here.

mod code;
mod continents;
mod database;
mod endpoint;
mod networks;
mod prefix;
#[cfg(test)]
mod tests;
mod watch;

use std::net::IpAddr;
use std::sync::Arc;

use maxminddb::PathElement;

pub use code::Code;
pub use database::DatabaseError;
pub use endpoint::endpoint;
pub use networks::{Network, Networks};
pub use prefix::prefix;
pub use watch::{Occasion, watch};

use crate::click::bounded;
use crate::config;
use crate::link::Continent;
use database::{Database, Found, Record, text};
use endpoint::is_nowhere;

/// Where MaxMind's own files have the country, and where the default one has it.
const COUNTRY: &[&[PathElement<'static>]] = &[
    &[PathElement::Key("country"), PathElement::Key("iso_code")],
    &[PathElement::Key("country_code")],
];
/// Where files of cities have the region: the first subdivision is the largest.
const REGION: &[&[PathElement<'static>]] = &[&[
    PathElement::Key("subdivisions"),
    PathElement::Index(0),
    PathElement::Key("iso_code"),
]];
/// Where MaxMind's own files of cities have the city in English, and where plainer ones have it.
const CITY: &[&[PathElement<'static>]] = &[
    &[
        PathElement::Key("city"),
        PathElement::Key("names"),
        PathElement::Key("en"),
    ],
    &[PathElement::Key("city")],
];
/// Where MaxMind's own files have the continent.
const CONTINENT: &[&[PathElement<'static>]] =
    &[&[PathElement::Key("continent"), PathElement::Key("code")]];
/// How long a city's name may be, in bytes; the longest in use has some 170, its usual form 20.
const LONGEST_CITY: usize = 192;

/// Where an address is. What the database does not know is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// ISO 3166-1 code, two capitals.
    pub country: Code<2>,
    /// ISO 3166-2 code, such as `DE-BY`. Known where the database is one of cities.
    pub region: Code<6>,
    /// The city's name in English. Known where the database is one of cities.
    pub city: Box<str>,
    /// The continent.
    pub continent: Option<Continent>,
}

/// The database of places. Shared by threads.
#[derive(Debug)]
pub struct Places {
    database: Database<Place>,
}

impl Places {
    /// Reads the configured file, or the one that `npm ci` has brought.
    pub fn open(config: &config::Databases) -> Result<Self, DatabaseError> {
        let database = Database::open(config.places()?)?;
        Ok(Self { database })
    }

    /// Where an address is.
    #[must_use]
    pub fn of(&self, address: IpAddr) -> Arc<Place> {
        let address = endpoint(address);
        if is_nowhere(address) {
            return self.database.nothing();
        }
        self.database.of(address)
    }

    /// Reads the file again, if there is a reason to. Blocks; look-ups meanwhile do not wait for it.
    pub fn refresh(&self, occasion: Occasion) {
        self.database.refresh(occasion);
    }
}

impl Record for Place {
    const KEY: &'static str = "databases.places";
    const WANTED: &'static str = "countries";

    fn read(found: &Found<'_>) -> Self {
        let country = country(found);
        let region = text(found, REGION)
            .and_then(|part| region(country, part))
            .unwrap_or_default();
        let city = text(found, CITY).unwrap_or_default();
        let continent = text(found, CONTINENT)
            .and_then(continents::by_code)
            .or_else(|| continents::of_country(country));
        Self {
            country,
            region,
            city: bounded(city.as_bytes(), LONGEST_CITY).into(),
            continent,
        }
    }

    fn proves(&self) -> bool {
        !self.country.is_empty()
    }
}

fn country(found: &Found<'_>) -> Code<2> {
    text(found, COUNTRY)
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
