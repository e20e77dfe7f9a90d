//! `sightline demo`: something to try the program with, drawn by itself.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;
use clap::{Args, Subcommand};
use sightline_core::engine::{DemoReport, DemoRequest, draw_demo};
use sightline_core::jobs;

use super::output::Output;
use super::{Done, progress};

#[derive(Args)]
pub struct Demo {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// A drilled plate of brushed metal: good parts, eight kinds of defects, exact masks, in MVTec-AD's layout
    Inspect(Inspect),
}

#[derive(Args)]
struct Inspect {
    /// A new or empty folder
    folder: PathBuf,
    /// Good parts to learn [default: 32]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    references: Option<u16>,
    /// Good parts to judge [default: 24]
    #[arg(long, value_name = "N")]
    good: Option<u16>,
    /// Defective parts of each kind [default: 6]
    #[arg(long, value_name = "N")]
    defective: Option<u16>,
    /// Width of a picture in pixels [default: 640]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(16..=4096))]
    width: Option<u16>,
    /// Another number gives other parts [default: 1]
    #[arg(long, value_name = "N")]
    seed: Option<u32>,
}

impl Demo {
    pub fn run(self, output: &Output) -> Result<Done> {
        let What::Inspect(inspect) = self.what;
        let request = inspect.request();
        let job = jobs::spawn("demo", Arc::new(|| {}), move |ticker| draw_demo(&inspect.folder, &request, ticker))?;
        let report = progress::wait(job, output)?;
        output.answer(&report, || text(&report))?;
        Ok(Done::Cleanly)
    }
}

impl Inspect {
    fn request(&self) -> DemoRequest {
        let usual = DemoRequest::default();
        DemoRequest {
            references: self.references.map_or(usual.references, usize::from),
            good: self.good.map_or(usual.good, usize::from),
            defective: self.defective.map_or(usual.defective, usize::from),
            width: self.width.map_or(usual.width, u32::from),
            seed: self.seed.map_or(usual.seed, u64::from),
        }
    }
}

fn text(report: &DemoReport) -> String {
    let DemoReport { folder, references, good, defective, kinds } = report;
    let folder = folder.display();
    format!(
        "drew {references} references, {good} good and {defective} defective parts ({kinds})\n\
         judge them: sightline inspect --normal {folder}/train/good --images {folder}/test --out result\n\
         measure it: sightline evaluate --mvtec {folder}",
        kinds = kinds.join(", ")
    )
}
