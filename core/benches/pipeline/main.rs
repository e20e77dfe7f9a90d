//! How fast pictures become vectors: decode and resize, embed. In: n. Out: times; `cargo test` runs each function once,
//! small.
//!
//! `cargo bench -p sightline-core --bench pipeline`. ViT-B/32 is measured with random weights, written to the system's
//! temporary folder (350 MB): its speed does not depend on what it learned.

mod random_checkpoint;

use std::sync::Arc;

use criterion::{BenchmarkId, Criterion, Throughput};
use image::{Rgb, RgbImage};
use random_checkpoint::Shape;
use sightline_core::Result;
use sightline_core::media::{Limits, decode_bytes};
use sightline_core::models::{Checkpoint, Encoder, load, starter};

/// A picture with large shapes and fine texture, as photos have.
fn photo(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        let texture = (x.wrapping_mul(31) ^ y.wrapping_mul(17)) % 24;
        Rgb([x * 200 / width + texture, y * 200 / height + texture, (x / 64 + y / 64) % 2 * 150 + texture]
            .map(|v| v as u8))
    })
}

/// A JPEG of `side` × 3/4 `side` pixels: 4,000 is a photo of 12 megapixels.
fn bench_decode(criterion: &mut Criterion, encoder: &dyn Encoder, side: u32) -> Result<()> {
    let mut jpeg = Vec::new();
    let encoded = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut jpeg, 90);
    photo(side, side * 3 / 4).write_with_encoder(encoded).map_err(std::io::Error::other)?;
    let bytes: Arc<[u8]> = jpeg.into();
    let prepared = || {
        let decoded = decode_bytes("photo.jpg".as_ref(), Arc::clone(&bytes), &Limits::default())?;
        encoder.prepare(&decoded.picture)
    };
    prepared()?;
    let mut group = criterion.benchmark_group("decode_and_resize");
    group.sample_size(10).throughput(Throughput::Elements(1));
    group.bench_function(BenchmarkId::new("jpeg", side), |b| b.iter(prepared));
    Ok(())
}

/// `n` pictures at once.
fn bench_embed(criterion: &mut Criterion, name: &str, encoder: &dyn Encoder, n: usize) -> Result<()> {
    let prepared = encoder.prepare(&photo(640, 480))?;
    let batch = vec![prepared; n];
    encoder.embed_pictures(&batch)?;
    let mut group = criterion.benchmark_group(format!("embed/{name}"));
    group.sample_size(10).throughput(Throughput::Elements(n as u64));
    group.bench_function(BenchmarkId::from_parameter(n), |b| b.iter(|| encoder.embed_pictures(&batch)));
    Ok(())
}

fn main() -> Result<()> {
    let mut criterion = Criterion::default().configure_from_args();
    let is_measuring = std::env::args().any(|argument| argument == "--bench");
    let (side, batches, shape): (_, &[usize], _) =
        if is_measuring { (4000, &[1, 8, 16, 32], Shape::VIT_B_32) } else { (64, &[1, 2], Shape::TINY) };
    let folder = tempfile::tempdir()?;
    random_checkpoint::write(folder.path(), &shape)?;
    let (small, large) = (load(&starter())?, load(&Checkpoint::from_folder(folder.path()))?);
    bench_decode(&mut criterion, &*large, side)?;
    for n in batches {
        bench_embed(&mut criterion, "starter", &*small, *n)?;
        bench_embed(&mut criterion, "vit_b_32", &*large, *n)?;
    }
    criterion.final_summary();
    Ok(())
}
