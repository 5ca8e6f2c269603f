//! A person whose data is asked for or erased: who that is, and everything of theirs that can be found.
//!
//! A person is named by what a merchant or a visitor knows: a customer's id, a visitor's id, or the id of one click. From
//! there one leads to the others ([`Found::all`]). What is found stands in the table `persons` as long as the request
//! lasts, so that the questions in `sql/person/` and the changes in `sql/erasure/` never carry an id in their text.
//!
//! What is done with it does not belong here: [`crate::export`] and [`crate::erase`].

pub(crate) mod aside;
mod found;
mod ids;

use clap::Args;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use whence_core::id::{ClickId, ClickIdKey, VisitorId};
use whence_core::process::Failure;
use whence_core::workspace::WorkspaceId;

pub(crate) use found::{Found, clear_abandoned, clickhouse_failed, open_erasures};
pub(crate) use ids::Ids;

/// Whose data it is.
#[derive(Clone, Debug, Args)]
pub(crate) struct Who {
    /// The workspace that knows the person
    #[arg(long)]
    workspace: Option<WorkspaceId>,
    /// The person by the merchant's own customer id
    #[arg(long, value_name = "ID", conflicts_with_all = ["visitor", "click"])]
    customer: Option<String>,
    /// The person by the visitor id in the cookie of the short domain
    #[arg(long, value_name = "ID", conflicts_with = "click")]
    visitor: Option<VisitorId>,
    /// The person by the id of one click, as the destination got it (wcid)
    #[arg(long, value_name = "ID")]
    click: Option<ClickId>,
    /// Refuse a person who turns out to be more visitors than this: an id such as "guest" stands for many people
    #[arg(long, value_name = "COUNT", default_value_t = 1000)]
    most_visitors: u64,
}

/// What a person is known by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// The merchant's customer id.
    Customer(String),
    /// A visitor.
    Visitor(VisitorId),
    /// One click.
    Click(ClickId),
}

/// A person of a workspace.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    /// The workspace.
    pub(crate) workspace: WorkspaceId,
    /// What they are known by.
    pub(crate) known: Known,
    /// More visitors than this are more than one person.
    pub(crate) most_visitors: u64,
}

/// A request for a person's data, as it is kept while it lasts: nothing in it tells who it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Subject {
    /// What is to become of the data.
    pub(crate) purpose: Purpose,
    /// By what the person was named: customer, visitor or click.
    pub(crate) named_by: String,
    /// The name under a key of this installation: the same again for the same person.
    pub(crate) name_hash: String,
    /// When it was asked for.
    pub(crate) begun_at: jiff::Timestamp,
}

/// What is to become of a person's data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Purpose {
    /// It is looked at, and nothing of it is changed.
    Look,
    /// It is erased; once begun it is to be finished.
    Erase,
}

impl Who {
    /// Whether nobody is named.
    pub(crate) fn is_nobody(&self) -> bool {
        self.workspace.is_none()
            && self.customer.is_none()
            && self.visitor.is_none()
            && self.click.is_none()
    }

    /// The person, or which flag is missing.
    pub(crate) fn person(&self) -> Result<Person, Failure> {
        let known = match (&self.customer, self.visitor, self.click) {
            (Some(customer), None, None) if customer.is_empty() => {
                return Err(Failure::Config("--customer is empty".into()));
            }
            (Some(customer), None, None) => Known::Customer(customer.clone()),
            (None, Some(visitor), None) => Known::Visitor(visitor),
            (None, None, Some(click)) => Known::Click(click),
            _ => {
                let say = "one of --customer, --visitor and --click must say who the person is";
                return Err(Failure::Config(say.into()));
            }
        };
        let workspace = self.workspace.clone().ok_or_else(|| {
            Failure::Config("--workspace must say which workspace knows the person".into())
        })?;
        Ok(Person {
            workspace,
            known,
            most_visitors: self.most_visitors,
        })
    }
}

impl Person {
    /// The request for their data.
    pub(crate) fn subject(&self, purpose: Purpose, key: &ClickIdKey) -> Subject {
        let (named_by, name) = match &self.known {
            Known::Customer(customer) => ("customer", customer.clone()),
            Known::Visitor(visitor) => ("visitor", visitor.to_string()),
            Known::Click(click) => ("click", click.to_string()),
        };
        let mut hasher = Sha256::new();
        hasher.update(key.derive("names in receipts"));
        for part in [self.workspace.as_str(), named_by, &name] {
            hasher.update(part);
            hasher.update([0]);
        }
        let hash = hasher.finalize();
        Subject {
            purpose,
            named_by: named_by.into(),
            name_hash: hash[..16]
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect(),
            begun_at: jiff::Timestamp::now(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn who() -> Who {
        Who {
            workspace: Some("acme".parse().unwrap()),
            customer: Some("c-1".into()),
            visitor: None,
            click: None,
            most_visitors: 5,
        }
    }

    #[test]
    fn what_is_missing_is_said_by_its_flag() {
        assert_eq!(who().person().unwrap().known, Known::Customer("c-1".into()));
        for (who, flag) in [
            (
                Who {
                    workspace: None,
                    ..who()
                },
                "--workspace",
            ),
            (
                Who {
                    customer: None,
                    ..who()
                },
                "--customer, --visitor and --click",
            ),
            (
                Who {
                    customer: Some(String::new()),
                    ..who()
                },
                "--customer is empty",
            ),
        ] {
            let told = who.person().unwrap_err().to_string();
            assert!(told.contains(flag), "{told}");
        }
    }

    #[test]
    fn a_subject_does_not_tell_who_it_is() {
        let key = |byte| ClickIdKey::new([byte; 16]);
        let person = who().person().unwrap();
        let hash = |byte| person.subject(Purpose::Erase, &key(byte)).name_hash;
        assert_eq!(hash(1), hash(1));
        assert_ne!(hash(1), hash(2));
        let text = serde_json::to_string(&person.subject(Purpose::Erase, &key(1))).unwrap();
        assert!(!text.contains("c-1"), "{text}");
    }
}
