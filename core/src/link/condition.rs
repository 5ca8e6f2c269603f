//! When a rule of a link holds: a tree of tests on the request, with and, or and not.
//!
//! Only what a condition says; whether it holds is asked at the edge.

use std::net::IpAddr;

use ipnet::IpNet;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::FieldError;
use super::text::{CountryCode, Host, Label, LanguageTag, ParameterName, RegionCode};

/// A test of a request. In JSON an object with one key, such as `{"country": ["DE", "AT"]}`; a list
/// holds where one of its values does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// Every one holds.
    #[cfg_attr(feature = "openapi", schema(no_recursion))]
    All(Vec<Condition>),
    /// At least one holds.
    #[cfg_attr(feature = "openapi", schema(no_recursion))]
    Any(Vec<Condition>),
    /// It does not hold.
    #[cfg_attr(feature = "openapi", schema(no_recursion))]
    Not(Box<Condition>),
    /// The visitor's country, by ISO 3166-1 code.
    Country(Vec<CountryCode>),
    /// A part of the country, by ISO 3166-2 code. Known where a city database is configured.
    Region(Vec<RegionCode>),
    /// The visitor's continent.
    Continent(Vec<Continent>),
    /// The kind of device.
    Device(Vec<Device>),
    /// The operating system, such as `iOS`, `Android`, `Windows`, `macOS`; case does not matter.
    Os(Vec<Label>),
    /// The browser, such as `Safari`, `Chrome`, `Firefox`; case does not matter.
    Browser(Vec<Label>),
    /// The language that the browser prefers: `de` holds for `de-AT` too.
    Language(Vec<LanguageTag>),
    /// The referrer's host, or a domain above it.
    ReferrerHost(Vec<Host>),
    /// A parameter of the request's query.
    Parameter(ParameterTest),
    /// The visitor's address lies in one of these networks.
    Address(Vec<Network>),
    /// The time of the click.
    Date(DateRange),
    /// Whether the browser has been here before. Without cookies every visitor is new.
    Visitor(Visit),
    /// Whether a social network or messenger fetches a preview.
    Preview(bool),
}

/// A parameter of the request's query and its values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ParameterTest {
    /// Its name.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub name: ParameterName,
    /// Its value is one of these; any will do where there is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub is: Vec<Label>,
}

/// A span of time; an end that is not given is open.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct DateRange {
    /// The first moment in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub from: Option<Timestamp>,
    /// The first moment after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub until: Option<Timestamp>,
}

/// A network in CIDR form; an address alone is a network of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(value_type = String, example = "192.0.2.0/24"))]
#[serde(try_from = "String", into = "String")]
pub struct Network(pub IpNet);

impl TryFrom<String> for Network {
    type Error = FieldError;

    fn try_from(text: String) -> Result<Self, FieldError> {
        let alone = || text.parse::<IpAddr>().map(IpNet::from);
        text.parse::<IpNet>()
            .or_else(|_| alone())
            .map(Self)
            .map_err(|_| FieldError::Network)
    }
}

impl From<Network> for String {
    fn from(network: Network) -> Self {
        network.0.to_string()
    }
}

/// A continent by its two-letter code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "UPPERCASE")]
pub enum Continent {
    /// Africa.
    Af,
    /// Antarctica.
    An,
    /// Asia.
    As,
    /// Europe.
    Eu,
    /// North America, with Central America and the Caribbean.
    Na,
    /// Oceania.
    Oc,
    /// South America.
    Sa,
}

/// A kind of device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Device {
    /// A computer.
    Desktop,
    /// A telephone.
    Mobile,
    /// A tablet.
    Tablet,
    /// A television, a console, a watch, a car.
    Other,
}

/// Whether a browser has been here before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Visit {
    /// It brought no cookie.
    New,
    /// It brought the cookie of an earlier click.
    Returning,
}

impl Condition {
    /// Visits this condition and all below it, with their depth from 1, until one is refused.
    pub(super) fn walk<E>(
        &self,
        depth: usize,
        visit: &mut impl FnMut(&Self, usize) -> Result<(), E>,
    ) -> Result<(), E> {
        visit(self, depth)?;
        match self {
            Self::All(inner) | Self::Any(inner) => {
                inner.iter().try_for_each(|one| one.walk(depth + 1, visit))
            }
            Self::Not(inner) => inner.walk(depth + 1, visit),
            Self::Country(_)
            | Self::Region(_)
            | Self::Continent(_)
            | Self::Device(_)
            | Self::Os(_)
            | Self::Browser(_)
            | Self::Language(_)
            | Self::ReferrerHost(_)
            | Self::Parameter(_)
            | Self::Address(_)
            | Self::Date(_)
            | Self::Visitor(_)
            | Self::Preview(_) => Ok(()),
        }
    }

    /// How many values its list holds; none where it has no list that could be empty.
    pub(super) fn values(&self) -> Option<usize> {
        match self {
            Self::All(list) | Self::Any(list) => Some(list.len()),
            Self::Country(list) => Some(list.len()),
            Self::Region(list) => Some(list.len()),
            Self::Continent(list) => Some(list.len()),
            Self::Device(list) => Some(list.len()),
            Self::Os(list) | Self::Browser(list) => Some(list.len()),
            Self::Language(list) => Some(list.len()),
            Self::ReferrerHost(list) => Some(list.len()),
            Self::Address(list) => Some(list.len()),
            Self::Not(_)
            | Self::Parameter(_)
            | Self::Date(_)
            | Self::Visitor(_)
            | Self::Preview(_) => None,
        }
    }
}
