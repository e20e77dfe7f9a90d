//! A folder of photos from files to a library that can be searched. In: a folder and a checkpoint. Out: times.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput};
use sightline_core::Result;
use sightline_core::engine::{Engine, Precision, Settings};
use sightline_core::jobs::Ticker;

use super::photo;

/// Photos that are measured, where the caller has none of their own.
const PHOTOS: u32 = 24;

/// The folder that `BENCH_PHOTOS` names, else `made`, filled with photos of `side` × 3/4 `side` pixels.
pub fn photos(made: &Path, side: u32) -> Result<PathBuf> {
    if let Some(own) = std::env::var_os("BENCH_PHOTOS") {
        return Ok(own.into());
    }
    for number in 0..PHOTOS.min(side / 16) {
        let turned = image::imageops::huerotate(&photo(side, side * 3 / 4), 15 * number as i32);
        turned.save(made.join(format!("{number}.jpg"))).map_err(std::io::Error::other)?;
    }
    Ok(made.to_owned())
}

/// Decoding, resizing, embedding and storing, in a new library each time; the model is loaded before.
pub fn bench_index(criterion: &mut Criterion, name: &str, model: Option<&Path>, photos: &Path) -> Result<()> {
    let count = fs_err::read_dir(photos)?.count();
    let mut group = criterion.benchmark_group("index");
    group.sample_size(10).throughput(Throughput::Elements(count as u64));
    for (suffix, precision) in [("", Precision::F32), ("_int8", Precision::Int8)] {
        if precision == Precision::Int8 && model.is_none() {
            continue;
        }
        let once = || -> Result<Duration> {
            let library = tempfile::tempdir()?;
            let model = model.map(|model| model.to_string_lossy().into_owned());
            let engine = Engine::open(Settings { library: library.path().to_owned(), model, precision })?;
            engine.encoder()?;
            let started = Instant::now();
            let report = engine.index(&[photos.to_owned()], &Ticker::silent())?;
            assert_eq!((report.indexed, report.failed.len()), (count, 0));
            Ok(started.elapsed())
        };
        #[expect(clippy::expect_used, reason = "criterion has no way to be told of an error")]
        let timed = |runs| (0..runs).map(|_| once().expect("every photo can be indexed")).sum();
        group.bench_function(BenchmarkId::from_parameter(format!("{name}{suffix}")), |b| b.iter_custom(timed));
    }
    group.finish();
    Ok(())
}
