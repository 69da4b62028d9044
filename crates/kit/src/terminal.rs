//! A terminal made here and given to a program as its controlling terminal: for programs that insist on one
//! (`requiretty`, doas), and for [`crate::talk`].
//!
//! Only a process of its own may become the leader of a session and take the terminal, so the runner starts itself with
//! `--on-terminal`, which ends in [`become_program`].

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// A terminal: the end that we hold, and the path of the end that a program gets.
pub struct Terminal {
    /// Our end; the terminal lives as long as it is open.
    pub master: File,
    /// The program's end.
    pub path: PathBuf,
    /// That end again: while nobody has it open, reading from ours fails.
    pub held: File,
}

/// Makes a terminal.
pub fn open() -> io::Result<Terminal> {
    let master: OwnedFd = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    grantpt(&master)?;
    unlockpt(&master)?;
    let path = ptsname(&master, Vec::new())?;
    let path = PathBuf::from(OsStr::from_bytes(path.as_bytes()));
    let mut options = File::options();
    options.read(true).write(true);
    let nobodys = i32::try_from(rustix::fs::OFlags::NOCTTY.bits()).unwrap_or_default();
    let held = std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, nobodys).open(&path)?;
    Ok(Terminal { master: File::from(master), path, held })
}

/// Turns this process into a program that has the terminal. Comes back only if that fails.
pub fn become_program(terminal: &str, program: &str, args: &[&str]) -> io::Error {
    let taken = || -> io::Result<()> {
        rustix::process::setsid()?;
        let file = File::options().read(true).write(true).open(terminal)?;
        rustix::process::ioctl_tiocsctty(&file)?;
        Ok(())
    };
    match taken() {
        Ok(()) => Command::new(program).args(args).exec(),
        Err(e) => e,
    }
}
