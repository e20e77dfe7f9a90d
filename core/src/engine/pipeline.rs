//! Files → decoded, prepared pictures → batches → embeddings, with both halves at work at once. In: paths and an
//! encoder. Out: one outcome a file, in no particular order. Knows no store: what is already known is asked of a closure.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};
use image::RgbImage;

use crate::error::{Error, Result};
use crate::index::{ContentHash, PhotoRecord};
use crate::jobs::Ticker;
use crate::media::{self, Decoded, Limits};
use crate::models::{Encoder, UnitVector};

/// What became of one file: its place in the list of paths, and what was found.
pub struct Outcome {
    /// Index into the paths that were given.
    pub item: usize,
    /// What was found.
    pub found: Found,
}

/// What was found in a file.
pub enum Found {
    /// A photo whose vector is there already: nothing was decoded.
    Known(ContentHash),
    /// A photo of which what was to be seen was decoded and embedded.
    Embedded {
        /// What it is known by.
        hash: ContentHash,
        /// What is known of it.
        photo: PhotoRecord,
        /// Its vector.
        vector: UnitVector,
    },
    /// A file that cannot be used, and why.
    Unusable {
        /// What it is known by; `None` if it could not be read, or may be usable the next time.
        hash: Option<ContentHash>,
        /// A sentence without a full stop.
        reason: String,
    },
    /// Nothing was to be seen: the photo has no preview that would do.
    NoPreview,
}

/// What of a photo is embedded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// All of it.
    Photo,
    /// The preview that its camera put into it.
    Preview,
}

/// What the pipeline needs besides the files.
pub struct Pipeline<'a> {
    /// The model.
    pub encoder: &'a dyn Encoder,
    /// What of the photos it looks at.
    pub seen: Seen,
    /// How many threads read and decode.
    pub threads: usize,
    /// What a decoder may use.
    pub limits: Limits,
    /// Whether a photo's vector is there already.
    pub is_known: &'a (dyn Fn(&ContentHash) -> bool + Sync),
}

/// Where the time went. Nanoseconds, added up over threads.
#[derive(Default)]
pub struct Spent {
    read: AtomicU64,
    decode: AtomicU64,
    prepare: AtomicU64,
    embed: AtomicU64,
}

impl Spent {
    /// Seconds by stage.
    pub fn seconds(&self) -> [(&'static str, f64); 4] {
        let seconds = |nanos: &AtomicU64| nanos.load(Ordering::Relaxed) as f64 * 1e-9;
        [
            ("read", seconds(&self.read)),
            ("decode", seconds(&self.decode)),
            ("prepare", seconds(&self.prepare)),
            ("embed", seconds(&self.embed)),
        ]
    }

    /// Seconds of decoding and resizing, added up over threads.
    pub fn decoding(&self) -> f64 {
        let nanos = self.decode.load(Ordering::Relaxed) + self.prepare.load(Ordering::Relaxed);
        nanos as f64 * 1e-9
    }

    fn add(stage: &AtomicU64, since: Instant) {
        let nanos = u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX);
        stage.fetch_add(nanos, Ordering::Relaxed);
    }
}

/// What a decoding thread hands over.
enum Ready {
    Settled(Outcome),
    Waiting { item: usize, hash: ContentHash, photo: PhotoRecord, prepared: RgbImage },
}

/// The files that no thread has taken yet.
struct Queue<'a> {
    paths: &'a [PathBuf],
    next: AtomicUsize,
}

impl Queue<'_> {
    fn take(&self) -> Option<(usize, &Path)> {
        let item = self.next.fetch_add(1, Ordering::Relaxed);
        Some((item, self.paths.get(item)?))
    }
}

impl Pipeline<'_> {
    /// Runs all `paths` through; `sink` gets the outcomes in batches, on the calling thread.
    ///
    /// # Errors
    /// [`Error::Cancelled`], or whatever the model or `sink` failed with. A bad file is an outcome, no error.
    pub fn run(
        &self,
        paths: &[PathBuf],
        ticker: &Ticker,
        sink: &mut dyn FnMut(Vec<Outcome>) -> Result<()>,
    ) -> Result<Spent> {
        let spent = Spent::default();
        let queue = Queue { paths, next: AtomicUsize::new(0) };
        let batch_size = self.encoder.batch_size();
        // Two batches ahead keep the model fed; more would only hold memory.
        let (sender, receiver) = bounded(2 * batch_size);
        std::thread::scope(|scope| {
            // It ends with this closure, before the threads are waited for: whoever still waits to hand something over is let
            // go when a run fails or is cancelled.
            let receiver = receiver;
            for _ in 0..self.threads.max(1) {
                let (sender, spent, queue) = (sender.clone(), &spent, &queue);
                scope.spawn(move || self.feed(queue, &sender, ticker, spent));
            }
            drop(sender);
            self.drain(&receiver, ticker, &spent, sink)
        })?;
        Ok(spent)
    }

    /// A decoding thread: takes the next path until there is none, or nobody wants more.
    fn feed(&self, queue: &Queue<'_>, sender: &Sender<Ready>, ticker: &Ticker, spent: &Spent) {
        while let Some((item, path)) = queue.take() {
            if ticker.is_cancelled() || sender.send(self.ready(item, path, spent)).is_err() {
                return;
            }
        }
    }

    fn ready(&self, item: usize, path: &Path, spent: &Spent) -> Ready {
        let settled = |found| Ready::Settled(Outcome { item, found });
        let started = Instant::now();
        let bytes = match media::read_bytes(path, &self.limits) {
            Ok(bytes) => bytes,
            Err(error) => return settled(Found::Unusable { hash: None, reason: error.reason() }),
        };
        let hash = ContentHash::of(&bytes);
        Spent::add(&spent.read, started);
        if (self.is_known)(&hash) {
            return settled(Found::Known(hash));
        }
        match self.prepared(path, bytes, spent) {
            Ok(Some((photo, prepared))) => Ready::Waiting { item, hash, photo, prepared },
            Ok(None) => settled(Found::NoPreview),
            Err(error) => settled(unusable(hash, &error)),
        }
    }

    /// `None` where nothing is to be seen.
    fn prepared(&self, path: &Path, bytes: Arc<[u8]>, spent: &Spent) -> Result<Option<(PhotoRecord, RgbImage)>> {
        let started = Instant::now();
        let decoded = match self.seen {
            Seen::Photo => Some(media::decode_bytes(path, bytes, &self.limits)?),
            Seen::Preview => media::preview(bytes, &self.limits),
        };
        Spent::add(&spent.decode, started);
        let Some(decoded) = decoded else { return Ok(None) };
        let started = Instant::now();
        let prepared = self.encoder.prepare(&decoded.picture)?;
        Spent::add(&spent.prepare, started);
        Ok(Some((photo_record(decoded), prepared)))
    }

    /// The model's side: collects batches until all threads are done.
    fn drain(
        &self,
        receiver: &Receiver<Ready>,
        ticker: &Ticker,
        spent: &Spent,
        sink: &mut dyn FnMut(Vec<Outcome>) -> Result<()>,
    ) -> Result<()> {
        loop {
            let batch = next_batch(receiver, self.encoder.batch_size());
            if batch.is_empty() {
                return ticker.check();
            }
            let count = batch.len();
            let started = Instant::now();
            let outcomes = self.embedded(batch)?;
            Spent::add(&spent.embed, started);
            sink(outcomes)?;
            ticker.tick(count)?;
        }
    }

    fn embedded(&self, batch: Vec<Ready>) -> Result<Vec<Outcome>> {
        let mut outcomes = Vec::with_capacity(batch.len());
        let (mut pictures, mut waiting) = (Vec::new(), Vec::new());
        for ready in batch {
            match ready {
                Ready::Settled(outcome) => outcomes.push(outcome),
                Ready::Waiting { item, hash, photo, prepared } => {
                    pictures.push(prepared);
                    waiting.push((item, hash, photo));
                }
            }
        }
        let vectors = if pictures.is_empty() { Vec::new() } else { self.encoder.embed_pictures(&pictures)? };
        let embedded = waiting
            .into_iter()
            .zip(vectors)
            .map(|((item, hash, photo), vector)| Outcome { item, found: Found::Embedded { hash, photo, vector } });
        outcomes.extend(embedded);
        Ok(outcomes)
    }
}

/// Only what is wrong with the file itself is remembered by its content; anything else may go better the next time.
fn unusable(hash: ContentHash, error: &Error) -> Found {
    let is_lasting = matches!(error, Error::BadFile { .. });
    Found::Unusable { hash: is_lasting.then_some(hash), reason: error.reason() }
}

/// Up to `size` pictures for the model, with whatever else came meanwhile; empty once all threads are done.
fn next_batch(receiver: &Receiver<Ready>, size: usize) -> Vec<Ready> {
    // Files that need no model (a rescan of copies) must not wait for a full batch of pictures.
    let patience = Duration::from_millis(500);
    let Ok(first) = receiver.recv() else { return Vec::new() };
    let mut pictures = usize::from(matches!(first, Ready::Waiting { .. }));
    let mut batch = vec![first];
    while pictures < size && batch.len() < 4 * size {
        let Ok(ready) = receiver.recv_timeout(patience) else { break };
        pictures += usize::from(matches!(ready, Ready::Waiting { .. }));
        batch.push(ready);
    }
    batch
}

fn photo_record(decoded: Decoded) -> PhotoRecord {
    let Decoded { metadata, format, full_size: (width, height), .. } = decoded;
    PhotoRecord {
        width,
        height,
        format: format.to_owned(),
        taken: metadata.taken,
        camera: metadata.camera,
        lens: metadata.lens,
        exposure: metadata.exposure,
        position: metadata.position.map(|position| (position.latitude, position.longitude)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anomaly::testing::FakeEncoder;
    use crate::jobs;

    #[test]
    fn a_run_that_fails_lets_go_of_threads_that_wait_to_hand_over() {
        let job = jobs::spawn("test", Arc::new(|| {}), |ticker| {
            let is_known = |_: &ContentHash| false;
            let limits = Limits::default();
            let pipeline =
                Pipeline { encoder: &FakeEncoder, seen: Seen::Photo, threads: 2, limits, is_known: &is_known };
            // Far more than are handed over before the first batch is looked at.
            let paths: Vec<PathBuf> = (0..1000).map(|number| format!("/not/there/{number}.jpg").into()).collect();
            let mut sink = |_: Vec<Outcome>| Err(Error::bad_request("no room", "make some"));
            pipeline.run(&paths, ticker, &mut sink).map(drop)
        });
        let result = job.unwrap().wait_for(Duration::from_secs(30)).expect("the run is over");
        assert!(matches!(result, Err(Error::BadRequest { .. })), "{result:?}");
    }
}
