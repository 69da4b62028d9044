//! The runner: what the controller sends to a host, and talks to there. It reads [`shevek_proto::Down`] messages from
//! standard input and writes [`shevek_proto::Up`] messages to standard output, until the input ends.
//!
//! Start reading at [`serve`]; [`batch`] runs modules, [`child`] starts further runners as other users.
//!
//! It is a static binary and must never ask the C library for users, groups or host names: that loads plug-ins of the
//! host and can crash. The kit reads /etc/passwd itself.

mod batch;
mod beside;
mod child;
mod courier;
mod exchange;
mod job;
mod login;
mod parts;
mod serve;
mod wire;

use std::io::Write;
use std::process::ExitCode;

use shevek_kit::{guard, terminal};
use shevek_modules::Modules;
use wire::Side;

/// The program: one binary of the runner, with some of the modules.
pub fn program(modules: Modules) -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        [] => serve::serve(Side::Controller, modules, &[]),
        // An SSH server takes no input before a command runs: a greeting on the command line saves a round trip.
        ["--hello", greeting] => match unhex(greeting) {
            Some(greeting) => serve::serve(Side::Controller, modules, &greeting),
            None => usage(),
        },
        ["--version"] => {
            say(&format!("shevek-runner {} (protocol {})", env!("CARGO_PKG_VERSION"), shevek_proto::VERSION))
        }
        ["--child", nonce] => child_of(nonce, modules),
        ["--child", nonce, "--unlink"] => {
            // This copy was written for one run only; the kernel keeps it as long as it runs.
            if let Ok(path) = std::env::current_exe() {
                let _ = std::fs::remove_file(path);
            }
            child_of(nonce, modules)
        }
        ["--job"] => job::work(modules),
        [guard::ARGUMENT] => guard::guard(),
        ["--on-terminal", terminal, program, rest @ ..] => {
            let error = terminal::become_program(terminal, program, rest);
            let _ = writeln!(std::io::stderr(), "{program}: {error}");
            ExitCode::from(126)
        }
        _ => usage(),
    }
}

fn usage() -> ExitCode {
    let _ = writeln!(std::io::stderr(), "usage: shevek-runner [--version]");
    ExitCode::from(2)
}

/// Bytes written as hexadecimal digits.
fn unhex(digits: &str) -> Option<Vec<u8>> {
    let bytes = digits.as_bytes().chunks(2);
    bytes.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

fn child_of(nonce: &str, modules: Modules) -> ExitCode {
    match say(nonce) {
        ExitCode::SUCCESS => serve::serve(Side::Parent, modules, &[]),
        failed => failed,
    }
}

fn say(line: &str) -> ExitCode {
    let mut out = std::io::stdout();
    match writeln!(out, "{line}").and_then(|()| out.flush()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
