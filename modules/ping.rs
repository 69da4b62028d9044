//! Try to reach a host, and that modules run on it.
//!
//! Answers `pong`. It does not send network packets: it shows that login and runner work.
//!
//! ```yaml
//! - ping:
//! ```
use shevek_kit::prelude::*;

/// Arguments of `ping`.
#[derive(Args)]
#[module(query)]
pub struct Ping {
    /// What to answer. `crash` fails, to see what a failing host looks like.
    #[arg(default = "pong")]
    data: String,
}

impl Query for Ping {
    fn ask(&self, _host: &Probe) -> Result<Outcome> {
        if self.data == "crash" {
            return Err(Fault::new("boom"));
        }
        Ok(Outcome::ok().with("ping", &self.data))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers() {
        conform::<Ping>("", World::new()).unchanged().gives("ping", "pong");
        conform::<Ping>("{ data: crash }", World::new()).failed("boom");
    }
}
