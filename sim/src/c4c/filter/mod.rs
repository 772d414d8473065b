//! `$filter` with C4C's limits (c4c.md 1.11): `eq ge le and`, `or` within one property,
//! `startswith`, `endswith`, `*` inside `eq`. Everything else is refused with 400.
//!
//! It decides over values that the caller brings; it must not know where they come from. Start at
//! [`Filter::parse`].

mod lexer;

use super::customer_type;
use super::error::Refusal;
use super::schema::{EntityType, Property};
use super::settings::IgnoreCase;
use super::value::{Edm, Value, date, guid};
use lexer::{Literal, Token};

/// A checked filter over the properties of one entity type.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Filter<'s> {
    /// All hold.
    And(Vec<Filter<'s>>),
    /// One holds; all are about the same property.
    Or(Vec<Filter<'s>>),
    /// A comparison of one property.
    Test(&'s Property, Test),
}

/// What is asked of a value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Test {
    /// `eq`; a text may hold `*`.
    Equal(Value),
    /// `ge`.
    AtLeast(Value),
    /// `le`.
    AtMost(Value),
    /// `startswith`.
    StartsWith(String),
    /// `endswith`.
    EndsWith(String),
}

/// Nesting that a filter may have; deeper ones are no client's, and would only grow the stack.
const MAX_DEPTH: usize = 32;

impl<'s> Filter<'s> {
    /// Reads and checks a filter on `kind`.
    pub(super) fn parse(text: &str, kind: &'s EntityType) -> Result<Self, Refusal> {
        let tokens = lexer::tokens(text)?;
        let mut parser = Parser {
            tokens: &tokens,
            at: 0,
            depth: 0,
            kind,
        };
        let filter = parser.alternatives()?;
        match parser.peek() {
            None => Ok(filter),
            Some(_) => Err(refused("The filter goes on where it should end")),
        }
    }

    /// Whether an entity passes; `value_of` gives its values.
    pub(super) fn matches(
        &self,
        ignore: IgnoreCase,
        value_of: &dyn Fn(&Property) -> Value,
    ) -> bool {
        match self {
            Self::And(all) => all.iter().all(|f| f.matches(ignore, value_of)),
            Self::Or(any) => any.iter().any(|f| f.matches(ignore, value_of)),
            Self::Test(property, test) => {
                test.holds(&value_of(property), ignores_case(ignore, property))
            }
        }
    }

    /// A text that a property must equal, case and all, for an entity to pass.
    pub(super) fn exact(&self, ignore: IgnoreCase) -> Option<(&str, &str)> {
        match self {
            Self::And(all) => all.iter().find_map(|part| part.exact(ignore)),
            Self::Test(property, Test::Equal(Value::Text(text)))
                if !text.contains('*') && !ignores_case(ignore, property) =>
            {
                Some((&property.source, text))
            }
            Self::Or(_) | Self::Test(..) => None,
        }
    }

    /// Adds the properties that the filter is about.
    fn properties<'f>(&'f self, into: &mut Vec<&'f str>) {
        match self {
            Self::And(parts) | Self::Or(parts) => {
                for part in parts {
                    part.properties(into);
                }
            }
            Self::Test(property, _) => into.push(&property.name),
        }
    }
}

fn ignores_case(ignore: IgnoreCase, property: &Property) -> bool {
    match ignore {
        IgnoreCase::Names => customer_type::is_name(&property.source),
        IgnoreCase::All => true,
        IgnoreCase::Never => false,
    }
}

impl Test {
    fn holds(&self, value: &Value, ignore_case: bool) -> bool {
        let fold = |text: &str| {
            if ignore_case {
                text.to_lowercase()
            } else {
                text.to_owned()
            }
        };
        match self {
            Self::Equal(Value::Text(pattern)) => like(&fold(pattern), &fold(value.as_text())),
            Self::Equal(wanted) => value == wanted,
            Self::AtLeast(bound) => {
                value
                    .partial_cmp(bound)
                    .is_some_and(std::cmp::Ordering::is_ge)
                    && *value != Value::Null
            }
            Self::AtMost(bound) => {
                value
                    .partial_cmp(bound)
                    .is_some_and(std::cmp::Ordering::is_le)
                    && *value != Value::Null
            }
            Self::StartsWith(text) => fold(value.as_text()).starts_with(&fold(text)),
            Self::EndsWith(text) => fold(value.as_text()).ends_with(&fold(text)),
        }
    }
}

/// Whether `text` fits `pattern`, in which `*` stands for anything.
fn like(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(mut left) = text.strip_prefix(head) else {
        return false;
    };
    let mut pieces: Vec<&str> = rest.split('*').collect();
    let tail = pieces.pop().unwrap_or_default();
    for piece in pieces {
        match left.find(piece) {
            Some(at) => left = &left[at + piece.len()..],
            None => return false,
        }
    }
    left.ends_with(tail)
}

fn refused(message: &str) -> Refusal {
    Refusal::new(400, message)
}

struct Parser<'t, 's> {
    tokens: &'t [Token],
    at: usize,
    depth: usize,
    kind: &'s EntityType,
}

impl<'t, 's> Parser<'t, 's> {
    fn peek(&self) -> Option<&'t Token> {
        self.tokens.get(self.at)
    }

    fn next(&mut self) -> Option<&'t Token> {
        let token = self.peek();
        self.at += 1;
        token
    }

    /// Takes the keyword if it comes next.
    fn word(&mut self, keyword: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Word(word)) if word == keyword);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, token: &Token) -> Result<(), Refusal> {
        match self.next() {
            Some(next) if next == token => Ok(()),
            _ => Err(refused("Syntax error in the filter")),
        }
    }

    /// `or` binds weaker than `and`, and stays within one property.
    fn alternatives(&mut self) -> Result<Filter<'s>, Refusal> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(refused("The filter is nested too deeply"));
        }
        let mut any = vec![self.conjunction()?];
        while self.word("or") {
            any.push(self.conjunction()?);
        }
        self.depth -= 1;
        let filter = match any.len() {
            1 => any.remove(0),
            _ => Filter::Or(any),
        };
        if matches!(filter, Filter::Or(_)) {
            let mut properties = Vec::new();
            filter.properties(&mut properties);
            if properties.iter().any(|name| *name != properties[0]) {
                return Err(refused(
                    "The operator 'or' is supported on one and the same property only",
                ));
            }
        }
        Ok(filter)
    }

    fn conjunction(&mut self) -> Result<Filter<'s>, Refusal> {
        let mut all = vec![self.term()?];
        while self.word("and") {
            all.push(self.term()?);
        }
        Ok(match all.len() {
            1 => all.remove(0),
            _ => Filter::And(all),
        })
    }

    fn term(&mut self) -> Result<Filter<'s>, Refusal> {
        match self.next() {
            Some(Token::Open) => {
                let inner = self.alternatives()?;
                self.expect(&Token::Close)?;
                Ok(inner)
            }
            Some(Token::Word(word)) if self.peek() == Some(&Token::Open) => self.function(word),
            Some(Token::Word(word)) => self.comparison(word),
            _ => Err(refused("The filter must start with a property")),
        }
    }

    fn function(&mut self, name: &str) -> Result<Filter<'s>, Refusal> {
        let affix = match name {
            "startswith" => Test::StartsWith,
            "endswith" => Test::EndsWith,
            other => {
                let message = format!("Function '{other}' is not supported in $filter");
                return Err(refused(&message));
            }
        };
        self.expect(&Token::Open)?;
        let Some(Token::Word(property)) = self.next() else {
            return Err(refused("The first argument must be a property"));
        };
        let property = self.property(property)?;
        self.expect(&Token::Comma)?;
        let Some(Token::Literal(Literal::Text(text))) = self.next() else {
            return Err(refused("The second argument must be a string"));
        };
        self.expect(&Token::Close)?;
        if property.edm != Edm::Text {
            return Err(refused("String functions need a string property"));
        }
        Ok(Filter::Test(property, affix(text.clone())))
    }

    fn comparison(&mut self, property: &str) -> Result<Filter<'s>, Refusal> {
        let property = self.property(property)?;
        let Some(Token::Word(operator)) = self.next() else {
            return Err(refused("An operator is missing in the filter"));
        };
        let test = match operator.as_str() {
            "eq" => Test::Equal,
            "ge" => Test::AtLeast,
            "le" => Test::AtMost,
            other => {
                let message = format!("Operator '{other}' is not supported in $filter");
                return Err(refused(&message));
            }
        };
        let Some(Token::Literal(literal)) = self.next() else {
            return Err(refused("A literal is missing in the filter"));
        };
        Ok(Filter::Test(property, test(typed(property, literal)?)))
    }

    fn property(&self, name: &str) -> Result<&'s Property, Refusal> {
        let Some(property) = self.kind.property(name) else {
            return Err(Refusal::unknown_property(name));
        };
        if property.filterable {
            return Ok(property);
        }
        let message = format!("Property '{name}' is not filterable");
        Err(refused(&message))
    }
}

/// The literal as a value of the property's type.
fn typed(property: &Property, literal: &Literal) -> Result<Value, Refusal> {
    let value = match (property.edm, literal) {
        (Edm::Text, Literal::Text(text)) => Some(Value::text(text)),
        (Edm::Flag, Literal::Flag(flag)) => Some(Value::Flag(*flag)),
        (Edm::Guid, Literal::Prefixed(prefix, text)) if prefix == "guid" => guid(text),
        (Edm::Instant, Literal::Prefixed(prefix, text)) if prefix == "datetimeoffset" => {
            // Without an offset it is no DateTimeOffset.
            text.parse().ok().map(Value::Instant)
        }
        (Edm::Date, Literal::Prefixed(prefix, text)) if prefix == "datetime" => date(text),
        _ => None,
    };
    let message = format!("The literal does not fit property '{}'", property.name);
    value.ok_or_else(|| refused(&message))
}

#[cfg(test)]
mod tests;
