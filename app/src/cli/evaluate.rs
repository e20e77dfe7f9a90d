//! `sightline evaluate`: inspection scored against ground truth.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use sightline_core::engine::{EvaluateReport, EvaluateRequest, LoadedModel, evaluate};
use sightline_core::jobs;

use super::looking::Looking;
use super::output::Output;
use super::{Done, Global, progress};

#[derive(Args)]
pub struct Evaluate {
    /// One category in MVTec-AD's layout: train/good, test/TYPE, ground_truth/TYPE
    #[arg(long, value_name = "DIR", conflicts_with_all = ["normal", "normal_test", "abnormal", "mask"])]
    mvtec: Option<PathBuf>,
    /// Good parts that are learnt
    #[arg(long, value_name = "DIR|FILE", num_args = 1.., required_unless_present = "mvtec")]
    normal: Vec<PathBuf>,
    /// Good parts that are judged
    #[arg(long, value_name = "DIR", num_args = 1.., required_unless_present = "mvtec")]
    normal_test: Vec<PathBuf>,
    /// Defective parts that are judged
    #[arg(long, value_name = "DIR", required_unless_present = "mvtec")]
    abnormal: Option<PathBuf>,
    /// Their masks: files of the same stem, or of the stem with _mask; any value but 0 is defect
    #[arg(long, value_name = "DIR")]
    mask: Option<PathBuf>,
    /// Learn only the first N good parts by name
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    references: Option<u16>,
    #[command(flatten)]
    looking: Looking,
}

impl Evaluate {
    pub fn run(&self, global: &Global, output: &Output) -> Result<Done> {
        let request = self.request()?;
        let model = LoadedModel::open(&global.settings()?)?;
        let job =
            jobs::spawn("evaluate", std::sync::Arc::new(|| {}), move |ticker| evaluate(&model, &request, ticker))?;
        let report = progress::wait(job, output)?;
        output.answer(&report, || text(&report))?;
        output.problems(&report.failed);
        Ok(if report.failed.is_empty() { Done::Cleanly } else { Done::WithProblems })
    }

    fn request(&self) -> Result<EvaluateRequest> {
        let settings = self.looking.settings()?;
        let mut request = match &self.mvtec {
            Some(folder) => EvaluateRequest::mvtec(folder, settings)?,
            None => EvaluateRequest {
                settings,
                normal: self.normal.clone(),
                normal_test: self.normal_test.clone(),
                abnormal: self.abnormal.iter().map(|folder| (folder.clone(), self.mask.clone())).collect(),
                references: None,
            },
        };
        request.references = self.references.map(usize::from);
        Ok(request)
    }
}

fn text(report: &EvaluateReport) -> String {
    let percent = |figure: Option<f64>| figure.map_or("-".to_owned(), |figure| format!("{:.1}", 100.0 * figure));
    let mut lines = vec![
        format!(
            "{} with {} references, {} parts, {:.1} s ({:.1} s to learn)",
            report.method,
            report.references,
            report.images.len(),
            report.seconds,
            report.teaching_seconds
        ),
        format!(
            "parts:  AUROC {}  AP {}  F1 {}",
            percent(report.image_auroc),
            percent(report.image_ap),
            percent(report.image_f1)
        ),
        format!(
            "pixels: AUROC {}  AP {}  F1 {}  AUPRO {}  AUPIMO {}",
            percent(report.pixel_auroc),
            percent(report.pixel_ap),
            percent(report.pixel_f1),
            percent(report.aupro),
            percent(report.aupimo)
        ),
    ];
    if let Some(auroc) = report.rank_auroc {
        lines.push(format!("parts by their mean rank: AUROC {:.1}", 100.0 * auroc));
    }
    for (what, rate) in
        [("defective parts that passed", &report.escapes), ("good parts that did not", &report.false_rejects)]
    {
        lines.extend(rate.as_ref().map(|rate| {
            format!(
                "{what}: {} of {} ({:.1} %, with 95 % confidence {:.1} to {:.1} %)",
                rate.events,
                rate.of,
                100.0 * rate.rate,
                100.0 * rate.low,
                100.0 * rate.high
            )
        }));
    }
    lines.extend(report.notes.iter().cloned());
    lines.join("\n")
}
