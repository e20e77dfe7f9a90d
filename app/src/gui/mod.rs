//! Stub until the window lands.
use sightline_core::engine::{Finding, Settings, Severity};
/// Stub.
pub fn run(_: Settings) -> anyhow::Result<()> {
    anyhow::bail!("the window is not built in")
}
/// Stub.
pub fn adapter_finding() -> Finding {
    Finding { subject: "graphics", severity: Severity::Notice, text: "not looked at".to_owned() }
}
