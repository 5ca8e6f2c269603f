//! Names of headers, compared without regard to case, a word of the machine at a time.

/// Whether `name` is `known`, which is written in small letters and hyphens.
///
/// With their sixth bit set, capitals are small letters, a hyphen is itself, and of the bytes that may stand in a
/// name no other becomes either.
#[inline]
pub(crate) fn is<const N: usize>(name: &[u8], known: &[u8; N]) -> bool {
    let Ok(name) = <&[u8; N]>::try_from(name) else {
        return false;
    };
    let differing = |differs, at: usize| differs | ((name[at] | 0x20) ^ known[at]);
    (0..N).fold(0, differing) == 0
}

/// Whether `name` begins so, and goes on.
#[inline]
pub(super) fn begins<const N: usize>(name: &[u8], known: &[u8; N]) -> bool {
    name.len() > N && is(&name[..N], known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_same_in_any_case_and_nothing_else_is() {
        assert!(is(b"Sec-GPC", b"sec-gpc") && is(b"SEC-gpc", b"sec-gpc"));
        assert!(!is(b"sec-gpc2", b"sec-gpc") && !is(b"sec-gp", b"sec-gpc"));
        assert!(begins(b"Sec-Fetch-Mode", b"sec-fetch-") && !begins(b"sec-fetch-", b"sec-fetch-"));
        let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        for byte in (0..=u8::MAX).filter(|byte| token(*byte)) {
            for known in b"abcdefghijklmnopqrstuvwxyz-" {
                let same = byte.eq_ignore_ascii_case(known);
                assert_eq!(is(&[byte], &[*known]), same, "{byte} {known}");
            }
        }
    }
}
