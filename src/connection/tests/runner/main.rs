//! A runner for the transport's tests: it answers like the real one, and misbehaves on request.
//!
//! The module `echo` gives its arguments back, `sleep` waits, `die` ends the process in the middle of a message,
//! `twice`, `beyond`, `streams`, `small streams` and `parts` break the rules of the conversation, `take` asks for content, `give` sends content up, `stderr` floods standard error, `whoami` says where it runs from.

#![allow(
    clippy::exit,
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test's program"
)]

use std::collections::HashMap;
use std::io::{Read, Write};
use std::sync::mpsc;
use std::time::Duration;

use shevek_proto::{
    BLOB_CHUNK, Batch, Blob, Call, Decoder, Down, Fault, FaultKind, Hello, Item, Outcome, Part, Up, VERSION,
    Val, encode,
};

fn main() {
    let (to, messages) = mpsc::channel();
    let first = to.clone();
    std::thread::spawn(move || {
        let mut decoder = Decoder::new();
        let mut buffer = vec![0; 64 * 1024];
        let mut stdin = std::io::stdin();
        loop {
            let n = match stdin.read(&mut buffer) {
                Ok(0) | Err(_) => return,
                Ok(n) => n,
            };
            decoder.push(buffer.get(..n).unwrap_or_default());
            loop {
                match decoder.next::<Down>() {
                    Ok(Some(message)) => {
                        if to.send(message).is_err() {
                            return;
                        }
                    }
                    Ok(None) => break,
                    Err(_) => std::process::exit(9),
                }
            }
        }
    });
    // The first message may come as an argument.
    if let [_, flag, digits] = std::env::args().collect::<Vec<_>>().as_slice()
        && flag == "--hello"
    {
        let bytes: Vec<u8> = (0..digits.len() / 2)
            .map(|i| u8::from_str_radix(&digits[2 * i..2 * i + 2], 16).unwrap())
            .collect();
        let mut decoder = Decoder::new();
        decoder.push(&bytes);
        if let Ok(Some(message)) = decoder.next::<Down>() {
            let _ = first.send(message);
        }
    }
    drop(first);
    let mut runner = Runner { messages, later: Vec::new(), stream: 0 };
    while let Some(message) = runner.next() {
        match message {
            Down::Hello { .. } => {
                say(&Up::Hello(Box::new(Hello {
                    protocol: VERSION,
                    user: "tester".into(),
                    uid: 0,
                    home: std::env::var("HOME").unwrap_or_default(),
                })));
            }
            Down::Run(batch) => runner.run(&batch),
            Down::Bye => return,
            _ => {}
        }
    }
}

fn say(message: &Up) {
    let mut out = std::io::stdout().lock();
    let frame = encode(message).unwrap_or_default();
    if out.write_all(&frame).and_then(|()| out.flush()).is_err() {
        std::process::exit(8);
    }
}

struct Runner {
    messages: mpsc::Receiver<Down>,
    later: Vec<Down>,
    stream: u64,
}

impl Runner {
    fn next(&mut self) -> Option<Down> {
        if self.later.is_empty() { self.messages.recv().ok() } else { Some(self.later.remove(0)) }
    }

    fn run(&mut self, batch: &Batch) {
        if let Some(wanted) = &batch.become_user {
            let kind = if wanted.password.is_none() { FaultKind::BecomePassword } else { FaultKind::Become };
            let fault = Fault { kind, message: format!("cannot become {}", wanted.user), help: None };
            say(&Up::Fault { batch: Some(batch.id), fault });
            return;
        }
        for (index, call) in batch.calls.iter().enumerate() {
            let Some(result) = self.call(batch.id, call) else {
                let fault = Fault { kind: FaultKind::Cancelled, message: "cancelled".into(), help: None };
                say(&Up::Fault { batch: Some(batch.id), fault });
                return;
            };
            let outcome = Outcome { result, ..Outcome::default() };
            say(&Up::Item(Box::new(Item { batch: batch.id, index: index as u32, outcome })));
        }
        say(&Up::Done { batch: batch.id });
    }

    fn call(&mut self, batch: u64, call: &Call) -> Option<Vec<(String, Val)>> {
        let args: HashMap<&str, &Val> =
            call.args.iter().map(|(name, value)| (name.as_str(), value)).collect();
        match call.module.as_str() {
            "sleep" => loop {
                match self.messages.recv() {
                    Ok(Down::Cancel { batch: cancelled }) if cancelled == batch => return None,
                    Ok(other) => self.later.push(other),
                    Err(_) => std::process::exit(0),
                }
            },
            "die" => {
                let mut out = std::io::stdout().lock();
                let _ = out.write_all(&[100, 0, 0, 0, 1, 2, 3]);
                let _ = out.flush();
                let _ = std::io::stderr().write_all(b"the runner met its end\n");
                std::process::exit(7);
            }
            "rubbish" => {
                let mut out = std::io::stdout().lock();
                let _ = out.write_all(&[0xff; 16]);
                let _ = out.flush();
                std::thread::sleep(Duration::from_secs(60));
            }
            "twice" => {
                for _ in 0..2 {
                    let outcome = Outcome::ok();
                    say(&Up::Item(Box::new(Item { batch, index: 0, outcome })));
                }
            }
            "beyond" => {
                let outcome = Outcome::ok();
                say(&Up::Item(Box::new(Item { batch, index: 1, outcome })));
            }
            "streams" => {
                for stream in 0..700 {
                    say(&Up::Chunk { stream, data: vec![b'f'], last: false });
                }
            }
            "small streams" => {
                for stream in 0..700 {
                    say(&Up::Chunk { stream, data: vec![b'f'], last: true });
                }
            }
            "parts" => {
                for _ in 0..100 {
                    say(&Up::NeedPart { part: Part::Rare, have: Vec::new() });
                }
            }
            "stderr" => {
                let _ = std::io::stderr().write_all(&vec![b'x'; 8 << 20]);
            }
            "take" => {
                let Some(Val::Blob(blob)) = args.get("content") else { return Some(vec![]) };
                return Some(vec![("length".into(), Val::Int(self.take(blob) as i64))]);
            }
            "give" => {
                let size = args.get("size").and_then(|size| size.as_int()).unwrap_or(0) as usize;
                self.stream += 1;
                self.give(self.stream, size);
                let blob = Blob { id: self.stream, size: size as u64, checksum: None, inline: None };
                return Some(vec![("content".into(), Val::Blob(blob))]);
            }
            "endless" => self.give(1, usize::MAX),
            "snoop" => {
                for blob in 1..200 {
                    say(&Up::Need { blob, credit: 1000 });
                }
                let heard = self.messages.recv_timeout(Duration::from_millis(300)).is_ok();
                return Some(vec![("heard".into(), heard.into())]);
            }
            "whoami" => {
                let path = std::fs::read_link("/proc/self/exe").unwrap_or_default();
                let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
                let umask =
                    status.lines().find_map(|line| line.strip_prefix("Umask:")).unwrap_or_default().trim();
                let pid = Val::Int(i64::from(std::process::id()));
                return Some(vec![
                    ("path".into(), path.to_string_lossy().into_owned().into()),
                    ("pid".into(), pid),
                    ("umask".into(), umask.into()),
                ]);
            }
            _ => {}
        }
        Some(call.args.clone())
    }

    /// Asks for content with little credit at a time, and counts what comes.
    fn take(&mut self, blob: &Blob) -> usize {
        if let Some(bytes) = &blob.inline {
            return bytes.len();
        }
        let credit = 300_000;
        let (mut length, mut open) = (0, 0);
        loop {
            if open == 0 {
                say(&Up::Need { blob: blob.id, credit });
                open = credit as usize;
            }
            match self.messages.recv() {
                Ok(Down::Chunk { blob: id, data, last }) if id == blob.id => {
                    assert!(data.len() <= BLOB_CHUNK && data.len() <= open, "more than was granted");
                    length += data.len();
                    open -= data.len();
                    if last {
                        return length;
                    }
                }
                Ok(other) => self.later.push(other),
                Err(_) => std::process::exit(0),
            }
        }
    }

    /// Sends content up as credit comes.
    fn give(&mut self, stream: u64, size: usize) {
        let (mut sent, mut credit) = (0, 1 << 20);
        while sent < size || size == 0 {
            let piece = BLOB_CHUNK.min(size - sent);
            while credit < piece {
                match self.messages.recv() {
                    Ok(Down::Credit { stream: id, bytes }) if id == stream => credit += bytes as usize,
                    Ok(other) => self.later.push(other),
                    Err(_) => std::process::exit(0),
                }
            }
            sent += piece;
            credit -= piece;
            say(&Up::Chunk { stream, data: vec![b'f'; piece], last: sent == size });
            if size == 0 {
                return;
            }
        }
    }
}
