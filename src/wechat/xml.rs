//! The XML of pushes: read into a small tree, written as CDATA fields.
//!
//! Whoever can reach the port can post here before any signature is checked, so the reader
//! expands nothing, follows nothing and bounds depth and number of elements; the size of the body
//! is bounded by the HTTP server.

use std::borrow::Cow;
use std::fmt;

use quick_xml::Reader;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesRef, Event};

/// The deepest known push (MASSSENDJOBFINISH) has 5 levels.
pub const MAX_DEPTH: usize = 16;

/// The largest known push, a mass-send result over 8 articles, has about 100 elements.
pub const MAX_ELEMENTS: usize = 1_000;

/// One element; attributes and comments are dropped, WeChat uses none. Texts are borrowed
/// from the document wherever they stand there as they are.
#[derive(Clone, PartialEq, Eq)]
pub struct Element<'d> {
    /// The name as it stood.
    pub name: String,
    /// All text and CDATA directly in it, joined, references resolved.
    pub text: Cow<'d, str>,
    /// The elements directly in it, in order.
    pub children: Vec<Element<'d>>,
}

impl fmt::Debug for Element<'_> {
    /// The name only: text may be somebody's message.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Element({}, {} inside)", self.name, self.children.len())
    }
}

/// Why a body is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Not one well-formed element in UTF-8.
    #[error("the body is not well-formed XML in UTF-8")]
    NotXml,
    /// A document type, or an entity that only one could declare.
    #[error("the body has a document type or an entity, which are never expanded")]
    Dtd,
    /// Nested beyond [`MAX_DEPTH`].
    #[error("the body is nested deeper than {MAX_DEPTH} elements")]
    TooDeep,
    /// More than [`MAX_ELEMENTS`].
    #[error("the body has more than {MAX_ELEMENTS} elements")]
    TooMany,
    /// A character that XML 1.0 forbids, written out or as a reference.
    #[error("the body has a character that XML forbids")]
    Character,
}

impl Element<'_> {
    fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            text: Cow::Borrowed(""),
            children: Vec::new(),
        }
    }

    /// The first child of that name in any case: `MsgId` and `MsgID` both occur.
    pub fn child(&self, name: &str) -> Option<&Self> {
        self.children
            .iter()
            .find(|child| child.name.eq_ignore_ascii_case(name))
    }

    /// All children of that name in any case.
    pub fn children_named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children
            .iter()
            .filter(move |child| child.name.eq_ignore_ascii_case(name))
    }

    /// The child's text as it stood; empty if there is none.
    pub fn text_of(&self, name: &str) -> &str {
        self.child(name).map_or("", |child| &*child.text)
    }

    /// The child's text without surrounding white space, for ids and numbers; `None` if empty.
    pub fn word(&self, name: &str) -> Option<&str> {
        Some(self.text_of(name).trim()).filter(|word| !word.is_empty())
    }

    /// The child's text as a number.
    pub fn number(&self, name: &str) -> Option<i64> {
        self.word(name)?.parse().ok()
    }
}

/// The bytes as text, without a byte order mark. What is no UTF-8, and characters that XML
/// forbids, become U+FFFD: a follower's client may send them, and a refused push is lost.
pub fn decode(body: &[u8]) -> String {
    // The usual case first: the lossy reading takes twice as long.
    let text = std::str::from_utf8(body).map_or_else(
        |_| String::from_utf8_lossy(body),
        std::borrow::Cow::Borrowed,
    );
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    if all_allowed(text) {
        return text.to_owned();
    }
    let instead = |c| {
        if is_allowed(c) {
            c
        } else {
            char::REPLACEMENT_CHARACTER
        }
    };
    text.chars().map(instead).collect()
}

/// Reads one document: an element, and around it nothing but white space and comments.
pub fn parse(text: &str) -> Result<Element<'_>, Fault> {
    if !all_allowed(text) {
        return Err(Fault::Character);
    }
    let mut reader = Reader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    let mut tree = Tree::default();
    loop {
        match reader.read_event().map_err(|_| Fault::NotXml)? {
            Event::Start(tag) => tree.open(tag.name().as_ref())?,
            Event::End(_) => tree.close()?,
            Event::Text(text) => tree.write(text.xml10_content())?,
            Event::CData(text) => tree.write(text.xml10_content())?,
            Event::GeneralRef(reference) => tree.write(resolve(&reference)?.into())?,
            Event::DocType(_) => return Err(Fault::Dtd),
            Event::Eof => return tree.finish(),
            Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
        }
    }
}

/// The tree while it is read: no recursion, so depth costs no stack.
#[derive(Default)]
struct Tree<'d> {
    open: Vec<Element<'d>>,
    root: Option<Element<'d>>,
    count: usize,
}

impl<'d> Tree<'d> {
    fn open(&mut self, name: &str) -> Result<(), Fault> {
        self.count += 1;
        if self.count > MAX_ELEMENTS {
            return Err(Fault::TooMany);
        }
        if self.open.len() == MAX_DEPTH {
            return Err(Fault::TooDeep);
        }
        if self.root.is_some() {
            return Err(Fault::NotXml);
        }
        self.open.push(Element::named(name));
        Ok(())
    }

    fn close(&mut self) -> Result<(), Fault> {
        let element = self.open.pop().ok_or(Fault::NotXml)?;
        match self.open.last_mut() {
            Some(parent) => parent.children.push(element),
            None => self.root = Some(element),
        }
        Ok(())
    }

    fn write(&mut self, text: Cow<'d, str>) -> Result<(), Fault> {
        match self.open.last_mut() {
            Some(element) if element.text.is_empty() => element.text = text,
            Some(element) => element.text.to_mut().push_str(&text),
            None if text.trim().is_empty() => {}
            None => return Err(Fault::NotXml),
        }
        Ok(())
    }

    fn finish(self) -> Result<Element<'d>, Fault> {
        match self.root {
            Some(root) if self.open.is_empty() => Ok(root),
            _ => Err(Fault::NotXml),
        }
    }
}

/// A character reference or one of the five entities that need no declaration.
fn resolve(reference: &BytesRef<'_>) -> Result<String, Fault> {
    match reference.resolve_char_ref() {
        Ok(Some(character)) if is_allowed(character) => Ok(character.to_string()),
        Ok(Some(_)) | Err(_) => Err(Fault::Character),
        Ok(None) => resolve_xml_entity(reference)
            .map(str::to_owned)
            .ok_or(Fault::Dtd),
    }
}

/// The characters of XML 1.0, section 2.2.
pub(super) fn is_allowed(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..)
}

/// Whether `text` has only such characters. Only a control character, or one of U+FFC0 and beyond, may
/// be another, so most texts need no look at their characters.
#[expect(
    clippy::needless_bitwise_bool,
    reason = "without an early end and without a branch the compiler looks at many bytes at once"
)]
fn all_allowed(text: &str) -> bool {
    let bytes = text.as_bytes();
    let is_control = |byte: &u8| (*byte < b' ') & (*byte != b'\n');
    let is_beyond = |(first, second): (&u8, &u8)| (*first == 0xef) & (*second == 0xbf);
    let pairs = bytes.iter().zip(bytes.get(1..).unwrap_or_default());
    let controls = bytes.iter().fold(false, |any, byte| any | is_control(byte));
    let is_doubtful = controls | pairs.fold(false, |any, pair| any | is_beyond(pair));
    !is_doubtful || text.chars().all(is_allowed)
}

/// `<name><![CDATA[text]]></name>`, whatever stands in `text`; forbidden characters are left out.
pub(super) fn cdata(name: &str, text: &str) -> String {
    let text: String = text.chars().filter(|c| is_allowed(*c)).collect();
    // The end mark cannot stand inside one section, so it is spread over two.
    let text = text.replace("]]>", "]]]]><![CDATA[>");
    format!("<{name}><![CDATA[{text}]]></{name}>")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn fields_are_found_in_any_case_and_their_text_is_faithful() {
        let root =
            parse("<?xml version='1.0'?>\n<xml><MsgID>\n 7 </MsgID><C><![CDATA[ <a>&amp; ]]></C><E/><D>a&lt;&#x4f60;</D></xml>\n")
                .unwrap();
        assert_eq!(root.number("msgid"), Some(7));
        assert_eq!(root.text_of("C"), " <a>&amp; ");
        assert_eq!(root.text_of("D"), "a<你");
        assert_eq!(root.word("E"), None);
        assert_eq!(root.text_of("absent"), "");
    }

    #[test]
    fn a_byte_order_mark_is_dropped() {
        assert_eq!(decode("\u{feff}<xml/>".as_bytes()), "<xml/>");
    }

    #[test]
    fn what_is_no_single_element_is_refused() {
        for wrong in [
            "",
            "hello",
            "{}",
            "<a>",
            "<a></b>",
            "</a>",
            "<a/><b/>",
            "<a/>x",
            "<a>&amp</a>",
        ] {
            assert_eq!(parse(wrong), Err(Fault::NotXml), "{wrong}");
        }
    }

    #[test]
    fn nothing_is_expanded() {
        let bomb = "<!DOCTYPE x [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;'>]><x>&b;</x>";
        let file = "<!DOCTYPE x SYSTEM 'file:///etc/passwd'><x/>";
        for wrong in [bomb, file, "<x>&b;</x>"] {
            assert_eq!(parse(wrong), Err(Fault::Dtd), "{wrong}");
        }
    }

    #[test]
    fn depth_and_number_of_elements_are_bounded() {
        let nested = |n: usize| format!("{}{}", "<a>".repeat(n), "</a>".repeat(n));
        assert!(parse(&nested(MAX_DEPTH)).is_ok());
        assert_eq!(parse(&nested(MAX_DEPTH + 1)), Err(Fault::TooDeep));
        let flat = |n: usize| format!("<x>{}</x>", "<a/>".repeat(n - 1));
        assert!(parse(&flat(MAX_ELEMENTS)).is_ok());
        assert_eq!(parse(&flat(MAX_ELEMENTS + 1)), Err(Fault::TooMany));
    }

    #[test]
    fn a_forbidden_character_in_a_push_costs_the_character_and_not_the_push() {
        let text = decode(b"<x>a\x08b\xff</x>");
        let root = parse(&text).unwrap();
        assert_eq!(root.text, "a\u{fffd}b\u{fffd}");
    }

    #[test]
    fn forbidden_characters_are_refused_by_the_parser_however_they_are_written() {
        for wrong in [
            "<x>\0</x>",
            "<x>\u{8}</x>",
            "<x>&#0;</x>",
            "<x>&#8;</x>",
            "<x>&#xd800;</x>",
        ] {
            assert_eq!(parse(wrong), Err(Fault::Character), "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = parse(&decode(&bytes));
        }

        #[test]
        fn no_soup_of_markup_makes_it_panic(
            soup in "(<[/!?]?a{0,2}>?|<!\\[CDATA\\[|\\]\\]>|&#?[a-z0-9]{0,3};?|[ \u{8}你]|-->){0,40}"
        ) {
            let _ = parse(&soup);
        }

        #[test]
        fn what_is_written_is_read_back(text in "([^\r]|\\]\\]>){0,80}") {
            let document = format!("<xml>{}</xml>", cdata("Content", &text));
            let root = parse(&document).unwrap();
            let kept: String = text.chars().filter(|c| is_allowed(*c)).collect();
            prop_assert_eq!(root.text_of("Content"), kept);
        }
    }
}
