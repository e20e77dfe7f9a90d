//! The binary: the command line, or the window when there is no command.

fn main() -> std::process::ExitCode {
    sightline_app::cli::run()
}
