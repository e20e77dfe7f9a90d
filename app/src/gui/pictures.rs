//! Pictures for the large view. In: the path that is shown now. Out: its pixels, when polled once a frame. One is decoded
//! at a time, and only the newest waits: an arrow key that is held down must not fill the memory with pictures.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sightline_core::jobs::{self, Job, Ticker, Wake};
use sightline_core::{Error, Result};

use super::finding::Finding;
use super::state::Picture;

/// What decodes: the engine, or a test.
pub type Decode = Arc<dyn Fn(&Path, &Ticker) -> Result<Picture> + Send + Sync>;

/// The picture under way, and the one after it.
pub struct Pictures {
    decode: Decode,
    wake: Wake,
    under_way: Option<(PathBuf, Job<Picture>)>,
    next: Option<PathBuf>,
}

impl Pictures {
    /// Nothing is under way.
    pub fn new(decode: Decode, wake: Wake) -> Self {
        Self { decode, wake, under_way: None, next: None }
    }

    /// Decodes this one; what was asked for before is no longer wanted.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn load(&mut self, path: PathBuf) -> Result<()> {
        match &self.under_way {
            None => return self.start(path),
            Some((same, _)) if *same == path && self.next.is_none() => {}
            Some((_, job)) => {
                job.cancel();
                self.next = Some(path);
            }
        }
        Ok(())
    }

    /// The picture that is wanted, once it is there.
    pub fn poll(&mut self) -> Option<Finding> {
        let result = self.under_way.as_ref()?.1.poll()?;
        let (path, _) = self.under_way.take()?;
        match self.next.take() {
            None => Some(Finding::Picture(path, result)),
            // It was left and come back to, and was done before it could stop.
            Some(next) if next == path && !matches!(result, Err(Error::Cancelled)) => {
                Some(Finding::Picture(path, result))
            }
            Some(next) => {
                let error = self.start(next.clone()).err()?;
                Some(Finding::Picture(next, Err(error)))
            }
        }
    }

    /// Whether a picture is under way.
    pub fn is_busy(&self) -> bool {
        self.under_way.is_some()
    }

    fn start(&mut self, path: PathBuf) -> Result<()> {
        let (decode, theirs) = (Arc::clone(&self.decode), path.clone());
        let job = jobs::spawn("picture", Arc::clone(&self.wake), move |ticker| decode(&theirs, ticker))?;
        self.under_way = Some((path, job));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use crossbeam_channel::{Sender, bounded};
    use egui::ColorImage;

    use super::*;
    use crate::gui::state::BINS;

    /// Pictures that are decoded when they are let, and the paths that were begun.
    struct Viewer {
        pictures: Pictures,
        let_decode: Sender<()>,
        begun: Arc<Mutex<Vec<PathBuf>>>,
    }

    /// A decoder that notices at its end that it was told to stop, or never does.
    fn viewer(heeds_stop: bool) -> Viewer {
        let (let_decode, may_decode) = bounded::<()>(100);
        let begun = Arc::new(Mutex::new(Vec::new()));
        let theirs = Arc::clone(&begun);
        let decode: Decode = Arc::new(move |path, ticker| {
            theirs.lock().unwrap().push(path.to_owned());
            may_decode.recv().ok();
            if heeds_stop {
                ticker.check()?;
            }
            let image = || Arc::new(ColorImage::filled([1, 1], egui::Color32::BLACK));
            Ok(Picture { fit: image(), full: image(), size: (1, 1), histogram: Box::new([[0.0; BINS]; 3]) })
        });
        Viewer { pictures: Pictures::new(decode, Arc::new(|| {})), let_decode, begun }
    }

    /// Asks for all of them at once, then waits: what is begun and what is shown.
    #[track_caller]
    fn check(heeds_stop: bool, asked: &[&str], begun: &[&str], shown: &[&str]) {
        let mut viewer = viewer(heeds_stop);
        asked.iter().for_each(|path| viewer.pictures.load(path.into()).unwrap());
        let mut found = Vec::new();
        while viewer.pictures.is_busy() {
            viewer.let_decode.try_send(()).ok();
            found.extend(viewer.pictures.poll());
            std::thread::yield_now();
        }
        let path = |finding: &Finding| match finding {
            Finding::Picture(path, Ok(_)) => path.clone(),
            _ => PathBuf::from("another finding"),
        };
        let paths = |paths: &[&str]| paths.iter().map(PathBuf::from).collect::<Vec<_>>();
        assert_eq!(found.iter().map(path).collect::<Vec<_>>(), paths(shown));
        assert_eq!(*viewer.begun.lock().unwrap(), paths(begun));
    }

    #[test]
    fn a_picture_is_decoded() {
        check(true, &["/a"], &["/a"], &["/a"]);
    }

    #[test]
    fn of_many_pictures_only_the_first_and_the_last_are_begun() {
        check(true, &["/a", "/b", "/c", "/d"], &["/a", "/d"], &["/d"]);
        check(false, &["/a", "/b", "/c", "/d"], &["/a", "/d"], &["/d"]);
    }

    #[test]
    fn the_same_picture_again_goes_on() {
        check(true, &["/a", "/a"], &["/a"], &["/a"]);
    }

    #[test]
    fn a_picture_that_was_left_and_come_back_to_is_shown() {
        check(true, &["/a", "/b", "/a"], &["/a", "/a"], &["/a"]);
        check(false, &["/a", "/b", "/a"], &["/a"], &["/a"]);
    }
}
