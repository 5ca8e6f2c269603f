//! The form that asks for a link's password. It is sent to the address that it stands at, so that the
//! query goes along, and in the body, so that the password stands in no URL.

use whence_core::password::MAX_PASSWORD;

use super::html::page;
use crate::answer::Page;

const TITLE: &str = "This link asks for a password";

/// The form.
pub(crate) fn locked() -> Page {
    form(200, "")
}

/// The form again, after a password that is not the link's.
pub(crate) fn locked_still() -> Page {
    form(
        403,
        "<p role=\"alert\">That is not the password of this link.</p>\n",
    )
}

fn form(status: u16, note: &str) -> Page {
    let body = format!(
        "<h1>{TITLE}</h1>\n{note}<form method=\"post\">\n\
         <p><label for=\"password\">Password</label>\n\
         <input id=\"password\" name=\"password\" type=\"password\" maxlength=\"{MAX_PASSWORD}\" \
         autocomplete=\"off\" required autofocus>\n\
         <button>Open</button></p>\n</form>"
    );
    page(status, TITLE, "", &body)
}
