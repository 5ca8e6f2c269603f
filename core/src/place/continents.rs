//! Which continent a country is on, for databases that know countries only.

use std::sync::LazyLock;

use serde::Deserialize;

use super::Code;
use crate::link::{Continent, CountryCode};

/// By the two letters of the code.
static TABLE: LazyLock<[[Option<Continent>; 26]; 26]> = LazyLock::new(|| {
    let mut table = [[None; 26]; 26];
    for part in entries() {
        for country in &part.countries {
            if let Some([first, second]) = letters(country.as_str()) {
                table[first][second] = Some(part.code);
            }
        }
    }
    table
});

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    continent: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    code: Continent,
    countries: Vec<CountryCode>,
}

fn entries() -> Vec<Entry> {
    let file: File = toml::from_str(include_str!("../../data/continents.toml"))
        .expect("the table in this repository is well-formed");
    file.continent
}

/// The continent of a country.
pub(super) fn of_country(country: Code<2>) -> Option<Continent> {
    let [first, second] = letters(country.as_str())?;
    TABLE[first][second]
}

/// A continent by its code.
pub(super) fn by_code(code: &str) -> Option<Continent> {
    Some(match code {
        "AF" => Continent::Af,
        "AN" => Continent::An,
        "AS" => Continent::As,
        "EU" => Continent::Eu,
        "NA" => Continent::Na,
        "OC" => Continent::Oc,
        "SA" => Continent::Sa,
        _ => return None,
    })
}

fn letters(code: &str) -> Option<[usize; 2]> {
    let letter = |b: u8| b.is_ascii_uppercase().then(|| usize::from(b - b'A'));
    match *code.as_bytes() {
        [first, second] => Some([letter(first)?, letter(second)?]),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_table_has_each_country_once() {
        let entries = entries();
        let all: Vec<_> = entries.iter().flat_map(|entry| &entry.countries).collect();
        let different: BTreeSet<_> = all.iter().collect();
        assert_eq!(all.len(), different.len());
        // The 249 of ISO 3166-1, and the two that the table names.
        assert_eq!(all.len(), 251);
    }

    #[test]
    fn some_that_everybody_knows() {
        for (country, continent) in [
            ("DE", Some(Continent::Eu)),
            ("EG", Some(Continent::Af)),
            ("US", Some(Continent::Na)),
            ("PA", Some(Continent::Na)),
            ("BR", Some(Continent::Sa)),
            ("JP", Some(Continent::As)),
            ("NZ", Some(Continent::Oc)),
            ("AQ", Some(Continent::An)),
            ("XX", None),
            ("", None),
        ] {
            let code = Code::of([country]).unwrap();
            assert_eq!(of_country(code), continent, "{country}");
        }
    }

    #[test]
    fn codes_are_those_of_the_vocabulary() {
        for code in ["AF", "AN", "AS", "EU", "NA", "OC", "SA"] {
            let spelt = serde_json::to_value(by_code(code)).unwrap();
            assert_eq!(spelt, code);
        }
        assert_eq!(by_code("XX"), None);
    }
}
