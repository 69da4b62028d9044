//! The files of a host at one moment, to prove what a run touched.

use std::collections::BTreeMap;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Path to what is there: kind, mode, owner, and the content's hash or the link's target.
#[derive(PartialEq, Eq, Debug)]
pub(crate) struct Tree(BTreeMap<String, String>);

impl Tree {
    /// Reads a folder. Nothing there is an empty tree.
    pub(super) fn of(root: &Path) -> Self {
        let mut tree = BTreeMap::new();
        walk(root, root, &mut tree);
        Self(tree)
    }

    /// Takes the lines of `snapshot.py`, which start with the path.
    pub(super) fn from_lines(text: &str) -> Self {
        let pair = |line: &str| {
            let (path, rest) = line.split_once(' ').unwrap_or((line, ""));
            (path.to_owned(), rest.to_owned())
        };
        Self(text.lines().map(pair).collect())
    }

    /// One line a file that differs: `+ path …` is new, `- path …` is gone, `~ path …` is different.
    pub(crate) fn difference(&self, after: &Self) -> String {
        let mut lines = Vec::new();
        for (path, is) in &after.0 {
            match self.0.get(path) {
                None => lines.push((path, format!("+ {path} {is}"))),
                Some(was) if was != is => lines.push((path, format!("~ {path} {was} -> {is}"))),
                Some(_) => {}
            }
        }
        lines.extend(
            self.0
                .iter()
                .filter(|(path, _)| !after.0.contains_key(*path))
                .map(|(path, was)| (path, format!("- {path} {was}"))),
        );
        lines.sort();
        lines.into_iter().map(|(_, line)| line + "\n").collect()
    }

    /// `+ path` out of a line of `difference`.
    pub(super) fn path_of(line: &str) -> String {
        line.splitn(3, ' ').take(2).collect::<Vec<_>>().join(" ")
    }
}

fn walk(root: &Path, folder: &Path, tree: &mut BTreeMap<String, String>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        let about = fs::symlink_metadata(&path).unwrap();
        let owner = format!("{:o} {}:{}", about.mode() & 0o7777, about.uid(), about.gid());
        let what = if about.is_symlink() {
            format!("link {}", fs::read_link(&path).unwrap().display())
        } else if about.is_dir() {
            walk(root, &path, tree);
            format!("folder {owner}")
        } else if about.is_file() {
            let mut hasher = DefaultHasher::new();
            fs::read(&path).unwrap().hash(&mut hasher);
            format!("file {owner} {:016x}", hasher.finish())
        } else {
            format!("other {owner}")
        };
        tree.insert(path.strip_prefix(root).unwrap().display().to_string(), what);
    }
}

#[test]
fn a_tree_sees_content_mode_and_absence() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("gone"), "").unwrap();
    fs::write(dir.path().join("mode"), "").unwrap();
    fs::write(dir.path().join("same"), "").unwrap();
    fs::write(dir.path().join("text"), "one").unwrap();
    let before = Tree::of(dir.path());
    fs::remove_file(dir.path().join("gone")).unwrap();
    fs::set_permissions(dir.path().join("mode"), fs::Permissions::from_mode(0o4711)).unwrap();
    fs::write(dir.path().join("text"), "two").unwrap();
    fs::create_dir(dir.path().join("new")).unwrap();
    let difference = before.difference(&Tree::of(dir.path()));
    let paths: Vec<String> = difference.lines().map(Tree::path_of).collect();
    assert_eq!(paths, ["- gone", "~ mode", "+ new", "~ text"]);
}
