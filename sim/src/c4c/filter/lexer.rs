//! The words of a `$filter`.

use super::super::error::Refusal;
use super::refused;

/// One word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    Open,
    Close,
    Comma,
    /// A property, an operator or a function.
    Word(String),
    Literal(Literal),
}

/// A literal, not yet of a type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Literal {
    /// `'…'`, with `''` for a quote.
    Text(String),
    Flag(bool),
    /// `datetimeoffset'…'`, `datetime'…'`, `guid'…'`, `time'…'`.
    Prefixed(String, String),
    /// No property of a customer takes a number, but the words must be told apart.
    Number,
}

/// Cuts the filter into words.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, Refusal> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, after) = match first {
            '(' => (Token::Open, &rest[1..]),
            ')' => (Token::Close, &rest[1..]),
            ',' => (Token::Comma, &rest[1..]),
            '\'' => {
                let (text, after) = quoted(rest)?;
                (Token::Literal(Literal::Text(text)), after)
            }
            c if c.is_ascii_digit() || c == '-' => {
                let end = rest.find([' ', ')', ',']).unwrap_or(rest.len());
                (Token::Literal(Literal::Number), &rest[end..])
            }
            c if c.is_ascii_alphabetic() || c == '_' => word(rest)?,
            _ => return Err(refused("Unexpected character in the filter")),
        };
        tokens.push(token);
        rest = after.trim_start();
    }
    Ok(tokens)
}

fn word(rest: &str) -> Result<(Token, &str), Refusal> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '/';
    let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
    let (word, after) = rest.split_at(end);
    if after.starts_with('\'') {
        let (text, after) = quoted(after)?;
        let literal = Literal::Prefixed(word.to_owned(), text);
        return Ok((Token::Literal(literal), after));
    }
    let token = match word {
        "true" => Token::Literal(Literal::Flag(true)),
        "false" => Token::Literal(Literal::Flag(false)),
        _ => Token::Word(word.to_owned()),
    };
    Ok((token, after))
}

/// The text from the opening quote to the closing one, and what follows.
fn quoted(rest: &str) -> Result<(String, &str), Refusal> {
    let mut text = String::new();
    let mut rest = &rest[1..];
    loop {
        let Some(end) = rest.find('\'') else {
            return Err(refused("A quote is not closed in the filter"));
        };
        text.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        match rest.strip_prefix('\'') {
            Some(after) => {
                text.push('\'');
                rest = after;
            }
            None => return Ok((text, rest)),
        }
    }
}
