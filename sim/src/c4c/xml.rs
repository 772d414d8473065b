//! A small tree for writing XML, so that nothing unescaped reaches a client.

use quick_xml::escape::escape;

/// Namespace of `m:`.
pub(super) const METADATA: &str = "http://schemas.microsoft.com/ado/2007/08/dataservices/metadata";
/// Namespace of `d:`.
pub(super) const DATA: &str = "http://schemas.microsoft.com/ado/2007/08/dataservices";
/// Namespace of Atom.
pub(super) const ATOM: &str = "http://www.w3.org/2005/Atom";

/// An element with its content.
#[derive(Debug, Clone)]
pub(super) struct Element {
    name: String,
    attributes: String,
    content: String,
}

impl Element {
    /// Empty, of that name; names are the program's own.
    pub(super) fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            attributes: String::new(),
            content: String::new(),
        }
    }

    /// With one more attribute.
    pub(super) fn attribute(mut self, name: &str, value: impl AsRef<str>) -> Self {
        let value = writable(value.as_ref());
        let value = escape(value.as_str());
        self.attributes.extend([" ", name, "=\"", &value, "\""]);
        self
    }

    /// With text at the end of its content.
    pub(super) fn text(mut self, text: &str) -> Self {
        self.content += &escape(writable(text).as_str());
        self
    }

    /// With an element at the end of its content.
    pub(super) fn child(mut self, child: Self) -> Self {
        child.write(&mut self.content);
        self
    }

    /// With elements at the end of its content.
    pub(super) fn children(self, children: impl IntoIterator<Item = Self>) -> Self {
        children.into_iter().fold(self, Self::child)
    }

    /// As a whole document.
    pub(super) fn document(self) -> String {
        let mut text = "<?xml version=\"1.0\" encoding=\"utf-8\"?>".to_owned();
        self.write(&mut text);
        text
    }

    fn write(self, into: &mut String) {
        let Self {
            name,
            attributes,
            content,
        } = self;
        if content.is_empty() {
            into.extend(["<", &name, &attributes, "/>"]);
        } else {
            into.extend(["<", &name, &attributes, ">", &content, "</", &name, ">"]);
        }
    }
}

/// Without the control characters that XML 1.0 cannot hold.
fn writable(text: &str) -> String {
    let allowed = |c: &char| !c.is_control() || ['\t', '\n', '\r', '\u{85}'].contains(c);
    text.chars().filter(allowed).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_a_customer_may_hold_is_escaped() {
        let element = Element::new("d:X")
            .attribute("a", "\"<&>'")
            .text("]]>&\u{1}<");
        assert_eq!(
            element.document(),
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\
             <d:X a=\"&quot;&lt;&amp;&gt;&apos;\">]]&gt;&amp;&lt;</d:X>"
        );
    }
}
