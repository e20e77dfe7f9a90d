//! Parts are judged: those of a folder, or whatever comes into one. In: an inspector and a folder. Out: parts as they come,
//! with what they hold and what the audit log says of them, when polled once a frame.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, bounded};
use sightline_core::anomaly::Inspector;
use sightline_core::engine::{Engine, PartResult, RunReport};
use sightline_core::index::{ContentHash, ReviewEntry};
use sightline_core::jobs::{Job, Wake};
use sightline_core::{Problem, Result};

use crate::gui::inspect_command::{InspectErrand, InspectFinding};
use crate::gui::state::{Decision, JudgedPart};

/// Judged parts that wait for the next frame; the judging waits for room among them.
const WAITING_PARTS: usize = 256;

/// Judging that goes on.
pub struct Running {
    job: Judging,
    arrived: Receiver<Arrived>,
}

enum Judging {
    Folder(Job<RunReport>),
    Camera(Job<()>),
}

/// What became of a file.
enum Arrived {
    Judged(Box<(JudgedPart, Option<Decision>)>),
    Unreadable(Problem),
}

impl Running {
    /// Judges these files and folders.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn over(
        engine: &Engine,
        inspector: Arc<Inspector>,
        images: Vec<PathBuf>,
        product: String,
        wake: Wake,
    ) -> Result<Self> {
        let (mut teller, arrived) = Teller::new(engine, product);
        let job = Engine::start_inspection(inspector, images, move |part| teller.tell(Ok(part)), wake)?;
        Ok(Self { job: Judging::Folder(job), arrived })
    }

    /// Judges what is in a folder and what comes into it.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn watching(
        engine: &Engine,
        inspector: Arc<Inspector>,
        folder: PathBuf,
        product: String,
        wake: Wake,
    ) -> Result<Self> {
        let (mut teller, arrived) = Teller::new(engine, product);
        let job = Engine::start_watching(inspector, folder, move |part| teller.tell(part), wake)?;
        Ok(Self { job: Judging::Camera(job), arrived })
    }

    /// Lets it wait, or go on.
    pub fn pause(&self, is_paused: bool) {
        match &self.job {
            Judging::Folder(job) => job.pause(is_paused),
            Judging::Camera(job) => job.pause(is_paused),
        }
    }

    /// What was found since the last frame, and whether that was all.
    pub fn poll(&self) -> (Vec<InspectFinding>, bool) {
        // Before the parts: what the job sent before its end is then all there.
        let (ended, progress) = match &self.job {
            Judging::Folder(job) => (job.poll(), job.progress()),
            Judging::Camera(job) => (job.poll().map(|end| end.map(|()| RunReport::default())), job.progress()),
        };
        let mut found = Vec::new();
        let (mut parts, mut decisions, mut unreadable) = (Vec::new(), Vec::new(), Vec::new());
        for arrived in self.arrived.try_iter().take(WAITING_PARTS) {
            match arrived {
                Arrived::Judged(judged) => {
                    let (part, decision) = *judged;
                    parts.push(part);
                    decisions.extend(decision);
                }
                Arrived::Unreadable(problem) => unreadable.push(problem),
            }
        }
        if !parts.is_empty() {
            found.push(InspectFinding::Judged(parts, decisions));
        }
        if !unreadable.is_empty() {
            found.push(InspectFinding::Unreadable(unreadable));
        }
        let is_over = ended.is_some();
        found.push(InspectFinding::Progress(InspectErrand::Run, (!is_over).then_some(progress)));
        found.extend(ended.map(InspectFinding::RunEnded));
        (found, is_over)
    }
}

/// Tells of parts on the thread that judges them.
struct Teller {
    sender: Sender<Arrived>,
    engine: Engine,
    product: String,
    /// What the audit log said when the first part was there.
    decisions: Option<HashMap<ContentHash, ReviewEntry>>,
}

impl Teller {
    fn new(engine: &Engine, product: String) -> (Self, Receiver<Arrived>) {
        let (sender, arrived) = bounded(WAITING_PARTS);
        (Self { sender, engine: engine.clone(), product, decisions: None }, arrived)
    }

    fn tell(&mut self, part: std::result::Result<PartResult, Problem>) {
        let arrived = match part {
            Ok(result) => {
                // A file that is gone meanwhile can still be looked at, but nothing can be said of it.
                let hash = fs_err::read(&result.path).ok().map(|bytes| ContentHash::of(&bytes));
                let decisions = self.decisions.get_or_insert_with(|| self.engine.decisions(&self.product));
                let entry = hash.and_then(|hash| decisions.get(&hash).cloned());
                let decision = entry.map(|entry| Decision::of_entry(entry, result.path.clone()));
                Arrived::Judged(Box::new((JudgedPart { result, hash }, decision)))
            }
            Err(problem) => Arrived::Unreadable(problem),
        };
        // The other end is gone when the job was dropped: nobody wants the parts any more.
        self.sender.send(arrived).ok();
    }
}
