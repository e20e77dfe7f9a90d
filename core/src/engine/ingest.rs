//! Indexing: folders → plan → pipeline → store. In: folders to add or refresh. Out: a report; hits appear in the
//! snapshot while it runs, of a long run by previews first. Killed at any moment, the next run goes on where this one was.

use std::cell::RefCell;
use std::collections::HashSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::TryLockError;
use std::time::{Duration, Instant};

use super::model::limits_for;
use super::pipeline::{Found as Content, Outcome, Pipeline, Seen};
use super::request::IndexReport;
use super::{Choice, Engine};
use crate::error::{Error, Problem, Result};
use crate::index::{ContentHash, Drive, FileRecord, FolderRecord, Indexed};
use crate::jobs::Ticker;
use crate::library::{self, Found, Plan, Scan};
use crate::media;
use crate::models::{Encoder, ModelIdentity};

pub(super) mod first_look;

use first_look::{Pace, Pairs, Policy};

/// How long hits may lag behind what is indexed already.
const REFRESH_EVERY: Duration = Duration::from_secs(3);

impl Engine {
    /// Adds folders to the library and refreshes them; without any, refreshes all that were added.
    ///
    /// # Errors
    /// A folder that does not exist, a run that is under way already, a full disk, a model that cannot be loaded,
    /// [`Error::Cancelled`]. A bad file is in the report, no error.
    pub fn index(&self, folders: &[PathBuf], ticker: &Ticker) -> Result<IndexReport> {
        self.index_by(Policy::default(), folders, ticker)
    }

    fn index_by(&self, policy: Policy, folders: &[PathBuf], ticker: &Ticker) -> Result<IndexReport> {
        let _only_run = match self.shared.indexing.try_lock() {
            Ok(guard) => guard,
            // A run that panicked left nothing half-done that the next one would not find.
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => {
                return Err(Error::bad_request("the library is being indexed already", "wait until it is done"));
            }
        };
        let started = Instant::now();
        let folders = self.adopted(folders)?;
        ticker.phase("Loading the model");
        let encoder = self.encoder()?;
        let mut run = Run::new(self, &*encoder, ticker, policy);
        let work = run.survey(&folders)?;
        let finished = run.ingest(&work);
        self.end_first_looks();
        // What is done is kept and shown, whether or not the rest could be done.
        self.shared.store.flush()?;
        self.refresh()?;
        self.give_back_space()?;
        finished?;
        if folders.len() == self.folders().len() {
            fs_err::write(self.decoders_path(), media::DECODERS)?;
        }
        self.remember_model(encoder.identity())?;
        Ok(run.finish(started))
    }

    /// The folders by their real paths, each recorded as one of the library's.
    fn adopted(&self, folders: &[PathBuf]) -> Result<Vec<FolderRecord>> {
        let known = self.shared.store.folders();
        if folders.is_empty() {
            return Ok(known);
        }
        let mut adopted = Vec::with_capacity(folders.len());
        for folder in folders {
            let path = real_folder(folder, &known)?;
            let record = known.iter().find(|known| known.path == path).cloned();
            let record = record.unwrap_or_else(|| FolderRecord::new(path));
            self.shared.store.add_folder(&record)?;
            adopted.push(record);
        }
        Ok(adopted)
    }

    /// Vectors of photos that are gone are dropped once they are a quarter of all: before that it would cost more than
    /// it brings.
    fn give_back_space(&self) -> Result<()> {
        let snapshot = self.snapshot();
        let orphans = snapshot.entries_of_row.iter().filter(|entries| entries.is_empty()).count();
        if orphans == 0 || orphans * 4 < snapshot.vectors.rows() {
            return Ok(());
        }
        drop(snapshot);
        self.shared.store.compact_vectors()?;
        self.refresh()
    }

    /// The file that remembers which decoders looked at all of the library's files.
    fn decoders_path(&self) -> PathBuf {
        self.shared.settings.library.join("decoders")
    }

    /// The library is searched with this model from now on, once every photo has a vector of it.
    fn remember_model(&self, identity: &ModelIdentity) -> Result<()> {
        // Photos that cannot be reached now, behind a link or in a closed folder, do not hold this up.
        if !self.shared.store.missing_vectors(identity)?.iter().any(|(_, path)| path.exists()) {
            let choice = Choice { name: self.shared.model_name.clone(), identity: identity.clone() };
            choice.write(&self.shared.settings.library)?;
        }
        Ok(())
    }
}

/// The folder's real path. One that is not there is fine if the library knows it: a drive that is unplugged.
fn real_folder(folder: &Path, known: &[FolderRecord]) -> Result<PathBuf> {
    match fs_err::canonicalize(folder) {
        Ok(path) if path.is_dir() => Ok(path),
        Ok(path) => Err(Error::bad_file(&path, "this is not a folder", "give the folder that the photos are in")),
        Err(error) => {
            let absolute = std::path::absolute(folder)?;
            match error.kind() {
                _ if known.iter().any(|known| known.path == absolute) => Ok(absolute),
                ErrorKind::NotFound => {
                    let remedy = "check its spelling, or plug its drive in";
                    Err(Error::bad_file(&absolute, "there is no such folder", remedy))
                }
                _ => Err(error.into()),
            }
        }
    }
}

/// One run over some folders.
struct Run<'a> {
    engine: &'a Engine,
    encoder: &'a dyn Encoder,
    ticker: &'a Ticker,
    policy: Policy,
    report: IndexReport,
    /// Records of files that are no longer where they were: gone, or moved.
    missing: Vec<FileRecord>,
    /// What was in the files with a new path.
    arrived: Vec<(PathBuf, ContentHash)>,
    embedded: usize,
    /// Of photos that were found by their previews first.
    pairs: Pairs,
    storing: Duration,
    refreshed: Instant,
    refresh_pause: Duration,
}

/// A file that must be looked into.
struct Work {
    found: Found,
    why: Why,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Why {
    /// Its path has no record.
    New,
    /// Its size or time differ from its record.
    Changed,
    /// It could not be used the last time, and may be now.
    Refused,
    /// Its photo has no vector of this model.
    Unembedded,
}

impl<'a> Run<'a> {
    fn new(engine: &'a Engine, encoder: &'a dyn Encoder, ticker: &'a Ticker, policy: Policy) -> Self {
        Self {
            engine,
            encoder,
            ticker,
            policy,
            report: IndexReport::default(),
            missing: Vec::new(),
            arrived: Vec::new(),
            embedded: 0,
            pairs: Pairs::default(),
            storing: Duration::ZERO,
            refreshed: Instant::now(),
            refresh_pause: REFRESH_EVERY,
        }
    }

    /// Compares the folders with the records: what must be looked into.
    fn survey(&mut self, folders: &[FolderRecord]) -> Result<Vec<Work>> {
        let started = Instant::now();
        self.ticker.phase("Looking for photos");
        let ignored = RefCell::new(Vec::new());
        let is_picture = |path: &Path| match media::stranger(path) {
            None => true,
            Some(reason) => {
                ignored.borrow_mut().push(Problem { path: path.to_owned(), reason });
                false
            }
        };
        let scan = library::scan(folders, is_picture, self.ticker)?;
        self.report.ignored = ignored.into_inner();
        let store = &self.engine.shared.store;
        let is_inside = |path: &Path| folders.iter().any(|folder| path.starts_with(&folder.path));
        let recorded: Vec<FileRecord> = store.files()?.into_iter().filter(|file| is_inside(&file.path)).collect();
        let broken: Vec<FileRecord> = recorded.iter().filter(|file| file.problem.is_some()).cloned().collect();
        let plan = library::plan(&scan, recorded);
        for folder in folders {
            let drives = drives_in(&folder.path, &scan);
            store.set_presence(&folder.path, plan.offline.contains(&folder.path), drives)?;
        }
        let unembedded = store.missing_vectors(self.encoder.identity())?;
        self.report.found = scan.found.len();
        let present: HashSet<&Path> = scan.found.iter().map(|found| found.path.as_path()).collect();
        let broken = broken.into_iter().filter(|file| present.contains(file.path.as_path())).collect();
        // Of copies, one that is here is enough.
        let mut seen = HashSet::new();
        let unembedded = unembedded.into_iter().filter(|(_, path)| present.contains(path.as_path()));
        let unembedded = unembedded.filter(|(hash, _)| seen.insert(*hash)).map(|(_, path)| path).collect();
        let work = self.sort_out(plan, broken, unembedded);
        self.report.failed.extend(scan.problems);
        self.report.stages.insert("scan", started.elapsed().as_secs_f64());
        work
    }

    /// What of a plan must be looked into; the rest is counted. `broken`: files with a record of a problem, and
    /// `unembedded`: photos without a vector of this model; both are where their records say.
    fn sort_out(&mut self, plan: Plan, broken: Vec<FileRecord>, unembedded: Vec<PathBuf>) -> Result<Vec<Work>> {
        let because = |why| move |found| Work { found, why };
        let mut work: Vec<Work> = plan.new.into_iter().map(because(Why::New)).collect();
        work.extend(plan.changed.into_iter().map(because(Why::Changed)));
        let settled: HashSet<PathBuf> = work.iter().map(|work| work.found.path.clone()).collect();
        self.report.unchanged = plan.unchanged;
        let decoders = fs_err::read_to_string(self.engine.decoders_path());
        let is_same_build = decoders.is_ok_and(|decoders| decoders == media::DECODERS);
        for file in broken.into_iter().filter(|file| !settled.contains(&file.path)) {
            self.report.unchanged = self.report.unchanged.saturating_sub(1);
            match (file.hash, file.problem.clone()) {
                // It was read and is no picture that can be used: the same decoders would say the same.
                (Some(_), Some(reason)) if is_same_build => {
                    self.report.failed.push(Problem { path: file.path, reason })
                }
                // It could not be read or decoded for a passing reason, or by an older build; perhaps it can now.
                _ => work.push(Work { found: found(&file), why: Why::Refused }),
            }
        }
        for path in unembedded.into_iter().filter(|path| !settled.contains(path)) {
            if let Some(file) = self.engine.shared.store.file(&path)? {
                self.report.unchanged = self.report.unchanged.saturating_sub(1);
                work.push(Work { found: found(&file), why: Why::Unembedded });
            }
        }
        self.missing = plan.missing;
        self.report.offline = plan.offline;
        Ok(work)
    }

    /// Looks into the files and records what was found. Where that will take long, their previews come first.
    fn ingest(&mut self, work: &[Work]) -> Result<()> {
        let started = Instant::now();
        self.ticker.phase("Indexing");
        self.ticker.expect(work.len());
        let (probe, rest) = work.split_at(self.policy.probe.min(work.len()));
        let decoding = self.look_into(probe)?;
        let threads = rayon::current_num_threads();
        let pace = Pace { files: probe.len(), took: started.elapsed(), decoding, threads };
        if self.policy.wants(&pace, rest.len()) {
            self.first_look(rest, started)?;
            self.ticker.phase("Indexing");
            self.ticker.expect(rest.len());
        }
        self.look_into(rest)?;
        self.report.stages.insert("store", self.storing.as_secs_f64());
        self.report.images_per_second = self.embedded as f64 / started.elapsed().as_secs_f64().max(1e-9);
        if let Some(first_look) = &mut self.report.first_look {
            first_look.agreement = self.pairs.agreement();
        }
        self.settle()
    }

    /// Says how many seconds of its threads went into decoding.
    fn look_into(&mut self, work: &[Work]) -> Result<f64> {
        let (engine, identity) = (self.engine, self.encoder.identity().clone());
        let is_known = |hash: &ContentHash| engine.shared.store.is_known(&identity, hash);
        let pipeline = Pipeline { is_known: &is_known, ..self.pipeline() };
        let paths: Vec<PathBuf> = work.iter().map(|work| work.found.path.clone()).collect();
        let spent = pipeline.run(&paths, self.ticker, &mut |outcomes| self.keep(work, outcomes))?;
        for (stage, seconds) in spent.seconds() {
            *self.report.stages.entry(stage).or_default() += seconds;
        }
        Ok(spent.decoding())
    }

    /// All that the pipelines of a run share: each says what it need not look at.
    fn pipeline(&self) -> Pipeline<'a> {
        let (encoder, threads) = (self.encoder, rayon::current_num_threads());
        Pipeline { encoder, seen: Seen::Photo, threads, limits: limits_for(encoder), is_known: &|_| false }
    }

    /// Records a batch.
    fn keep(&mut self, work: &[Work], outcomes: Vec<Outcome>) -> Result<()> {
        let started = Instant::now();
        let batch: Vec<Indexed> =
            outcomes.into_iter().filter_map(|outcome| self.counted(&work[outcome.item], outcome.found)).collect();
        let batch = self.still_wanted(batch);
        self.engine.shared.store.record(self.encoder.identity(), &batch)?;
        self.storing += started.elapsed();
        self.show_now_and_then()
    }

    /// Shows what was recorded when the last look is long enough ago.
    fn show_now_and_then(&mut self) -> Result<()> {
        if self.refreshed.elapsed() >= self.refresh_pause {
            let started = Instant::now();
            self.engine.refresh()?;
            // A large library takes longer to show: at most a twentieth of the time goes into that.
            self.refresh_pause = REFRESH_EVERY.max(20 * started.elapsed());
            self.refreshed = Instant::now();
        }
        Ok(())
    }

    /// A folder may have been removed from the library while it was being looked through.
    fn still_wanted(&self, mut batch: Vec<Indexed>) -> Vec<Indexed> {
        let folders = self.engine.shared.store.folders();
        batch.retain(|indexed| folders.iter().any(|folder| indexed.file.path.starts_with(&folder.path)));
        batch
    }

    fn counted(&mut self, work: &Work, content: Content) -> Option<Indexed> {
        let Found { path, size, modified_ns } = work.found.clone();
        let (hash, photo, vector, problem) = match content {
            Content::NoPreview => return None,
            Content::Known(hash) => (Some(hash), None, None, None),
            Content::Embedded { hash, photo, vector } => (Some(hash), Some(photo), Some(vector), None),
            Content::Unusable { hash, reason } => (hash, None, None, Some(reason)),
        };
        self.embedded += usize::from(vector.is_some());
        if let (Some(hash), Some(vector)) = (&hash, &vector) {
            let pairs = &mut self.pairs;
            self.engine.first_looks(|looks| pairs.add(looks, hash, vector));
        }
        match (&problem, hash) {
            (Some(reason), _) => {
                self.ticker.fail();
                self.report.failed.push(Problem { path: path.clone(), reason: reason.clone() });
            }
            // Only its time changed: what is in it is known.
            (None, _) if work.why == Why::Changed && vector.is_none() => self.report.unchanged += 1,
            (None, _) => self.report.indexed += 1,
        }
        if let (Why::New, Some(hash)) = (work.why, hash) {
            self.arrived.push((path.clone(), hash));
        }
        Some(Indexed { file: FileRecord { path, size, modified_ns, hash, problem }, photo, vector })
    }

    /// Tells moved files from gone ones, and forgets the old places of both.
    fn settle(&mut self) -> Result<()> {
        let settled = library::settle(&self.missing, &self.arrived);
        let from = settled.moved.iter().map(|(old, _)| old);
        let forgotten: Vec<&PathBuf> = from.chain(&settled.gone).collect();
        self.engine.shared.store.forget_files(&forgotten)?;
        self.report.moved = settled.moved.len();
        self.report.gone = settled.gone.len();
        self.report.indexed = self.report.indexed.saturating_sub(settled.moved.len());
        Ok(())
    }

    fn finish(mut self, started: Instant) -> IndexReport {
        self.report.failed.sort_by(|a, b| a.path.cmp(&b.path));
        self.report.seconds = started.elapsed().as_secs_f64();
        self.report
    }
}

/// The drives in a folder: those that are mounted, and those that were.
fn drives_in(folder: &Path, scan: &Scan) -> Vec<Drive> {
    let drive = |is_offline| move |path: &PathBuf| Drive { path: path.clone(), is_offline };
    let drives = scan.drives.iter().map(drive(false)).chain(scan.unplugged.iter().map(drive(true)));
    drives.filter(|drive| drive.path.starts_with(folder)).collect()
}

fn found(file: &FileRecord) -> Found {
    Found { path: file.path.clone(), size: file.size, modified_ns: file.modified_ns }
}
