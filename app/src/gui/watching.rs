//! Watches the added folders. In: the wish to watch them as they are now. Out: what was heard and what cannot be heard,
//! when polled once a frame. The system may take seconds to begin, so that a job does it; nothing here waits.

use std::collections::HashSet;
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, bounded};
use sightline_core::engine::Engine;
use sightline_core::jobs::{self, Job, Wake};
use sightline_core::library::{Watch, WatchEvent};
use sightline_core::{Problem, Result};

use super::finding::Finding;
use super::text;

/// Folders that are lost between two frames; of more, these are enough to say why.
const UNWATCHED_AT_MOST: usize = 16;

/// Takes what a watch hears.
pub type Hear = Box<dyn Fn(WatchEvent) + Send>;

/// Begins to watch: the engine, or a test. Gives the folders that it cannot watch, too.
pub type Begin = Arc<dyn Fn(Hear) -> Result<(Watch, Vec<Problem>)> + Send + Sync>;

/// The watch of the added folders.
pub struct Watching {
    begin: Begin,
    wake: Wake,
    watch: Option<Watch>,
    beginning: Option<Job<(Watch, Vec<Problem>)>>,
    is_outdated: bool,
    changes: (Sender<()>, Receiver<()>),
    unwatched: (Sender<Problem>, Receiver<Problem>),
    said: HashSet<String>,
}

impl Watching {
    /// Watches nothing yet.
    pub fn new(begin: Begin, wake: Wake) -> Self {
        Self {
            begin,
            wake,
            watch: None,
            beginning: None,
            is_outdated: false,
            changes: bounded(1),
            unwatched: bounded(UNWATCHED_AT_MOST),
            said: HashSet::new(),
        }
    }

    /// Watches the folders as they are now, soon.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn begin(&mut self) -> Result<()> {
        if self.beginning.is_some() {
            self.is_outdated = true;
            return Ok(());
        }
        let (begin, hear, before) = (Arc::clone(&self.begin), self.hear(), self.watch.take());
        self.beginning = Some(jobs::spawn("watch", Arc::clone(&self.wake), move |_| {
            // Its watches count towards the system's limit.
            drop(before);
            begin(hear)
        })?);
        Ok(())
    }

    /// Whether the system has not begun yet.
    pub fn is_beginning(&self) -> bool {
        self.beginning.is_some()
    }

    /// What was heard since the last frame.
    pub fn poll(&mut self) -> Vec<Finding> {
        let mut found = Vec::new();
        if let Some(result) = self.beginning.as_ref().and_then(Job::poll) {
            self.beginning = None;
            found.extend(self.begun(result));
        }
        if self.changes.1.try_recv().is_ok() {
            found.push(Finding::FoldersChanged);
        }
        let lost: Vec<Problem> = self.unwatched.1.try_iter().collect();
        // One by one every folder meets the same limit: it is said once.
        found.extend(lost.iter().filter_map(|problem| self.say(&problem.reason, problem)));
        found
    }

    /// A system that cannot watch is no reason to stop.
    fn begun(&mut self, result: Result<(Watch, Vec<Problem>)>) -> Vec<Finding> {
        let mut found: Vec<Finding> = match result {
            Ok((watch, unwatched)) => {
                self.watch = Some(watch);
                unwatched.iter().filter_map(|problem| self.say(&told(problem), problem)).collect()
            }
            Err(error) => vec![Finding::Notice(text::sentence(&error.to_string()))],
        };
        if std::mem::take(&mut self.is_outdated)
            && let Err(error) = self.begin()
        {
            found.push(Finding::Failed(error));
        }
        found
    }

    /// A notice, unless something of this key was said before: who dismissed it has read it.
    fn say(&mut self, key: &str, problem: &Problem) -> Option<Finding> {
        self.said.insert(key.to_owned()).then(|| Finding::Notice(text::sentence(&told(problem))))
    }

    fn hear(&self) -> Hear {
        let (changes, unwatched, wake) = (self.changes.0.clone(), self.unwatched.0.clone(), Arc::clone(&self.wake));
        Box::new(move |event| {
            match event {
                // Full: a look at the folders is coming anyway.
                WatchEvent::Changed(_) | WatchEvent::Overflow => drop(changes.try_send(())),
                // Full: enough of them are about to be said.
                WatchEvent::Unwatched(problem) => drop(unwatched.try_send(problem)),
            }
            wake();
        })
    }
}

/// Watches with the engine. That an offline folder cannot be watched goes without saying.
pub fn begin_with(engine: &Engine) -> Begin {
    let engine = engine.clone();
    Arc::new(move |hear| {
        let offline: HashSet<_> = engine.folders().into_iter().filter(|f| f.is_offline).map(|f| f.path).collect();
        let watch = engine.start_watch(hear)?;
        let unwatched = watch.unwatched().iter().filter(|problem| !offline.contains(&problem.path));
        let unwatched = unwatched.cloned().collect();
        Ok((watch, unwatched))
    })
}

/// The reason, what to do, and the folder if one is named.
fn told(problem: &Problem) -> String {
    match problem.path.as_os_str().is_empty() {
        true => problem.reason.clone(),
        false => format!("{}: {}", problem.reason, problem.path.display()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use sightline_core::library;

    use super::*;

    /// A system that begins only when it is let, cannot watch `/full`, and gives away what it was told to call.
    struct System {
        watching: Watching,
        let_begin: Sender<()>,
        begun: Arc<Mutex<Vec<Hear>>>,
    }

    fn limit(path: &str) -> Problem {
        Problem { path: path.into(), reason: "the limit is reached; raise max_user_watches".to_owned() }
    }

    fn system() -> System {
        let (let_begin, may_begin) = bounded::<()>(10);
        let begun = Arc::new(Mutex::new(Vec::new()));
        let theirs = Arc::clone(&begun);
        let begin: Begin = Arc::new(move |hear| {
            may_begin.recv().ok();
            theirs.lock().unwrap().push(hear);
            Ok((library::watch(&[], |_| ())?, vec![limit("/full")]))
        });
        System { watching: Watching::new(begin, Arc::new(|| {})), let_begin, begun }
    }

    impl System {
        /// Frame after frame until nothing begins any more.
        fn begin(&mut self) -> Vec<Finding> {
            let mut found = Vec::new();
            while self.watching.is_beginning() {
                self.let_begin.try_send(()).ok();
                found.extend(self.watching.poll());
                std::thread::yield_now();
            }
            found
        }

        fn hears(&mut self, event: WatchEvent) -> Vec<Finding> {
            self.begun.lock().unwrap().last().unwrap()(event);
            self.watching.poll()
        }
    }

    #[track_caller]
    fn check(found: &[Finding], expected: &[&str]) {
        let said: Vec<&str> = found
            .iter()
            .map(|finding| match finding {
                Finding::Notice(text) => text.as_str(),
                Finding::FoldersChanged => "changed",
                _ => "another finding",
            })
            .collect();
        assert_eq!(said, expected);
    }

    #[test]
    fn no_frame_waits_for_the_system_to_begin() {
        let mut system = system();
        system.watching.begin().unwrap();
        check(&system.watching.poll(), &[]);
        assert!(system.watching.is_beginning() && system.begun.lock().unwrap().is_empty());
    }

    #[test]
    fn a_folder_that_cannot_be_watched_is_said_with_the_remedy_and_once() {
        let mut system = system();
        system.watching.begin().unwrap();
        check(&system.begin(), &["The limit is reached; raise max_user_watches: /full."]);
        system.watching.begin().unwrap();
        check(&system.begin(), &[]);
    }

    #[test]
    fn a_limit_that_is_met_later_is_said_once_for_all_folders() {
        let mut system = system();
        system.watching.begin().unwrap();
        system.begin();
        let said = system.hears(WatchEvent::Unwatched(limit("/a")));
        check(&said, &["The limit is reached; raise max_user_watches: /a."]);
        check(&system.hears(WatchEvent::Unwatched(limit("/a/b"))), &[]);
    }

    #[test]
    fn changes_and_lost_events_ask_for_a_look() {
        let mut system = system();
        system.watching.begin().unwrap();
        system.begin();
        check(&system.hears(WatchEvent::Changed(vec!["/a/1.jpg".into()])), &["changed"]);
        check(&system.hears(WatchEvent::Overflow), &["changed"]);
    }

    #[test]
    fn folders_that_are_added_while_the_system_begins_are_watched_right_after() {
        let mut system = system();
        for _ in 0..3 {
            system.watching.begin().unwrap();
        }
        system.begin();
        assert_eq!(system.begun.lock().unwrap().len(), 2);
    }
}
