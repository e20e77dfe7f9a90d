//! The first look of a long run: photos are recorded and embedded by the previews that cameras put into them, so that they
//! can be searched within a minute; the run goes on with the photos themselves. In: what a run has still to do, and how it
//! went so far. Out: vectors in memory, and how near they were to the photos' own. Stores no vector.

use std::path::PathBuf;
use std::sync::{Arc, MutexGuard};
use std::time::{Duration, Instant};

use serde::Serialize;

use super::super::agreement::Agreement;
use super::super::pipeline::{Found, Outcome, Pipeline, Seen};
use super::super::{Engine, lock};
use super::{Run, Why, Work};
use crate::error::Result;
use crate::index::{ContentHash, FileRecord, FirstLooks, Indexed, Snapshot};
use crate::media;
use crate::models::{ModelIdentity, UnitVector};

/// When a run begins with a first look.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Policy {
    /// So many files are looked into before anything is decided.
    pub probe: usize,
    /// What would take no longer needs no first look.
    pub patience: Duration,
    /// It is worth its time where decoding takes at least this part of the cores' time.
    pub decoding: f64,
    /// Most photos: each takes as much memory as two or three of its vectors, one here and one in each snapshot that is shown.
    pub most: usize,
}

impl Default for Policy {
    fn default() -> Self {
        Self { probe: 256, patience: Duration::from_secs(60), decoding: 0.4, most: 100_000 }
    }
}

/// How a run went so far.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// Files that were looked into.
    pub files: usize,
    /// How long that took.
    pub took: Duration,
    /// Seconds of all threads that decoding and resizing took of it.
    pub decoding: f64,
    /// How many threads there are.
    pub threads: usize,
}

impl Policy {
    /// Whether a first look at `left` files is worth its time.
    pub(super) fn wants(&self, pace: &Pace, left: usize) -> bool {
        if pace.files == 0 || left == 0 {
            return false;
        }
        let took = pace.took.as_secs_f64();
        let needed = took / pace.files as f64 * left as f64;
        needed > self.patience.as_secs_f64() && pace.decoding >= self.decoding * took * pace.threads as f64
    }
}

/// What came of a first look.
#[derive(Debug, Clone, Serialize)]
pub struct FirstLookReport {
    /// Photos that could be searched by their previews.
    pub photos: usize,
    /// How long after the run had begun with its files.
    pub seconds: f64,
    /// How near the previews' vectors were to those of the photos themselves, of up to 100 photos; `None` if the run ended
    /// before any was compared.
    pub agreement: Option<Agreement>,
}

/// The previews' vectors, of one model.
pub(in super::super) struct Kept {
    identity: ModelIdentity,
    looks: Arc<FirstLooks>,
}

/// So many files are looked at before it is certain that cameras have put previews into enough of them: every fourth.
const TRIAL: usize = 256;
const ENOUGH: usize = 4;

/// Photos of which both vectors are compared.
const COMPARED: usize = 100;

/// Both vectors of some photos.
#[derive(Default)]
pub(super) struct Pairs {
    by_preview: Vec<UnitVector>,
    whole: Vec<UnitVector>,
}

impl Pairs {
    /// Takes every so many-th photo, so that they come from everywhere.
    pub(super) fn add(&mut self, looks: &FirstLooks, hash: &ContentHash, vector: &UnitVector) {
        let Some(row) = looks.row(hash).filter(|row| (*row as usize).is_multiple_of(looks.len().div_ceil(COMPARED)))
        else {
            return;
        };
        if let Some(look) = looks.unit_vector(row) {
            self.by_preview.push(look);
            self.whole.push(vector.clone());
        }
    }

    pub(super) fn agreement(&self) -> Option<Agreement> {
        Agreement::of(&self.by_preview, &self.whole)
    }
}

impl Engine {
    /// The library as of now: photos without a vector by their previews.
    pub(in super::super) fn snapshot_of(&self, identity: &ModelIdentity) -> Result<Snapshot> {
        let kept = self.kept_looks();
        let looks = kept.as_ref().filter(|kept| kept.identity == *identity).map(|kept| Arc::clone(&kept.looks));
        // Building takes a while, and decoding threads ask for what is kept.
        drop(kept);
        Snapshot::build_with(&self.shared.store, identity, &looks.unwrap_or_default())
    }

    /// Those of another model go; a run that was stopped left some that still hold.
    fn begin_first_looks(&self, identity: &ModelIdentity) {
        let mut kept = self.kept_looks();
        if kept.as_ref().is_none_or(|kept| kept.identity != *identity) {
            *kept = Some(Kept { identity: identity.clone(), looks: Arc::default() });
        }
    }

    fn add_first_look(&self, hash: ContentHash, vector: &UnitVector) {
        if let Some(kept) = &mut *self.kept_looks() {
            Arc::make_mut(&mut kept.looks).add(hash, vector);
        }
    }

    /// Forgets those of photos that have their own vector now; a run that was stopped, or was over other folders, leaves some.
    pub(super) fn end_first_looks(&self) {
        let mut kept = self.kept_looks();
        let still = kept.as_ref().map(|Kept { identity, looks }| {
            let looks = looks.only(|hash| !self.shared.store.has_vector(identity, hash));
            Kept { identity: identity.clone(), looks: Arc::new(looks) }
        });
        *kept = still.filter(|kept| !kept.looks.is_empty());
    }

    /// Asks something of what is known by previews.
    pub(in super::super) fn first_looks<T>(&self, ask: impl FnOnce(&FirstLooks) -> T) -> T {
        match &*self.kept_looks() {
            Some(kept) => ask(&kept.looks),
            None => ask(&FirstLooks::default()),
        }
    }

    fn kept_looks(&self) -> MutexGuard<'_, Option<Kept>> {
        lock(&self.shared.first_looks)
    }
}

impl Run<'_> {
    /// Looks at the previews of `work`, and shows them now and then. The run began to look into files at `started`.
    pub(super) fn first_look(&mut self, work: &[Work], started: Instant) -> Result<()> {
        let has_one = |work: &&Work| work.why != Why::Refused && media::may_have_preview(&work.found.path);
        let wanted: Vec<&Work> = work.iter().filter(has_one).take(self.policy.most).collect();
        self.ticker.phase("Looking at previews");
        self.ticker.expect(wanted.len());
        let (engine, identity) = (self.engine, self.encoder.identity().clone());
        engine.begin_first_looks(&identity);
        // Pairs from before this first look are of previews that a stopped run left.
        self.pairs = Pairs::default();
        let is_known = |hash: &ContentHash| {
            engine.shared.store.is_known(&identity, hash) || engine.first_looks(|looks| looks.row(hash).is_some())
        };
        let pipeline = Pipeline { seen: Seen::Preview, is_known: &is_known, ..self.pipeline() };
        let begun = Instant::now();
        let mut photos = 0;
        let (trial, rest) = wanted.split_at(TRIAL.min(wanted.len()));
        for part in [trial, rest] {
            let paths: Vec<PathBuf> = part.iter().map(|work| work.found.path.clone()).collect();
            pipeline.run(&paths, self.ticker, &mut |outcomes| {
                photos += self.keep_looks(part, outcomes)?;
                Ok(())
            })?;
            if ENOUGH * photos < part.len() {
                break;
            }
        }
        engine.refresh()?;
        self.report.stages.insert("previews", begun.elapsed().as_secs_f64());
        self.report.first_look =
            Some(FirstLookReport { photos, seconds: started.elapsed().as_secs_f64(), agreement: None });
        Ok(())
    }

    /// Records what can be said of the photos, and keeps the vectors in memory; says of how many.
    fn keep_looks(&mut self, work: &[&Work], outcomes: Vec<Outcome>) -> Result<usize> {
        let mut batch = Vec::with_capacity(outcomes.len());
        for Outcome { item, found } in outcomes {
            let Found::Embedded { hash, photo, vector } = found else { continue };
            let super::Found { path, size, modified_ns } = work[item].found.clone();
            let file = FileRecord { path, size, modified_ns, hash: Some(hash), problem: None };
            batch.push(Indexed { file, photo: Some(photo), vector: Some(vector) });
        }
        let mut batch = self.still_wanted(batch);
        for indexed in &mut batch {
            // The store gets none that was made of a preview.
            if let Some((hash, vector)) = indexed.file.hash.zip(indexed.vector.take()) {
                self.engine.add_first_look(hash, &vector);
            }
        }
        self.engine.shared.store.record(self.encoder.identity(), &batch)?;
        self.show_now_and_then()?;
        Ok(batch.len())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::{Mutex, OnceLock};

    use image::{Rgb, RgbImage};
    use tempfile::TempDir;

    use super::*;
    use crate::engine::{IndexReport, Precision, SearchRequest, Settings};
    use crate::error::Error;
    use crate::jobs::Ticker;
    use crate::media::camera_files;

    /// 100 files in 10 seconds of two threads, 9 of the 20 seconds decoding.
    const PACE: Pace = Pace { files: 100, took: Duration::from_secs(10), decoding: 9.0, threads: 2 };

    #[track_caller]
    fn check(pace: Pace, left: usize, expected: bool) {
        assert_eq!(Policy::default().wants(&pace, left), expected);
    }

    #[test]
    fn a_long_run_that_decodes_a_lot_begins_with_previews() {
        check(PACE, 601, true);
        check(PACE, 600, false);
        check(Pace { decoding: 7.9, ..PACE }, 601, false);
        check(Pace { files: 0, ..PACE }, 601, false);
    }

    #[test]
    fn the_photos_compared_come_from_everywhere() {
        let (mut looks, mut pairs) = (FirstLooks::default(), Pairs::default());
        let vector = UnitVector::normalised(vec![1.0, 1.0]).unwrap();
        let hash = |number: u8| ContentHash([number; 32]);
        (0..=250).for_each(|number| looks.add(hash(number), &vector));
        (0..=255).for_each(|number| pairs.add(&looks, &hash(number), &vector));
        // 251 photos: every third.
        let agreement = pairs.agreement().unwrap();
        assert_eq!((agreement.photos, agreement.kept_neighbours), (84, 1.0));
        assert!(agreement.least_cosine > 0.999);
    }

    /// Decides for a first look after four files, however quick they were.
    const AT_ONCE: Policy = Policy { probe: 4, patience: Duration::ZERO, decoding: 0.0, most: 1000 };

    /// A library, and a folder of 12 photos with previews and one without.
    fn library() -> (TempDir, Engine, PathBuf) {
        let root = TempDir::new().unwrap();
        let folder = root.path().join("photos");
        fs_err::create_dir(&folder).unwrap();
        for number in 0..13_u32 {
            let photo = RgbImage::from_fn(1200, 900, |x, y| Rgb([(x * number / 9) as u8, (y * number / 7) as u8, 90]));
            let small = camera_files::jpeg_of(&media::thumbnail(&photo, 160));
            let bytes =
                if number < 12 { camera_files::with_preview(&photo, &small, 1) } else { camera_files::jpeg_of(&photo) };
            fs_err::write(folder.join(format!("{number:02}.jpg")), bytes).unwrap();
        }
        let settings = Settings { library: root.path().join("library"), model: None, precision: Precision::F32 };
        let engine = Engine::open(settings).unwrap();
        (root, engine, folder)
    }

    /// How many photos can be found by previews, and how many in all.
    fn searchable(engine: &Engine) -> (usize, usize) {
        let snapshot = engine.snapshot();
        (snapshot.vectors.first_looks().len(), snapshot.entries.iter().filter(|entry| entry.row.is_some()).count())
    }

    /// What could be found when the photos themselves were about to be looked at; the run is stopped there if wanted.
    fn indexed(engine: &Engine, folder: &Path, is_stopped: bool) -> (Result<IndexReport>, (usize, usize)) {
        let seen = Arc::new(Mutex::new((0, 0)));
        let ticker = Arc::new(OnceLock::<Ticker>::new());
        let (own, shown, watched) = (engine.clone(), Arc::clone(&seen), Arc::clone(&ticker));
        let wake = move || {
            let Some(ticker) = watched.get() else { return };
            let now = searchable(&own);
            if ticker.progress().phase == "Indexing" && now.0 > 0 {
                let mut seen = shown.lock().unwrap();
                *seen = now.max(*seen);
                if is_stopped {
                    ticker.cancel();
                }
            }
        };
        let ticker = ticker.get_or_init(|| Ticker::waking(Arc::new(wake)));
        let report = engine.index_by(AT_ONCE, &[folder.to_owned()], ticker);
        let seen = *seen.lock().unwrap();
        (report, seen)
    }

    #[test]
    fn photos_are_found_by_their_previews_until_they_were_looked_at() {
        let (_root, engine, folder) = library();
        let (report, seen) = indexed(&engine, &folder, false);
        // Four were looked at before, and one has no preview.
        assert_eq!(seen, (8, 12));
        let report = report.unwrap();
        let first_look = report.first_look.unwrap();
        assert_eq!((report.indexed, first_look.photos), (13, 8));
        let agreement = first_look.agreement.unwrap();
        assert_eq!(agreement.photos, 8);
        assert!(agreement.median_cosine > 0.9, "{agreement:?}");
        assert_eq!(searchable(&engine), (0, 13));
    }

    #[test]
    fn a_stopped_run_leaves_its_previews_for_the_next() {
        let (_root, engine, folder) = library();
        let (report, _) = indexed(&engine, &folder, true);
        assert!(matches!(report, Err(Error::Cancelled)), "{report:?}");
        let (by_preview, all) = searchable(&engine);
        assert!(by_preview > 0 && all == 12, "{by_preview} of {all}");
        let request = SearchRequest { limit: 20, ..SearchRequest::default() };
        let notes = engine.search(&request).unwrap().notes;
        assert!(notes.iter().any(|note| note.contains("by their previews")), "{notes:?}");
        let report = indexed(&engine, &folder, false).0.unwrap();
        assert_eq!(searchable(&engine), (0, 13));
        assert_eq!(report.found, 13);
    }

    #[test]
    fn a_short_run_looks_at_no_preview() {
        let (_root, engine, folder) = library();
        let report = engine.index(&[folder], &Ticker::silent()).unwrap();
        assert!(report.first_look.is_none());
        assert_eq!(searchable(&engine), (0, 13));
    }
}
