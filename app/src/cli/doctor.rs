//! `sightline doctor`: checks the library, the model and the graphics adapter.

use anyhow::Result;
use clap::Args;
use sightline_core::engine::{self, Finding, Severity};

use super::output::Output;
use super::{Done, Global};

#[derive(Args)]
pub struct Doctor {
    /// Sets a broken store aside and rebuilds it; tags, favourites and albums are kept
    #[arg(long)]
    repair: bool,
}

impl Doctor {
    pub fn run(&self, global: &Global, output: &Output) -> Result<Done> {
        let settings = global.settings()?;
        let mut findings = if self.repair { engine::repair(&settings) } else { engine::examine(&settings) };
        findings.push(crate::gui::adapter_finding());
        output.answer(&findings, || text(&findings))?;
        let is_sound = findings.iter().all(|finding| finding.severity != Severity::Broken);
        Ok(if is_sound { Done::Cleanly } else { Done::WithProblems })
    }
}

fn text(findings: &[Finding]) -> String {
    let line = |finding: &Finding| {
        let mark = match finding.severity {
            Severity::Good => "good",
            Severity::Notice => "note",
            Severity::Broken => "BAD ",
        };
        format!("{mark}  {:9} {}", finding.subject, finding.text)
    };
    findings.iter().map(line).collect::<Vec<_>>().join("\n")
}
