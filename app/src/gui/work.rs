//! Work away from the frame. In: tasks. Out: what they found, as commands, when polled once a frame. Nothing here waits,
//! and nothing here knows the state.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sightline_core::Result;
use sightline_core::engine::{Engine, IndexReport, SearchReport, SearchRequest};
use sightline_core::index::Snapshot;
use sightline_core::jobs::{self, Job, Ticker, Wake};

use super::command::Command;
use super::finding::{Choice, Finding, LibraryRead};
use super::inspect_work::InspectWork;
use super::long_work::LongWork;
use super::making::Making;
use super::pictures::{Decode, Pictures};
use super::player::Player;
use super::preferences::{Place, Preferences};
use super::state::Indexing;
use super::task::{Pace, Task};
use super::watching::{self, Watching};
use super::{dialogs, outside, picture, translate};

/// A pause in typing: long enough that most words are not searched letter by letter, too short to be felt.
const TYPING_PAUSE: Duration = Duration::from_millis(150);

/// All work that goes on.
pub struct Work {
    engine: Engine,
    wakes: Wakes,
    preferences: Preferences,
    indexing: Option<IndexingJob>,
    searching: Option<(u64, Job<SearchReport>)>,
    next_search: Option<NextSearch>,
    pictures: Pictures,
    player: Player,
    making: Making,
    long: LongWork,
    inspection: InspectWork,
    switching: Option<Job<Engine>>,
    others: Vec<Box<dyn FnMut() -> Option<Command>>>,
    snapshot: Option<Arc<Snapshot>>,
    watching: Watching,
    found: VecDeque<Command>,
}

/// How the window is woken.
#[derive(Clone)]
pub struct Wakes {
    /// At once: somebody waits for it.
    pub now: Wake,
    /// Soon: a progress bar need not move with every photo.
    pub soon: Wake,
}

struct IndexingJob {
    job: Job<IndexReport>,
    phase: &'static str,
    since: Instant,
    is_stopping: bool,
    is_paused: bool,
}

struct NextSearch {
    number: u64,
    request: SearchRequest,
    due: Instant,
}

impl Work {
    /// Keeps where the window was, when it is closed. A disk that refuses is told to the log: nobody is there any more.
    pub fn remember_place(&mut self, place: Option<Place>) {
        self.preferences.place = place;
        if let Err(error) = self.preferences.write() {
            tracing::warn!(%error, "preferences");
        }
    }

    /// Keeps what has changed for the next start.
    fn remember(&mut self, change: impl FnOnce(&mut Preferences)) -> Result<()> {
        let before = self.preferences.clone();
        change(&mut self.preferences);
        if self.preferences == before {
            return Ok(());
        }
        let preferences = self.preferences.clone();
        self.other("preferences", nothing_or_failed, move |_| preferences.write())
    }

    /// Work on this library.
    pub fn new(engine: Engine, wakes: Wakes, preferences: Preferences) -> Self {
        let decoder = engine.clone();
        let decode: Decode = Arc::new(move |path, ticker| picture::decoded(&decoder, path, ticker));
        let pictures = Pictures::new(decode, Arc::clone(&wakes.now));
        let player = Player::new(Arc::clone(&wakes.now));
        let making = Making::new(Arc::clone(&wakes.now));
        let watching = Watching::new(watching::begin_with(&engine), Arc::clone(&wakes.now));
        Self {
            engine,
            inspection: InspectWork::new(wakes.clone()),
            wakes,
            preferences,
            indexing: None,
            searching: None,
            next_search: None,
            pictures,
            player,
            making,
            long: LongWork::default(),
            switching: None,
            others: Vec::new(),
            snapshot: None,
            watching,
            found: VecDeque::new(),
        }
    }

    /// The library, searched with the model in use.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Starts a task. What it finds comes from [`Work::poll`].
    pub fn start(&mut self, task: Task) {
        let started = match task {
            Task::Index(folders) => self.index(folders),
            Task::StopIndexing => self.stop_indexing(),
            Task::ReadLibrary => self.other("read-library", Finding::LibraryRead, library_read),
            Task::RemoveFolder(path) => {
                self.other("remove-folder", nothing_or_failed, move |engine| engine.remove_folder(&path))
            }
            Task::LoadModel => self.other("model", Finding::Model, |engine| engine.encoder().map(drop)),
            Task::Search { number, request, pace } => self.search_later(number, request, pace),
            Task::Watch => self.watching.begin(),
            Task::LoadPicture(path) => self.pictures.load(path),
            Task::Play(task) => self.player.start(task),
            Task::PauseIndexing(is_paused) => {
                if let Some(indexing) = &mut self.indexing {
                    indexing.is_paused = is_paused;
                    indexing.job.pause(is_paused);
                }
                Ok(())
            }
            Task::LoadCompared(path) => {
                let of = path.clone();
                let finding = move |result| Finding::Compared(of.clone(), result);
                self.other("picture", finding, move |engine| picture::decoded(engine, &path, &Ticker::silent()))
            }
            Task::Long(task) => self.long.start(&self.engine, task, Arc::clone(&self.wakes.soon)),
            Task::Inspect(task) => self.inspection.start(&self.engine, task),
            Task::StopErrand(errand) => {
                self.long.stop(errand);
                Ok(())
            }
            Task::ReadFacets(filter) => {
                self.other("facets", nothing_or, move |engine| Ok(Finding::Facets(Arc::new(engine.facets(&filter)))))
            }
            Task::Learn(request) => {
                let tag = request.tag.clone();
                let finding = move |result| Finding::Learnt(tag.clone(), result);
                self.other("learn", finding, move |engine| engine.learn(&request))
            }
            Task::Explain(path, chip) => {
                let of = path.clone();
                let finding = move |result| Finding::Explained(of.clone(), result);
                self.other("explain", finding, move |engine| engine.explain(&path, &chip))
            }
            Task::ChooseExport(kind) => {
                self.dialog(move |choice| Finding::ExportChosen(kind, choice), dialogs::choose_target)
            }
            Task::ReadModels => self.other("models", Finding::ModelsRead, |engine| {
                sightline_core::engine::model_rows(engine.library_folder())
            }),
            Task::UseModel(id) => self.switch(move |engine| engine.with_model(&id)),
            Task::UsePrecision(precision) => self.switch(move |engine| engine.with_precision(precision)),
            Task::WhyAbsent(path) => {
                let of = path.clone();
                let finding = move |result| Finding::Absence(of.clone(), result);
                self.other("absence", finding, move |engine| Ok(engine.why_absent(&path)?.to_string()))
            }
            Task::ChooseFolder => self.dialog(Finding::FolderChosen, dialogs::choose_folder),
            Task::ChoosePicture => self.dialog(Finding::PictureChosen, dialogs::choose_picture),
            Task::ChooseMissing => self.dialog(Finding::MissingChosen, dialogs::choose_missing),
            Task::LookAt(paths) => self.other("drop", nothing_or, move |_| Ok(outside::told_apart(paths))),
            Task::Remember(look) => self.remember(|kept| kept.look = look),
            Task::RememberOperator(operator) => self.remember(|kept| kept.operator = operator),
            Task::Make { things, name, direction } => self.making.start(&self.engine, (things, name, direction)),
            Task::CopyPicture(path) => self.other("copy", nothing_or, move |engine| outside::pixels(engine, &path)),
            Task::KeepPasted(picture) => {
                self.other("paste", nothing_or, move |engine| outside::keep_pasted(engine, &picture))
            }
            Task::LookAtText(words) => self.other("paste", nothing_or, move |_| Ok(outside::told_from_words(words))),
            Task::Reveal(path) => self.other("reveal", nothing_or_failed, move |_| outside::reveal(&path)),
            Task::OpenOutside(path) => self.other("open", nothing_or_failed, move |_| outside::open(&path)),
            // The clipboard is egui's: app.rs takes these itself.
            Task::CopyText(_) | Task::CopyPixels(_) => Ok(()),
        };
        if let Err(error) = started {
            self.found.push_back(Command::Found(Finding::Failed(error)));
        }
    }

    /// What was found since the last frame.
    pub fn poll(&mut self) -> Vec<Command> {
        let mut found: Vec<Finding> = Vec::new();
        self.poll_library(&mut found);
        self.poll_indexing(&mut found);
        self.poll_search(&mut found);
        found.extend(self.pictures.poll());
        found.extend(self.player.poll(Instant::now()));
        found.extend(self.making.poll(&self.engine));
        found.extend(self.long.poll());
        found.extend(self.inspection.poll());
        self.poll_switching(&mut found);
        let mut commands: Vec<Command> = self.found.drain(..).collect();
        commands.extend(found.into_iter().map(Command::Found));
        self.others.retain_mut(|poll| match poll() {
            Some(command) => {
                commands.push(command);
                false
            }
            None => true,
        });
        commands
    }

    /// How long until [`Work::poll`] has something to do that nobody will wake it for.
    pub fn due_in(&self) -> Option<Duration> {
        let now = Instant::now();
        let next_search = self.next_search.as_ref().filter(|_| self.searching.is_none());
        let search = next_search.map(|next| next.due.saturating_duration_since(now));
        search.into_iter().chain(self.player.due_in(now)).min()
    }

    /// Whether anything goes on that will find something.
    pub fn is_busy(&self) -> bool {
        let is_searching = self.searching.is_some() || self.next_search.is_some();
        let is_looking = self.indexing.is_some() || self.watching.is_beginning();
        is_searching
            || is_looking
            || self.pictures.is_busy()
            || self.making.is_busy()
            || self.long.is_busy()
            || self.inspection.is_busy()
            || self.switching.is_some()
            || !self.others.is_empty()
    }

    fn poll_library(&mut self, found: &mut Vec<Finding>) {
        let now = self.engine.snapshot();
        if self.snapshot.as_ref().is_none_or(|before| !Arc::ptr_eq(before, &now)) {
            self.snapshot = Some(Arc::clone(&now));
            found.push(Finding::Library(now));
        }
        found.extend(self.watching.poll());
    }

    fn poll_indexing(&mut self, found: &mut Vec<Finding>) {
        let Some(indexing) = &mut self.indexing else { return };
        found.push(Finding::Indexing(indexing.now()));
        if let Some(result) = indexing.job.poll() {
            self.indexing = None;
            found.push(Finding::Indexed(result));
        }
    }

    fn poll_search(&mut self, found: &mut Vec<Finding>) {
        if let Some(result) = self.searching.as_ref().and_then(|(number, job)| Some((*number, job.poll()?))) {
            self.searching = None;
            found.push(Finding::Answer(result.0, result.1));
        }
        // One search at a time: while the model loads, letters must not pile up as threads.
        let is_due =
            self.searching.is_none() && self.next_search.as_ref().is_some_and(|next| next.due <= Instant::now());
        if let Some(next) = self.next_search.take_if(|_| is_due) {
            match self.engine.start_search(next.request, Arc::clone(&self.wakes.now)) {
                Ok(job) => self.searching = Some((next.number, job)),
                Err(error) => found.push(Finding::Answer(next.number, Err(error))),
            }
        }
    }

    fn index(&mut self, folders: Vec<PathBuf>) -> Result<()> {
        let job = self.engine.start_index(folders, Arc::clone(&self.wakes.soon))?;
        self.indexing =
            Some(IndexingJob { job, phase: "", since: Instant::now(), is_stopping: false, is_paused: false });
        Ok(())
    }

    fn stop_indexing(&mut self) -> Result<()> {
        if let Some(indexing) = &mut self.indexing {
            indexing.is_stopping = true;
            indexing.job.cancel();
        }
        Ok(())
    }

    fn search_later(&mut self, number: u64, request: SearchRequest, pace: Pace) -> Result<()> {
        let pause = if pace == Pace::Now { Duration::ZERO } else { TYPING_PAUSE };
        self.next_search = Some(NextSearch { number, request, due: Instant::now() + pause });
        Ok(())
    }

    /// Searches with another engine over the same library from now on: what its model has not embedded yet is indexed next,
    /// beside the old index.
    fn switch(&mut self, other: impl FnOnce(&Engine) -> Result<Engine> + Send + 'static) -> Result<()> {
        let engine = self.engine.clone();
        self.switching = Some(jobs::spawn("model", Arc::clone(&self.wakes.now), move |_| other(&engine))?);
        Ok(())
    }

    fn poll_switching(&mut self, found: &mut Vec<Finding>) {
        let Some(other) = self.switching.as_ref().and_then(Job::poll) else { return };
        self.switching = None;
        found.push(Finding::ModelUsed(other.map(|engine| {
            self.engine = engine;
            (self.engine.model_id().to_owned(), self.engine.precision())
        })));
    }

    /// A dialog of the system's, and what it is about.
    fn dialog(
        &mut self,
        finding: impl Fn(Choice) -> Finding + 'static,
        ask: impl FnOnce() -> Choice + Send + 'static,
    ) -> Result<()> {
        let finding = move |choice: Result<Choice>| choice.map_or_else(Finding::Failed, &finding);
        self.other("dialog", finding, |_| Ok(ask()))
    }

    /// Any work that ends with one finding.
    fn other<T: Send + 'static>(
        &mut self,
        name: &'static str,
        finding: impl Fn(Result<T>) -> Finding + 'static,
        work: impl FnOnce(&Engine) -> Result<T> + Send + 'static,
    ) -> Result<()> {
        let (engine, language) = (self.engine.clone(), translate::spoken());
        let job = jobs::spawn(name, Arc::clone(&self.wakes.now), move |_| {
            translate::speak(language);
            work(&engine)
        })?;
        self.others.push(Box::new(move || Some(Command::Found(finding(job.poll()?)))));
        Ok(())
    }
}

impl IndexingJob {
    fn now(&mut self) -> Indexing {
        let progress = self.job.progress();
        if progress.phase != self.phase {
            self.phase = progress.phase;
            self.since = Instant::now();
        }
        let seconds = self.since.elapsed().as_secs_f64();
        // Two seconds: before that the first batch says more than the speed.
        let rate = (seconds > 2.0 && progress.done > 0).then(|| progress.done as f64 / seconds);
        Indexing { progress, subject: String::new(), rate, is_stopping: self.is_stopping, is_paused: self.is_paused }
    }
}

fn nothing_or(found: Result<Finding>) -> Finding {
    found.unwrap_or_else(Finding::Failed)
}

fn nothing_or_failed(done: Result<()>) -> Finding {
    done.map_or_else(Finding::Failed, |()| Finding::Done)
}

fn library_read(engine: &Engine) -> Result<LibraryRead> {
    let snapshot = engine.snapshot();
    Ok(LibraryRead {
        tags: tags_of(&snapshot),
        favourites: snapshot.entries.iter().filter(|entry| entry.is_favourite).count(),
        folders: engine.folders(),
        albums: engine.albums(),
        searches: engine.saved_searches(),
        problems: engine.problems()?,
    })
}

/// Every tag, and how many files have it.
fn tags_of(snapshot: &Snapshot) -> Vec<(String, usize)> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for tag in snapshot.entries.iter().flat_map(|entry| entry.tags.iter()) {
        *counts.entry(tag).or_default() += 1;
    }
    counts.into_iter().map(|(tag, count)| (tag.to_owned(), count)).collect()
}
