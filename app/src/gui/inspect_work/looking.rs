//! The large view of one part: its picture first, then its map, then the good part it is nearest to. What is no longer
//! looked at is cancelled; at most two are decoded at once.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, unbounded};
use image::RgbImage;
use sightline_core::anomaly::{Inspector, Judgement, Origin, Regions};
use sightline_core::jobs::{self, Job, Ticker, Wake};
use sightline_core::media::{self, Limits};
use sightline_core::{Result, engine};

use crate::gui::inspect_command::InspectFinding;
use crate::gui::picture;
use crate::gui::state::{HeatTexels, Nearest, PartMap};

/// What is looked at, and what is looked at next.
pub struct Looking {
    wake: Wake,
    under_way: Option<Look>,
    next: Option<Request>,
}

struct Request {
    inspector: Arc<Inspector>,
    path: PathBuf,
    judgement: Option<Arc<Judgement>>,
}

struct Look {
    job: Job<()>,
    found: Receiver<InspectFinding>,
}

impl Looking {
    /// Nothing is looked at yet.
    pub fn new(wake: Wake) -> Self {
        Self { wake, under_way: None, next: None }
    }

    /// Looks at a part, and no longer at another one.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn look(&mut self, inspector: Arc<Inspector>, path: PathBuf, judgement: Option<Arc<Judgement>>) -> Result<()> {
        let request = Request { inspector, path, judgement };
        match &self.under_way {
            None => self.start(request),
            // One at a time: whoever steps through a list must not pile up threads.
            Some(look) => {
                look.job.cancel();
                self.next = Some(request);
                Ok(())
            }
        }
    }

    /// What was found since the last frame.
    pub fn poll(&mut self) -> Vec<InspectFinding> {
        let Some(look) = &self.under_way else { return Vec::new() };
        let is_over = look.job.poll().is_some();
        let mut found: Vec<InspectFinding> = look.found.try_iter().collect();
        if is_over {
            self.under_way = None;
            if let Some(next) = self.next.take() {
                let path = next.path.clone();
                let started = self.start(next);
                found.extend(started.err().map(|error| InspectFinding::Picture(path, Err(error))));
            }
        }
        found
    }

    /// Whether anything is looked at.
    pub fn is_busy(&self) -> bool {
        self.under_way.is_some()
    }

    fn start(&mut self, request: Request) -> Result<()> {
        let (sender, found) = unbounded();
        let wake = Arc::clone(&self.wake);
        let job = jobs::spawn("look", Arc::clone(&self.wake), move |ticker: &Ticker| {
            let say = Say { sender, wake };
            look(&request, &say, ticker)
        })?;
        self.under_way = Some(Look { job, found });
        Ok(())
    }
}

/// Where findings go as soon as they are there.
struct Say {
    sender: Sender<InspectFinding>,
    wake: Wake,
}

impl Say {
    fn say(&self, finding: InspectFinding) {
        // Nobody looks any more when the other end is gone.
        self.sender.send(finding).ok();
        (self.wake)();
    }
}

fn look(request: &Request, say: &Say, ticker: &Ticker) -> Result<()> {
    let path = &request.path;
    let decoded = match media::decode(path, &Limits::default()) {
        Ok(decoded) => decoded.picture,
        Err(error) => {
            say.say(InspectFinding::Picture(path.clone(), Err(error)));
            return Ok(());
        }
    };
    let picture = picture::in_two_sizes(&decoded, ticker)?;
    say.say(InspectFinding::Picture(path.clone(), Ok(Arc::new(picture))));
    ticker.check()?;
    let judged = judged(request, &decoded);
    let judgement = match judged {
        Ok(judgement) => judgement,
        Err(error) => {
            say.say(InspectFinding::Map(path.clone(), Err(error)));
            return Ok(());
        }
    };
    ticker.check()?;
    let map = request.inspector.map(&judgement);
    let Regions { regions: above, .. } = request.inspector.regions(&map);
    let Regions { regions: worst, .. } = request.inspector.worst_place(&map);
    let texels = Arc::new(HeatTexels::of(&map));
    say.say(InspectFinding::Map(path.clone(), Ok(Arc::new(PartMap { map, texels, above, worst }))));
    ticker.check()?;
    let nearest = nearest(&request.inspector, &decoded, &judgement, ticker);
    say.say(InspectFinding::Nearest(path.clone(), nearest));
    Ok(())
}

fn judged(request: &Request, picture: &RgbImage) -> Result<Arc<Judgement>> {
    match &request.judgement {
        Some(judgement) if judgement.sight.size == picture.dimensions() => Ok(Arc::clone(judgement)),
        // It was let go of, or the file was replaced meanwhile.
        _ => Ok(Arc::new(engine::judge(&request.inspector, &request.path, picture.clone())?.0.judgement)),
    }
}

/// The good part that the worst place was compared with; `None` for a method that compares with none.
fn nearest(
    inspector: &Inspector,
    picture: &RgbImage,
    judgement: &Judgement,
    ticker: &Ticker,
) -> Result<Option<Nearest>> {
    let origins = inspector.compared_with(picture)?;
    ticker.check()?;
    let grid = inspector.shown_grid(judgement);
    let worst = (0..grid.values.len()).max_by(|a, b| grid.values[*a].total_cmp(&grid.values[*b]));
    let found: Option<(usize, Origin)> = worst.and_then(|at| Some((at, origins.get(at).copied().flatten()?)));
    let Some((at, origin)) = found else { return Ok(None) };
    let Some(name) = inspector.references().get(origin.part as usize) else { return Ok(None) };
    let path = Path::new(name).to_owned();
    let decoded = media::decode(&path, &Limits::default())?.picture;
    let picture = Arc::new(picture::in_two_sizes(&decoded, ticker)?);
    let columns = grid.columns.max(1);
    let worst = (at / columns, at % columns);
    Ok(Some(Nearest { path, picture, part: origin.part, origins, grid: (grid.rows, grid.columns), worst }))
}
