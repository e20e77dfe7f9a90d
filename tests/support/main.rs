//! The program as the tests run it: the same as app/src/main.rs.

fn main() -> std::process::ExitCode {
    sightline_app::cli::run()
}
