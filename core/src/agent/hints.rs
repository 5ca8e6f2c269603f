//! What a browser says of itself beside its agent: the client hints `Sec-CH-UA`, `-Mobile`, `-Platform`,
//! `-Platform-Version` and `-Model` (User-Agent Client Hints, WICG), read from the form in which a click has them.
//!
//! What follows from them for browser, system and device is [`Software`](super::Software)'s; whether they contradict the
//! agent is a verdict's.

/// Client hints. Whatever was not sent, or is not of the form that hints have, is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hints {
    /// The brands, in the order in which they were sent, without those that are made up so that nobody counts on a list
    /// (`Not/A)Brand`). Chromium shuffles them: the order says nothing.
    pub brands: Vec<Brand>,
    /// Whether pages for telephones are wanted. Tablets say no.
    pub mobile: Option<bool>,
    /// The system: `Windows`, `macOS`, `Android`, `Chrome OS`, `Linux` …
    pub platform: String,
    /// Its version, which is sent only where it was asked for: `15.0.0`.
    pub platform_version: String,
    /// The device, which is sent only where it was asked for, and is empty on computers: `Pixel 8`.
    pub model: String,
}

/// A brand of a browser. Most send two: their own, and `Chromium`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brand {
    /// Such as `Microsoft Edge`.
    pub name: String,
    /// Its version, in most browsers the first number alone.
    pub version: String,
}

impl Hints {
    /// Reads hints: a line each, in the order above; lines at the end may be missing.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let mut lines = text.split('\n').map(str::trim);
        let mut line = || lines.next().unwrap_or_default();
        Self {
            brands: brands(line()),
            mobile: match line() {
                "?1" => Some(true),
                "?0" => Some(false),
                _ => None,
            },
            platform: whole_string(line()),
            platform_version: whole_string(line()),
            model: whole_string(line()),
        }
    }

    /// Whether nothing is known from them.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The version of a brand, none where it is not among them. Case does not count.
    #[must_use]
    pub fn version_of(&self, brand: &str) -> Option<&str> {
        self.brands
            .iter()
            .find(|found| found.name.eq_ignore_ascii_case(brand))
            .map(|found| found.version.as_str())
    }
}

/// The members of `Sec-CH-UA`, a list of strings with a parameter `v` (RFC 9651). A click's hints are bounded, so the list
/// may be cut: its members before the cut count, as do those before anything that is no list.
fn brands(list: &str) -> Vec<Brand> {
    let mut brands = Vec::new();
    let mut rest = list;
    while let Some((name, after)) = string(rest) {
        let Some((version, after)) = parameters(after) else {
            break;
        };
        if !is_made_up(&name) {
            brands.push(Brand { name, version });
        }
        let Some(after) = after.trim_start().strip_prefix(',') else {
            break;
        };
        rest = after.trim_start();
    }
    brands
}

/// The parameters of a member and what stands behind them; none where they are not whole.
fn parameters(mut rest: &str) -> Option<(String, &str)> {
    let mut version = String::new();
    while let Some(after) = rest.strip_prefix(';') {
        let after = after.trim_start_matches(' ');
        let end = after
            .find(|c: char| !matches!(c, 'a'..='z' | '0'..='9' | '_' | '-' | '.' | '*'))
            .unwrap_or(after.len());
        let (key, after) = after.split_at(end);
        // A key alone means true.
        rest = after;
        if let Some(after) = after.strip_prefix('=') {
            let value;
            (value, rest) = value_of(after)?;
            if key == "v" {
                version = value;
            }
        }
    }
    Some((version, rest))
}

/// A parameter's value: a string, or anything shorter that has no quotes.
fn value_of(text: &str) -> Option<(String, &str)> {
    if text.starts_with('"') {
        return string(text);
    }
    let end = text.find([';', ',', ' ']).unwrap_or(text.len());
    Some((text[..end].to_owned(), &text[end..]))
}

/// A string and what stands behind it; none where it does not end.
fn string(text: &str) -> Option<(String, &str)> {
    let inner = text.strip_prefix('"')?;
    let mut read = String::new();
    let mut chars = inner.char_indices();
    loop {
        match chars.next()? {
            (end, '"') => return Some((read, &inner[end + 1..])),
            (_, '\\') => read.push(chars.next()?.1),
            (_, c) => read.push(c),
        }
    }
}

/// The string that is a whole header; empty where it is none.
fn whole_string(text: &str) -> String {
    string(text).map(|(read, _)| read).unwrap_or_default()
}

/// Chromium and its kin add a brand that is none, with changing marks between the same letters.
fn is_made_up(brand: &str) -> bool {
    let letters = brand.bytes().filter(u8::is_ascii_alphabetic);
    letters
        .map(|b| b.to_ascii_lowercase())
        .eq(b"notabrand".iter().copied())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn told(list: &str) -> Vec<(String, String)> {
        brands(list)
            .into_iter()
            .map(|brand| (brand.name, brand.version))
            .collect()
    }

    #[test]
    fn lists_as_browsers_send_them() {
        for (list, expected) in [
            (
                r#""Chromium";v="128", "Not;A=Brand";v="24", "Google Chrome";v="128""#,
                &[("Chromium", "128"), ("Google Chrome", "128")][..],
            ),
            (
                r#"" Not A;Brand";v="99", "Chromium";v="96", "Microsoft Edge";v="96""#,
                &[("Chromium", "96"), ("Microsoft Edge", "96")],
            ),
            (
                r#""\\Not\"A;Brand";v="99","Opera";v="85""#,
                &[("Opera", "85")],
            ),
            (
                r#""Brave";v="131", "Chromium";v="131", "Not_A Brand";v="24""#,
                &[("Brave", "131"), ("Chromium", "131")],
            ),
            (
                r#""Samsung Internet";v="25.0", "Not)A;Brand";v="8", "Chromium";v="121""#,
                &[("Samsung Internet", "25.0"), ("Chromium", "121")],
            ),
            // Other parameters, other types of value, no value.
            (
                r#""A";x=1;v="2";y, "B", "C";v=3"#,
                &[("A", "2"), ("B", ""), ("C", "3")],
            ),
            // Cut, or no list from some place on.
            (r#""Chromium";v="128", "Goog"#, &[("Chromium", "128")]),
            (
                r#""Chromium";v="128", "Google Chrome";v="12"#,
                &[("Chromium", "128")],
            ),
            (r#""Chromium";v="128" "B";v="1""#, &[("Chromium", "128")]),
            ("Chromium 128", &[]),
            ("", &[]),
            ("\"", &[]),
            ("\"\\", &[]),
        ] {
            let expected: Vec<_> = expected
                .iter()
                .map(|(name, version)| ((*name).to_owned(), (*version).to_owned()))
                .collect();
            assert_eq!(told(list), expected, "{list}");
        }
    }

    #[test]
    fn all_hints_of_a_telephone() {
        let hints = Hints::of("\"Chromium\";v=\"128\"\n?1\n\"Android\"\n\"14.0.0\"\n\"Pixel 8\"");
        assert_eq!(hints.version_of("chromium"), Some("128"));
        assert_eq!(hints.version_of("Brave"), None);
        assert_eq!(hints.mobile, Some(true));
        assert_eq!(hints.platform, "Android");
        assert_eq!(hints.platform_version, "14.0.0");
        assert_eq!(hints.model, "Pixel 8");
        assert!(!hints.is_empty());
    }

    #[test]
    fn what_was_not_sent_is_not_known() {
        assert!(Hints::of("").is_empty());
        assert!(Hints::of("\n\n\n\n").is_empty());
        assert!(Hints::of("\n?2\nWindows\n15").is_empty());
        let some = Hints::of("\n?0\n\"Windows\"");
        assert_eq!((some.mobile, &*some.platform), (Some(false), "Windows"));
        assert!(some.brands.is_empty() && some.model.is_empty());
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "\\PC{0,80}") {
            let _ = Hints::of(&text);
        }

        /// Pieces of lists in any order reach further than random text.
        #[test]
        fn any_mixture_of_pieces_is_read(pieces in prop::collection::vec(
            prop::sample::select(&["\"", "\\", ";", "v", "=", "\"a\"", ";v=\"1\"", ", ", "\n", "?1", "é", " "][..]), 0..24,
        )) {
            let text = pieces.concat();
            let hints = Hints::of(&text);
            prop_assert!(hints.brands.len() <= text.matches('"').count() / 2);
        }

        /// What a browser writes by the rules is read as it was meant, however it is marked.
        #[test]
        fn a_list_is_read_as_it_was_written(list in prop::collection::vec(("[ -~]{0,12}", "[0-9.]{0,6}"), 0..4)) {
            let quoted = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
            let written: Vec<_> = list.iter().map(|(name, version)| format!("{};v=\"{version}\"", quoted(name))).collect();
            let meant: Vec<_> = list.into_iter().filter(|(name, _)| !is_made_up(name)).collect();
            prop_assert_eq!(told(&written.join(", ")), meant);
        }

        /// A list that was cut has the members that are whole, and no others.
        #[test]
        fn a_cut_list_is_a_beginning(list in prop::collection::vec(("[a-zA-Z ]{1,12}", "[0-9.]{1,6}"), 1..4), cut in 0_usize..80) {
            let written: Vec<_> = list.iter().map(|(name, version)| format!("\"{name}\";v=\"{version}\"")).collect();
            let whole = written.join(", ");
            let cut = told(&whole[..cut.min(whole.len())]);
            let all = told(&whole);
            prop_assert!(cut.len() <= all.len());
            for (cut, all) in cut.iter().zip(&all) {
                prop_assert_eq!(&cut.0, &all.0);
                prop_assert!(cut.1.is_empty() || cut.1 == all.1);
            }
        }
    }
}
