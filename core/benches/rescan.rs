//! How fast an unchanged library is looked through again: walk, records, plan. And how fast it is opened. In: n. Out:
//! times; `cargo test` runs each function once, with n = 300.
//!
//! `cargo bench -p sightline-core --bench rescan` takes 100,000 empty files in the system's temporary folder.

use std::path::Path;

use criterion::{BenchmarkId, Criterion};
use sightline_core::Result;
use sightline_core::index::{ContentHash, FileRecord, FolderRecord, Indexed, PhotoRecord, Snapshot, Store};
use sightline_core::jobs::Ticker;
use sightline_core::library::{Plan, plan, scan};
use sightline_core::models::{ModelIdentity, UnitVector};

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

/// Records all that is found, as indexing does.
fn record(store: &Store, pictures: &Path) -> Result<()> {
    let scan = scan(&[folder(pictures)], is_picture, &Ticker::silent())?;
    let indexed = |(number, found): (usize, sightline_core::library::Found)| {
        let hash = Some(ContentHash::of(&number.to_le_bytes()));
        let vector = UnitVector::normalised((0..DIM).map(|place| (number + place) as f32).collect());
        let file =
            FileRecord { path: found.path, size: found.size, modified_ns: found.modified_ns, hash, problem: None };
        Indexed { file, photo: Some(photo()), vector }
    };
    let all: Vec<Indexed> = scan.found.into_iter().enumerate().map(indexed).collect();
    for batch in all.chunks(64) {
        store.record(&identity(), batch)?;
    }
    Ok(())
}

fn rescan(store: &Store, pictures: &Path) -> Result<Plan> {
    let scan = scan(&[folder(pictures)], is_picture, &Ticker::silent())?;
    Ok(plan(&scan, store.files_under(pictures)?))
}

fn start(library: &Path) -> Result<Snapshot> {
    Snapshot::build(&Store::open(library)?.store, &identity())
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
    assert_eq!(start(&library)?.entries.len(), n);
    group.bench_function(BenchmarkId::new("start", n), |b| b.iter(|| start(&library)));
    Ok(())
}

fn main() -> Result<()> {
    let mut criterion = Criterion::default().configure_from_args();
    let is_measuring = std::env::args().any(|argument| argument == "--bench");
    bench_rescan(&mut criterion, if is_measuring { 100_000 } else { 300 })?;
    criterion.final_summary();
    Ok(())
}
