//! Thumbnails on the graphics card. In: entries that are on the screen now. Out: textures, a moment later. Own threads
//! and an own cache: what was asked for last comes first, what is no longer on the screen is not decoded at all, and
//! what was not looked at for longest goes when the memory is needed.

use std::collections::HashMap;
use std::hash::Hash;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, bounded};
use egui::{ColorImage, TextureHandle, TextureOptions};
use sightline_core::index::{ContentHash, Entry};
use sightline_core::jobs::{self, Job, Wake};
use sightline_core::{Error, Result};

use super::picture::color_image;

/// Something that has a thumbnail.
pub trait Pictured: Clone + Send + 'static {
    /// What its thumbnail is kept under.
    type Key: Copy + Eq + Hash + Send + 'static;

    /// This one's.
    fn key(&self) -> Self::Key;

    /// Its file.
    fn path(&self) -> &Path;
}

/// Copies of one photo have one thumbnail.
impl Pictured for Entry {
    type Key = ContentHash;

    fn key(&self) -> ContentHash {
        self.hash
    }

    fn path(&self) -> &Path {
        &self.path
    }
}

/// A file that is in no library: by its path, of which a hash is enough.
impl Pictured for PathBuf {
    type Key = u64;

    fn key(&self) -> u64 {
        use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
        BuildHasherDefault::<DefaultHasher>::default().hash_one(self)
    }

    fn path(&self) -> &Path {
        self
    }
}

/// Where thumbnails come from: the engine, or a test.
pub type Source<T = Entry> = Arc<dyn Fn(&T) -> Result<(u32, u32, Vec<u8>)> + Send + Sync>;

/// What the textures of one cache may take: about 490 thumbnails of 320 × 213, or 48 large ones; what is on the screen stays
/// even beyond it. Where the card has no memory of its own it is the program's.
const BYTES_AT_MOST: usize = 128 << 20;

/// Decoded thumbnails that are handed over in one frame: about 2 MB, under a millisecond.
const UPLOADS_A_FRAME: usize = 8;

/// Decoding threads. Two, so that indexing keeps most of the machine.
const WORKERS: usize = 2;

/// Asked for and not yet there. Few, so that what scrolls away is not waited for; enough for one frame of both threads.
const UNDER_WAY: usize = 12;

/// All thumbnails.
pub struct Textures<T: Pictured = Entry> {
    thumbnails: HashMap<T::Key, Slot>,
    requests: Sender<T>,
    decoded: Receiver<Decoded<T>>,
    under_way: usize,
    bytes: usize,
    frame: u64,
    _workers: Vec<Job<()>>,
}

/// A thumbnail that was decoded, or why it was not.
type Decoded<T> = (<T as Pictured>::Key, Result<ColorImage>);

enum Slot {
    UnderWay,
    Ready {
        texture: TextureHandle,
        bytes: usize,
        last_shown: u64,
    },
    /// For a reason that passes, or for one that stays as long as the file does.
    Failed {
        reason: Arc<str>,
        is_passing: bool,
    },
}

/// A thumbnail as a panel gets it.
pub enum Thumbnail {
    /// Here it is.
    Ready(egui::TextureId),
    /// Not yet.
    Waiting,
    /// Not, and why.
    Failed(Arc<str>),
}

impl<T: Pictured> Textures<T> {
    /// An empty cache, with threads that wait for requests.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn new(source: &Source<T>, wake: &Wake) -> Result<Self> {
        let (requests, wanted) = bounded::<T>(UNDER_WAY);
        let (sender, decoded) = bounded(UNDER_WAY);
        let worker = |_| {
            let (wanted, sender, source, wake) = (wanted.clone(), sender.clone(), Arc::clone(source), Arc::clone(wake));
            let work = move || decode(&wanted, &sender, &source, &wake);
            jobs::spawn("thumbnails", Arc::new(|| {}), move |_| {
                work();
                Ok(())
            })
        };
        let workers = (0..WORKERS).map(worker).collect::<Result<Vec<_>>>()?;
        let thumbnails = HashMap::new();
        Ok(Self { thumbnails, requests, decoded, under_way: 0, bytes: 0, frame: 0, _workers: workers })
    }

    /// Hands over what was decoded since the last frame, a little at a time. Once a frame, before drawing.
    pub fn update(&mut self, ctx: &egui::Context) {
        self.frame += 1;
        for _ in 0..UPLOADS_A_FRAME {
            let Ok((hash, image)) = self.decoded.try_recv() else { return };
            self.under_way -= 1;
            let slot = match image {
                Ok(image) => self.uploaded(ctx, image),
                Err(error) => failed(&error),
            };
            self.thumbnails.insert(hash, slot);
        }
        // More are waiting for the next frame.
        ctx.request_repaint();
    }

    /// The thumbnail of a photo on the screen. Asks for it if it is not there: whoever still wants it asks again in the
    /// next frame, and whoever does not is forgotten.
    pub fn get(&mut self, entry: &T) -> Thumbnail {
        let frame = self.frame;
        match self.thumbnails.get_mut(&entry.key()) {
            Some(Slot::Ready { texture, last_shown, .. }) => {
                *last_shown = frame;
                return Thumbnail::Ready(texture.id());
            }
            Some(Slot::Failed { reason, .. }) => return Thumbnail::Failed(Arc::clone(reason)),
            Some(Slot::UnderWay) => return Thumbnail::Waiting,
            None => {}
        }
        if self.under_way < UNDER_WAY && self.requests.try_send(entry.clone()).is_ok() {
            self.under_way += 1;
            self.thumbnails.insert(entry.key(), Slot::UnderWay);
        }
        Thumbnail::Waiting
    }

    /// Whether a thumbnail that was asked for is still to come.
    pub fn is_busy(&self) -> bool {
        self.under_way > 0
    }

    /// Tries again what failed for a reason that may have passed: the library was looked at anew.
    pub fn try_again(&mut self) {
        self.thumbnails.retain(|_, slot| !matches!(slot, Slot::Failed { is_passing: true, .. }));
    }

    fn uploaded(&mut self, ctx: &egui::Context, image: ColorImage) -> Slot {
        let bytes = 4 * image.pixels.len();
        self.bytes += bytes;
        if self.bytes > BYTES_AT_MOST {
            self.forget_oldest();
        }
        let texture = ctx.load_texture("thumbnail", image, TextureOptions::LINEAR);
        Slot::Ready { texture, bytes, last_shown: self.frame }
    }

    /// Lets a quarter go at once, so that this is rare.
    fn forget_oldest(&mut self) {
        let shown = |slot: &Slot| match slot {
            Slot::Ready { last_shown, .. } => Some(*last_shown),
            _ => None,
        };
        let mut frames: Vec<u64> = self.thumbnails.values().filter_map(shown).collect();
        frames.sort_unstable();
        // What is on the screen now stays, however much that is.
        let limit = frames.get(frames.len() / 4).map_or(0, |frame| (*frame).min(self.frame.saturating_sub(2)));
        let bytes = &mut self.bytes;
        self.thumbnails.retain(|_, slot| match slot {
            Slot::Ready { bytes: freed, last_shown, .. } if *last_shown <= limit => {
                *bytes -= *freed;
                false
            }
            _ => true,
        });
    }
}

/// A decoding thread: until nobody asks any more, or nobody wants the answers.
fn decode<T: Pictured>(wanted: &Receiver<T>, decoded: &Sender<Decoded<T>>, source: &Source<T>, wake: &Wake) {
    for entry in wanted {
        let image = made(&entry, source);
        if decoded.send((entry.key(), image)).is_err() {
            return;
        }
        wake();
    }
}

/// One thumbnail. A panic is this photo's own: the thread goes on, and the photo is not waited for without end.
fn made<T: Pictured>(entry: &T, source: &Source<T>) -> Result<ColorImage> {
    let decode = || source(entry).map(|(width, height, rgb)| color_image((width, height), &rgb));
    catch_unwind(AssertUnwindSafe(decode)).unwrap_or_else(|_| {
        let what = "the thumbnail could not be made through a fault of Sightline's own";
        Err(Error::bad_file(entry.path(), what, "report it with the log, and with the photo if you may"))
    })
}

/// Only a bad file stays bad: a busy decoder or a drive that is away does not.
fn failed(error: &Error) -> Slot {
    Slot::Failed { reason: error.to_string().into(), is_passing: !matches!(error, Error::BadFile { .. }) }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;
    use crate::gui::state::tests::entry;

    /// Below `/bad` is no picture, below `/busy` and `/away` the first attempt fails, below `/panic` every one panics.
    fn textures(side: u32) -> Textures {
        let (is_busy, is_away) = (AtomicBool::new(true), AtomicBool::new(true));
        let source: Source = Arc::new(move |entry| match entry.path.iter().nth(1).and_then(|top| top.to_str()) {
            Some("bad") => Err(Error::bad_file(&entry.path, "no picture", "choose another")),
            Some("busy") if is_busy.swap(false, Ordering::SeqCst) => Err(Error::bad_request("still busy", "wait")),
            Some("away") if is_away.swap(false, Ordering::SeqCst) => Err(Error::NoFile { path: entry.path.clone() }),
            Some("panic") => panic!("on purpose"),
            _ => Ok((side, side, vec![128; (3 * side * side) as usize])),
        });
        Textures::new(&source, &(Arc::new(|| {}) as Wake)).unwrap()
    }

    /// Asks in frame after frame until it is no longer waited for.
    fn wait_for(textures: &mut Textures, ctx: &egui::Context, path: &str) -> Thumbnail {
        loop {
            textures.update(ctx);
            match textures.get(&entry(path)) {
                Thumbnail::Waiting => std::thread::yield_now(),
                done => return done,
            }
        }
    }

    #[test]
    fn a_thumbnail_is_there_a_moment_after_it_was_asked_for() {
        let ctx = egui::Context::default();
        let mut textures = textures(4);
        assert!(matches!(textures.get(&entry("/a.jpg")), Thumbnail::Waiting));
        assert!(matches!(wait_for(&mut textures, &ctx, "/a.jpg"), Thumbnail::Ready(_)));
    }

    #[test]
    fn a_picture_that_cannot_be_read_says_why() {
        let ctx = egui::Context::default();
        let found = wait_for(&mut textures(4), &ctx, "/bad/x.jpg");
        assert!(matches!(found, Thumbnail::Failed(reason) if reason.contains("no picture")));
    }

    #[test]
    fn what_failed_for_a_passing_reason_is_tried_again_and_a_bad_file_is_not() {
        let ctx = egui::Context::default();
        let mut textures = textures(4);
        let busy = wait_for(&mut textures, &ctx, "/busy/x.jpg");
        assert!(matches!(busy, Thumbnail::Failed(reason) if reason.contains("still busy")));
        let away = wait_for(&mut textures, &ctx, "/away/x.jpg");
        assert!(matches!(away, Thumbnail::Failed(reason) if reason.contains("drive")));
        wait_for(&mut textures, &ctx, "/bad/x.jpg");
        textures.try_again();
        assert!(matches!(wait_for(&mut textures, &ctx, "/busy/x.jpg"), Thumbnail::Ready(_)));
        assert!(matches!(wait_for(&mut textures, &ctx, "/away/x.jpg"), Thumbnail::Ready(_)));
        assert!(matches!(textures.get(&entry("/bad/x.jpg")), Thumbnail::Failed(_)));
    }

    #[test]
    fn a_panic_fails_one_thumbnail_and_ends_no_thread() {
        let ctx = egui::Context::default();
        let mut textures = textures(4);
        for i in 0..=WORKERS {
            let found = wait_for(&mut textures, &ctx, &format!("/panic/{i}.jpg"));
            assert!(matches!(found, Thumbnail::Failed(reason) if reason.contains("fault of Sightline's own")));
        }
        assert!(matches!(wait_for(&mut textures, &ctx, "/a.jpg"), Thumbnail::Ready(_)));
    }

    #[test]
    fn memory_stays_within_its_bound() {
        let ctx = egui::Context::default();
        let mut textures = textures(1024);
        for i in 0..100 {
            wait_for(&mut textures, &ctx, &format!("/{i}.jpg"));
        }
        assert!(textures.bytes <= BYTES_AT_MOST + (4 << 20), "{} bytes", textures.bytes);
    }
}
