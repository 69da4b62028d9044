//! [`Script`]: what commands answer in the fake `World`, and which were run.

use std::io;

use crate::command::{Command, Ran};

/// Answers to commands, and a log.
#[derive(Debug, Default)]
pub struct Script {
    answers: Vec<(String, Ran)>,
    ran: Vec<String>,
}

impl Script {
    #[cfg(any(test, feature = "testing"))]
    /// Lets a command line, or all that start with one that ends in `*`, answer so.
    pub fn expect(&mut self, line: &str, ran: Ran) {
        self.answers.push((line.to_owned(), ran));
    }

    #[cfg(any(test, feature = "testing"))]
    /// The commands run so far that were not questions.
    pub fn ran(&self) -> Vec<String> {
        self.ran.clone()
    }

    fn find(&self, line: &str) -> Option<&Ran> {
        let fits = |pattern: &str| match pattern.strip_suffix('*') {
            Some(start) => line.starts_with(start),
            None => pattern == line,
        };
        self.answers.iter().rev().find(|(pattern, _)| fits(pattern)).map(|(_, ran)| ran)
    }

    pub(crate) fn answer(&mut self, command: &Command) -> io::Result<Ran> {
        let line = command.line();
        self.find(&line).cloned().ok_or_else(|| {
            io::Error::new(io::ErrorKind::NotFound, format!("the World has no answer to: {line}"))
        })
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
