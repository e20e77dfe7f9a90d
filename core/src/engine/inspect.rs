//! Inspection as it is asked for: files in, verdicts out. In: good parts, parts to judge, settings. Out: an inspector that
//! threads can share, one result a part as soon as it is there, and problems. Draws nothing; `report` writes.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crossbeam_channel::bounded;
use image::{GrayImage, RgbImage};
use walkdir::WalkDir;

use super::Engine;
use super::model::LoadedModel;
use crate::anomaly::{
    Inspector, Judgement, Learnt, Lesson, OkPart, Region, Regions, ScoreMap, Settings, Taught, Teacher, Verdict,
    show_all,
};
use crate::error::{Error, Problem, Result};
use crate::jobs::{self, Job, Ticker, Wake};
use crate::media::{self, Limits};

/// What an inspector is taught with.
#[derive(Debug, Clone, Default)]
pub struct TeachRequest {
    /// How it looks and judges.
    pub settings: Settings,
    /// Good parts: files, and folders of them.
    pub normal: Vec<PathBuf>,
    /// More good parts, which are not learnt: thresholds are set by them as well.
    pub ok: Vec<PathBuf>,
    /// The parts that will be judged: a method that learns from the folder looks at these.
    pub images: Vec<PathBuf>,
}

/// Features of more parts are held for one look at a time.
const MOST_TOGETHER: usize = 32;

/// The parts that a request teaches with, file by file.
struct Parts {
    normal: Vec<PathBuf>,
    ok: Vec<PathBuf>,
    /// Some of those that will be judged.
    folder: Vec<PathBuf>,
}

impl Parts {
    /// The folder is listed only where somebody learns from it.
    fn of(request: &TeachRequest, wants_folder: bool) -> Result<Self> {
        let folder = if wants_folder { thinned(pictures_in(&request.images)?) } else { Vec::new() };
        Ok(Self { normal: pictures_in(&request.normal)?, ok: pictures_in(&request.ok)?, folder })
    }

    /// What a method with such a teacher is shown, and what only sets its thresholds: good parts that it does not learn from
    /// do that, too.
    fn shown_and_more(&self, teacher: Teacher) -> (Vec<PathBuf>, Vec<PathBuf>) {
        let (normal, ok) = (self.normal.clone(), self.ok.clone());
        match teacher {
            Teacher::References => (normal, ok),
            Teacher::Folder => (self.folder.clone(), [normal, ok].concat()),
            Teacher::Words => (Vec::new(), [normal, ok].concat()),
        }
    }

    /// What could not be used by one look is kept from those that follow.
    fn forget(&mut self, problems: &[Problem]) {
        let is_kept = |file: &PathBuf| problems.iter().all(|problem| problem.path != *file);
        for files in [&mut self.normal, &mut self.ok, &mut self.folder] {
            files.retain(is_kept);
        }
    }
}

/// A taught inspector, and the files that could not be used for it.
pub struct Teaching {
    /// Judges parts; threads can share it.
    pub inspector: Arc<Inspector>,
    /// Good parts that could not be used.
    pub problems: Vec<Problem>,
}

/// What is said of one file.
#[derive(Debug, Clone)]
pub struct PartResult {
    /// The file.
    pub path: PathBuf,
    /// Score, verdict and patch scores.
    pub judgement: Judgement,
    /// Where something is wrong, worst first.
    pub regions: Vec<Region>,
}

/// The pixels of a judged part: large, and gone once the part is done.
pub struct Pixels {
    /// The decoded file.
    pub picture: RgbImage,
    /// Raw scores.
    pub map: ScoreMap,
    /// 255 where a region is, as large as the map.
    pub mask: GrayImage,
}

/// What a run over a folder came to.
#[derive(Debug, Clone, Default)]
pub struct RunReport {
    /// Parts that were judged.
    pub judged: usize,
    /// Of these, the ones that passed, went to review and failed.
    pub verdicts: [usize; 3],
    /// Files that could not be judged.
    pub problems: Vec<Problem>,
    /// Whether good parts no longer look as the references did.
    pub has_drifted: bool,
}

impl RunReport {
    /// How many parts have this verdict.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.verdicts[verdict as usize]
    }
}

/// The picture files that are meant: files as they are, folders with all in them, sorted, each once.
///
/// # Errors
/// A folder that cannot be read at all.
pub fn pictures_in(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let mut found = BTreeSet::new();
        for entry in WalkDir::new(path).follow_links(true) {
            // A folder inside that cannot be read, or a link that leads nowhere, hides only itself.
            let Ok(entry) = entry else { continue };
            let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
            if entry.file_type().is_file() && !is_hidden && media::is_picture_path(entry.path()) {
                found.insert(entry.into_path());
            }
        }
        files.extend(found);
    }
    let mut known = BTreeSet::new();
    files.retain(|file| known.insert(file.clone()));
    Ok(files)
}

/// Teaches an inspector. A reference that cannot be used is a problem; only if none can, this fails.
///
/// # Errors
/// Settings that make no sense, no usable good part, a model without patch features, [`Error::Cancelled`].
pub fn teach(model: &LoadedModel, request: &TeachRequest, ticker: &Ticker) -> Result<Teaching> {
    let settings = &request.settings;
    settings.check()?;
    let looks = [vec![settings.clone()], settings.others()].concat();
    let lessons: Vec<Lesson> =
        looks.into_iter().map(|look| Lesson::new(model.shared(), look)).collect::<Result<_>>()?;
    let wants_folder = lessons.iter().any(|lesson| lesson.teacher() == Teacher::Folder);
    let mut parts = Parts::of(request, wants_folder)?;
    let (mut looks, mut problems) = (Vec::new(), Vec::new());
    // Looks that learn from the same files are shown each file together.
    for lessons in together(lessons, |teacher| parts.shown_and_more(teacher).0.len()) {
        let (shown, more) = parts.shown_and_more(lessons[0].teacher());
        let (learnt, found) = learnt(lessons, &shown, &more, ticker)?;
        parts.forget(&found);
        looks.extend(learnt);
        problems.extend(found);
    }
    // A file that cannot be used is told of once.
    let mut told = BTreeSet::new();
    problems.retain(|problem: &Problem| told.insert(problem.path.clone()));
    let first = looks.remove(0);
    let inspector = Inspector::of(first, looks, &|| ticker.check()).map_err(|error| with_cause(error, &problems))?;
    Ok(Teaching { inspector: Arc::new(inspector), problems })
}

/// Where no good part is left, the first one that could not be used is why.
fn with_cause(error: Error, problems: &[Problem]) -> Error {
    match (&error, problems.first()) {
        (Error::BadRequest { .. }, Some(problem)) => Error::bad_request(
            format!("no good part is left to set the thresholds by; {}: {}", problem.path.display(), problem.reason),
            "give others",
        ),
        _ => error,
    }
}

/// Lessons in their order; those that follow each other and learn from the same few parts are held together. `parts` says how
/// many a method with such a teacher is shown.
fn together(lessons: Vec<Lesson>, parts: impl Fn(Teacher) -> usize) -> Vec<Vec<Lesson>> {
    let mut groups: Vec<Vec<Lesson>> = Vec::new();
    for lesson in lessons {
        let teacher = lesson.teacher();
        match groups.last_mut() {
            Some(group) if group[0].teacher() == teacher && parts(teacher) <= MOST_TOGETHER => group.push(lesson),
            _ => groups.push(vec![lesson]),
        }
    }
    groups
}

/// What lessons come to that are shown the same; `more` good parts only set the thresholds.
fn learnt(
    mut lessons: Vec<Lesson>,
    shown: &[PathBuf],
    more: &[PathBuf],
    ticker: &Ticker,
) -> Result<(Vec<Learnt>, Vec<Problem>)> {
    ticker.phase("Learning");
    ticker.expect(shown.len() + more.len());
    let mut problems = Vec::new();
    let mut failed: Option<Error> = None;
    decoded(shown, ticker, &mut |path, picture| {
        let name = path.to_string_lossy();
        let shown = picture.and_then(|picture| show_all(&mut lessons, &name, &picture));
        note(path, shown, &mut problems, &mut failed)
    })?;
    if problems.len() == shown.len()
        && let Some(error) = failed
    {
        return Err(error);
    }
    let mut taught: Vec<(Taught, Vec<OkPart>)> =
        lessons.into_iter().map(|lesson| Ok((lesson.end(&|| ticker.check())?, Vec::new()))).collect::<Result<_>>()?;
    decoded(more, ticker, &mut |path, picture| {
        let name = path.to_string_lossy();
        let scored = picture.and_then(|picture| {
            let parts: Vec<OkPart> =
                taught.iter().map(|(taught, _)| taught.ok_part(&name, &picture)).collect::<Result<_>>()?;
            taught.iter_mut().zip(parts).for_each(|((_, ok), part)| ok.push(part));
            Ok(())
        });
        note(path, scored, &mut problems, &mut None)
    })?;
    let learnt = taught.into_iter().map(|(taught, ok)| taught.learnt(ok)).collect::<Result<_>>()?;
    Ok((learnt, problems))
}

/// A method that learns from the folder is shown at most so many parts of it: its time and its memory grow with them.
const MOST_OF_FOLDER: usize = 48;

/// Some files of a folder, evenly spread over it.
fn thinned(files: Vec<PathBuf>) -> Vec<PathBuf> {
    let kept = files.len().min(MOST_OF_FOLDER);
    (0..kept).map(|at| files[at * files.len() / kept].clone()).collect()
}

/// A bad file is a problem; only a cancelled job ends the run.
fn note(path: &Path, result: Result<()>, problems: &mut Vec<Problem>, failed: &mut Option<Error>) -> Result<()> {
    match result {
        Ok(()) => Ok(()),
        Err(Error::Cancelled) => Err(Error::Cancelled),
        Err(error) => {
            problems.push(Problem { path: path.to_owned(), reason: error.reason() });
            failed.get_or_insert(error);
            Ok(())
        }
    }
}

/// Judges files one after the other; `sink` gets each part as soon as it is judged. Memory does not grow with their number.
///
/// # Errors
/// [`Error::Cancelled`], or whatever `sink` failed with. A bad file is a problem in the report.
pub fn inspect(
    inspector: &Inspector,
    files: &[PathBuf],
    ticker: &Ticker,
    sink: &mut dyn FnMut(PartResult, &Pixels) -> Result<()>,
) -> Result<RunReport> {
    ticker.phase("Inspecting");
    ticker.expect(files.len());
    let mut report = RunReport::default();
    let mut drift = inspector.drift();
    decoded(files, ticker, &mut |path, picture| match picture.and_then(|picture| judge(inspector, path, picture)) {
        Ok((part, pixels)) => {
            let verdict = part.judgement.verdict;
            report.judged += 1;
            report.verdicts[verdict as usize] += 1;
            if verdict == Verdict::Pass {
                drift.add(part.judgement.median);
                report.has_drifted |= drift.has_drifted();
            }
            sink(part, &pixels)
        }
        Err(Error::Cancelled) => Err(Error::Cancelled),
        Err(error) => {
            ticker.fail();
            report.problems.push(Problem { path: path.to_owned(), reason: error.reason() });
            Ok(())
        }
    })?;
    Ok(report)
}

/// Judges one picture that is decoded already.
///
/// # Errors
/// A picture that the model cannot look at.
pub fn judge(inspector: &Inspector, path: &Path, picture: RgbImage) -> Result<(PartResult, Pixels)> {
    let judgement = inspector.judge(&picture)?;
    let map = inspector.map(&judgement);
    let Regions { regions, mask } = inspector.shown_regions(&judgement, &map);
    Ok((PartResult { path: path.to_owned(), judgement, regions }, Pixels { picture, map, mask }))
}

/// Decodes `files` on a thread of its own, one ahead of the work on the last one; ticks once a file.
fn decoded(
    files: &[PathBuf],
    ticker: &Ticker,
    work: &mut dyn FnMut(&Path, Result<RgbImage>) -> Result<()>,
) -> Result<()> {
    std::thread::scope(|scope| {
        let (sender, receiver) = bounded(1);
        scope.spawn(move || {
            for file in files {
                let picture = media::decode(file, &Limits::default()).map(|decoded| decoded.picture);
                // The other end is gone when the job was cancelled.
                if ticker.is_cancelled() || sender.send((file, picture)).is_err() {
                    return;
                }
            }
        });
        for (file, picture) in receiver {
            work(file, picture)?;
            ticker.tick(1)?;
        }
        ticker.check()
    })
}

impl Engine {
    /// [`teach`] on a thread of its own, with the library's model.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start_teaching(&self, request: TeachRequest, wake: Wake) -> Result<Job<Teaching>> {
        let engine = self.clone();
        jobs::spawn("teach", wake, move |ticker: &Ticker| teach(&LoadedModel::of(engine.encoder()?), &request, ticker))
    }

    /// [`inspect`] on a thread of its own: each part goes to `sink` as soon as it is judged, on the job's thread.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start_inspection(
        inspector: Arc<Inspector>,
        images: Vec<PathBuf>,
        mut sink: impl FnMut(PartResult) + Send + 'static,
        wake: Wake,
    ) -> Result<Job<RunReport>> {
        jobs::spawn("inspect", wake, move |ticker: &Ticker| {
            let files = pictures_in(&images)?;
            inspect(&inspector, &files, ticker, &mut |part, _| {
                sink(part);
                Ok(())
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anomaly::testing::FakeEncoder;

    #[test]
    fn a_part_that_one_look_cannot_see_is_learnt_by_none() {
        let folder = tempfile::tempdir().unwrap();
        let save = |name: &str, (width, height): (u32, u32)| {
            let path = folder.path().join(name);
            let shade = |x, y| image::Rgb([(x * 7) as u8, (y * 5) as u8, name.len() as u8]);
            RgbImage::from_fn(width, height, shade).save(&path).unwrap();
            path
        };
        // A pixel and a half is left of the strip at 192, less than one at 96.
        let strip = save("strip.png", (256, 2));
        let good = ["a.png", "bb.png", "ccc.png"].map(|name| save(name, (192, 128)));
        let settings = Settings { method: "patch-knn".into(), sizes: vec![192, 96], ..Settings::default() };
        let request = TeachRequest { settings, normal: vec![folder.path().to_owned()], ..TeachRequest::default() };
        let model = LoadedModel::of(Arc::new(FakeEncoder));
        let Teaching { inspector, problems } = teach(&model, &request, &Ticker::silent()).unwrap();
        assert_eq!(problems.iter().map(|problem| &problem.path).collect::<Vec<_>>(), [&strip]);
        assert_eq!(inspector.references(), good.map(|path| path.to_string_lossy().into_owned()));
        assert_eq!(inspector.calibration().ok.len(), 3);
    }

    #[test]
    fn what_one_look_could_not_use_is_kept_from_those_that_follow() {
        let file = |name: &str| PathBuf::from(name);
        let mut parts = Parts { normal: vec![file("a"), file("b")], ok: vec![file("c")], folder: vec![file("b")] };
        parts.forget(&[Problem { path: file("b"), reason: "too large".into() }]);
        assert_eq!(parts.shown_and_more(Teacher::References), (vec![file("a")], vec![file("c")]));
        assert_eq!(parts.shown_and_more(Teacher::Folder), (Vec::new(), vec![file("a"), file("c")]));
    }

    #[test]
    fn lessons_are_held_together_while_they_are_shown_few_parts() {
        let lessons = || {
            let of = |method: &str| Settings { method: method.into(), ..Settings::default() };
            let of = |method| Lesson::new(Arc::new(FakeEncoder), of(method)).unwrap();
            vec![of("patch-knn"), of("subspace"), of("mutual"), of("mutual")]
        };
        let lengths = |parts: fn(Teacher) -> usize| together(lessons(), parts).iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(lengths(|_| MOST_TOGETHER), [2, 2]);
        assert_eq!(lengths(|teacher| if teacher == Teacher::Folder { MOST_TOGETHER + 1 } else { 4 }), [2, 1, 1]);
    }

    #[test]
    fn good_parts_that_cannot_be_read_are_why_nothing_was_learnt() {
        let folder = tempfile::tempdir().unwrap();
        let (broken, judged) = (folder.path().join("broken.png"), folder.path().join("judged.png"));
        fs_err::write(&broken, b"no picture").unwrap();
        RgbImage::from_fn(96, 96, |x, y| image::Rgb([x as u8, y as u8, 7])).save(&judged).unwrap();
        let settings = Settings { method: "mutual".into(), sizes: vec![96], ..Settings::default() };
        let request = TeachRequest { settings, normal: vec![broken], images: vec![judged], ..TeachRequest::default() };
        let model = LoadedModel::of(Arc::new(FakeEncoder));
        let error = teach(&model, &request, &Ticker::silent()).err().unwrap().to_string();
        assert!(error.contains("broken.png"), "{error}");
    }
}
