//! The program: see `shevek_cli::main`.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(shevek_cli::main(std::env::args_os()))
}
