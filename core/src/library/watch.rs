//! Added folders → events while they change. In: folders, a callback. Out: debounced events, on a thread of the
//! watcher's own. Says when the system cannot watch; reads no file.

use std::path::{Path, PathBuf};
use std::time::Duration;

use notify::{ErrorKind, EventKind, RecommendedWatcher, RecursiveMode};
use notify_debouncer_full::{DebounceEventResult, Debouncer, RecommendedCache, new_debouncer};

use crate::error::{Error, Problem, Result};
use crate::index::FolderRecord;

/// So long must a file be quiet: a copy in progress is one event.
const QUIET: Duration = Duration::from_secs(1);

/// What happened in the watched folders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WatchEvent {
    /// Files or folders were made, changed, moved or removed: sorted, each once.
    Changed(Vec<PathBuf>),
    /// Events were lost: only a look at everything tells what changed.
    Overflow,
    /// A folder is not watched from now on, and why: the system's limit of watches, most often.
    Unwatched(Problem),
}

/// Watched folders. Dropping it ends the watching.
pub struct Watch {
    unwatched: Vec<Problem>,
    _debouncer: Debouncer<RecommendedWatcher, RecommendedCache>,
}

impl Watch {
    /// The folders that cannot be watched, and why.
    pub fn unwatched(&self) -> &[Problem] {
        &self.unwatched
    }
}

/// Watches `folders` and everything below them. A folder that cannot be watched is no error but in
/// [`Watch::unwatched`].
///
/// # Errors
/// A system that watches nothing at all.
pub fn watch(folders: &[PathBuf], on_event: impl Fn(WatchEvent) + Send + 'static) -> Result<Watch> {
    watch_after(QUIET, folders, on_event)
}

fn watch_after(quiet: Duration, folders: &[PathBuf], on_event: impl Fn(WatchEvent) + Send + 'static) -> Result<Watch> {
    let handle = move |result: DebounceEventResult| events(result).into_iter().for_each(&on_event);
    let mut debouncer = new_debouncer(quiet, None, handle).map_err(|error| unwatchable(&error))?;
    let mut unwatched = Vec::new();
    for folder in folders {
        if let Err(error) = debouncer.watch(folder, RecursiveMode::Recursive) {
            unwatched.push(problem(folder, &error));
        }
    }
    Ok(Watch { unwatched, _debouncer: debouncer })
}

/// The event without what a scan would leave out anyway: hidden files, excluded folders, and the library's own files,
/// which every scan writes; `None` if nothing is left.
pub fn noticed(event: WatchEvent, folders: &[FolderRecord], library: &Path) -> Option<WatchEvent> {
    let WatchEvent::Changed(mut paths) = event else { return Some(event) };
    paths.retain(|path| !path.starts_with(library) && folders.iter().any(|folder| is_looked_at(path, folder)));
    (!paths.is_empty()).then_some(WatchEvent::Changed(paths))
}

fn is_looked_at(path: &Path, folder: &FolderRecord) -> bool {
    let Ok(inside) = path.strip_prefix(&folder.path) else { return false };
    let is_hidden = inside.iter().any(|part| part.as_encoded_bytes().starts_with(b"."));
    // `.nomedia` itself decides what is looked at.
    let is_switch = inside.file_name().is_some_and(|name| name == ".nomedia");
    (!is_hidden || is_switch) && !folder.excluded.iter().any(|excluded| inside.starts_with(excluded))
}

/// What the debouncer gave as our events.
fn events(result: DebounceEventResult) -> Vec<WatchEvent> {
    let events = match result {
        Ok(events) => events,
        Err(errors) => return errors.iter().map(failed).collect(),
    };
    if events.iter().any(|event| event.need_rescan()) {
        return vec![WatchEvent::Overflow];
    }
    let changes = events.into_iter().filter(|event| !matches!(event.kind, EventKind::Access(_)));
    let mut paths: Vec<PathBuf> = changes.flat_map(|event| event.event.paths).collect();
    paths.sort();
    paths.dedup();
    if paths.is_empty() { Vec::new() } else { vec![WatchEvent::Changed(paths)] }
}

fn failed(error: &notify::Error) -> WatchEvent {
    match error.paths.first() {
        Some(path) => WatchEvent::Unwatched(problem(path, error)),
        None if matches!(error.kind, ErrorKind::MaxFilesWatch) => WatchEvent::Unwatched(problem(Path::new(""), error)),
        // Whatever was lost, looking at everything finds it.
        None => WatchEvent::Overflow,
    }
}

fn problem(folder: &Path, error: &notify::Error) -> Problem {
    Problem { path: folder.to_owned(), reason: reason(error) }
}

/// Why a folder is not watched and what to do.
fn reason(error: &notify::Error) -> String {
    match &error.kind {
        ErrorKind::MaxFilesWatch => "changes here are not noticed by themselves: the system's limit of watches is \
             reached; raise fs.inotify.max_user_watches (sudo sysctl fs.inotify.max_user_watches=524288), or run \
             `sightline index` after changes"
            .to_owned(),
        ErrorKind::PathNotFound => "this folder is not there and cannot be watched; plug in its drive".to_owned(),
        _ => format!("changes here are not noticed by themselves ({error}); run `sightline index` after changes"),
    }
}

fn unwatchable(error: &notify::Error) -> Error {
    let what = format!("the system gives no way to watch folders ({error})");
    Error::bad_request(what, "close other programs that watch many files, or run `sightline index` after changes")
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
    use std::time::Instant;

    use notify::Event;
    use notify::event::{AccessKind, AccessMode, CreateKind, Flag};
    use notify_debouncer_full::DebouncedEvent;

    use super::*;

    fn watched(folder: &Path) -> (Watch, Receiver<WatchEvent>) {
        let (sender, receiver) = sync_channel(100);
        let send = move |event| drop(sender.try_send(event));
        let watch = watch_after(Duration::from_millis(50), &[folder.to_owned()], send).unwrap();
        assert_eq!(watch.unwatched(), []);
        (watch, receiver)
    }

    /// Waits until `path` is among the changes.
    #[track_caller]
    fn check_hears_of(receiver: &Receiver<WatchEvent>, path: &Path) {
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            match receiver.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(WatchEvent::Changed(paths)) if paths.iter().any(|changed| changed == path) => return,
                Ok(_) => (),
                Err(error @ (RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected)) => {
                    panic!("heard nothing of {}: {error}", path.display())
                }
            }
        }
    }

    fn event(kind: EventKind, path: &str) -> DebouncedEvent {
        DebouncedEvent { event: Event::new(kind).add_path(path.into()), time: Instant::now() }
    }

    #[test]
    fn a_new_file_a_file_in_a_new_folder_and_a_removed_one_are_heard_of() {
        let folder = tempfile::tempdir().unwrap();
        let root = fs_err::canonicalize(folder.path()).unwrap();
        let (_watch, receiver) = watched(&root);
        fs_err::write(root.join("a.jpg"), "x").unwrap();
        check_hears_of(&receiver, &root.join("a.jpg"));
        fs_err::create_dir_all(root.join("new")).unwrap();
        check_hears_of(&receiver, &root.join("new"));
        fs_err::write(root.join("new/b.jpg"), "x").unwrap();
        check_hears_of(&receiver, &root.join("new/b.jpg"));
        fs_err::remove_file(root.join("a.jpg")).unwrap();
        check_hears_of(&receiver, &root.join("a.jpg"));
    }

    #[test]
    fn a_folder_that_is_not_there_is_said_to_be_unwatched() {
        let watch = watch(&["/not there at all".into()], |_| ()).unwrap();
        assert_eq!(watch.unwatched()[0].path, Path::new("/not there at all"));
        assert!(watch.unwatched()[0].reason.contains("not there"), "{:?}", watch.unwatched());
    }

    #[test]
    fn the_limit_of_watches_comes_with_its_remedy() {
        let error = notify::Error::new(ErrorKind::MaxFilesWatch).add_path("/p".into());
        let [WatchEvent::Unwatched(problem)] = &events(Err(vec![error]))[..] else { panic!("another event") };
        assert_eq!(problem.path, Path::new("/p"));
        assert!(problem.reason.contains("fs.inotify.max_user_watches"), "{}", problem.reason);
    }

    #[test]
    fn lost_events_ask_for_a_look_at_everything() {
        let lost = Event::new(EventKind::Other).set_flag(Flag::Rescan);
        let lost = DebouncedEvent { event: lost, time: Instant::now() };
        let other = event(EventKind::Create(CreateKind::File), "/p/a");
        assert_eq!(events(Ok(vec![other, lost])), [WatchEvent::Overflow]);
    }

    #[test]
    fn changes_are_sorted_each_once_and_reading_is_none() {
        let create = |path| event(EventKind::Create(CreateKind::File), path);
        let read = event(EventKind::Access(AccessKind::Open(AccessMode::Read)), "/p/c");
        let heard = events(Ok(vec![create("/p/b"), create("/p/a"), create("/p/b"), read.clone()]));
        assert_eq!(heard, [WatchEvent::Changed(vec!["/p/a".into(), "/p/b".into()])]);
        assert_eq!(events(Ok(vec![read])), []);
    }

    /// Of a change of `path`, with `/photos` added without `/photos/old`, and a library in `/photos/.data/library`.
    #[track_caller]
    fn check_noticed(path: &str, is_noticed: bool) {
        let folder = FolderRecord { excluded: vec!["old".into()], ..FolderRecord::new("/photos".into()) };
        let event = WatchEvent::Changed(vec![path.into()]);
        let found = noticed(event.clone(), &[folder], Path::new("/photos/library"));
        assert_eq!(found, is_noticed.then_some(event), "{path}");
    }

    #[test]
    fn a_photo_is_noticed() {
        check_noticed("/photos/2024/dog.jpg", true);
        check_noticed("/photos/2024/.nomedia", true);
    }

    #[test]
    fn what_a_scan_leaves_out_is_not() {
        check_noticed("/photos/.cache/dog.jpg", false);
        check_noticed("/photos/old/dog.jpg", false);
        check_noticed("/photos/library/store/db", false);
        check_noticed("/elsewhere/dog.jpg", false);
    }
}
