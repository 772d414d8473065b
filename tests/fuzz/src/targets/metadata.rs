//! `$metadata`: whatever comes is read or refused, within bounds; what is read can be written and read
//! again.

use std::fmt::Write as _;

use qiao::c4c::Metadata;

use crate::Target;
use crate::told::assert_fit;

pub(crate) const TARGET: Target = Target {
    name: "metadata",
    check,
    words: &[
        "<Schema Namespace=\"cust\">",
        "</Schema>",
        "<EntityType Name=\"A\">",
        "</EntityType>",
        "<Property Name=\"P\" sap:filterable=\"false\"/>",
        "<EntitySet Name=\"ACollection\" EntityType=\"cust.A\"/>",
        "<!DOCTYPE x [<!ENTITY a \"b\">]>",
        "<![CDATA[",
        "&lt;",
        "&#x0;",
        "hunter2-do-not-show",
    ],
};

fn check(bytes: &[u8]) {
    let read = match Metadata::parse(bytes) {
        Ok(read) => read,
        Err(fault) => return assert_fit(&fault.to_string()),
    };
    assert_eq!(Metadata::parse(written(&read).as_bytes()), Ok(read));
}

/// The same as a document: a type a set.
fn written(metadata: &Metadata) -> String {
    let (mut types, mut sets) = (String::new(), String::new());
    for (at, set) in metadata.sets().enumerate() {
        let mut properties = String::new();
        for (name, property) in metadata.properties(set).expect("it is listed") {
            write!(
                properties,
                "<Property Name={} sap:creatable=\"{}\" sap:updatable=\"{}\" sap:filterable=\"{}\"/>",
                quoted(name),
                property.creatable,
                property.updatable,
                property.filterable
            )
            .expect("to memory");
        }
        write!(
            types,
            "<EntityType Name=\"T{at}\">{properties}</EntityType>"
        )
        .expect("to memory");
        let set = quoted(set);
        write!(sets, "<EntitySet Name={set} EntityType=\"s.T{at}\"/>").expect("to memory");
    }
    format!("<Schema Namespace=\"s\">{types}{sets}</Schema>")
}

/// Values are kept as they stood, so only the other quote can be in them.
fn quoted(value: &str) -> String {
    let quote = if value.contains('"') { '\'' } else { '"' };
    format!("{quote}{value}{quote}")
}
