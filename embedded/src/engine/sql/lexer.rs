//! Tokens of ClickHouse's SQL: enough to tell words from strings, quoted names and comments.

use std::collections::HashMap;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A bare word: a keyword, a name, or a number.
    Word,
    /// A name in double quotes or backquotes.
    Quoted,
    /// A string literal or a here-document.
    Text,
    /// `(`, `[` or `{`.
    Open,
    /// `)`, `]` or `}`.
    Close,
    /// `;`
    Semicolon,
    /// Any other character.
    Other,
    /// A string, name or comment that does not end.
    Unclosed,
}

/// A token and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token {
    /// What it is.
    pub(super) kind: Kind,
    /// Its first byte.
    pub(super) start: usize,
    /// One past its last byte.
    pub(super) end: usize,
}

/// Walks over the tokens of a text; spaces and comments are skipped.
pub(super) struct Lexer<'a> {
    text: &'a [u8],
    at: usize,
    /// Where each `$tag$` stands last; made when the first one is met.
    last_tags: Option<HashMap<&'a [u8], usize>>,
}

impl<'a> Lexer<'a> {
    /// Starts at the beginning of `text`.
    pub(super) fn new(text: &'a [u8]) -> Self {
        Self {
            text,
            at: 0,
            last_tags: None,
        }
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.text.get(self.at + ahead).copied()
    }

    /// Skips spaces and comments; false where a comment does not end.
    fn skip_blank(&mut self) -> bool {
        loop {
            match (self.peek(0), self.peek(1)) {
                (Some(byte), _) if byte.is_ascii_whitespace() || byte == 0x0b => self.at += 1,
                (Some(b'-'), Some(b'-')) | (Some(b'#'), Some(b' ' | b'!')) => self.skip_line(),
                (Some(b'/'), Some(b'*')) => match find(self.text, b"*/", self.at + 2) {
                    Some(end) => self.at = end + 2,
                    None => return false,
                },
                _ => return true,
            }
        }
    }

    fn skip_line(&mut self) {
        self.at = find(self.text, b"\n", self.at).map_or(self.text.len(), |end| end + 1);
    }

    /// The end of a literal that starts here with `quote`: a backslash takes the next byte with it,
    /// and a doubled quote stands for one.
    fn quoted_end(&self, quote: u8) -> Option<usize> {
        let mut at = self.at + 1;
        while let Some(&byte) = self.text.get(at) {
            let doubled = byte == quote && self.text.get(at + 1) == Some(&quote);
            if byte == b'\\' || doubled {
                at += 2;
            } else if byte == quote {
                return Some(at + 1);
            } else {
                at += 1;
            }
        }
        None
    }

    /// The end of a here-document `$tag$ … $tag$` that starts here, if one does.
    ///
    /// The rest of the text is searched only where the search will succeed, so that a text full of
    /// tags that nothing closes takes no longer than any other.
    fn heredoc_end(&mut self) -> Option<usize> {
        let tag_end = self.text[self.at + 1..]
            .iter()
            .position(|&byte| !is_word(byte) || byte == b'$')
            .map(|length| self.at + 1 + length)
            .filter(|&end| self.text[end] == b'$')?;
        let text = self.text;
        let tag = &text[self.at..=tag_end];
        let last_tags = self.last_tags.get_or_insert_with(|| last_tags(text));
        if last_tags.get(tag).is_none_or(|&start| start <= tag_end) {
            return None;
        }
        find(text, tag, tag_end + 1).map(|start| start + tag.len())
    }
}

impl Iterator for Lexer<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        let closed = self.skip_blank();
        let start = self.at;
        let first = self.peek(0)?;
        let (kind, end) = if closed {
            match first {
                b'\'' => (Kind::Text, self.quoted_end(first)),
                b'"' | b'`' => (Kind::Quoted, self.quoted_end(first)),
                b'(' | b'[' | b'{' => (Kind::Open, Some(start + 1)),
                b')' | b']' | b'}' => (Kind::Close, Some(start + 1)),
                b';' => (Kind::Semicolon, Some(start + 1)),
                b'$' => match self.heredoc_end() {
                    Some(end) => (Kind::Text, Some(end)),
                    None => (Kind::Other, Some(start + 1)),
                },
                _ if is_word(first) => {
                    let length = self.text[start..]
                        .iter()
                        .take_while(|&&byte| is_word(byte))
                        .count();
                    (Kind::Word, Some(start + length))
                }
                _ => (Kind::Other, Some(start + 1)),
            }
        } else {
            (Kind::Unclosed, None)
        };
        let (kind, end) = match end {
            Some(end) => (kind, end),
            None => (Kind::Unclosed, self.text.len()),
        };
        self.at = end;
        Some(Token { kind, start, end })
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80
}

/// The last place of everything that stands between two neighbouring dollar signs, with these.
fn last_tags(text: &[u8]) -> HashMap<&[u8], usize> {
    let mut dollars = (0..text.len()).filter(|&at| text[at] == b'$');
    let Some(mut start) = dollars.next() else {
        return HashMap::new();
    };
    let mut last = HashMap::new();
    for end in dollars {
        last.insert(&text[start..=end], start);
        start = end;
    }
    last
}

fn find(text: &[u8], what: &[u8], from: usize) -> Option<usize> {
    let rest = text.get(from..)?;
    rest.windows(what.len())
        .position(|window| window == what)
        .map(|at| from + at)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words(text: &str) -> Vec<(Kind, &str)> {
        Lexer::new(text.as_bytes())
            .map(|token| (token.kind, &text[token.start..token.end]))
            .collect()
    }

    #[test]
    fn strings_names_and_comments_hide_their_words() {
        let found = words("a -- b\n/* c */ 'd''e\\'f' `g``h` \"i\" # j\n$x$ k $ l$x$ m");
        assert_eq!(
            found,
            [
                (Kind::Word, "a"),
                (Kind::Text, "'d''e\\'f'"),
                (Kind::Quoted, "`g``h`"),
                (Kind::Quoted, "\"i\""),
                (Kind::Text, "$x$ k $ l$x$"),
                (Kind::Word, "m"),
            ]
        );
    }

    #[test]
    fn what_does_not_end_says_so() {
        for text in ["'a", "`a", "/* a", "'a\\"] {
            assert_eq!(words(text), [(Kind::Unclosed, text)]);
        }
    }

    #[test]
    fn a_here_document_ends_at_its_own_tag() {
        assert_eq!(
            words("$a$ $b$ $a$ $b$ $c$ $$ $c$$$ x"),
            [
                (Kind::Text, "$a$ $b$ $a$"),
                (Kind::Other, "$"),
                (Kind::Word, "b$"),
                (Kind::Text, "$c$ $$ $c$"),
                (Kind::Other, "$"),
                (Kind::Other, "$"),
                (Kind::Word, "x"),
            ]
        );
        assert_eq!(words("$a$a$"), [(Kind::Other, "$"), (Kind::Word, "a$a$")]);
    }

    #[test]
    fn tags_that_nothing_closes_cost_no_search_each() {
        use std::fmt::Write as _;
        let mut text = String::new();
        let mut tags = 0;
        while text.len() < 1 << 20 {
            write!(text, "${tags:05x}$ ").unwrap();
            tags += 1;
        }
        let since = std::time::Instant::now();
        assert_eq!(Lexer::new(text.as_bytes()).count(), 2 * tags);
        // Searching the rest of the text for each takes minutes; this bound has room for a busy machine.
        assert!(since.elapsed().as_secs() < 5, "{:?}", since.elapsed());
    }

    proptest! {
        #[test]
        fn tokens_go_forward_and_stay_inside(text in proptest::collection::vec(
            prop_oneof![Just(b'\''), Just(b'"'), Just(b'\\'), Just(b'$'), Just(b'/'), Just(b'*'), Just(b'-'), Just(b'\n'), any::<u8>()], 0..80)) {
            let mut at = 0;
            for token in Lexer::new(&text) {
                prop_assert!(token.start >= at && token.end > token.start && token.end <= text.len());
                at = token.end;
            }
        }
    }
}
