//! Every hard file is either decoded or refused with a reason, in bounded time and memory, whatever its header claims.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use sightline_core::Result;
use sightline_core::media::{Decoded, Limits, decode};
use sightline_tests::data_dir;

// What decoding alone may take of the 1 GiB that indexing has.
const MAX_PEAK_BYTES: u64 = 768 << 20;

#[test]
fn every_bad_input_is_decoded_or_refused_with_a_reason() {
    let Some(data) = data_dir() else { return };
    let files = files_in(&data.join("bad_inputs"));
    assert!(files.len() > 600, "only {} files in {}", files.len(), data.display());
    let limits = Limits::default();
    let outcomes = decoded_by_two(&files, &limits);
    for (path, outcome, taken) in &outcomes {
        check_outcome(path, outcome);
        assert!(*taken < limits.timeout + Duration::from_secs(2), "{taken:?} for {}", path.display());
    }
    let decoded = outcomes.iter().filter(|(_, outcome, _)| outcome.is_ok()).count();
    // So many were decoded when this was written; fewer means that a decoder was lost.
    assert!(decoded >= 350, "only {decoded} of {} were decoded", outcomes.len());
    check_peak_memory();
}

#[track_caller]
fn check_outcome(path: &Path, outcome: &Result<(u32, u32), String>) {
    match outcome {
        Ok((width, height)) => assert!(width * height > 0, "empty: {}", path.display()),
        Err(reason) => {
            assert!(reason.len() > 30 && reason.contains(';'), "{reason:?}");
            assert!(reason.ends_with(&path.display().to_string()), "{reason:?} does not end with the path");
            assert!(!reason.contains('\n') && !reason.contains("panicked"), "{reason:?}");
        }
    }
}

type Outcome = (PathBuf, Result<(u32, u32), String>, Duration);

/// Decodes all files with two threads, as indexing does.
fn decoded_by_two(files: &[PathBuf], limits: &Limits) -> Vec<Outcome> {
    let next = AtomicUsize::new(0);
    let outcomes = Mutex::new(Vec::new());
    let work = || {
        while let Some(path) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            let start = Instant::now();
            let size = |decoded: Decoded| decoded.picture.dimensions();
            let outcome = decode(path, limits).map(size).map_err(|error| error.to_string());
            outcomes.lock().unwrap().push((path.clone(), outcome, start.elapsed()));
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(work);
        scope.spawn(work);
    });
    outcomes.into_inner().unwrap()
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs_err::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(files_in(&path)) } else { files.push(path) }
    }
    files.sort();
    files
}

#[cfg(target_os = "linux")]
fn check_peak_memory() {
    let status = fs_err::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(kilobytes << 10 < MAX_PEAK_BYTES, "the peak was {} MB", kilobytes >> 10);
}

#[cfg(not(target_os = "linux"))]
fn check_peak_memory() {
    eprintln!("skipped: the peak memory is only known on Linux");
}
