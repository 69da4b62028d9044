//! [`Script`]: what commands answer in the fake `World`, and which were run.

use std::io::{self, Cursor, Read};

use crate::command::{Command, Ran};
use crate::http::{Request, Response, Stream};

/// Answers to commands, and a log.
#[derive(Debug, Default)]
pub struct Script {
    answers: Vec<(String, Ran)>,
    served: Vec<(String, Response)>,
    ran: Vec<String>,
}

impl Script {
    #[cfg(any(test, feature = "testing"))]
    /// Lets a command line, or all that start with one that ends in `*`, answer so.
    pub fn expect(&mut self, line: &str, ran: Ran) {
        self.answers.push((line.to_owned(), ran));
    }

    #[cfg(any(test, feature = "testing"))]
    /// Lets a request (`GET http://…`), or all that start with one that ends in `*`, be answered so.
    pub fn expect_request(&mut self, line: &str, response: Response) {
        self.served.push((line.to_owned(), response));
    }

    #[cfg(any(test, feature = "testing"))]
    /// The commands run so far that were not questions.
    pub fn ran(&self) -> Vec<String> {
        self.ran.clone()
    }

    fn find(&self, line: &str) -> Option<&Ran> {
        self.answers.iter().rev().find(|(pattern, _)| fits(pattern, line)).map(|(_, ran)| ran)
    }

    pub(crate) fn serve(&mut self, request: &Request) -> io::Result<Response<Stream>> {
        let line = request.line();
        let found = self.served.iter().rev().find(|(pattern, _)| fits(pattern, &line));
        found
            .map(|(_, response)| {
                let body: Stream = Box::new(Cursor::new(response.body.clone()));
                response.clone().with_body(body)
            })
            .ok_or_else(|| io::Error::other(format!("the World has no answer to: {line}; add .serves(..)")))
    }

    /// The same, with a line in the log: request, headers that the test may care for, body.
    pub(crate) fn send(&mut self, request: &Request) -> io::Result<Response<Stream>> {
        let mut line = request.line();
        for (name, value) in &request.headers {
            if !name.eq_ignore_ascii_case("user-agent") {
                line.push_str(&format!(" [{name}: {value}]"));
            }
        }
        if let Some(body) = &request.body {
            let mut bytes = Vec::new();
            body.open()?.read_to_end(&mut bytes)?;
            line.push_str(&format!(" {}", String::from_utf8_lossy(&bytes)));
        }
        self.ran.push(line);
        self.serve(request)
    }

    pub(crate) fn answer(&mut self, command: &Command) -> io::Result<Ran> {
        let line = command.line();
        self.find(&line).cloned().ok_or_else(|| {
            io::Error::new(io::ErrorKind::NotFound, format!("the World has no answer to: {line}"))
        })
    }

    pub(crate) fn note(&mut self, line: String) {
        self.ran.push(line);
    }

    pub(crate) fn run(&mut self, command: &Command) -> io::Result<Ran> {
        let line = command.line();
        self.ran.push(line.clone());
        match self.find(&line) {
            Some(ran) => Ok(ran.clone()),
            None if !command.effects.is_empty() => Ok(Ran::default()),
            None => Err(io::Error::new(
                io::ErrorKind::NotFound,
                format!("the World has no answer to: {line}; add .answers(..), or say what it .does(..)"),
            )),
        }
    }
}

fn fits(pattern: &str, line: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => line.starts_with(start),
        None => pattern == line,
    }
}
