//! XML of strangers: bounded, never expanded, and read again from what is written.

use qiao::wechat::xml::{self, Element, Fault, MAX_DEPTH, MAX_ELEMENTS};

use crate::Target;

pub(crate) const TARGET: Target = Target {
    name: "xml",
    check,
    words: &[
        "<xml>",
        "</xml>",
        "<a>",
        "</a>",
        "<a/>",
        "<![CDATA[",
        "]]>",
        "]]]]><![CDATA[>",
        "&amp;",
        "&#x4f60;",
        "&#8;",
        "&#13;",
        "&b;",
        "<!DOCTYPE x [<!ENTITY b 'bb'>]>",
        "<!--",
        "-->",
        "<?xml version='1.0' encoding='GBK'?>",
        "\u{feff}",
        "\u{fffe}",
        "\r\n",
    ],
};

fn check(bytes: &[u8]) {
    let text = xml::decode(bytes);
    match xml::parse(&text) {
        Ok(root) => {
            assert_bounded(&root, &text);
            if has_plain_names(&root) {
                assert!(xml::parse(&written(&root)).as_ref() == Ok(&root));
            }
        }
        Err(Fault::Character) => assert!(text.contains("&#"), "decoding lets none through"),
        Err(Fault::Dtd) => assert!(text.contains("<!") || text.contains('&')),
        Err(Fault::NotXml | Fault::TooDeep | Fault::TooMany) => {}
    }
}

fn assert_bounded(root: &Element, source: &str) {
    let (mut elements, mut depth, mut letters) = (0, 0, 0);
    let mut level = vec![root];
    while !level.is_empty() {
        depth += 1;
        elements += level.len();
        letters += level.iter().map(|e| e.text.len()).sum::<usize>();
        level = level.iter().flat_map(|e| &e.children).collect();
    }
    assert!(elements <= MAX_ELEMENTS && depth <= MAX_DEPTH);
    assert!(letters <= source.len(), "something was expanded");
}

/// Whether all names are such that XML can carry them; the reader takes odder ones.
pub(crate) fn has_plain_names(element: &Element) -> bool {
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    !element.name.is_empty()
        && element.name.chars().all(is_plain)
        && element.children.iter().all(has_plain_names)
}

/// The element as another writer would write it: with references instead of CDATA.
pub(crate) fn written(element: &Element) -> String {
    let Element {
        name,
        text,
        children,
    } = element;
    // A reader makes a line end of a bare carriage return.
    let text = text
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('\r', "&#13;");
    let children: String = children.iter().map(written).collect();
    format!("<{name}>{text}{children}</{name}>")
}
