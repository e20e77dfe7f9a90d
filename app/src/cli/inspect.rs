//! `sightline inspect`: parts judged by a few good ones. A part that fails is an answer, no problem: the exit status says
//! only whether all could be judged.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;
use clap::Args;
use sightline_core::anomaly::product::{Product, Products, Role};
use sightline_core::anomaly::report::{PartRow, Results};
use sightline_core::anomaly::{Rate, Settings, Verdict};
use sightline_core::engine::{
    Arrival, LoadedModel, TeachRequest, Teaching, pictures_in, run_inspection, teach, teach_product, watch_inspection,
};
use sightline_core::jobs::{self, Ticker};

use super::looking::Looking;
use super::output::Output;
use super::{Done, Global, progress};

#[derive(Args)]
pub struct Inspect {
    /// Good parts: a folder, or files
    #[arg(long, value_name = "DIR|FILE", num_args = 1.., required_unless_present = "product")]
    normal: Vec<PathBuf>,
    /// More good parts, by which only the thresholds are set
    #[arg(long, value_name = "DIR|FILE", num_args = 1.., conflicts_with = "product")]
    ok: Vec<PathBuf>,
    /// The parts to judge: a folder, or files
    #[arg(long, value_name = "DIR|FILE", num_args = 1.., required_unless_present_any = ["watch", "save_product"])]
    images: Vec<PathBuf>,
    /// Judges every picture in this folder and each that comes into it, one line of JSON each, until it is stopped
    #[arg(long, value_name = "DIR", conflicts_with = "images")]
    watch: Option<PathBuf>,
    /// Where results.csv, results.json, report.html, masks, maps and overlays go
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Good parts, settings and thresholds of a product: its folder, its file, or its name in the library
    #[arg(long, value_name = "DIR|FILE.zip|NAME", conflicts_with_all = ["normal", "method", "size", "combine", "settings"])]
    product: Option<PathBuf>,
    /// Keeps good parts, settings and thresholds as a product's file
    #[arg(long, value_name = "FILE.zip")]
    save_product: Option<PathBuf>,
    #[command(flatten)]
    looking: Looking,
}

impl Inspect {
    pub fn run(self, global: &Global, output: &Output) -> Result<Done> {
        let model = LoadedModel::open(&global.settings()?)?;
        let settings = self.looking.settings()?;
        let product = self.product(&Products::of_library(&global.library()?))?;
        if let Some(folder) = &self.watch {
            let taught = self.taught(&model, settings, product, &Ticker::silent())?;
            return self.keep_watching(&taught, folder, output);
        }
        let job = jobs::spawn("inspect", Arc::new(|| {}), move |ticker| {
            let taught = self.taught(&model, settings, product, ticker)?;
            if self.images.is_empty() {
                return Ok((taught, None));
            }
            let inspector = &taught.teaching.inspector;
            let results = run_inspection(inspector, &self.images, self.out.as_deref(), taught.title.clone(), ticker)?;
            Ok((taught, Some(results)))
        })?;
        let (taught, results) = progress::wait(job, output)?;
        let mut problems = taught.teaching.problems;
        if let Some(mut results) = results {
            problems.append(&mut results.failed);
            results.failed.clone_from(&problems);
            results.notes.extend(taught.escapes.as_ref().map(escapes));
            output.answer(&results, || text(&results))?;
        } else {
            let calibration = taught.teaching.inspector.calibration();
            output.answer(calibration, || calibration.notes.join("\n"))?;
        }
        output.problems(&problems);
        Ok(if problems.is_empty() { Done::Cleanly } else { Done::WithProblems })
    }

    fn keep_watching(&self, taught: &Taught, folder: &Path, output: &Output) -> Result<Done> {
        output.problems(&taught.teaching.problems);
        let inspector = &taught.teaching.inspector;
        inspector.calibration().notes.iter().for_each(|note| output.note(note));
        output.note(&format!("watching {}; stop with Ctrl-C", folder.display()));
        let mut say = |arrival: Arrival<'_>| match arrival {
            Arrival::Judged(row) => output.line(row),
            Arrival::Failed(problem) => output.line(problem),
        };
        watch_inspection(inspector, folder, self.out.as_deref(), &Ticker::silent(), &mut say)?;
        Ok(Done::Cleanly)
    }

    /// The product that is meant: its folder, the library's, or a temporary one that its file is unpacked to.
    fn product(&self, kept: &Products) -> Result<Option<OpenProduct>> {
        let Some(path) = self.product.as_ref().or(self.save_product.as_ref()) else { return Ok(None) };
        if path.is_dir() {
            return Ok(Some(OpenProduct { product: Product::open(path)?, _temporary: None }));
        }
        let name = self.product.as_ref().and_then(|name| name.to_str());
        if let Some(name) = name.filter(|name| !path.exists() && kept.contains(name)) {
            return Ok(Some(OpenProduct { product: kept.open(name)?, _temporary: None }));
        }
        let temporary = tempfile::tempdir()?;
        let folder = temporary.path().join("product");
        let product = match &self.product {
            Some(zip) => Product::import(zip, &folder)?,
            None => self.new_product(path, &folder)?,
        };
        Ok(Some(OpenProduct { product, _temporary: Some(temporary) }))
    }

    /// A product of the good parts that were named.
    fn new_product(&self, zip: &Path, folder: &Path) -> Result<Product> {
        let name = zip.file_stem().unwrap_or_default().to_string_lossy();
        let mut product = Product::create(folder, &name, self.looking.settings()?)?;
        product.add(&pictures_in(&self.normal)?, Role::Normal, "references")?;
        if !self.ok.is_empty() {
            product.add(&pictures_in(&self.ok)?, Role::Ok, "good parts for the thresholds")?;
        }
        Ok(product)
    }

    fn taught(
        &self,
        model: &LoadedModel,
        settings: Settings,
        product: Option<OpenProduct>,
        ticker: &Ticker,
    ) -> sightline_core::Result<Taught> {
        let Some(OpenProduct { mut product, _temporary }) = product else {
            let (normal, ok, images) = (self.normal.clone(), self.ok.clone(), self.images.clone());
            let teaching = teach(model, &TeachRequest { settings, normal, ok, images }, ticker)?;
            return Ok(Taught { teaching, title: None, escapes: None });
        };
        let taught = teach_product(model, &mut product, &self.images, ticker)?;
        if let Some(zip) = &self.save_product {
            product.export(zip)?;
        }
        Ok(Taught { teaching: taught.teaching, title: Some(product.title()), escapes: taught.escapes })
    }
}

struct OpenProduct {
    product: Product,
    /// Removed with all in it once the product is no longer needed.
    _temporary: Option<tempfile::TempDir>,
}

struct Taught {
    teaching: Teaching,
    title: Option<String>,
    escapes: Option<Rate>,
}

fn escapes(rate: &Rate) -> String {
    format!(
        "{} of {} known defects would pass (with 95 % confidence {:.1} to {:.1} %)",
        rate.events,
        rate.of,
        100.0 * rate.low,
        100.0 * rate.high
    )
}

/// So many of the worst parts are named before the rest is only counted.
const SHOWN: usize = 20;

fn text(results: &Results) -> String {
    let count = |verdict: Verdict| results.images.iter().filter(|row| row.verdict == verdict).count();
    let mut lines = vec![format!(
        "{} parts: {} pass, {} review, {} fail ({} with {} references, {:.1} s)",
        results.images.len(),
        count(Verdict::Pass),
        count(Verdict::Review),
        count(Verdict::Fail),
        results.method,
        results.references,
        results.seconds
    )];
    let mut worst: Vec<_> = results.images.iter().filter(|row| row.verdict != Verdict::Pass).collect();
    let order = |row: &PartRow| (row.verdict, row.rank, row.score);
    worst.sort_by(|a, b| order(b).partial_cmp(&order(a)).unwrap_or(std::cmp::Ordering::Equal));
    let part = |row: &&PartRow| {
        let complaint = row.complaint.map_or(String::new(), |complaint| format!(", {complaint}"));
        let (verdict, score, regions) = (row.verdict.name(), row.score, row.regions.len());
        format!("{verdict:<6} {score:.4}  {}  ({regions} regions{complaint})", row.path.display())
    };
    lines.extend(worst.iter().take(SHOWN).map(part));
    if worst.len() > SHOWN {
        lines.push(format!("and {} more; --json lists them all", worst.len() - SHOWN));
    }
    lines.extend(results.notes.iter().cloned());
    lines.join("\n")
}
