//! Changes of what the person makes, one after the other: of two quick ones the later must stay. In: changes. Out: what was
//! there before each, when polled once a frame.

use std::collections::VecDeque;
use std::sync::Arc;

use sightline_core::Result;
use sightline_core::engine::{Engine, Made};
use sightline_core::jobs::{self, Job, Wake};

use super::command::Direction;
use super::finding::Finding;

/// A change: what is to be, what it is called, and whether it is done, undone or redone.
pub type Change = (Vec<Made>, String, Direction);

/// The change under way, and those after it.
pub struct Making {
    wake: Wake,
    waiting: VecDeque<Change>,
    under_way: Option<(String, Direction, Job<Vec<Made>>)>,
}

impl Making {
    /// Nothing is under way.
    pub fn new(wake: Wake) -> Self {
        Self { wake, waiting: VecDeque::new(), under_way: None }
    }

    /// Makes this after all that was asked for before.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start(&mut self, engine: &Engine, change: Change) -> Result<()> {
        self.waiting.push_back(change);
        self.go_on(engine)
    }

    /// What was there before the change that is done; why the one after it could not begin.
    pub fn poll(&mut self, engine: &Engine) -> Vec<Finding> {
        let Some(result) = self.under_way.as_ref().and_then(|(.., job)| job.poll()) else { return Vec::new() };
        let done = self.under_way.take().map(|(name, direction, _)| Finding::Made(name, direction, result));
        done.into_iter().chain(self.go_on(engine).err().map(Finding::Failed)).collect()
    }

    /// Whether a change is under way.
    pub fn is_busy(&self) -> bool {
        self.under_way.is_some()
    }

    fn go_on(&mut self, engine: &Engine) -> Result<()> {
        if self.under_way.is_some() {
            return Ok(());
        }
        let Some((things, name, direction)) = self.waiting.pop_front() else { return Ok(()) };
        let engine = engine.clone();
        let job = jobs::spawn("make", Arc::clone(&self.wake), move |_| engine.make(things))?;
        self.under_way = Some((name, direction, job));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use sightline_core::engine::{Precision, Settings};
    use sightline_core::index::{ContentHash, Marks};

    use super::*;

    #[test]
    fn of_quick_changes_the_last_one_stays() {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings { library: folder.path().to_owned(), model: None, precision: Precision::Auto };
        let engine = Engine::open(settings).unwrap();
        let mut making = Making::new(Arc::new(|| {}));
        let photo = ContentHash([7; 32]);
        for rating in 1..=5 {
            let marks = Marks { rating, ..Marks::default() };
            making.start(&engine, (vec![Made::Marks(photo, marks)], rating.to_string(), Direction::Do)).unwrap();
        }
        let mut names = Vec::new();
        while making.is_busy() {
            for found in making.poll(&engine) {
                let Finding::Made(name, _, Ok(_)) = found else { continue };
                names.push(name);
            }
            std::thread::yield_now();
        }
        assert_eq!(names, ["1", "2", "3", "4", "5"]);
        assert_eq!(engine.marks(&photo).rating, 5);
    }
}
