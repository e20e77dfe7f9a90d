//! How fast an unchanged library is looked through again: walk, records, plan. And how fast it is opened. In: n. Out:
//! times; `cargo test` runs each function once, with n = 300.
//!
//! `cargo bench -p sightline-core --bench rescan` takes 100,000 empty files in the system's temporary folder; with
//! `BENCH_LARGE=1` it goes on to what a library of 1,000 to 1,000,000 photos costs (8 GB, half an hour).

use std::path::Path;

use criterion::{BatchSize, BenchmarkId, Criterion};
use sightline_core::Result;
use sightline_core::index::{ContentHash, FileRecord, FolderRecord, Indexed, PhotoRecord, Snapshot, Store};
use sightline_core::jobs::Ticker;
use sightline_core::library::{Plan, plan, scan};
use sightline_core::models::{ModelIdentity, UnitVector};

mod growth;

const DIM: usize = 512;

fn identity() -> ModelIdentity {
    ModelIdentity { id: "bench".to_owned(), digest: "0".repeat(16) }
}

fn is_picture(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "jpg")
}

fn folder(pictures: &Path) -> FolderRecord {
    FolderRecord::new(pictures.to_owned())
}

/// `n` files, 200 a folder.
fn draw(pictures: &Path, n: usize) -> Result<()> {
    for number in 0..n {
        let folder = pictures.join(format!("{:05}", number / 200));
        if number % 200 == 0 {
            fs_err::create_dir_all(&folder)?;
        }
        fs_err::write(folder.join(format!("IMG_{number:06}.jpg")), "")?;
    }
    Ok(())
}

fn photo() -> PhotoRecord {
    let (format, camera) = ("jpeg".to_owned(), Some("FUJIFILM X-T30".to_owned()));
    PhotoRecord {
        width: 4032,
        height: 3024,
        format,
        taken: Some(1),
        camera,
        lens: None,
        exposure: Default::default(),
        position: None,
    }
}

/// Numbers between −0.5 and 0.5 that look random and are always the same.
fn noise(seed: usize) -> impl Iterator<Item = f32> {
    // Knuth's linear congruential generator (MMIX).
    let next = |x: &u64| Some(x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407));
    std::iter::successors(Some(seed as u64 + 1), next).skip(1).map(|x| (x >> 40) as f32 / (1 << 24) as f32 - 0.5)
}

/// Records all that is found, as indexing does.
fn record(store: &Store, pictures: &Path) -> Result<()> {
    let mut found = scan(&[folder(pictures)], is_picture, &Ticker::silent())?.found.into_iter().enumerate();
    let indexed = |(number, found): (usize, sightline_core::library::Found)| {
        let hash = Some(ContentHash::of(&number.to_le_bytes()));
        let vector = UnitVector::normalised(noise(number).take(DIM).collect());
        let file =
            FileRecord { path: found.path, size: found.size, modified_ns: found.modified_ns, hash, problem: None };
        Indexed { file, photo: Some(photo()), vector }
    };
    loop {
        let batch: Vec<Indexed> = found.by_ref().take(64).map(indexed).collect();
        if batch.is_empty() {
            return store.flush();
        }
        store.record(&identity(), &batch)?;
    }
}

fn rescan(store: &Store, pictures: &Path) -> Result<Plan> {
    let scan = scan(&[folder(pictures)], is_picture, &Ticker::silent())?;
    Ok(plan(&scan, store.files_under(pictures)?))
}

/// The store comes back too: nobody waits for its end when a program starts.
fn start(library: &Path) -> Result<(Store, Snapshot)> {
    let store = Store::open(library)?.store;
    let snapshot = Snapshot::build(&store, &identity())?;
    Ok((store, snapshot))
}

fn bench_rescan(criterion: &mut Criterion, n: usize) -> Result<()> {
    let home = tempfile::tempdir()?;
    let (pictures, library) = (home.path().join("pictures"), home.path().join("library"));
    draw(&pictures, n)?;
    let store = Store::open(&library)?.store;
    record(&store, &pictures)?;
    assert_eq!(rescan(&store, &pictures)?.unchanged, n);
    let mut group = criterion.benchmark_group("library");
    group.sample_size(10);
    group.bench_function(BenchmarkId::new("rescan", n), |b| b.iter(|| rescan(&store, &pictures)));
    drop(store);
    assert_eq!(start(&library)?.1.entries.len(), n);
    group.bench_function(BenchmarkId::new("start", n), |b| {
        // One at a time: a second one would wait for the first one's lock.
        b.iter_batched(|| (), |()| start(&library), BatchSize::PerIteration)
    });
    Ok(())
}

fn main() -> Result<()> {
    if growth::hold_if_asked()? {
        return Ok(());
    }
    let mut criterion = Criterion::default().configure_from_args();
    let is_measuring = std::env::args().any(|argument| argument == "--bench");
    bench_rescan(&mut criterion, if is_measuring { 100_000 } else { 300 })?;
    criterion.final_summary();
    let is_large = std::env::var_os("BENCH_LARGE").is_some_and(|value| value == "1");
    match (is_measuring, is_large) {
        (true, true) => growth::report(&[1_000, 10_000, 100_000, 1_000_000]),
        (true, false) => Ok(()),
        (false, _) => growth::report(&[300]),
    }
}
