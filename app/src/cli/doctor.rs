//! `sightline doctor`: checks the library, the model and the graphics adapter; measures what 8 bits would change.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;
use clap::Args;
use sightline_core::engine::{self, Finding, PrecisionReport, Severity};
use sightline_core::jobs;

use super::output::Output;
use super::{Done, Global, progress};

#[derive(Args)]
pub struct Doctor {
    /// Sets a broken store aside and rebuilds it; tags, favourites and albums are kept
    #[arg(long, conflicts_with = "compare_precisions")]
    repair: bool,
    /// Embeds up to 100 photos of the library, or of these folders, in 32 bits and in 8, and says how they differ
    #[arg(long, value_name = "FOLDER", num_args = 0..)]
    compare_precisions: Option<Vec<PathBuf>>,
}

impl Doctor {
    pub fn run(&self, global: &Global, output: &Output) -> Result<Done> {
        if let Some(folders) = &self.compare_precisions {
            return compare(folders, global, output);
        }
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

fn compare(folders: &[PathBuf], global: &Global, output: &Output) -> Result<Done> {
    let wake: jobs::Wake = Arc::new(|| {});
    let job = if folders.is_empty() {
        global.engine()?.start_compare_precisions(wake)?
    } else {
        let (settings, folders) = (global.settings()?, folders.to_vec());
        jobs::spawn("precision", wake, move |ticker| engine::compare_precisions(&settings, &folders, ticker))?
    };
    let report = progress::wait(job, output)?;
    output.answer(&report, || comparison(&report))?;
    Ok(if report.failed == 0 { Done::Cleanly } else { Done::WithProblems })
}

fn comparison(report: &PrecisionReport) -> String {
    let outliers: Vec<String> =
        report.layers.iter().filter(|layer| layer.has_outliers).map(|layer| layer.layer.to_string()).collect();
    let layers = match outliers.as_slice() {
        [] => "none of its layers holds outliers".to_owned(),
        layers => format!("layers with outliers, which 8 bits render coarsely: {}", layers.join(", ")),
    };
    let mut lines = vec![
        format!("{}, {} photos in 8 bits beside 32", report.model, report.photos),
        format!("cosine      {:.4} at least, {:.4} in the middle", report.least_cosine, report.median_cosine),
    ];
    if report.neighbours > 0 {
        let (kept, neighbours) = (100.0 * report.kept_neighbours, report.neighbours);
        lines.push(format!("neighbours  {kept:.1} % of each photo's nearest {neighbours} stay the same"));
    }
    let (full, int8) = (report.f32_per_second, report.int8_per_second);
    lines.push(format!("speed       {int8:.1} photos a second instead of {full:.1}, {:.1} times", int8 / full));
    lines.push(format!("layers      {layers}"));
    if report.failed > 0 {
        lines.push(format!("{} files could not be used", report.failed));
    }
    lines.push(
        "`sightline index --precision int8` computes the library anew in 8 bits; the vectors in 32 are kept".to_owned(),
    );
    lines.join("\n")
}
