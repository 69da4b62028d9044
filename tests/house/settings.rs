//! Settings: each is followed by something, or says that nothing follows it.

use super::sources;

#[test]
fn every_setting_is_followed_or_listed_as_ineffective() {
    let (mut table, mut listed, mut others) = (String::new(), String::new(), String::new());
    for source in sources(".rs") {
        match source.path.to_str() {
            Some("src/settings/table.rs") => table = source.text,
            Some("src/settings/ineffective.rs") => listed = source.text,
            Some(path) if path.starts_with("src/settings/") || !path.starts_with("src/") => {}
            _ => others.extend(source.production().flat_map(|(_, line)| [line, "\n"])),
        }
    }
    let rows = table.lines().filter_map(|line| {
        let (field, rest) = line.trim().split_once(": ")?;
        let name = rest.split_once(" = \"")?.1.split('"').next()?;
        rest.contains("env [").then(|| (field.to_owned(), name.to_owned()))
    });
    let rows: Vec<_> = rows.collect();
    assert!(rows.len() > 100, "the table is not read any more: {}", rows.len());
    let mut wrong = Vec::new();
    for (field, name) in rows {
        let word = |text: &str| text.starts_with(|c: char| c.is_alphanumeric() || c == '_');
        let followed = others.split(&format!(".{field}")).skip(1).any(|after| !word(after))
            || others.contains(&format!("setting(\"{name}\")"));
        if followed == listed.contains(&format!("\"{name}\"")) {
            wrong.push(if followed {
                format!("{name} is followed")
            } else {
                format!("{name} has no effect")
            });
        }
    }
    assert!(wrong.is_empty(), "see src/settings/ineffective.rs: {}", wrong.join(", "));
}
