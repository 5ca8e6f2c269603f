//! Where phones and tablets are sent that have an app for the link.
//!
//! A web address is a redirect like any other: systems open universal links and app links by themselves.
//! An address of the app's own scheme leads nowhere without the app, so the store stands by: on Android
//! in the address itself, as `intent:`, which browsers there understand, elsewhere on a page of ours.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use whence_core::agent::Agent;
use whence_core::link::{AppTarget, Destination, LinkSpec};

/// What an `intent:` URL's parameter may not carry as it is.
const EXTRA: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The systems that have apps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum System {
    /// iPhones and iPads.
    Ios,
    /// Android.
    Android,
}

/// How an app is opened.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// By a redirect.
    Redirect(String),
    /// By a page that tries the app and leads to the store.
    Page {
        /// The app's address.
        app: String,
        /// The store's.
        store: String,
    },
}

/// The target for the device, where the link has one.
pub(super) fn target<'s>(
    spec: &'s LinkSpec,
    agent: impl FnOnce() -> &'s Agent,
) -> Option<(System, &'s AppTarget)> {
    if spec.ios.is_none() && spec.android.is_none() {
        return None;
    }
    match agent().software.os.as_str() {
        "iOS" => spec.ios.as_ref().map(|target| (System::Ios, target)),
        "Android" => spec
            .android
            .as_ref()
            .map(|target| (System::Android, target)),
        _ => None,
    }
}

/// How the app is opened at `location`, which is the target's destination with everything added.
pub(super) fn way(system: System, target: &AppTarget, location: String) -> Way {
    let Some(store) = &target.store_url else {
        return Way::Redirect(location);
    };
    if target.destination.is_page() {
        return Way::Redirect(location);
    }
    if system == System::Android
        && store.is_page()
        && let Some(intent) = intent(&location, store)
    {
        return Way::Redirect(intent);
    }
    Way::Page {
        app: location,
        store: store.as_str().to_owned(),
    }
}

/// The address as an intent with the store to fall back to. None where it has a fragment, which is where
/// an intent keeps its parameters, or no authority.
fn intent(location: &str, store: &Destination) -> Option<String> {
    let (scheme, rest) = location.split_once("://")?;
    if rest.contains('#') {
        return None;
    }
    let fallback = utf8_percent_encode(store.as_str(), EXTRA);
    Some(format!(
        "intent://{rest}#Intent;scheme={scheme};S.browser_fallback_url={fallback};end"
    ))
}
