//! Work of the inspection page, away from the frame: products, teaching, judging, the large view, reports. In: tasks. Out:
//! what they found, when polled once a frame. Of each kind one goes on at a time.

use std::path::PathBuf;
use std::sync::Arc;

use sightline_core::anomaly::product::{Product, Role};
use sightline_core::anomaly::report::{AuditFormat, audit_bytes, write};
use sightline_core::engine::{Engine, pictures_in, run_inspection};
use sightline_core::jobs::{self, Job, Ticker};
use sightline_core::{Error, Result};

use super::finding::Finding;
use super::inspect_command::{InspectErrand, InspectFinding, InspectTask, ProductChange, Taught};
use super::state::Wanted;
use super::translate::{self, tr, tr_with};
use super::work::Wakes;
use super::{dialogs, products};

mod looking;
mod recording;
mod running;

use looking::Looking;
use recording::Recording;
use running::Running;

/// All work of the page that goes on.
pub struct InspectWork {
    wakes: Wakes,
    teaching: Option<Job<Box<Taught>>>,
    run: Option<Running>,
    writing: Option<Job<PathBuf>>,
    looking: Looking,
    recording: Recording,
    others: Vec<Job<InspectFinding>>,
}

impl InspectWork {
    /// Nothing goes on yet.
    pub fn new(wakes: Wakes) -> Self {
        let looking = Looking::new(Arc::clone(&wakes.now));
        Self {
            wakes,
            teaching: None,
            run: None,
            writing: None,
            looking,
            recording: Recording::default(),
            others: Vec::new(),
        }
    }

    /// Starts a task. What it finds comes from [`InspectWork::poll`].
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start(&mut self, engine: &Engine, task: InspectTask) -> Result<()> {
        let products = engine.products();
        match task {
            InspectTask::Choose(wanted) => {
                self.other(move |_| Ok(InspectFinding::Chosen(wanted, dialogs::choose_for_inspection(wanted))))
            }
            InspectTask::ReadProducts => self.other(move |_| Ok(InspectFinding::Products(products.list()))),
            InspectTask::OpenProduct(name) => self.other(move |_| Ok(InspectFinding::Changed(products.open(&name)))),
            InspectTask::ImportProduct(zip) => self.other(move |_| Ok(InspectFinding::Changed(products.import(&zip)))),
            InspectTask::CreateProduct(good) => {
                self.other(move |_| Ok(InspectFinding::Changed(products::created(&good, &products))))
            }
            InspectTask::Change(product, change) => {
                self.other(move |_| Ok(InspectFinding::Changed(changed(product, change))))
            }
            InspectTask::KeepThresholds(mut product, inspector, calibration) => self.other(move |_| {
                let kept = product.set_calibration(inspector.model().clone(), calibration);
                Ok(InspectFinding::Kept(kept.map(|()| product)))
            }),
            InspectTask::Teach(product) => self.teach(engine, product),
            InspectTask::Run(inspector, images, product) => {
                let wake = Arc::clone(&self.wakes.soon);
                self.run = Some(Running::over(engine, inspector, images, product, wake)?);
                Ok(())
            }
            InspectTask::Watch(inspector, folder, product) => {
                let wake = Arc::clone(&self.wakes.soon);
                self.run = Some(Running::watching(engine, inspector, folder, product, wake)?);
                Ok(())
            }
            InspectTask::Pause(is_paused) => {
                self.run.iter().for_each(|run| run.pause(is_paused));
                Ok(())
            }
            InspectTask::Stop(errand) => {
                self.stop(errand);
                Ok(())
            }
            InspectTask::Look(inspector, path, judgement) => self.looking.look(inspector, path, judgement),
            InspectTask::WriteReport(product, images, target) => self.write_report(engine, product, images, target),
            InspectTask::ExportProduct(product, target) => self.export(product, target),
            InspectTask::ExportAudit(product, target) => self.export_audit(engine, product, target),
            InspectTask::Record(decision) => {
                self.recording.add(engine, decision);
                Ok(())
            }
        }
    }

    /// What was found since the last frame.
    pub fn poll(&mut self) -> Vec<Finding> {
        let mut found = self.looking.poll();
        self.poll_teaching(&mut found);
        self.poll_run(&mut found);
        self.poll_writing(&mut found);
        found.extend(self.recording.poll(&self.wakes.now));
        let mut failed = None;
        self.others.retain(|job| match job.poll() {
            Some(Ok(finding)) => {
                found.push(finding);
                false
            }
            Some(Err(error)) => {
                failed = Some(error);
                false
            }
            None => true,
        });
        found.into_iter().map(Finding::Inspect).chain(failed.map(Finding::Failed)).collect()
    }

    /// Whether anything goes on.
    pub fn is_busy(&self) -> bool {
        let is_long = self.teaching.is_some() || self.run.is_some() || self.writing.is_some();
        is_long || self.looking.is_busy() || self.recording.is_busy() || !self.others.is_empty()
    }

    /// Ends an errand, whose job is cancelled when it is dropped.
    fn stop(&mut self, errand: InspectErrand) {
        match errand {
            InspectErrand::Teaching => self.teaching = None,
            InspectErrand::Run => self.run = None,
            InspectErrand::Writing => self.writing = None,
        }
    }

    fn teach(&mut self, engine: &Engine, mut product: Product) -> Result<()> {
        let engine = engine.clone();
        let job = jobs::spawn("teach", Arc::clone(&self.wakes.soon), move |ticker: &Ticker| {
            let taught = engine.teach_product(&mut product, &[], ticker)?;
            let (teaching, escapes) = (taught.teaching, taught.escapes);
            let (inspector, problems) = (teaching.inspector, teaching.problems);
            Ok(Box::new(Taught { product, inspector, problems, escapes }))
        })?;
        self.teaching = Some(job);
        Ok(())
    }

    /// Teaches once more, so that the report has the thresholds that the product keeps.
    fn write_report(
        &mut self,
        engine: &Engine,
        mut product: Product,
        images: Vec<PathBuf>,
        target: PathBuf,
    ) -> Result<()> {
        let engine = engine.clone();
        let job = jobs::spawn("report", Arc::clone(&self.wakes.soon), move |ticker: &Ticker| {
            let taught = engine.teach_product(&mut product, &[], ticker)?;
            let title = Some(product.title());
            let out = products::free(&target, "inspection", "");
            run_inspection(&taught.teaching.inspector, &images, Some(&out), title, ticker)?;
            Ok(out.join("report.html"))
        })?;
        self.writing = Some(job);
        Ok(())
    }

    fn export(&mut self, product: Product, target: PathBuf) -> Result<()> {
        let job = jobs::spawn("export", Arc::clone(&self.wakes.soon), move |_| {
            let zip = target.join(format!("{}.zip", products::file_name(product.name())));
            product.export(&zip)?;
            Ok(zip)
        })?;
        self.writing = Some(job);
        Ok(())
    }

    /// Waits for decisions that are not in the log yet: those that were made before it was asked for are in the file.
    fn export_audit(&mut self, engine: &Engine, product: String, target: PathBuf) -> Result<()> {
        let engine = engine.clone();
        let job = jobs::spawn("audit-export", Arc::clone(&self.wakes.soon), move |_| {
            let bytes = audit_bytes(&engine.reviews(Some(&product)), AuditFormat::Csv)?;
            let name = tr_with("{} decisions", &[&products::file_name(&product)]);
            let csv = products::free(&target, &name, ".csv");
            write(&csv, &bytes)?;
            Ok(csv)
        })?;
        self.writing = Some(job);
        Ok(())
    }

    fn poll_teaching(&mut self, found: &mut Vec<InspectFinding>) {
        let Some(job) = &self.teaching else { return };
        let result = job.poll();
        let progress = result.is_none().then(|| job.progress());
        found.push(InspectFinding::Progress(InspectErrand::Teaching, progress));
        if let Some(result) = result {
            self.teaching = None;
            found.push(InspectFinding::Taught(result));
        }
    }

    fn poll_run(&mut self, found: &mut Vec<InspectFinding>) {
        let Some(run) = &self.run else { return };
        let (arrived, is_over) = run.poll();
        found.extend(arrived);
        if is_over {
            self.run = None;
        }
    }

    fn poll_writing(&mut self, found: &mut Vec<InspectFinding>) {
        let Some(job) = &self.writing else { return };
        let result = job.poll();
        let progress = result.is_none().then(|| job.progress());
        found.push(InspectFinding::Progress(InspectErrand::Writing, progress));
        if let Some(result) = result {
            self.writing = None;
            found.push(InspectFinding::Written(result));
        }
    }

    fn other(&mut self, work: impl FnOnce(&Ticker) -> Result<InspectFinding> + Send + 'static) -> Result<()> {
        let language = translate::spoken();
        let job = jobs::spawn("inspection", Arc::clone(&self.wakes.now), move |ticker: &Ticker| {
            translate::speak(language);
            work(ticker)
        })?;
        self.others.push(job);
        Ok(())
    }
}

/// Another version of a product.
fn changed(mut product: Product, change: ProductChange) -> Result<Product> {
    match change {
        ProductChange::Add(paths, role) => {
            let files = pictures_in(&paths)?;
            if files.is_empty() {
                return Err(Error::bad_request(
                    tr("there is no picture in it"),
                    tr("choose pictures, or a folder with some"),
                ));
            }
            product.add(&files, role, reason(role))?;
        }
        ProductChange::Remove(hash) => product.remove(&[hash], tr("a part taken out"))?,
        ProductChange::SetRoi(roi) => {
            let settings = sightline_core::anomaly::Settings { roi, ..product.version().settings.clone() };
            product.set_settings(settings, tr("another region of interest"))?;
        }
        ProductChange::Undo => {
            product.undo()?;
        }
    }
    Ok(product)
}

fn reason(role: Role) -> &'static str {
    match role {
        Role::Normal => tr("accepted as normal"),
        Role::Ok => tr("good parts for the thresholds"),
        Role::Defect => tr("a known defect"),
    }
}

/// Whether files are wanted, and not a folder.
pub fn wants_files(wanted: Wanted) -> bool {
    matches!(wanted, Wanted::GoodFiles | Wanted::PartFiles | Wanted::ProductFile)
}
