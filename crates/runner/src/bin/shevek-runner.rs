//! The runner's core: the modules that nearly every play needs. It speaks with the controller, and starts the other parts.

fn main() -> std::process::ExitCode {
    shevek_runner::program(shevek_modules::core())
}
