//! A module's page as Markdown: what docs/modules is made of.

use std::fmt::Write;

use shevek_kit::schema::Opt;

use super::{Documented, check_mode, facts};

/// The page.
pub(super) fn page(module: Documented) -> String {
    let schema = module.schema;
    let mut out = format!("# {}\n\n{}\n", schema.full_name(), module.page.summary());
    let description = module.page.description();
    if !description.is_empty() {
        let _ = write!(out, "\n{}\n", description.trim_end());
    }
    let _ = writeln!(out, "\nIn check mode it {}.", check_mode(schema.nature));
    if !schema.aliases.is_empty() {
        let _ = writeln!(out, "\nAlso known as {}.", schema.aliases.join(", "));
    }
    if !schema.options().is_empty() {
        out.push_str("\n## Options\n\n");
        for option in schema.options() {
            item(option, 0, &mut out);
        }
    }
    let examples = module.page.examples();
    if !examples.is_empty() {
        out.push_str("\n## Examples\n");
        for example in examples {
            let _ = write!(out, "\n```yaml\n{}\n```\n", example.trim_end());
        }
    }
    out
}

/// One option, and those within it.
fn item(option: &Opt, depth: usize, out: &mut String) {
    let margin = depth * 2;
    let required = if option.required { ", required" } else { "" };
    let doc = option.doc.split_whitespace().collect::<Vec<_>>().join(" ");
    let _ =
        writeln!(out, "{:margin$}- **{}** ({}{required}): {doc}", "", option.name, facts(option).join("; "));
    for inner in option.kind.suboptions().into_iter().flatten() {
        item(inner, depth + 1, out);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::verbs::doc::all;

    /// `SHEVEK_UPDATE=1` writes them again.
    #[test]
    fn the_pages_in_docs_are_what_the_modules_say() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/modules");
        let pages: BTreeMap<String, String> = all()
            .into_iter()
            .map(|module| (format!("{}.md", module.schema.full_name()), page(module)))
            .collect();
        if std::env::var_os("SHEVEK_UPDATE").is_some() {
            let _ = fs::remove_dir_all(&folder);
            fs::create_dir_all(&folder).unwrap();
            for (name, text) in &pages {
                fs::write(folder.join(name), text).unwrap();
            }
        }
        let written: BTreeMap<String, String> = fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap())
            .map(|entry| {
                (entry.file_name().into_string().unwrap(), fs::read_to_string(entry.path()).unwrap())
            })
            .collect();
        let names = written.keys().chain(pages.keys());
        let stale: Vec<&String> = names.filter(|name| written.get(*name) != pages.get(*name)).collect();
        assert!(stale.is_empty(), "SHEVEK_UPDATE=1 writes these pages again: {stale:?}");
    }
}
