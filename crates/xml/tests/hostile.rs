//! Documents that were written to do harm.

#![allow(clippy::unwrap_used, reason = "what cannot be read is a failure")]

use shevek_xml::{Document, Reading};

fn wrong(text: &str) -> String {
    Document::read(text.as_bytes(), Reading::default()).unwrap_err().to_string()
}

#[test]
fn elements_of_entities_stand_no_deeper_than_others() {
    let (start, end) = ("<x>".repeat(100), "</x>".repeat(100));
    let mut text = "<!DOCTYPE r [".to_owned();
    for at in 0..30 {
        text += &format!("<!ENTITY e{at} \"{start}&e{};{end}\">", at + 1);
    }
    text += "<!ENTITY e30 \"end\">]><r>&e0;</r>";
    let said = wrong(&text);
    assert!(said.contains("Excessive depth"), "{said}");
}

#[test]
fn entities_do_not_make_a_small_document_large() {
    let mut text = format!("<!DOCTYPE r [<!ENTITY e0 \"{}\">", "<a/>".repeat(100));
    for at in 1..8 {
        text += &format!("<!ENTITY e{at} \"{}\">", format!("&e{};", at - 1).repeat(10));
    }
    let said = wrong(&format!("{text}]><r>&e7;</r>"));
    assert!(said.contains("amplification"), "{said}");
    let said = wrong(&format!("{text}]><r b=\"&e7;\"/>").replace("<a/>", "aaaa"));
    assert!(said.contains("amplification"), "{said}");
    assert!(Document::read(format!("{text}]><r>&e2;</r>").as_bytes(), Reading::default()).is_ok());
}

/// Were all read again for each element or attribute, this would take minutes.
#[test]
fn a_long_document_takes_no_longer_than_it_is() {
    let lines = "<element/>\n".repeat(100_000);
    assert!(Document::read(format!("<r>{lines}</r>").as_bytes(), Reading::default()).is_ok());
    let attributes: String = (0..100_000).map(|at| format!(" attribute{at}='1'")).collect();
    assert!(Document::read(format!("<r{attributes}/>").as_bytes(), Reading::default()).is_ok());
}
