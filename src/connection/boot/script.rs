//! The shell line that starts the runner, or receives it first.
//!
//! It must work in dash, busybox and bash alike, and it is handed to login shells that are none of these (fish, csh):
//! so it goes into one pair of single quotes, and holds no single quote, backslash, exclamation mark or newline itself.
//!
//! What it says starts with the nonce and a colon, at the start of a line, since login shells and their start-up files
//! may print before it: `run MACHINE`, `need MACHINE SYSTEM gzip|plain`, `send`, `fail REASON`.
//!
//! A runner that the host has kept is run when it has the right length and, where there is a `sha256sum`, the right
//! content: a crash may have left another.

use crate::options::Cache;
use crate::runners::{Runners, shell_pattern};

/// What varies from host to host.
pub(super) struct Script<'a> {
    /// Marks what the script says.
    pub nonce: &'a str,
    /// The first message, in hexadecimal digits. It is an argument of the runner's, since OpenSSH's server takes no input
    /// before the command runs, and that would cost a round trip.
    pub greeting: &'a str,
    /// Whether a runner that the host has may be used.
    pub use_cached: bool,
    /// Whether the host keeps the runner.
    pub cache: Cache,
}

const START: &str = r#"
n=@NONCE@;
u=$(id -u);
a=$(uname -m);
o=$(umask);
umask 77;
h=; s=0;
case $a in @TABLE@ esac;
c=${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/shevek;
whole() { [ $(wc -c <"$1") -eq $s ] && case $(sha256sum <"$1" 2>/dev/null) in ""|$h*) ;; *) false;; esac; };
own() { set -- $(ls -ldn "$1" 2>/dev/null); case "$1:$3" in drwx------*:$u) ;; *) false;; esac; };
go() { umask $o; echo; echo "$n:run $a"; exec "$1" --hello @HELLO@; };
if [ -n "$h" ] && [ @LOOK@ = 1 ]; then
  for d in "$c" /var/tmp/shevek-$u /tmp/shevek-$u /dev/shm/shevek-$u; do
    f=$d/runner-$h;
    if [ -x "$f" ] && own "$d" && whole "$f"; then go "$f"; fi;
  done;
fi;
g=plain; command -v gzip >/dev/null 2>&1 && g=gzip;
echo; echo "$n:need $a $(uname -s) $g";
read -r h s z g || exit 3;
if [ @KEEP@ = 1 ]; then set -- "$c" /var/tmp/shevek-$u /tmp/shevek-$u /dev/shm/shevek-$u;
else set -- /dev/shm/shevek-$n /var/tmp/shevek-$n /tmp/shevek-$n "${HOME:-/nonexistent}/.shevek-$n"; fi;
w=; r=;
no() { r="$r; $d is $1"; rm -f "$t"; [ @KEEP@ = 1 ] || rmdir "$d" 2>/dev/null; };
for d in "$@"; do
  t=$d/.$n;
  if [ @KEEP@ = 1 ]; then mkdir -p "$d" 2>/dev/null; else mkdir "$d" 2>/dev/null; fi || { r="$r; $d is not writable"; continue; };
  own "$d" || { r="$r; $d is not a private folder of this user"; continue; };
  ( set -C; : >"$t" ) 2>/dev/null && chmod 700 "$t" || { no "not writable"; continue; };
  "$t" 2>/dev/null || { no "mounted noexec"; continue; };
  dd if=/dev/zero of="$t" bs=$s count=1 2>/dev/null || { no "full"; continue; };
  w=$d;
  break;
done;
if [ -z "$w" ]; then echo "$n:fail no place for the runner$r"; exit 3; fi;
echo "$n:send";
i="head -c $z";
head -c 1 </dev/zero >/dev/null 2>&1 || i="dd bs=1 count=$z";
if [ $g = gzip ]; then $i 2>/dev/null | gzip -dc >"$t"; else $i >"$t" 2>/dev/null; fi;
if [ $(wc -c <"$t") -ne $s ]; then
  rm -f "$t";
  [ @KEEP@ = 1 ] || rmdir "$w";
  echo "$n:fail the runner did not arrive whole in $w (is the disk full?)";
  exit 3;
fi;
if [ @KEEP@ = 1 ]; then
  mv -f "$t" "$w/runner-$h" || exit 3;
  ( cd "$w" && ls -t runner-* | tail -n +4 | while read -r o; do rm -f "$o"; done ) 2>/dev/null;
  go "$w/runner-$h";
fi;
exec 3<"$t";
if [ -x /proc/self/fd/3 ]; then rm -f "$t"; rmdir "$w"; go /proc/self/fd/3; fi;
exec 3<&-;
umask $o;
echo "$n:run $a";
"$t" --hello @HELLO@;
r=$?;
rm -f "$t";
rmdir "$w";
exit $r
"#;

impl Script<'_> {
    /// The whole line, for any login shell.
    pub(super) fn line(&self, runners: &Runners) -> String {
        let mut table = String::new();
        for image in runners.cores() {
            table +=
                &format!("{}) h={}; s={};; ", shell_pattern(image.machine()), image.hash(), image.size());
        }
        // A `case` without branches is no syntax that all shells accept.
        table += "-) ;;";
        let flag = |set: bool| if set { "1" } else { "0" };
        let keep = self.cache == Cache::Keep;
        let body = START
            .replace("@NONCE@", self.nonce)
            .replace("@TABLE@", &table)
            .replace("@HELLO@", self.greeting)
            .replace("@LOOK@", flag(keep && self.use_cached))
            .replace("@KEEP@", flag(keep));
        let body: Vec<&str> = body.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        format!("exec /bin/sh -c '{}'", body.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use shevek_proto::Part;

    use super::*;
    use crate::runners::RunnerImage;

    #[test]
    fn any_login_shell_takes_the_line_for_one_word() {
        let mut runners = Runners::new();
        runners.add(RunnerImage::from_bytes("x86_64", Part::Core, b"binary".to_vec()));
        for cache in [Cache::Keep, Cache::Leave] {
            let line = Script { nonce: "abc", greeting: "00ff", use_cached: true, cache }.line(&runners);
            let body = line.strip_prefix("exec /bin/sh -c '").unwrap().strip_suffix('\'').unwrap();
            assert!(!body.contains(['\'', '\\', '!', '\n']), "{body}");
            assert!(!body.replace("\"$@\"", "").contains('@'), "{body}");
        }
    }
}
