//! Claimed hosts, and the numbers under which the cache files what stands on them.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use whence_core::domain::{Domain, DomainSpec};
use whence_core::workspace::{Workspace, WorkspaceId};

use crate::cache::Weight;

/// A claimed host: the domain, and the workspace that has claimed it.
#[derive(Debug)]
pub(crate) struct Site {
    /// How it answers where no link does. Its [`Documents`](super::Documents) are remembered by themselves, and
    /// which slugs are reserved is the API's business: neither stands here.
    pub(crate) domain: Domain,
    /// Whose it is. Its rules of channels do not stand here: they judge what is stored.
    pub(crate) workspace: Workspace,
}

impl Site {
    /// What links need to know of a host.
    pub(super) fn new(domain: Domain, workspace: Workspace) -> Self {
        let spec = DomainSpec {
            reserved: Vec::new(),
            apple_app_site_association: None,
            asset_links: None,
            robots_txt: None,
            security_txt: None,
            logo: None,
            ..domain.spec
        };
        Self {
            domain: Domain { spec, ..domain },
            workspace: Workspace {
                channel_rules: Vec::new(),
                ..workspace
            },
        }
    }

    /// Bytes on the heap, about: every text stands in the JSON once.
    fn bytes(&self) -> usize {
        let json = [
            serde_json::to_string(&self.domain),
            serde_json::to_string(&self.workspace),
        ];
        let texts = json.into_iter().flatten().map(|json| json.len());
        size_of::<Self>() + texts.sum::<usize>()
    }
}

/// A site with its number and its weight, which is found once.
#[derive(Debug)]
pub(super) struct Numbered {
    /// The site.
    pub(super) site: std::sync::Arc<Site>,
    /// Its number.
    pub(super) number: u32,
    bytes: usize,
}

impl Numbered {
    /// A site under its number.
    pub(super) fn new(site: Site, number: u32) -> Self {
        Self {
            bytes: site.bytes(),
            site: site.into(),
            number,
        }
    }
}

impl Weight for Numbered {
    fn bytes(&self) -> usize {
        self.bytes
    }
}

/// Gives each host of each workspace that has claimed it a number, for as long as the process lives.
///
/// A link stands in the cache under the number of its host and its own workspace. So what was left behind
/// when a domain went to another workspace is not found there, and no link carries either name. What this
/// takes is bounded by the claims that the store has seen.
#[derive(Debug, Default)]
pub(super) struct Sites(RwLock<Names>);

#[derive(Debug, Default)]
struct Names {
    /// The numbers of each host, one for each workspace.
    numbers: HashMap<Box<str>, Vec<(WorkspaceId, u32)>>,
    /// By number, from 1.
    names: Vec<(Box<str>, WorkspaceId)>,
}

impl Sites {
    /// The number of this host in the hands of this workspace.
    pub(super) fn number(&self, host: &str, workspace: &WorkspaceId) -> u32 {
        let mut names = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let known = names.numbers.get(host).and_then(|owners| {
            let mut owners = owners.iter();
            owners.find_map(|(owner, number)| (owner == workspace).then_some(*number))
        });
        known.unwrap_or_else(|| {
            names.names.push((host.into(), workspace.clone()));
            let number = u32::try_from(names.names.len()).expect("fewer claims than that");
            let owners = names.numbers.entry(host.into()).or_default();
            owners.push((workspace.clone(), number));
            number
        })
    }

    /// Every number that this host has had.
    pub(super) fn numbers(&self, host: &str) -> Vec<u32> {
        let names = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let owners = names.numbers.get(host).map_or(&[][..], Vec::as_slice);
        owners.iter().map(|(_, number)| *number).collect()
    }

    /// The host and workspace with this number.
    pub(super) fn named(&self, number: u32) -> (Box<str>, WorkspaceId) {
        let names = self.0.read().unwrap_or_else(PoisonError::into_inner);
        names.names[number as usize - 1].clone()
    }
}
