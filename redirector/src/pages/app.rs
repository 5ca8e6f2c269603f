//! The page that tries to open an app and leads to its store where that does not happen.

use std::sync::LazyLock;

use super::html::{Escaped, hash, page_under, policy};
use crate::answer::Page;

const TITLE: &str = "Opening the app";

/// Tries the app. Where the page is still seen after a moment, nothing has opened. The addresses stand
/// in the page's own links, so that the script is always the same and they work without it.
const SCRIPT: &str = "\
var app=document.getElementById('app'),store=document.getElementById('store'),\
timer=setTimeout(function(){if(!document.hidden)location.replace(store.href)},1500);\
document.addEventListener('visibilitychange',function(){if(document.hidden)clearTimeout(timer)});\
addEventListener('pagehide',function(){clearTimeout(timer)});\
location.href=app.href";

static POLICY: LazyLock<String> =
    LazyLock::new(|| policy(&format!("; script-src '{}'", hash(SCRIPT))));

/// The page.
pub(crate) fn app(app: &str, store: &str) -> Page {
    let body = format!(
        "<h1>{TITLE}</h1>\n<p><a class=\"button\" id=\"app\" href=\"{}\">Open the app</a>\n\
         <a class=\"button\" id=\"store\" href=\"{}\">Get the app</a></p>\n<script>{SCRIPT}</script>",
        Escaped(app),
        Escaped(store)
    );
    page_under(&POLICY, 200, TITLE, "", &body)
}
