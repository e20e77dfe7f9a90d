//! `sightline index`: adds folders to the library, or refreshes them.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;
use clap::Args;
use sightline_core::engine::{Engine, FirstLookReport, IndexReport};

use super::output::Output;
use super::{Done, progress};

#[derive(Args)]
pub struct Index {
    /// The folders; without one, all folders of the library are refreshed
    #[arg(value_name = "FOLDER")]
    folders: Vec<PathBuf>,
}

impl Index {
    pub fn run(&self, engine: &Engine, output: &Output) -> Result<Done> {
        engine.notices().iter().for_each(|notice| output.note(notice));
        let job = engine.start_index(self.folders.clone(), Arc::new(|| {}))?;
        let report = progress::wait(job, output)?;
        output.answer(&report, || text(&report))?;
        output.problems(&report.failed);
        Ok(if report.failed.is_empty() { Done::Cleanly } else { Done::WithProblems })
    }
}

fn text(report: &IndexReport) -> String {
    let mut lines = vec![format!(
        "{} photos found: {} indexed, {} unchanged, {} moved, {} gone, {} with problems",
        report.found,
        report.indexed,
        report.unchanged,
        report.moved,
        report.gone,
        report.failed.len()
    )];
    if report.indexed > 0 {
        lines.push(format!("{:.1} s, {:.0} photos a second", report.seconds, report.images_per_second));
    }
    lines.extend(report.first_look.as_ref().map(first_look));
    if !report.ignored.is_empty() {
        lines.push(format!("{} other files are no pictures; --json lists them", report.ignored.len()));
    }
    let offline = report.offline.iter();
    lines.extend(offline.map(|folder| format!("not there now, kept as it was: {}", folder.display())));
    lines.join("\n")
}

fn first_look(report: &FirstLookReport) -> String {
    let mut line = format!("{} of them could be found by their previews after {:.1} s", report.photos, report.seconds);
    if let Some(agreement) = report.agreement.filter(|agreement| agreement.neighbours > 0) {
        let (kept, neighbours) = (100.0 * agreement.kept_neighbours, agreement.neighbours);
        line += &format!(", with {kept:.0} % of the right {neighbours} nearest (of {} photos)", agreement.photos);
    }
    line
}
