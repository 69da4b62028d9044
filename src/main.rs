//! The program: see `shevek::main`.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(shevek::main(std::env::args_os()))
}
