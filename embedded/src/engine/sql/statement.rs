//! What kind of statement a text is, and the places in it that the adapter needs.

use super::lexer::{Kind, Lexer, Token};
use crate::engine::exception::Exception;

/// A statement, cut where the adapter needs it cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Statement<'a> {
    /// A SELECT, whose result is streamed.
    Select {
        /// The statement without FORMAT and what follows it.
        text: &'a [u8],
        /// The format that it names.
        format: Option<&'a [u8]>,
        /// A SETTINGS clause that followed FORMAT.
        settings: &'a [u8],
    },
    /// An INSERT whose data follows its text.
    Insert {
        /// The statement without FORMAT, VALUES and data.
        text: &'a [u8],
        /// The format of the data.
        format: &'a [u8],
        /// Where in the scanned text the data starts.
        data: usize,
    },
    /// Anything else: run as it stands, its result kept in memory.
    Other {
        /// The statement.
        text: &'a [u8],
        /// The format that it names.
        format: Option<&'a [u8]>,
    },
}

/// What a scan came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Scan<'a> {
    /// The statement is known.
    Known(Statement<'a>),
    /// The text was cut off before the statement could be known.
    NeedMore,
}

/// Words after which an expression must still come, so that a `FORMAT` there is a name.
const OPENERS: &[&str] = &[
    "ALL",
    "AND",
    "ANY",
    "AS",
    "ASOF",
    "BETWEEN",
    "BY",
    "CASE",
    "CROSS",
    "DISTINCT",
    "ELSE",
    "EXCEPT",
    "EXISTS",
    "FROM",
    "FULL",
    "FUNCTION",
    "GLOBAL",
    "HAVING",
    "ILIKE",
    "IN",
    "INNER",
    "INTERSECT",
    "INTERVAL",
    "INTO",
    "IS",
    "JOIN",
    "LEFT",
    "LIKE",
    "LIMIT",
    "NOT",
    "OFFSET",
    "ON",
    "OR",
    "OUTER",
    "PREWHERE",
    "QUALIFY",
    "RIGHT",
    "SELECT",
    "TABLE",
    "THEN",
    "UNION",
    "USING",
    "WHEN",
    "WHERE",
    "WINDOW",
    "WITH",
];

/// Finds out what `text` is. `complete` says that nothing of the request follows it; else the text
/// is the first piece of a longer one, which only an INSERT with data may be.
pub(crate) fn scan(text: &[u8], complete: bool) -> Result<Scan<'_>, Exception> {
    let mut tokens = Vec::new();
    let mut depth = 0_i64;
    let mut shape = Shape::Unknown;
    let mut lexer = Lexer::new(text);
    for token in lexer.by_ref() {
        // A token that touches the end of a piece may go on in the next one.
        if !complete && token.end == text.len() && !matches!(token.kind, Kind::Open | Kind::Close) {
            return Ok(Scan::NeedMore);
        }
        let word = Word::new(text, token, tokens.last().copied());
        match shape {
            Shape::Unknown => shape = Shape::of(&word, depth, &tokens, text),
            Shape::With if depth == 0 && word.is("SELECT") => shape = Shape::Select,
            Shape::With if depth == 0 && word.is("INSERT") => shape = Shape::Other,
            Shape::Insert => {
                if word.follows(text, "FROM") && word.is("INFILE") {
                    return Err(Exception::unknown_type_of_query(
                        "FROM INFILE is for a command-line client: it reads a file of the client; send the data in the body",
                    ));
                }
                if depth == 0 && word.is_keyword("VALUES", text) {
                    return Ok(insert(text, token.start, b"Values", token.end));
                }
                if depth == 0 && word.is_keyword("FORMAT", text) {
                    return insert_with_format(text, token, lexer.next(), complete);
                }
                if word.is("SELECT")
                    || (word.is("WITH") && depth <= 1)
                    || (depth == 0 && word.is("WATCH"))
                {
                    shape = Shape::InsertSelect;
                }
            }
            Shape::InsertSelect
                if word.is("input")
                    && text[token.end..].trim_ascii_start().first() == Some(&b'(') =>
            {
                return Err(Exception::not_implemented(
                    "INSERT … SELECT FROM input() is not supported by the embedded ClickHouse; insert into the table itself",
                ));
            }
            Shape::With | Shape::InsertSelect | Shape::Select | Shape::Other => {}
        }
        if word.follows(text, "INTO") && word.is("OUTFILE") {
            return Err(Exception::into_outfile_not_allowed(
                "INTO OUTFILE is not allowed",
            ));
        }
        match token.kind {
            Kind::Open => depth += 1,
            Kind::Close => depth -= 1,
            Kind::Word
            | Kind::Quoted
            | Kind::Text
            | Kind::Semicolon
            | Kind::Other
            | Kind::Unclosed => {}
        }
        tokens.push(token);
    }
    if !complete {
        return Ok(Scan::NeedMore);
    }
    let tokens = one_statement(&tokens)?;
    Ok(Scan::Known(whole(text, tokens, shape)))
}

/// What the first words say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Unknown,
    Select,
    With,
    Insert,
    InsertSelect,
    Other,
}

impl Shape {
    fn of(word: &Word<'_>, depth: i64, before: &[Token], text: &[u8]) -> Self {
        if word.token.kind == Kind::Open && text[word.token.start] == b'(' {
            return Self::Unknown;
        }
        if word.is("SELECT") || word.is("FROM") {
            return Self::Select;
        }
        // The main word of `(WITH … SELECT …)` stands inside the parentheses, and can be no INSERT.
        if word.is("WITH") {
            return if depth > 0 { Self::Select } else { Self::With };
        }
        if word.is("INSERT") && before.is_empty() {
            return Self::Insert;
        }
        Self::Other
    }
}

/// A token as a word, with the one before it.
struct Word<'a> {
    token: Token,
    bytes: &'a [u8],
    previous: Option<Token>,
}

impl<'a> Word<'a> {
    fn new(text: &'a [u8], token: Token, previous: Option<Token>) -> Self {
        Self {
            token,
            bytes: &text[token.start..token.end],
            previous,
        }
    }

    fn is(&self, keyword: &str) -> bool {
        self.token.kind == Kind::Word && self.bytes.eq_ignore_ascii_case(keyword.as_bytes())
    }

    fn follows(&self, text: &[u8], keyword: &str) -> bool {
        self.previous.is_some_and(|previous| {
            previous.kind == Kind::Word
                && text[previous.start..previous.end].eq_ignore_ascii_case(keyword.as_bytes())
        })
    }

    /// Whether this is the keyword itself rather than a name that reads like it: something that can
    /// end an expression or a table must stand before it.
    fn is_keyword(&self, keyword: &str, text: &[u8]) -> bool {
        self.is(keyword)
            && self.previous.is_some_and(|previous| match previous.kind {
                Kind::Word => !OPENERS.iter().any(|opener| self.follows(text, opener)),
                Kind::Quoted | Kind::Text | Kind::Close => true,
                Kind::Other => text[previous.start] == b'*',
                Kind::Open | Kind::Semicolon | Kind::Unclosed => false,
            })
    }
}

fn insert<'a>(text: &'a [u8], end: usize, format: &'a [u8], data: usize) -> Scan<'a> {
    Scan::Known(Statement::Insert {
        text: text[..end].trim_ascii(),
        format,
        data,
    })
}

/// The data of `INSERT … FORMAT X` starts after the blanks that follow the format's name and one
/// line end, as ClickHouse's parser has it.
fn insert_with_format<'a>(
    text: &'a [u8],
    keyword: Token,
    name: Option<Token>,
    complete: bool,
) -> Result<Scan<'a>, Exception> {
    let Some(name) = name.filter(|name| complete || name.end < text.len()) else {
        return match complete {
            true => Err(Exception::syntax_error(
                "Syntax error: FORMAT is not followed by the name of a format",
            )),
            false => Ok(Scan::NeedMore),
        };
    };
    if name.kind != Kind::Word {
        return Err(Exception::syntax_error(
            "Syntax error: FORMAT is not followed by the name of a format",
        ));
    }
    let mut data = name.end;
    let byte = |at: usize| text.get(at).copied();
    while matches!(byte(data), Some(b' ' | b'\t' | 0x0c)) {
        data += 1;
    }
    match byte(data) {
        None if !complete => return Ok(Scan::NeedMore),
        Some(b'\r') if byte(data + 1).is_none() && !complete => return Ok(Scan::NeedMore),
        Some(b'\r') if byte(data + 1) == Some(b'\n') => data += 2,
        Some(b'\n') => data += 1,
        Some(b';') => {
            return Err(Exception::syntax_error(
                "You have excessive ';' symbol before data for INSERT: data starts right after the name of the format",
            ));
        }
        None | Some(_) => {}
    }
    Ok(insert(
        text,
        keyword.start,
        &text[name.start..name.end],
        data,
    ))
}

/// Cuts trailing semicolons, and refuses a second statement.
fn one_statement(tokens: &[Token]) -> Result<&[Token], Exception> {
    let end = tokens
        .iter()
        .position(|token| token.kind == Kind::Semicolon)
        .unwrap_or(tokens.len());
    let (first, rest) = tokens.split_at(end);
    if rest.iter().any(|token| token.kind != Kind::Semicolon) {
        return Err(Exception::syntax_error(
            "Syntax error: Multi-statements are not allowed",
        ));
    }
    if first.is_empty() {
        return Err(Exception::syntax_error("Syntax error: Empty query"));
    }
    Ok(first)
}

/// The statement that a whole text holds, with its FORMAT clause found from the end.
fn whole<'a>(text: &'a [u8], tokens: &[Token], shape: Shape) -> Statement<'a> {
    let end = tokens.last().map_or(0, |last| last.end);
    let clause = format_clause(text, tokens);
    let format = clause.map(|(_, name)| &text[name.start..name.end]);
    // The other statement of a WITH that never came to its SELECT is for the engine to refuse.
    if shape != Shape::Select {
        return Statement::Other {
            text: &text[..end],
            format,
        };
    }
    match clause {
        Some((keyword, name)) => Statement::Select {
            text: &text[..keyword.start],
            format,
            settings: text[name.end..end].trim_ascii(),
        },
        None => Statement::Select {
            text: &text[..end],
            format,
            settings: b"",
        },
    }
}

/// The last `FORMAT name` outside parentheses, with nothing but SETTINGS after it.
fn format_clause(text: &[u8], tokens: &[Token]) -> Option<(Token, Token)> {
    let mut depth = 0_i64;
    let mut found = None;
    for (at, &token) in tokens.iter().enumerate() {
        match token.kind {
            Kind::Open => depth += 1,
            Kind::Close => depth -= 1,
            Kind::Word if depth == 0 => {
                let previous = at.checked_sub(1).map(|before| tokens[before]);
                if Word::new(text, token, previous).is_keyword("FORMAT", text)
                    && let Some(&name) = tokens.get(at + 1)
                    && name.kind == Kind::Word
                    && tokens
                        .get(at + 2)
                        .is_none_or(|&after| Word::new(text, after, Some(name)).is("SETTINGS"))
                {
                    found = Some((token, name));
                }
            }
            Kind::Word
            | Kind::Quoted
            | Kind::Text
            | Kind::Semicolon
            | Kind::Other
            | Kind::Unclosed => {}
        }
    }
    found
}

#[cfg(test)]
mod tests;
