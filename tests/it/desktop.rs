//! A display without a screen, for the whole program in its real window. In: keys. Out: what is to be seen. Needs Xvfb and
//! xdotool; where they are not installed the test says that it was skipped.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use image::{Rgb, RgbImage};
use tempfile::TempDir;

/// A software adapter in a debug build on a busy machine takes a while.
const PATIENCE: Duration = Duration::from_secs(120);
/// Between two looks at the screen.
const PAUSE: Duration = Duration::from_millis(150);
/// Pixels that may differ on a screen at rest: the cursor of a text field blinks.
const BLINKING: usize = 80;

/// A display of 1280 × 800 pixels, and the window on it.
pub struct Desktop {
    server: Child,
    display: String,
    framebuffer: TempDir,
    program: Option<Child>,
}

impl Desktop {
    /// A display; `None` where it cannot be had, after saying so.
    ///
    /// # Panics
    /// Where SIGHTLINE_NO_SKIP is 1 and it cannot be had.
    pub fn start() -> Option<Self> {
        let framebuffer = TempDir::new().unwrap();
        let xdotool = Command::new("xdotool").arg("version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        let server = Command::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", "1280x800x24", "-nolisten", "tcp", "-fbdir"])
            .arg(framebuffer.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let (Ok(mut server), Ok(_)) = (server, xdotool) else {
            let may_skip = std::env::var_os("SIGHTLINE_NO_SKIP").is_none_or(|value| value != "1");
            assert!(may_skip, "Xvfb or xdotool is missing, and SIGHTLINE_NO_SKIP=1 allows no test to be skipped");
            eprintln!("skipped: Xvfb or xdotool is not installed");
            return None;
        };
        let mut number = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut number).unwrap();
        Some(Self { server, display: format!(":{}", number.trim()), framebuffer, program: None })
    }

    /// Opens the program's window over a library and waits until it is there.
    pub fn open(&mut self, library: &Path) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sightline-under-test"));
        command.arg("--library").arg(library).env("DISPLAY", &self.display).env_remove("WAYLAND_DISPLAY");
        // No portal answers here, nor must one of the machine's own desktop.
        command.env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent").env("RUST_LOG", "error");
        self.program = Some(command.stderr(Stdio::null()).spawn().unwrap());
        self.wait_for("the window", |desktop| {
            let found = desktop.xdotool(&["search", "--onlyvisible", "--name", "Sightline"]);
            let Some(window) = found.lines().last() else { return false };
            desktop.xdotool(&["windowmove", window, "0", "0"]);
            desktop.xdotool(&["windowsize", window, "1280", "800"]);
            desktop.xdotool(&["windowfocus", window]);
            desktop.screen().is_some()
        });
        self.settle();
    }

    /// Types words, then waits until the screen is at rest.
    pub fn type_words(&self, words: &str) {
        self.xdotool(&["type", "--delay", "20", words]);
        self.settle();
    }

    /// Presses a key, then waits until the screen is at rest.
    pub fn press(&self, key: &str) {
        self.xdotool(&["key", key]);
        self.settle();
    }

    /// Looks again and again until it is so.
    #[track_caller]
    pub fn wait_for(&self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let started = Instant::now();
        while !is_so(self) {
            assert!(started.elapsed() < PATIENCE, "still waiting for {what}");
            std::thread::sleep(PAUSE);
        }
    }

    /// What is to be seen; `None` while the server has not drawn anything.
    pub fn screen(&self) -> Option<RgbImage> {
        picture(&fs_err::read(self.framebuffer.path().join("Xvfb_screen0")).ok()?)
    }

    /// Waits until the screen stays as it is.
    fn settle(&self) {
        let mut before = self.screen();
        let mut calm = 0;
        let started = Instant::now();
        while calm < 3 && started.elapsed() < PATIENCE {
            std::thread::sleep(PAUSE);
            let now = self.screen();
            let differ = |a: &RgbImage, b: &RgbImage| a.pixels().zip(b.pixels()).filter(|(a, b)| a != b).count();
            let is_same = before.as_ref().zip(now.as_ref()).is_some_and(|(a, b)| differ(a, b) <= BLINKING);
            calm = if is_same { calm + 1 } else { 0 };
            before = now;
        }
    }

    fn xdotool(&self, arguments: &[&str]) -> String {
        let output = Command::new("xdotool").args(arguments).env("DISPLAY", &self.display).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

impl Drop for Desktop {
    fn drop(&mut self) {
        for child in self.program.iter_mut().chain([&mut self.server]) {
            child.kill().ok();
            child.wait().ok();
        }
    }
}

/// The pixels of an X window dump of 32 bits a pixel, as Xvfb keeps its screen.
fn picture(dump: &[u8]) -> Option<RgbImage> {
    let word = |index: usize| Some(u32::from_be_bytes(dump.get(4 * index..4 * index + 4)?.try_into().ok()?) as usize);
    let (header, width, height, stride, colors) = (word(0)?, word(4)?, word(5)?, word(12)?, word(19)?);
    let pixels = dump.get(header + 12 * colors..)?;
    if width == 0 || pixels.len() < stride * height {
        return None;
    }
    let pixel = |x: u32, y: u32| {
        let at = y as usize * stride + 4 * x as usize;
        Rgb([pixels[at + 2], pixels[at + 1], pixels[at]])
    };
    Some(RgbImage::from_fn(width as u32, height as u32, pixel))
}
