//! Against the database that `npm ci` brings, and against small ones that are written here.

use std::collections::BTreeMap;
use std::path::Path;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::test_support::place_database;

fn at(places: &Places, address: &str) -> (String, String, Option<Continent>) {
    let place = places.of(address.parse().unwrap());
    let [country, region] = [place.country.to_string(), place.region.to_string()];
    (country, region, place.continent)
}

fn open(path: &Path) -> Result<Places, DatabaseError> {
    Places::open(&config::Databases {
        places: Some(path.to_owned()),
        ..config::Databases::default()
    })
}

fn default_ones() -> Places {
    Places::open(&config::Databases::default()).unwrap()
}

/// What the database says of places that do not move, and which addresses have none, however they are written.
#[test]
fn well_known_addresses() {
    let places = default_ones();
    for (address, code, continent) in [
        ("8.8.8.8", "US", Some(Continent::Na)),
        ("193.99.144.80", "DE", Some(Continent::Eu)),
        ("83.149.9.216", "RU", Some(Continent::Eu)),
        ("2001:4860:4860::8888", "US", Some(Continent::Na)),
        ("2a02:2e0:3fe:1001:302::", "DE", Some(Continent::Eu)),
        ("200.160.2.3", "BR", Some(Continent::Sa)),
        ("2001:12ff:0:2::3", "BR", Some(Continent::Sa)),
        ("203.178.141.194", "JP", Some(Continent::As)),
        ("240b:10::1", "JP", Some(Continent::As)),
        ("196.216.2.1", "ZA", Some(Continent::Af)),
        ("1.1.1.1", "AU", Some(Continent::Oc)),
        // IPv4 that IPv6 carries: mapped, 6to4, Teredo, by a translator.
        ("::ffff:8.8.8.8", "US", Some(Continent::Na)),
        ("::ffff:c163:9050", "DE", Some(Continent::Eu)),
        ("2002:c163:9050::1", "DE", Some(Continent::Eu)),
        (
            "2001:0:808:808:8000:63bf:3e9c:6faf",
            "DE",
            Some(Continent::Eu),
        ),
        ("64:ff9b::193.99.144.80", "DE", Some(Continent::Eu)),
        // Nowhere, and nowhere that is carried.
        ("127.0.0.1", "", None),
        ("10.1.2.3", "", None),
        ("192.168.1.1", "", None),
        ("::ffff:192.168.1.1", "", None),
        ("2002:c0a8:101::1", "", None),
        ("2001:0:808:808:8000:63bf:3f57:fefe", "", None),
        ("64:ff9b::10.0.0.1", "", None),
        ("172.16.9.9", "", None),
        ("169.254.1.1", "", None),
        ("100.64.0.1", "", None),
        ("100.127.255.255", "", None),
        ("0.1.2.3", "", None),
        ("192.0.0.8", "", None),
        ("198.18.0.1", "", None),
        ("224.0.0.1", "", None),
        ("240.0.0.1", "", None),
        ("255.255.255.255", "", None),
        ("::", "", None),
        ("::1", "", None),
        ("::8.8.8.8", "", None),
        ("100::1", "", None),
        ("2001:2::1", "", None),
        ("2001:20::1", "", None),
        ("64:ff9b:1::1", "", None),
        ("fe80::1", "", None),
        ("fec0::1", "", None),
        ("fd00::1", "", None),
        ("ff02::1", "", None),
    ] {
        let expected = (code.to_owned(), String::new(), continent);
        assert_eq!(at(&places, address), expected, "{address}");
    }
}

#[test]
fn every_country_of_the_default_database_has_a_continent() {
    let places = default_ones();
    let mut without: BTreeMap<String, usize> = BTreeMap::new();
    let mut countries: BTreeMap<String, usize> = BTreeMap::new();
    places.database.each(|place| {
        *countries.entry(place.country.to_string()).or_default() += 1;
        if place.continent.is_none() {
            *without.entry(place.country.to_string()).or_default() += 1;
        }
    });
    assert!(countries.len() > 230, "only {} countries", countries.len());
    assert_eq!(without, BTreeMap::new());
}

#[test]
fn a_database_of_cities_knows_regions_and_its_own_continents() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cities.mmdb");
    let record = |country: &str, continent: &str, region: serde_json::Value| {
        json!({
            "city": {"names": {"de": "Irgendwo", "en": "Somewhere"}},
            "continent": {"code": continent},
            "country": {"iso_code": country},
            "subdivisions": region,
        })
    };
    place_database(
        &path,
        &[
            (
                "192.0.2.0/25".parse().unwrap(),
                record("DE", "EU", json!([{"iso_code": "BY"}, {"iso_code": "X"}])),
            ),
            (
                "192.0.2.128/25".parse().unwrap(),
                record("GB", "EU", json!([{"iso_code": "ENG"}])),
            ),
            // Another opinion than the table's.
            (
                "2001:db8::/32".parse().unwrap(),
                record("CY", "AS", json!([])),
            ),
            (
                "198.51.100.0/24".parse().unwrap(),
                record("FR", "??", json!([{"iso_code": "too long"}])),
            ),
            (
                "203.0.113.0/24".parse().unwrap(),
                json!({"continent": {"code": "EU"}}),
            ),
        ],
    );
    let places = open(&path).unwrap();
    for (address, country, region, continent) in [
        ("192.0.2.7", "DE", "DE-BY", Some(Continent::Eu)),
        ("::ffff:192.0.2.7", "DE", "DE-BY", Some(Continent::Eu)),
        ("192.0.2.200", "GB", "GB-ENG", Some(Continent::Eu)),
        ("2001:db8:1::1", "CY", "", Some(Continent::As)),
        ("198.51.100.9", "FR", "", Some(Continent::Eu)),
        ("203.0.113.9", "", "", Some(Continent::Eu)),
        ("192.0.3.1", "", "", None),
        ("2001:db9::1", "", "", None),
    ] {
        let expected = (country.to_owned(), region.to_owned(), continent);
        assert_eq!(at(&places, address), expected, "{address}");
    }
}

#[test]
fn cities_are_named_in_english_and_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cities.mmdb");
    let record = |city: serde_json::Value| json!({"country_code": "DE", "city": city});
    let long = "ü".repeat(100);
    place_database(
        &path,
        &[
            (
                "192.0.2.0/26".parse().unwrap(),
                record(json!({"names": {"de": "München", "en": "Munich"}})),
            ),
            ("192.0.2.64/26".parse().unwrap(), record(json!("Köln"))),
            (
                "192.0.2.128/26".parse().unwrap(),
                record(json!({"names": {"de": "Irgendwo"}})),
            ),
            ("192.0.2.192/26".parse().unwrap(), record(json!(long))),
        ],
    );
    let places = open(&path).unwrap();
    let city = |address: &str| places.of(address.parse().unwrap()).city.to_string();
    assert_eq!(city("192.0.2.1"), "Munich");
    assert_eq!(city("192.0.2.65"), "Köln");
    assert_eq!(city("192.0.2.129"), "");
    assert_eq!(city("192.0.2.193"), "ü".repeat(96));
    assert_eq!(city("192.0.3.1"), "");
}

#[test]
fn a_record_that_was_met_before_is_shared_until_the_file_is_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("places.mmdb");
    let record = json!({"country": {"iso_code": "DE"}});
    place_database(&path, &[("192.0.2.0/24".parse().unwrap(), record)]);
    let places = open(&path).unwrap();
    let of = |address: &str| places.of(address.parse().unwrap());
    let first = of("192.0.2.1");
    assert!(Arc::ptr_eq(&first, &of("192.0.2.200")));
    assert!(Arc::ptr_eq(&of("192.0.3.1"), &of("127.0.0.1")));
    places.refresh(Occasion::Asked);
    assert!(!Arc::ptr_eq(&first, &of("192.0.2.1")));
    assert_eq!(first, of("192.0.2.1"));
}

#[test]
fn a_refresh_takes_the_new_file_and_keeps_the_old_one_rather_than_a_bad_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("places.mmdb");
    // As `geoipupdate` does it: beside, then in its place.
    let write = |country: &str| {
        let beside = folder.path().join("new");
        let record = json!({"country": {"iso_code": country}});
        place_database(&beside, &[("192.0.2.0/24".parse().unwrap(), record)]);
        std::fs::rename(&beside, &path).unwrap();
    };
    write("DE");
    let places = open(&path).unwrap();
    let country = || places.of("192.0.2.1".parse().unwrap()).country.to_string();
    write("AT");
    assert_eq!(country(), "DE");
    places.refresh(Occasion::Passing);
    assert_eq!(country(), "AT");
    std::fs::write(&path, b"half a file").unwrap();
    for occasion in [Occasion::Passing, Occasion::Passing, Occasion::Asked] {
        places.refresh(occasion);
        assert_eq!(country(), "AT");
    }
    std::fs::remove_file(&path).unwrap();
    places.refresh(Occasion::Passing);
    assert_eq!(country(), "AT");
    write("CH");
    places.refresh(Occasion::Passing);
    assert_eq!(country(), "CH");
}

#[test]
fn a_file_that_does_not_fit_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("owners.mmdb");
    std::fs::write(&path, b"not a database").unwrap();
    let told = |path: &Path| open(path).unwrap_err().to_string();
    assert!(told(&path).contains("owners.mmdb"), "{}", told(&path));
    let owner = json!({"autonomous_system_number": 64496});
    place_database(&path, &[("192.0.2.0/24".parse().unwrap(), owner)]);
    let error = told(&path);
    assert!(
        error.contains("databases.places") && error.contains("holds no countries"),
        "{error}"
    );
    let error = told(Path::new("/no/such.mmdb"));
    assert!(
        error.contains("databases.places") && error.contains("/no/such.mmdb"),
        "{error}"
    );
}

#[test]
fn every_address_has_a_place_or_none() {
    let places = default_ones();
    proptest!(|(address: IpAddr)| {
        let place = places.of(address);
        prop_assert!(place.country.is_empty() || place.country.as_str().len() == 2);
        prop_assert_eq!(place.country.is_empty(), place.continent.is_none());
        prop_assert!(place.region.is_empty() && place.city.is_empty());
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// A file that is damaged on its disk is refused or answers something; it never ends who asks.
    #[test]
    fn a_damaged_file_is_refused_or_answers(
        damages in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut: Option<prop::sample::Index>, address: IpAddr,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("places.mmdb");
        let record = json!({
            "city": {"names": {"en": "Somewhere"}},
            "country": {"iso_code": "DE"},
            "subdivisions": [{"iso_code": "BY"}],
        });
        place_database(&path, &[
            ("192.0.2.0/25".parse().unwrap(), record.clone()),
            ("2001:db8::/32".parse().unwrap(), record),
        ]);
        let mut bytes = std::fs::read(&path).unwrap();
        for (place, value) in damages {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        std::fs::write(&path, &bytes).unwrap();
        match open(&path) {
            Ok(places) => for address in [address, "192.0.2.1".parse().unwrap(), "2001:db8::1".parse().unwrap()] {
                let place = places.of(address);
                prop_assert!(place.city.len() <= LONGEST_CITY);
            },
            Err(error) => prop_assert!(error.to_string().contains("places.mmdb")),
        }
    }
}
