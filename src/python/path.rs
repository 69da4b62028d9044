//! Python's `os.path` on text.

use std::env;
use std::fs;
use std::path::Path;

/// `os.path.split`: the folder and the name.
pub fn split(path: &str) -> (&str, &str) {
    let (head, tail) = path.split_at(path.rfind('/').map_or(0, |slash| slash + 1));
    let trimmed = head.trim_end_matches('/');
    (if trimmed.is_empty() { head } else { trimmed }, tail)
}

/// `os.path.splitext`: dots at the start of the name don't count.
pub fn split_extension(path: &str) -> (&str, &str) {
    let name_start = path.rfind('/').map_or(0, |slash| slash + 1);
    let name = path.get(name_start..).unwrap_or("");
    let leading = name.len() - name.trim_start_matches('.').len();
    match name.rfind('.') {
        Some(dot) if dot >= leading && dot > 0 => path.split_at(name_start + dot),
        _ => (path, ""),
    }
}

/// `os.path.join`, one part at a time.
pub fn join(path: &mut String, part: &str) {
    if part.starts_with('/') {
        path.clear();
    } else if !path.is_empty() && !path.ends_with('/') {
        path.push('/');
    }
    path.push_str(part);
}

/// `os.path.normpath`.
pub fn normal(path: &str) -> String {
    if path.is_empty() {
        return ".".to_owned();
    }
    // Two slashes at the start, and only two, may mean something else than one.
    let slashes = match path.len() - path.trim_start_matches('/').len() {
        2 => 2,
        0 => 0,
        _ => 1,
    };
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/').filter(|part| !matches!(*part, "" | ".")) {
        match parts.last() {
            Some(last) if part == ".." && *last != ".." => {
                parts.pop();
            }
            None if part == ".." && slashes > 0 => {}
            _ => parts.push(part),
        }
    }
    let out = "/".repeat(slashes) + &parts.join("/");
    if out.is_empty() { ".".to_owned() } else { out }
}

/// `os.path.abspath`.
pub fn absolute(path: &str) -> String {
    let mut all = env::current_dir().map(|folder| folder.to_string_lossy().into_owned()).unwrap_or_default();
    join(&mut all, path);
    normal(&all)
}

/// `os.path.relpath`.
pub fn relative(path: &str, start: &str) -> String {
    let (path, start) = (absolute(path), absolute(start));
    let parts =
        |path: &str| path.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect::<Vec<_>>();
    let (path, start) = (parts(&path), parts(&start));
    let same = path.iter().zip(&start).take_while(|(a, b)| a == b).count();
    let up = std::iter::repeat_n("..", start.len() - same);
    let out: Vec<&str> = up.chain(path.iter().skip(same).map(String::as_str)).collect();
    if out.is_empty() { ".".to_owned() } else { out.join("/") }
}

/// `os.path.commonpath`.
pub fn common(paths: &[&str]) -> String {
    let parts = |path: &&str| -> Vec<String> {
        path.split('/').filter(|part| !matches!(*part, "" | ".")).map(str::to_owned).collect()
    };
    let mut all = paths.iter().map(parts);
    let mut shared = all.next().unwrap_or_default();
    for other in all {
        let same = shared.iter().zip(&other).take_while(|(a, b)| a == b).count();
        shared.truncate(same);
    }
    let root = if paths.first().is_some_and(|path| path.starts_with('/')) { "/" } else { "" };
    root.to_owned() + &shared.join("/")
}

/// `os.path.expanduser`: `~` by `$HOME` or the user's entry, `~name` by that user's.
pub fn expand_user(path: &str) -> String {
    let Some(rest) = path.strip_prefix('~') else { return path.to_owned() };
    let (user, after) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let home = if user.is_empty() {
        env::var("HOME").ok().or_else(|| home_of(|name, id| name == "root" && id == "0"))
    } else {
        home_of(|name, _| name == user)
    };
    match home {
        None => path.to_owned(),
        Some(home) => {
            let all = home.trim_end_matches('/').to_owned() + after;
            if all.is_empty() { "/".to_owned() } else { all }
        }
    }
}

fn home_of(is: impl Fn(&str, &str) -> bool) -> Option<String> {
    let users = fs::read_to_string("/etc/passwd").ok()?;
    users.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        match fields.as_slice() {
            [name, _, id, _, _, home, ..] if is(name, id) => Some((*home).to_owned()),
            _ => None,
        }
    })
}

/// `os.path.expandvars`: `$name` and `${name}`; unknown ones stay.
pub fn expand_variables(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    let mut rest = path;
    while let Some(dollar) = rest.find('$') {
        let (before, after) = rest.split_at(dollar);
        out.push_str(before);
        let inside = after.get(1..).unwrap_or("");
        let (name, length) = match inside.strip_prefix('{').and_then(|braced| braced.split_once('}')) {
            Some((name, _)) => (name, name.len() + 3),
            None => {
                let end =
                    inside.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(inside.len());
                (inside.get(..end).unwrap_or(""), end + 1)
            }
        };
        match env::var(name).ok().filter(|_| !name.is_empty()) {
            Some(value) => out.push_str(&value),
            None => out.push_str(after.get(..length).unwrap_or(after)),
        }
        rest = after.get(length..).unwrap_or("");
    }
    out + rest
}

/// `os.path.realpath`: links followed as far as there is something.
pub fn real(path: &Path) -> String {
    let absolute = absolute(&path.to_string_lossy());
    let mut known = Path::new(&absolute).to_path_buf();
    let mut missing = Vec::new();
    loop {
        if let Ok(found) = fs::canonicalize(&known) {
            known = found;
            break;
        }
        match (known.file_name().map(|name| name.to_owned()), known.pop()) {
            (Some(name), true) => missing.push(name),
            _ => break,
        }
    }
    known.extend(missing.into_iter().rev());
    known.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions_start_after_the_dots_of_hidden_files() {
        assert_eq!(split_extension("/a.b/c.tar.gz"), ("/a.b/c.tar", ".gz"));
        assert_eq!(split_extension("/a.b/.bashrc"), ("/a.b/.bashrc", ""));
        assert_eq!(split_extension("..x"), ("..x", ""));
        assert_eq!(split_extension("a."), ("a", "."));
    }

    #[test]
    fn paths_lose_what_they_do_not_need() {
        assert_eq!(normal("//a//b/../c/."), "//a/c");
        assert_eq!(normal("///a"), "/a");
        assert_eq!(normal("../../a/.."), "../..");
        assert_eq!(normal("/../a"), "/a");
    }

    #[test]
    fn common_paths_end_at_a_folder() {
        assert_eq!(common(&["/usr/lib", "/usr/libexec"]), "/usr");
        assert_eq!(relative("/a/b/c", "/a/d"), "../b/c");
    }
}
