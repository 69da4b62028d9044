//! Starting another binary of the runner beside this one, as the same user.

use std::process::{Command, Stdio};
use std::sync::mpsc::channel;

use shevek_proto::{Fault, FaultKind};

use crate::login::{Login, Said, find, listen, nonce};
use crate::parts::Program;

/// Starts it, and waits until it is there.
pub fn start_beside(program: &Program) -> Result<Login, Fault> {
    let fault = |message: String| Fault { kind: FaultKind::NoPlace, message, help: None };
    let nonce = nonce()?;
    let mut process = Command::new(&program.own)
        .args(["--child", &nonce])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|e| fault(format!("the rare part of the runner: {}", shevek_kit::fault::io_words(&e))))?;
    let pipes = (process.stdin.take(), process.stdout.take(), process.stderr.take());
    let (Some(stdin), Some(stdout), Some(stderr)) = pipes else {
        return Err(fault("the process has no pipes".into()));
    };
    let (to, said) = channel();
    listen(stdout, to.clone(), Said::Out, true);
    listen(stderr, to, Said::Err, false);
    let ready = format!("{nonce}\n").into_bytes();
    let (mut out, mut words) = (Vec::new(), Vec::new());
    loop {
        match said.recv() {
            Ok(Said::Out(bytes)) => out.extend_from_slice(&bytes),
            Ok(Said::Err(bytes)) => words.extend_from_slice(&bytes),
            Ok(Said::Terminal(_)) => {}
            Ok(Said::End) | Err(_) => {
                let _ = process.wait();
                let words = String::from_utf8_lossy(&words);
                return Err(fault(format!("the rare part of the runner does not start ({})", words.trim())));
            }
        }
        if let Some(end) = find(&out, &ready) {
            let first = out.split_off(end);
            return Ok(Login { process, stdin, said, first, terminal: None });
        }
    }
}
