//! The runner's rare part: the modules that are pushed when first needed. The core starts it.

fn main() -> std::process::ExitCode {
    shevek_runner::program(shevek_modules::rare())
}
