//! Random numbers from the operating system's generator, fetched by the page: asking it costs a system call,
//! and a visitor is made at most redirects.

use std::cell::RefCell;

use super::fill_random;

/// As much as one system call brings without being interrupted.
const PAGE: usize = 256;
const WIDTH: usize = size_of::<u128>();

thread_local! {
    static LEFT: RefCell<Page> = const { RefCell::new(Page { bytes: [0; PAGE], used: PAGE }) };
}

/// What was fetched, and how much of it was given out.
struct Page {
    bytes: [u8; PAGE],
    used: usize,
}

/// 128 random bits, given out once.
pub(super) fn u128() -> u128 {
    LEFT.with_borrow_mut(|page| {
        if page.used == PAGE {
            fill_random(&mut page.bytes);
            page.used = 0;
        }
        let mut number = [0; WIDTH];
        let given = &mut page.bytes[page.used..page.used + WIDTH];
        number.copy_from_slice(given);
        // What is a visitor's name by now is not kept beside.
        given.fill(0);
        page.used += WIDTH;
        u128::from_be_bytes(number)
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    #[test]
    fn no_number_comes_twice() {
        let draw = || (0..1000).map(|_| super::u128()).collect::<Vec<_>>();
        let other = std::thread::spawn(draw);
        let mut seen: HashSet<u128> = draw().into_iter().collect();
        seen.extend(other.join().unwrap());
        assert_eq!(seen.len(), 2000);
        assert!(!seen.contains(&0));
    }
}
