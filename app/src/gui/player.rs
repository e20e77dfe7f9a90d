//! Pictures that move, in the large view. In: the file that is shown now. Out: its frames when they are due, polled once a
//! frame of the window. A few are decoded ahead, over and over: a long animation needs no more memory than a short one.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use egui::ColorImage;
use sightline_core::jobs::{self, Job, Ticker, Wake};
use sightline_core::media::{self, AnimationFrame, Limits};
use sightline_core::{Error, Result};

use super::finding::Finding;

/// Frames that wait decoded. The first is shown once the second is there: one frame does not move.
const AHEAD: usize = 2;

/// What is to play.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlayTask {
    /// This file, if it moves, in place of another.
    Begin {
        /// The file.
        path: PathBuf,
        /// Whether it only shows its first frame until it is told to go on.
        is_paused: bool,
    },
    /// It stands still, or goes on.
    Pause(bool),
    /// Nothing.
    Stop,
}

/// What plays.
pub struct Player {
    wake: Wake,
    playing: Option<Playing>,
}

struct Playing {
    path: PathBuf,
    frames: Receiver<Decoded>,
    /// The frame that is shown next.
    next: Option<Decoded>,
    /// When it is.
    due: Option<Instant>,
    is_paused: bool,
    /// Its drop ends the decoding.
    _job: Job<()>,
}

struct Decoded {
    picture: Arc<ColorImage>,
    lasts: Duration,
}

impl Player {
    /// Nothing plays.
    pub fn new(wake: Wake) -> Self {
        Self { wake, playing: None }
    }

    /// Does so.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start(&mut self, task: PlayTask) -> Result<()> {
        match task {
            PlayTask::Begin { path, is_paused } => return self.begin(path, is_paused),
            PlayTask::Pause(is_paused) => {
                if let Some(playing) = &mut self.playing {
                    (playing.is_paused, playing.due) = (is_paused, None);
                }
            }
            PlayTask::Stop => self.playing = None,
        }
        Ok(())
    }

    fn begin(&mut self, path: PathBuf, is_paused: bool) -> Result<()> {
        let (sender, frames) = sync_channel(AHEAD);
        let (theirs, wake) = (path.clone(), Arc::clone(&self.wake));
        // The name keeps a decoder's panic off the terminal.
        let job = jobs::spawn("picture", Arc::clone(&self.wake), move |ticker| {
            decode_for_ever(&theirs, ticker, |decoded| {
                sender.send(decoded).map_err(|_| Error::Cancelled)?;
                wake();
                Ok(())
            })
        })?;
        self.playing = Some(Playing { path, frames, next: None, due: None, is_paused, _job: job });
        Ok(())
    }

    /// The frame that is due at `now`.
    pub fn poll(&mut self, now: Instant) -> Option<Finding> {
        let playing = self.playing.as_mut()?;
        let is_first = playing.next.is_none();
        if is_first {
            playing.next = playing.frames.try_recv().ok();
        }
        let is_due = playing.due.is_none_or(|due| due <= now) && (!playing.is_paused || is_first);
        if !is_due || playing.next.is_none() {
            return None;
        }
        // Without a frame after it this one stays: the decoder is late, or the file does not move.
        let after = playing.frames.try_recv().ok()?;
        let shown = playing.next.replace(after)?;
        playing.due = Some(playing.due.filter(|due| now - *due < shown.lasts).unwrap_or(now) + shown.lasts);
        Some(Finding::Frame(playing.path.clone(), shown.picture))
    }

    /// How long until the next frame.
    pub fn due_in(&self, now: Instant) -> Option<Duration> {
        let playing = self.playing.as_ref().filter(|playing| !playing.is_paused)?;
        Some(playing.due?.saturating_duration_since(now))
    }
}

/// Ends with the job, with an error, or when the file turns out not to move.
fn decode_for_ever(path: &Path, ticker: &Ticker, mut show: impl FnMut(Decoded) -> Result<()>) -> Result<()> {
    loop {
        let count = media::play(path, &Limits::default(), |frame| {
            ticker.check()?;
            show(decoded(&frame))
        })?;
        if count < 2 {
            return Ok(());
        }
    }
}

fn decoded(frame: &AnimationFrame) -> Decoded {
    let size = [frame.picture.width() as usize, frame.picture.height() as usize];
    let picture = ColorImage::from_rgba_unmultiplied(size, frame.picture.as_raw());
    Decoded { picture: Arc::new(picture), lasts: frame.lasts }
}

#[cfg(test)]
mod tests {
    use image::codecs::gif::GifEncoder;
    use image::{Delay, Frame, Rgba, RgbaImage};

    use super::*;

    const LASTS: Duration = Duration::from_millis(50);

    /// A GIF with a frame of each of these greys, each lasting 50 ms.
    fn gif(greys: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.gif");
        let mut encoder = GifEncoder::new(fs_err::File::create(&path).unwrap());
        for grey in greys {
            let picture = RgbaImage::from_pixel(2, 2, Rgba([*grey, *grey, *grey, 255]));
            encoder.encode_frame(Frame::from_parts(picture, 0, 0, Delay::from_saturating_duration(LASTS))).unwrap();
        }
        (folder, path)
    }

    /// The grey of the frame that is due at `now`, once the decoder has had time for it.
    fn shown(player: &mut Player, now: Instant) -> Option<u8> {
        for _ in 0..200 {
            if let Some(Finding::Frame(_, picture)) = player.poll(now) {
                return Some(picture.pixels[0].r());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        None
    }

    fn player(greys: &[u8], is_paused: bool) -> (tempfile::TempDir, Player) {
        let (folder, path) = gif(greys);
        let mut player = Player::new(Arc::new(|| {}));
        player.start(PlayTask::Begin { path, is_paused }).unwrap();
        (folder, player)
    }

    #[test]
    fn frames_come_when_they_are_due_and_begin_again_at_the_end() {
        let (_folder, mut player) = player(&[0, 85, 255], false);
        let start = Instant::now();
        for (turn, grey) in [0, 85, 255, 0, 85].into_iter().enumerate() {
            let now = start + LASTS * turn as u32;
            assert_eq!(shown(&mut player, now), Some(grey));
            assert_eq!(player.due_in(now), Some(LASTS));
            assert!(player.poll(now + LASTS / 2).is_none());
        }
    }

    #[test]
    fn a_paused_one_shows_its_first_frame_and_waits() {
        let (_folder, mut player) = player(&[85, 255], true);
        let start = Instant::now();
        assert_eq!(shown(&mut player, start), Some(85));
        assert_eq!((shown(&mut player, start + LASTS * 9), player.due_in(start)), (None, None));
        player.start(PlayTask::Pause(false)).unwrap();
        assert_eq!(shown(&mut player, start + LASTS * 10), Some(255));
    }

    #[test]
    fn one_frame_does_not_move() {
        let (_folder, mut player) = player(&[85], false);
        assert_eq!(shown(&mut player, Instant::now()), None);
    }
}
