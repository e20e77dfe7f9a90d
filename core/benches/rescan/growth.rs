//! What a library costs as it grows. In: numbers of photos. Out: a line of a table for each: recording, looking through
//! again, opening, searching, and the bytes on disk and in memory. One run each, the median of three where it is short.

#![expect(clippy::print_stdout, reason = "a table for people")]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use sightline_core::index::{Snapshot, Store};
use sightline_core::models::UnitVector;
use sightline_core::search::{Matrix, Term, nearest};
use sightline_core::{Error, Result};

use super::{DIM, draw, identity, noise, record, rescan, start};

/// Asks this program to open a library and to say what that takes of its memory: nothing else lives in it then.
const HOLD: &str = "--hold";

/// Prints the table.
pub fn report(sizes: &[usize]) -> Result<()> {
    println!("| photos | recorded | kB a photo | looked through | opened | memory | top 100 found |");
    println!("|---|---|---|---|---|---|---|");
    sizes.iter().try_for_each(|n| report_one(*n))
}

fn report_one(n: usize) -> Result<()> {
    let home = tempfile::tempdir()?;
    let (pictures, library) = (home.path().join("pictures"), home.path().join("library"));
    draw(&pictures, n)?;
    let store = Store::open(&library)?.store;
    let recorded = timed(|| record(&store, &pictures))?;
    let rescanned = median(|| rescan(&store, &pictures))?;
    drop(store);
    let kilobytes = bytes_below(&library) as f64 / 1e3 / n as f64;
    let opened = median(|| start(&library))?;
    let (store, snapshot) = start(&library)?;
    let matrix = Matrix::of(&snapshot.vectors);
    let vector = UnitVector::normalised(noise(n).take(DIM).collect());
    let terms: Vec<Term> = vector.map(|vector| Term { vector, weight: 1.0 }).into_iter().collect();
    let searched = median(|| Ok(nearest(&matrix, &terms, None, 100)))?;
    drop((store, snapshot));
    let memory = held(&library)?;
    println!(
        "| {n} | {} | {kilobytes:.2} | {} | {} | {memory} | {} |",
        words(recorded),
        words(rescanned),
        words(opened),
        words(searched)
    );
    Ok(())
}

fn timed<T>(work: impl FnOnce() -> Result<T>) -> Result<Duration> {
    let started = Instant::now();
    let made = work()?;
    let taken = started.elapsed();
    drop(made);
    Ok(taken)
}

fn median<T>(work: impl Fn() -> Result<T>) -> Result<Duration> {
    let mut times = [timed(&work)?, timed(&work)?, timed(&work)?];
    times.sort_unstable();
    Ok(times[1])
}

fn words(time: Duration) -> String {
    match time.as_secs_f64() {
        seconds if seconds < 1.0 => format!("{:.1} ms", 1e3 * seconds),
        seconds => format!("{seconds:.1} s"),
    }
}

fn bytes_below(folder: &Path) -> u64 {
    let files = walkdir::WalkDir::new(folder).into_iter().filter_map(|entry| entry.ok()?.metadata().ok());
    files.filter(|metadata| metadata.is_file()).map(|metadata| metadata.len()).sum()
}

/// What a process that has opened the library holds, in its own words.
fn held(library: &Path) -> Result<String> {
    let output = Command::new(std::env::current_exe()?).arg(HOLD).arg(library).stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(Error::bad_request("the library could not be opened once more", "look what is printed above"));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Opens the library that the command line names and says how much memory that takes; `false` where nobody asked.
pub fn hold_if_asked() -> Result<bool> {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_none_or(|argument| argument != HOLD) {
        return Ok(false);
    }
    let library = arguments.next().ok_or_else(|| Error::bad_request("no library is named", "name its folder"))?;
    let before = memory();
    let store = Store::open(Path::new(&library))?.store;
    let snapshot = Snapshot::build(&store, &identity())?;
    match (before, memory()) {
        (Some(before), Some(after)) => println!("{} MB", after.saturating_sub(before)),
        _ => println!("not known here"),
    }
    drop((snapshot, store));
    Ok(true)
}

/// Megabytes of this process's own; what is mapped from files, the vectors, comes and goes as the system likes.
fn memory() -> Option<u64> {
    let status = fs_err::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("RssAnon:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kilobytes| kilobytes / 1000)
}
